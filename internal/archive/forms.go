package archive

import (
	"context"
	"encoding/json"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// agentFile is an agent with all of its configuration but secrets: sealed headers and settings of actions and webhooks are left out. Fields are
// called as the API calls them.
type agentFile struct {
	*parley.Agent
	Trainings    []parley.Training    `json:"trainings"`
	Actions      []parley.Action      `json:"actions"`
	FlowVersions []parley.FlowVersion `json:"flow_versions"` // newest first
	Webhooks     []webhookForm        `json:"webhooks"`
	Callback     *callbackForm        `json:"callback"`
	Numbers      []string             `json:"phone_numbers"`
}

type webhookForm struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	URL        string          `json:"webhook_url"`
	Events     []parley.Event  `json:"events"`
	Method     string          `json:"http_method"`
	Timeout    float64         `json:"timeout_seconds"`
	MaxRetries int             `json:"max_retries"`
	Enabled    bool            `json:"enabled"`
	Templates  json.RawMessage `json:"payload_templates"`
	CreatedAt  time.Time       `json:"created_at"`
	UpdatedAt  time.Time       `json:"updated_at"`
}

type callbackForm struct {
	SourceIDs []string             `json:"source_agent_ids"`
	Triggers  []parley.CallOutcome `json:"triggers"`
}

func (f *agentFile) read(ctx context.Context, tx store.Tx) error {
	id := f.ID
	trainings, err := tx.TrainingsOf(ctx, id)
	if err != nil {
		return err
	}
	actions, err := tx.ActionsOf(ctx, id)
	if err != nil {
		return err
	}
	if f.FlowVersions, err = tx.FlowVersions(ctx, id); err != nil {
		return err
	}
	hooks, err := tx.WebhooksOf(ctx, id)
	if err != nil {
		return err
	}
	roles, err := tx.CallbackRolesOf(ctx, id)
	if err != nil {
		return err
	}
	numbers, err := tx.NumbersOf(ctx, id)
	f.Trainings, f.Actions, f.FlowVersions = some(trainings[id]), some(actions[id]), some(f.FlowVersions)
	f.Webhooks, f.Numbers = []webhookForm{}, []string{}
	for i := range f.Actions {
		f.Actions[i].SealedHeaders, f.Actions[i].SealedConfig = nil, nil
	}
	for _, w := range hooks {
		f.Webhooks = append(f.Webhooks, webhookForm{
			ID: w.ID, Name: w.Name, URL: w.URL, Events: w.Events, Method: w.Method, Timeout: w.Timeout.Seconds(), MaxRetries: w.MaxRetries,
			Enabled: w.Enabled, Templates: w.Templates, CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt,
		})
	}
	if r := roles[id]; r != nil {
		f.Callback = &callbackForm{r.SourceIDs, r.Triggers}
	}
	for _, n := range numbers[id] {
		f.Numbers = append(f.Numbers, n.Number)
	}
	return err
}

// callFile is a call with what was said and done in it.
type callFile struct {
	ID            string                `json:"id"`
	AgentID       string                `json:"agent_id"`
	SID           string                `json:"sid"`
	To            string                `json:"to"`
	From          string                `json:"from"`
	Testing       bool                  `json:"is_testing"`
	Direction     parley.Direction      `json:"direction"`
	Transport     string                `json:"transport"`
	Status        parley.CallStatus     `json:"status"`
	EndedReason   string                `json:"ended_reason"`
	Voicemail     bool                  `json:"voicemail"`
	CreatedAt     time.Time             `json:"created_at"`
	AnsweredAt    *time.Time            `json:"answered_at"`
	EndedAt       *time.Time            `json:"ended_at"`
	Duration      float64               `json:"duration"` // seconds
	Cost          float64               `json:"cost"`
	Payload       json.RawMessage       `json:"payload"`
	Context       json.RawMessage       `json:"context"`
	Recording     *string               `json:"recording"` // its file in this archive
	RecordingNote string                `json:"recording_note,omitempty"`
	Quality       *parley.Quality       `json:"quality"`
	Turns         []parley.Turn         `json:"turns"`
	Messages      []parley.TakenMessage `json:"messages"`
	Transfers     []parley.Transfer     `json:"transfers"`
	Actions       []actionForm          `json:"actions"`
	SIPMessages   []sipForm             `json:"sip_messages"`
}

type actionForm struct {
	ID        string              `json:"id"`
	ActionID  string              `json:"action_id"`
	Type      parley.ActionType   `json:"type"`
	Name      string              `json:"name"`
	Status    parley.ActionStatus `json:"status"`
	Input     json.RawMessage     `json:"input"`
	Output    json.RawMessage     `json:"output"`
	CreatedAt time.Time           `json:"created_at"`
	SettledAt *time.Time          `json:"settled_at"`
}

type sipForm struct {
	At        time.Time `json:"at"`
	Sent      bool      `json:"sent"`
	Transport string    `json:"transport"`
	Peer      string    `json:"peer"`
	Raw       string    `json:"raw"`
	Cut       bool      `json:"cut,omitempty"`
}

// some is a list that is written as one when it is empty.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (b below) form() callFile {
	c := b.call
	f := callFile{
		ID: c.ID, AgentID: c.AgentID, SID: c.SID, To: c.To, From: c.From, Testing: c.Testing, Direction: c.Direction, Transport: c.Transport,
		Status: c.Status, EndedReason: c.EndedReason, Voicemail: c.Voicemail, CreatedAt: c.CreatedAt, AnsweredAt: c.AnsweredAt, EndedAt: c.EndedAt,
		Duration: c.Duration().Seconds(), Cost: c.Cost, Payload: c.Payload, Context: c.Context, RecordingNote: c.RecordingNote, Quality: c.Quality,
		Turns: some(b.turns), Messages: some(c.Messages), Transfers: some(c.Transfers), Actions: []actionForm{}, SIPMessages: []sipForm{},
	}
	for _, a := range b.actions {
		f.Actions = append(f.Actions, actionForm{
			ID: a.ID, ActionID: a.ActionID, Type: a.Type, Name: a.Name, Status: a.Status, Input: a.Input, Output: a.Output, CreatedAt: a.CreatedAt,
			SettledAt: a.SettledAt,
		})
	}
	for _, m := range b.sip {
		f.SIPMessages = append(f.SIPMessages, sipForm{m.At, m.Sent, m.Transport, m.Peer, m.Raw, m.Cut})
	}
	return f
}
