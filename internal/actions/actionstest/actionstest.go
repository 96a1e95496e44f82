// Package actionstest holds integrations to what their catalogue entries promise, and runs them as a call does. It keeps no secret.
package actionstest

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"testing"

	"github.com/google/uuid"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/actions"
)

// Bench runs actions of one integration.
type Bench struct {
	Actions *actions.Actions
	Log     *bytes.Buffer // what the room and the integration log
	by      actions.Integration
}

// New makes a bench.
func New(by actions.Integration) *Bench {
	b := &Bench{by: by, Log: &bytes.Buffer{}}
	b.Actions = actions.New(actions.Deps{
		Vault: open{}, Client: http.DefaultClient, Integrations: []actions.Integration{by}, CheckURL: func(string) error { return nil },
		Log: slog.New(slog.NewTextHandler(b.Log, nil)),
	})
	return b
}

// open is a vault whose seal is none.
type open struct{}

func (open) Open(sealed []byte, _ string) ([]byte, error) { return sealed, nil }

// Action is an action of the integration with a config.
func (b *Bench) Action(t *testing.T, config map[string]any) *parley.Action {
	t.Helper()
	sealed, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	entry := b.by.Entry()
	return &parley.Action{
		ID: "1", AgentID: "a", Name: "Act", Description: "Acts.", Type: parley.ActionWebhook, Integration: &entry.Identifier, SealedConfig: sealed,
		Inputs: entry.Inputs, Mode: parley.DuringCall, Status: parley.ActionActive,
	}
}

// Run carries out an action with a config and returns what the model is told.
func (b *Bench) Run(t *testing.T, config map[string]any, arguments string) (string, bool) {
	t.Helper()
	return b.RunIn(t.Context(), t, config, arguments)
}

// RunIn is Run in a context.
func (b *Bench) RunIn(ctx context.Context, t *testing.T, config map[string]any, arguments string) (string, bool) {
	t.Helper()
	got, ok := b.Actions.Request(ctx, parley.NewID(), b.Action(t, config), json.RawMessage(arguments))
	if !json.Valid([]byte(got)) {
		t.Errorf("the model is told %q, which is no JSON", got)
	}
	return got, ok
}

// Faults are what is wrong with a config, by field.
func (b *Bench) Faults(config map[string]any) parley.Faults {
	faults := parley.Faults{}
	b.Actions.CheckConfig(b.by.Entry(), config, &faults)
	return faults
}

// Entry holds the catalogue entry of an integration to what a caller of the API relies on.
func Entry(t *testing.T, by actions.Integration) {
	t.Helper()
	e := by.Entry()
	if _, err := uuid.Parse(e.ID); err != nil || e.Identifier == "" || e.DisplayName == "" || e.Description == "" || e.Category == "" {
		t.Errorf("entry %+v: %v", e, err)
	}
	b, seen := New(by), map[string]bool{}
	faults := b.Faults(nil)
	for _, s := range e.Settings {
		if seen[s.Name] || s.Name == "" || s.Type == "" || s.Label == "" {
			t.Errorf("setting %+v", s)
		}
		seen[s.Name] = true
		if _, missed := faults["config."+s.Name]; missed != s.Required {
			t.Errorf("%s is left out: %v", s.Name, faults)
		}
		if s.Default != nil && s.Required {
			t.Errorf("%s is required and has a default", s.Name)
		}
		if s.Default != nil {
			if f := b.Faults(map[string]any{s.Name: s.Default}); len(f["config."+s.Name]) != 0 {
				t.Errorf("the default of %s: %v", s.Name, f)
			}
		}
		if f := b.Faults(map[string]any{s.Name: map[string]any{}}); len(f["config."+s.Name]) == 0 {
			t.Errorf("%s takes an object", s.Name)
		}
	}
	if f := b.Faults(map[string]any{"no_such_setting": "x"}); len(f["config.no_such_setting"]) == 0 {
		t.Errorf("an unknown setting is taken: %v", f)
	}
}
