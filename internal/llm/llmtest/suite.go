// Package llmtest holds the suite that every llm.Model passes, and scripted stand-ins for a model and an embedder.
// It never judges what an answer says, only that it keeps to the contract of package llm.
package llmtest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/llm"
)

// patience bounds each test of the suite, so that a model that hangs fails instead of blocking the run.
const patience = 30 * time.Second

// Brief is the agent that the suite talks to; a fake server behind a model may answer from it.
func Brief() llm.Brief {
	return llm.Brief{
		AgentName:   "Front desk",
		Language:    "en",
		Description: "You answer the phone of Elm Street Books. Be brief. We are open Monday to Friday from nine to six.",
		Greeting:    "Elm Street Books, how can I help?",
		Trainings:   []llm.Training{{Subject: "Parking", Instructions: "There is free parking behind the shop."}},
		Now:         "2026-11-24T10:00:00Z",
		Tools: []llm.Tool{
			{Name: llm.ToolHangUp, Description: "End the call.", Parameters: json.RawMessage(`{"type":"object","properties":{}}`)},
		},
	}
}

// Run holds a model against the contract. The model is asked about Brief: it has to answer a question in words and to hang up on a goodbye.
func Run(t *testing.T, open func(t *testing.T) llm.Model) {
	tests := map[string]func(*testing.T, llm.Model){
		"an answer streams as words":                  answersInWords,
		"a goodbye hangs up with a well-formed call":  hangsUp,
		"a cancelled context ends a reply":            obeysCancelledContext,
		"cancelling in mid-answer ends a reply":       obeysCancelInMidAnswer,
		"an error of emit ends a reply":               returnsEmitError,
		"all state comes with the history":            stateIsHistory,
		"a history is not written to":                 leavesHistoryAlone,
		"interrupted words and results are taken":     takesAnyHistory,
		"chats of one model run side by side":         runsSideBySide,
		"opening with a cancelled context is refused": openObeysContext,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func question() []llm.Message {
	return []llm.Message{
		{Role: llm.Agent, Text: "Elm Street Books, how can I help?"},
		{Role: llm.Caller, Text: "Is there parking behind the shop?"},
	}
}

func chat(t *testing.T, m llm.Model) (context.Context, llm.Chat) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), patience, errors.New("the model took too long"))
	t.Cleanup(cancel)
	c, err := m.Open(ctx, Brief())
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(c.Close)
	return ctx, c
}

// Collect gathers a whole reply: its words and its tool calls.
func Collect(ctx context.Context, c llm.Chat, history []llm.Message) (string, []llm.ToolCall, error) {
	var text strings.Builder
	var calls []llm.ToolCall
	err := c.Reply(ctx, history, func(k llm.Chunk) error {
		if (k.Text != "") == (k.Call != nil) {
			return errors.New("a chunk holds text or a call, never both and never neither")
		}
		text.WriteString(k.Text)
		if k.Call != nil {
			calls = append(calls, *k.Call)
		}
		return nil
	})
	return text.String(), calls, err
}

func answersInWords(t *testing.T, m llm.Model) {
	ctx, c := chat(t, m)
	text, _, err := Collect(ctx, c, question())
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(text) == "" {
		t.Error("the answer holds no words")
	}
}

func hangsUp(t *testing.T, m llm.Model) {
	ctx, c := chat(t, m)
	history := append(question(), llm.Message{Role: llm.Agent, Text: "There is free parking behind the shop."},
		llm.Message{Role: llm.Caller, Text: "Thank you, goodbye."})
	_, calls, err := Collect(ctx, c, history)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(calls, func(c llm.ToolCall) bool { return c.Name == llm.ToolHangUp }) {
		t.Errorf("calls = %v, want %s", calls, llm.ToolHangUp)
	}
	seen := map[string]bool{}
	for _, call := range calls {
		var args map[string]any
		if err := json.Unmarshal(call.Arguments, &args); err != nil || args == nil {
			t.Errorf("arguments of %s are %q, want a JSON object", call.Name, call.Arguments)
		}
		if call.ID == "" || seen[call.ID] {
			t.Errorf("id %q of %s is empty or used twice", call.ID, call.Name)
		}
		seen[call.ID] = true
	}
}

