package grounded

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/parley-voice/parley/internal/llm"
)

// asking is a brief of an agent with one action that takes one required input.
func asking(name, schema string) llm.Brief {
	return llm.Brief{AgentName: "Desk", Greeting: "Hello, how can I help?", Now: "2026-11-24T10:00:00Z", Tools: []llm.Tool{{
		Name: "book_visit", Description: "Books a visit.",
		Parameters: json.RawMessage(`{"type":"object","properties":{"` + name + `":` + schema + `},"required":["` + name + `"]}`),
	}}}
}

func TestExactInputsAreReadBackAndConfirmed(t *testing.T) {
	for _, c := range []struct{ name, input, schema, said, sent string }{
		{"a number that was typed", "phone", `{"type":"string","format":"phone"}`, "pressed 2025550143#", `{"phone":"2025550143"}`},
		{"a number that was said", "phone", `{"type":"string","format":"phone"}`, "two oh two, double five five, oh one four three", `{"phone":"2025550143"}`},
		{"an address that was said", "email", `{"type":"string","format":"email"}`, "it's anna dot miller at example dot com", `{"email":"anna.miller@example.com"}`},
		{"an address that was spelled", "email", `{"type":"string","format":"email"}`, "a l dash 7 at example dot com", `{"email":"al-7@example.com"}`},
		{"a date", "date", `{"type":"string","format":"date"}`, "on Friday please", `{"date":"2026-11-27"}`},
		{"a count", "guests", `{"type":"integer"}`, "we are four", `{"guests":4}`},
		{"a count that was typed", "guests", `{"type":"integer"}`, "pressed 12#", `{"guests":12}`},
		{"a long number", "order_number", `{"type":"integer"}`, "one two three four five six", `{"order_number":123456}`},
		{"figures that were typed", "account", `{"type":"string","format":"digits"}`, "pressed 00417#", `{"account":"00417"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := asking(c.input, c.schema)
			if r := talks(t, b, "I want to book a visit", c.said); r.call != nil || !strings.Contains(strings.Join(r.texts, " "), readBack) {
				t.Fatalf("said %q and called %v before a yes", r.texts, r.call)
			}
			r := talks(t, b, "I want to book a visit", c.said, "yes that's right")
			if r.call == nil || string(r.call.Arguments) != c.sent {
				t.Errorf("called %v, want %s", r.call, c.sent)
			}
		})
	}
}

// Whoever asks for the action may find that the caller did not hear all of what was read back.
func TestWhatWasNotConfirmedIsReadBackAgain(t *testing.T) {
	b := asking("date", `{"type":"string","format":"date"}`)
	c := &chat{knows: understand(b)}
	call := llm.ToolCall{ID: "grounded-1", Name: "book_visit", Arguments: json.RawMessage(`{"date":"2026-11-27"}`)}
	history := []llm.Message{
		{Role: llm.Caller, Text: "I want to book a visit"}, {Role: llm.Agent, Text: "Gladly. Which date would you like?"},
		{Role: llm.Caller, Text: "on Friday"}, {Role: llm.Agent, Text: readBack, Interrupted: true},
		{Role: llm.Caller, Text: "yes"}, {Role: llm.Agent, Calls: []llm.ToolCall{call}},
		{Role: llm.Result, CallID: "grounded-1", Text: `{"ok":false,"unconfirmed":"date Friday, November 27","message":"Read it back."}`},
	}
	r := c.reply(t.Context(), history)
	if text := strings.Join(r.texts, " "); r.call != nil || !strings.Contains(text, "Friday, November 27. "+askCorrect) {
		t.Fatalf("said %q and called %v", r.texts, r.call)
	}
	history = append(history, llm.Message{Role: llm.Agent, Text: strings.Join(r.texts, " ")}, llm.Message{Role: llm.Caller, Text: "yes"})
	if r = c.reply(t.Context(), history); r.call == nil || string(r.call.Arguments) != `{"date":"2026-11-27"}` {
		t.Errorf("said %q and called %v", r.texts, r.call)
	}
}
