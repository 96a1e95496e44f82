package grounded

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/parley-voice/parley/internal/llm"
)

// passing is the tool by which conversations offer a transfer.
func passing(names ...string) llm.Tool {
	text := "Give the caller to somebody else. Targets:"
	for _, n := range names {
		name, does, _ := strings.Cut(n, ":")
		text += "\n" + name + ":" + does
	}
	enum := make([]string, len(names))
	for i, n := range names {
		enum[i], _, _ = strings.Cut(n, ":")
	}
	parameters, _ := json.Marshal(map[string]any{"type": "object", "required": []string{"target"}, "properties": map[string]any{
		"target": map[string]any{"type": "string", "enum": enum}, "briefing": map[string]any{"type": "string"},
	}})
	return llm.Tool{Name: llm.ToolTransfer, Description: text, Parameters: parameters}
}

// talks holds a conversation and returns the last answer.
func talks(t *testing.T, b llm.Brief, said ...string) reply {
	t.Helper()
	c := &chat{knows: understand(b)}
	history := []llm.Message{{Role: llm.Agent, Text: b.Greeting}}
	var r reply
	for _, text := range said {
		history = append(history, llm.Message{Role: llm.Caller, Text: text})
		r = c.reply(t.Context(), history)
		m := llm.Message{Role: llm.Agent, Text: strings.Join(r.texts, " ")}
		if r.call != nil {
			m.Calls = []llm.ToolCall{*r.call}
		}
		history = append(history, m)
	}
	return r
}

func TestWhoAsksForAPersonIsPutThrough(t *testing.T) {
	one := []string{"Reception: The people at the desk."}
	two := []string{"Sales: New contracts and offers.", "Accounts: Invoices and payments."}
	for _, c := range []struct {
		name    string
		targets []string
		said    []string
		to      string // nothing: asked instead
	}{
		{"to the only one there is", one, []string{"can I talk to a human please"}, "{}"},
		{"in other words", one, []string{"put me through please"}, "{}"},
		{"when the call is to be passed on", one, []string{"please transfer this call"}, "{}"},
		{"to the one who is named", two, []string{"please connect me with sales"}, `{"target":"Sales"}`},
		{"to the one whose concern it is", two, []string{"can I speak to someone about an invoice"}, `{"target":"Accounts"}`},
		{"to the one chosen when asked", two, []string{"I want to talk to a real person", "accounts please"}, `{"target":"Accounts"}`},
		{"but is asked when it is not clear to whom", two, []string{"I want to talk to a real person"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := talks(t, llm.Brief{AgentName: "Desk", Greeting: "Hello, how can I help?", Tools: []llm.Tool{passing(c.targets...)}}, c.said...)
			switch {
			case c.to == "" && (r.call != nil || !strings.Contains(strings.Join(r.texts, " "), "Sales or Accounts")):
				t.Errorf("said %q and called %v", r.texts, r.call)
			case c.to != "" && (r.call == nil || r.call.Name != llm.ToolTransfer || string(r.call.Arguments) != c.to):
				t.Errorf("said %q and called %v, want %s", r.texts, r.call, c.to)
			}
		})
	}
}

func TestAFailedTransferOffersAMessage(t *testing.T) {
	b := llm.Brief{AgentName: "Desk", Greeting: "Hello, how can I help?", Tools: []llm.Tool{passing("Reception: The desk.")}}
	c := &chat{knows: understand(b)}
	call := llm.ToolCall{ID: "c1", Name: llm.ToolTransfer, Arguments: json.RawMessage(`{}`)}
	history := []llm.Message{
		{Role: llm.Caller, Text: "can I talk to a human"}, {Role: llm.Agent, Calls: []llm.ToolCall{call}},
		{Role: llm.Result, CallID: "c1", Text: `{"ok":false,"outcome":"busy","message":"The line is busy at the moment."}`},
	}
	r := c.reply(t.Context(), history)
	text := strings.Join(r.texts, " ")
	if !strings.Contains(text, "The line is busy at the moment.") || !strings.HasSuffix(text, askMessage) {
		t.Errorf("said %q", text)
	}
	history = append(history, llm.Message{Role: llm.Agent, Text: text}, llm.Message{Role: llm.Caller, Text: "yes please"})
	if r = c.reply(t.Context(), history); !strings.Contains(strings.Join(r.texts, " "), "What is your name") {
		t.Errorf("said %q", r.texts)
	}
}