func obeysCancelledContext(t *testing.T, m llm.Model) {
	ctx, c := chat(t, m)
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := Collect(gone, c, question()); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want context.Canceled", err)
	}
}

func obeysCancelInMidAnswer(t *testing.T, m llm.Model) {
	ctx, c := chat(t, m)
	short, cancel := context.WithCancel(ctx)
	defer cancel()
	emitted := 0
	err := c.Reply(short, question(), func(llm.Chunk) error { emitted++; cancel(); return nil })
	// A reply of a single chunk may be over before the cancelling is seen.
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want context.Canceled", err)
	}
	if emitted != 1 {
		t.Errorf("%d chunks were emitted, want 1: nothing may follow a cancelled context", emitted)
	}
}

func returnsEmitError(t *testing.T, m llm.Model) {
	ctx, c := chat(t, m)
	full := errors.New("the listener is gone")
	emitted := 0
	err := c.Reply(ctx, question(), func(llm.Chunk) error { emitted++; return full })
	if !errors.Is(err, full) {
		t.Errorf("err = %v, want the error of emit", err)
	}
	if emitted != 1 {
		t.Errorf("emit was called %d times, want once", emitted)
	}
}

func stateIsHistory(t *testing.T, m llm.Model) {
	ctx, first := chat(t, m)
	asked, _, err := Collect(ctx, first, question())
	if err != nil {
		t.Fatal(err)
	}
	history := append(question(), llm.Message{Role: llm.Agent, Text: asked}, llm.Message{Role: llm.Caller, Text: "Sorry, can you repeat that?"})
	want, _, err := Collect(ctx, first, history)
	if err != nil {
		t.Fatal(err)
	}
	_, second := chat(t, m)
	got, _, err := Collect(ctx, second, history)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("a chat that took over said %q, the first one %q", got, want)
	}
}

func leavesHistoryAlone(t *testing.T, m llm.Model) {
	ctx, c := chat(t, m)
	history := append(make([]llm.Message, 0, 8), question()...)
	if _, _, err := Collect(ctx, c, history); err != nil {
		t.Fatal(err)
	}
	spare := history[:cap(history)]
	if history[1].Text != question()[1].Text || spare[2].Text != "" {
		t.Errorf("history was written to: %v", spare)
	}
}

func takesAnyHistory(t *testing.T, m llm.Model) {
	ctx, c := chat(t, m)
	call := llm.ToolCall{ID: "call-1", Name: llm.ToolTakeMessage, Arguments: json.RawMessage(`{"slots":{"name":"Ann"}}`)}
	history := append(question(),
		llm.Message{Role: llm.Agent, Text: "There is free", Interrupted: true},
		llm.Message{Role: llm.Caller, Text: "Can I leave a message? I'm Ann."},
		llm.Message{Role: llm.Agent, Text: "One moment.", Calls: []llm.ToolCall{call}},
		llm.Message{Role: llm.Result, Text: `{"ok":true}`, CallID: call.ID})
	text, calls, err := Collect(ctx, c, history)
	if err != nil {
		t.Fatal(err)
	}
	if text == "" && len(calls) == 0 {
		t.Error("nothing followed a tool's result")
	}
}

func runsSideBySide(t *testing.T, m llm.Model) {
	ctx, _ := chat(t, m)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			c, err := m.Open(ctx, Brief())
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			defer c.Close()
			if _, _, err := Collect(ctx, c, question()); err != nil {
				t.Errorf("reply: %v", err)
			}
		})
	}
	all.Wait()
}

func openObeysContext(t *testing.T, m llm.Model) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	c, err := m.Open(gone, Brief())
	if err == nil {
		// A model that needs no preparation may open; then the first reply has to refuse.
		defer c.Close()
		_, _, err = Collect(gone, c, question())
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want context.Canceled", err)
	}
}
