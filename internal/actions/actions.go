// Package actions sends what an agent's webhook actions ask of the outside world, and says what came back in words that a model can talk
// about. It keeps the catalogue of integrations, which lie below it. It opens no socket: requests go through the client that it is
// given. It logs neither addresses nor headers nor bodies.
package actions

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/parley-voice/parley"
)

const (
	// within bounds an action as a whole: token, request and retry.
	within = 10 * time.Second
	// mostAnswer is how much of an answer the model gets to see, in bytes.
	mostAnswer = 16 << 10
	// retryPause lies between the two attempts.
	retryPause = 300 * time.Millisecond
)

// vault opens what lets us in at a receiver.
type vault interface {
	Open(sealed []byte, context string) ([]byte, error)
}

// Deps are what the room uses.
type Deps struct {
	Vault vault
	// Client sends requests. It bounds no time, follows no redirect, and refuses addresses that users may not reach.
	Client *http.Client
	// Integrations are the services beside plain HTTP.
	Integrations []Integration
	// CheckURL says why a URL that a user gave can never be requested.
	CheckURL func(url string) error
	Log      *slog.Logger
}

// Actions is the room. Make it with New. It is safe for concurrent use.
type Actions struct {
	deps   Deps
	tokens *tokens
}

// New makes the room.
func New(deps Deps) *Actions { return &Actions{deps: deps, tokens: newTokens()} }

// errTimeout is the cause of an action that took too long.
var errTimeout = errors.New("actions: no answer within 10s")

// Runs says whether an action is one that can be sent.
func (a *Actions) Runs(act *parley.Action) bool {
	return act.Type == parley.ActionWebhook && (act.URL != nil || act.Integrated())
}

// Request sends the arguments of a webhook action, a JSON object, and returns what the model is told: JSON, whatever came of it. A request
// that found nobody, or a receiver that is out of order for the moment, is sent once more; run is the Idempotency-Key of all of them.
func (a *Actions) Request(ctx context.Context, run string, act *parley.Action, arguments json.RawMessage) (result string, ok bool) {
	ctx, cancel := context.WithTimeoutCause(ctx, within, errTimeout)
	defer cancel()
	if act.Integrated() {
		return a.integrated(ctx, run, act, arguments)
	}
	began := time.Now()
	status, answer, err := a.exchange(ctx, run, act, arguments)
	a.deps.Log.Info("action", "action", act.ID, "status", status, "ms", time.Since(began).Milliseconds(), "failed", err != nil)
	switch {
	case errors.Is(context.Cause(ctx), errTimeout):
		return failure(0, "It did not answer in time.", nil), false
	case err != nil:
		return failure(0, "It cannot be reached at the moment.", nil), false
	case status < 200 || status > 299:
		return failure(status, reason(answer), answer), false
	}
	return success(answer), true
}

// exchange sends the request, again if that may help.
func (a *Actions) exchange(ctx context.Context, run string, act *parley.Action, arguments json.RawMessage) (status int, answer []byte, err error) {
	headers, err := a.headers(act)
	if err != nil {
		return 0, nil, err
	}
	for attempt := range 2 {
		var cached bool
		if cached, err = a.authorize(ctx, act, headers); err != nil {
			return 0, nil, err
		}
		status, answer, err = a.send(ctx, act, headers, run, arguments)
		rejected := err == nil && status == http.StatusUnauthorized && cached
		if rejected {
			a.tokens.forget(act)
		}
		if attempt > 0 || !rejected && !transient(ctx, status, err) {
			break
		}
		if !pause(ctx, retryPause) {
			break
		}
	}
	return status, answer, err
}

// transient says whether another attempt may go better.
func transient(ctx context.Context, status int, err error) bool {
	if err != nil {
		var refused interface{ Forbidden() bool }
		return ctx.Err() == nil && !errors.As(err, &refused)
	}
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// headers are the custom ones.
func (a *Actions) headers(act *parley.Action) (http.Header, error) {
	list, err := a.custom(act)
	out := http.Header{}
	for _, h := range list {
		out.Add(h.Key, h.Value)
	}
	return out, err
}

func (a *Actions) custom(act *parley.Action) (list []parley.Header, err error) {
	if act.SealedHeaders == nil {
		return nil, nil
	}
	plain, err := a.deps.Vault.Open(act.SealedHeaders, act.SealContext())
	if err == nil {
		err = json.Unmarshal(plain, &list)
	}
	if err != nil {
		return nil, fmt.Errorf("headers of action %s: %w", act.ID, err)
	}
	return list, nil
}

func (a *Actions) send(ctx context.Context, act *parley.Action, headers http.Header, key string, arguments json.RawMessage) (int, []byte, error) {
	to, body := *act.URL, io.Reader(bytes.NewReader(arguments))
	inQuery := act.Method == http.MethodGet || act.Method == http.MethodDelete
	if inQuery {
		body = nil
		var err error
		if to, err = withQuery(to, arguments); err != nil {
			return 0, nil, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, act.Method, to, body)
	if err != nil {
		return 0, nil, err
	}
	r.Header = headers.Clone()
	if !inQuery {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Idempotency-Key", key)
	return a.do(r)
}

// do sends a request and reads as much of the answer as is of use.
func (a *Actions) do(r *http.Request) (int, []byte, error) {
	res, err := a.deps.Client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }() // read only
	b, err := io.ReadAll(io.LimitReader(res.Body, mostAnswer))
	return res.StatusCode, b, err
}

// withQuery puts arguments into the query of a URL.
func withQuery(to string, arguments json.RawMessage) (string, error) {
	u, err := url.Parse(to)
	if err != nil {
		return "", err
	}
	var values map[string]any
	if err := json.Unmarshal(arguments, &values); err != nil {
		return "", err
	}
	q := u.Query()
	for name, v := range values {
		text, ok := v.(string)
		if !ok {
			b, err := json.Marshal(v)
			if err != nil {
				return "", err
			}
			text = string(b)
		}
		q.Set(name, text)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// success is what the model is told of an answer: JSON as it is, anything else as a text.
func success(answer []byte) string {
	answer = bytes.TrimSpace(answer)
	switch {
	case len(answer) == 0:
		return `{"ok":true}`
	case json.Valid(answer):
		return string(answer)
	}
	return encode(map[string]any{"ok": true, "result": strings.ToValidUTF8(string(answer), "")})
}

// failure is what the model is told when nothing came of it.
func failure(status int, message string, answer []byte) string {
	told := map[string]any{"ok": false, "message": message}
	if status != 0 {
		told["status"] = status
	}
	if json.Valid(answer) {
		told["answer"] = json.RawMessage(answer)
	}
	return encode(told)
}

// reason is the message in an answer, if it has one.
func reason(answer []byte) string {
	var told struct{ Message string }
	if json.Unmarshal(answer, &told) == nil && told.Message != "" {
		return told.Message
	}
	return "It was refused."
}

func encode(v map[string]any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return `{"ok":false}` // texts, numbers and checked JSON always marshal
	}
	return string(b)
}
