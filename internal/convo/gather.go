package convo

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/llm"
)

// gatherWithin bounds reading inputs out of a call.
const gatherWithin = 40 * time.Second

// reader is what a model is told that reads inputs out of a call.
const reader = "A phone call has ended. Call the tool once with what was said in it. Leave out what was not said. Do not talk."

// Gather finds the inputs of an action in a call that is over: fixed values, then what is known under their names already, then what the
// model finds in what was said. A nil model finds nothing. missing are required ones that nobody knows; err says that the model could not
// be asked, so that more may come of another attempt.
func Gather(ctx context.Context, m llm.Model, snap *parley.Snapshot, payload map[string]any, a *parley.Action, turns []parley.Turn,
	known map[string]json.RawMessage) (arguments json.RawMessage, missing []string, err error) {
	if m != nil && len(turns) > 0 && asksMore(a, known) {
		var found map[string]json.RawMessage
		if found, err = readOut(ctx, m, snap, a, turns); err == nil {
			for name, v := range found {
				if _, have := known[name]; !have {
					known[name] = v
				}
			}
		}
	}
	arguments, missing = filledIn(a, encoded(known), payload)
	return arguments, missing, err
}

// asksMore says whether an input is neither fixed nor known.
func asksMore(a *parley.Action, known map[string]json.RawMessage) bool {
	for i := range a.Inputs {
		_, fixed := a.Inputs[i].Fixed()
		if _, have := known[a.Inputs[i].Name]; !fixed && !have {
			return true
		}
	}
	return false
}

// readOut lets a model call the action's tool for what was said. One that talks instead has found nothing.
func readOut(ctx context.Context, m llm.Model, snap *parley.Snapshot, a *parley.Action, turns []parley.Turn) (found map[string]json.RawMessage, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, gatherWithin, errors.New("no inputs read within 40s"))
	defer cancel()
	d := deedsOf([]parley.ActionTool{{Action: *a}})[0]
	agent := &snap.Agent
	err = caught(func() error {
		chat, err := m.Open(ctx, llm.Brief{
			AgentName: agent.Name, Language: agent.Language, Description: reader, Tools: []llm.Tool{d.tool}, Now: time.Now().Format(time.RFC3339),
		})
		if err != nil {
			return err
		}
		defer chat.Close()
		return chat.Reply(ctx, dialogue(turns), func(k llm.Chunk) error {
			if k.Call != nil && k.Call.Name == d.tool.Name {
				return json.Unmarshal(k.Call.Arguments, &found)
			}
			return nil
		})
	})
	return found, err
}

// dialogue is a call as a history that asks for what comes of it.
func dialogue(turns []parley.Turn) []llm.Message {
	var all []llm.Message
	for _, t := range turns {
		m := llm.Message{Role: llm.Caller, Text: t.Text}
		if t.Who == parley.WhoAgent {
			m = llm.Message{Role: llm.Agent, Text: t.Text, Interrupted: t.Interrupted}
			if t.Heard != nil {
				m.Text = *t.Heard
			}
		}
		all = append(all, m)
	}
	return append(all, llm.Message{Role: llm.Caller, Text: "(The call is over.)"})
}
