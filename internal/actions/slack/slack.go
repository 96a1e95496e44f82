// Package slack posts a text to an incoming webhook of Slack, or of a chat that takes the same requests (Mattermost, Rocket.Chat). What
// callers said is escaped, so that it can neither address a channel nor pretend to be a link.
package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/actions"
)

const (
	// mostText bounds a message, in runes; Slack cuts longer ones off.
	mostText = 4000
	// mostReason bounds what is read of why a message was not taken, in bytes.
	mostReason = 200
)

// Slack is the integration. Make it with New.
type Slack struct{ client *http.Client }

var _ actions.Integration = (*Slack)(nil)

// New makes it over a client that guards where requests go.
func New(client *http.Client) *Slack { return &Slack{client} }

// Entry implements actions.Integration.
func (*Slack) Entry() parley.Integration {
	return parley.Integration{
		ID: "5b0c5c1e-6f0a-4f44-9d3e-6f1d0b7f0a05", Identifier: parley.IntegrationSlack, DisplayName: "Slack message", Category: "communication",
		Description: "Posts a message to a channel by an incoming webhook of Slack, or of a chat that takes the same requests.",
		Settings: []parley.Setting{
			{Name: "webhook_url", Type: parley.SettingURL, Label: "Webhook URL", Required: true, Secret: true,
				Description: "As Slack shows it; who knows it can post."},
			{Name: "text", Type: parley.SettingTemplate, Label: "Message", Required: true,
				Description: "With the inputs of the action in it, such as {{name}}. Slack's markup may be used."},
		},
	}
}

// Check implements actions.Integration: any two settings go together.
func (*Slack) Check(parley.Config, *parley.Faults) {}

// escaper makes the three characters that Slack gives a meaning harmless.
var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// Run implements actions.Integration.
func (s *Slack) Run(ctx context.Context, o *actions.Order) ([]byte, error) {
	text := []rune(strings.TrimSpace(parley.FillPlaceholders(o.Config.Text("text"), o.Arguments, escaper.Replace)))
	if len(text) == 0 {
		return nil, &actions.Refusal{Message: "There is nothing to send."}
	}
	body, err := json.Marshal(map[string]string{"text": string(text[:min(len(text), mostText)])})
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.Config.Text("webhook_url"), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	for _, h := range o.Headers {
		r.Header.Add(h.Key, h.Value)
	}
	res, err := s.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }() // read only
	reason, err := io.ReadAll(io.LimitReader(res.Body, mostReason))
	if err != nil {
		return nil, err
	}
	return told(res.StatusCode, strings.ToValidUTF8(string(bytes.TrimSpace(reason)), ""))
}

// told says what became of a message. Slack gives reasons in words such as channel_not_found.
func told(status int, reason string) ([]byte, error) {
	switch {
	case status >= 200 && status < 300:
		return []byte(`{"ok":true,"message":"The message was sent."}`), nil
	case status == http.StatusTooManyRequests:
		return nil, &actions.Refusal{Message: "There were too many messages. It can be tried again in a minute."}
	case status >= http.StatusInternalServerError:
		return nil, fmt.Errorf("slack: status %d", status)
	}
	return nil, &actions.Refusal{Message: "The message was not accepted.", More: map[string]any{"status": status, "reason": reason}}
}
