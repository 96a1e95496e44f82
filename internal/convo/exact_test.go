package convo

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/llm"
)

func TestAnExactValueIsConfirmedWhenItWasReadBackAndTheCallerSaidYes(t *testing.T) {
	const yes = "yes that's right"
	for _, c := range []struct {
		name, kind, value string
		agent, caller     string
		confirmed         bool
	}{
		{"figures one by one", "phone", "+12025550143", "Your number is plus 1 2 0 2 5 5 5 0 1 4 3, is that right?", yes, true},
		{"figures in words", "phone", "5550143", "That is five five five, oh one four three?", yes, true},
		{"figures in groups", "phone", "2025550143", "202-555-0143, correct?", "correct", true},
		{"another figure", "phone", "2025550143", "202-555-0144, correct?", yes, false},
		{"nothing was read back", "phone", "2025550143", "Shall I book it?", yes, false},
		{"the caller said no", "phone", "2025550143", "202-555-0143, correct?", "no, that's wrong", false},
		{"the caller asked something", "phone", "2025550143", "202-555-0143, correct?", "how long will it take", false},
		{"an address that is said", "email", "anna.miller@example.com", "anna dot miller at example dot com, right?", yes, true},
		{"an address that is written", "email", "anna.miller@example.com", "Anna.Miller@example.com?", "yeah", true},
		{"an address that is spelled", "email", "al@example.com", "a l at example dot com?", "yes", true},
		{"another address", "email", "anna.miller@example.com", "anna dot mueller at example dot com?", yes, false},
		{"a date with its month", "date", "2031-03-12", "Wednesday, March 12. Is that right?", yes, true},
		{"a date in words", "date", "2031-03-23", "March twenty-third?", yes, true},
		{"another date", "date", "2031-03-12", "Thursday, March 13. Is that right?", yes, false},
		{"a date as the model wrote it", "date", "Monday", "On Monday, right?", yes, true},
		{"a time of the afternoon", "time", "15:30", "At half past three?", yes, true},
		{"a time in figures", "time", "10:30", "At 10:30 am?", yes, true},
		{"another time", "time", "10:30", "At 10:45 am?", yes, false},
		{"a small number", "integer", "4", "A table for four?", yes, true},
		{"within a longer figure", "integer", "4", "At 10:45 am?", yes, false},
		{"day and time", "datetime", "2031-03-12T10:30", "March 12 at 10:30, right?", yes, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := parley.ActionInput{Name: "it", Type: c.kind}
			history := []llm.Message{{Role: llm.Caller, Text: "book me in"}, {Role: llm.Agent, Text: c.agent}, {Role: llm.Caller, Text: c.caller}}
			value, _ := json.Marshal(map[string]string{"it": c.value})
			got := unconfirmed(&parley.Action{Inputs: []parley.ActionInput{in}}, value, history, "en-US")
			if (len(got) == 0) != c.confirmed {
				t.Errorf("unconfirmed: %q", got)
			}
		})
	}
}

func TestTheYesHasToComeNext(t *testing.T) {
	act := &parley.Action{Inputs: []parley.ActionInput{{Name: "phone", Type: "phone"}}}
	sent := json.RawMessage(`{"phone":"5550143"}`)
	history := []llm.Message{
		{Role: llm.Agent, Text: "5550143, right?"}, {Role: llm.Caller, Text: "what"}, {Role: llm.Agent, Text: "I said something."}, {Role: llm.Caller, Text: "yes"},
	}
	if got := unconfirmed(act, sent, history, "en"); len(got) != 1 || got[0] != "phone 5 5 5 0 1 4 3" {
		t.Errorf("unconfirmed: %q", got)
	}
}

// In a language whose numbers we do not read, a question of the model's own and a yes count once it was told what to read back.
func TestAForeignReadingIsBelievedOnceItWasAskedFor(t *testing.T) {
	act := &parley.Action{Inputs: []parley.ActionInput{{Name: "telefone", Type: "phone"}}}
	sent := json.RawMessage(`{"telefone":"5550143"}`)
	asked := []llm.Message{{Role: llm.Agent, Text: "cinco cinco cinco, zero um quatro três, certo?"}, {Role: llm.Caller, Text: "Sim, está certo."}}
	first := unconfirmed(act, sent, asked, "pt-BR")
	told := append([]llm.Message{{Role: llm.Result, Text: refusal(first)}}, asked...)
	denied := append(slices.Clone(told[:2]), llm.Message{Role: llm.Caller, Text: "Não, está errado."})
	if len(first) != 1 || len(unconfirmed(act, sent, told, "pt-BR")) != 0 || len(unconfirmed(act, sent, denied, "pt-BR")) != 1 {
		t.Errorf("unconfirmed at first: %q, then %q, denied: %q", first, unconfirmed(act, sent, told, "pt-BR"), unconfirmed(act, sent, denied, "pt-BR"))
	}
	if !strings.Contains(refusal(first), "telefone 5 5 5 0 1 4 3") {
		t.Errorf("told %s", refusal(first))
	}
}

func TestFixedAndInexactInputsNeedNoYes(t *testing.T) {
	act := &parley.Action{Inputs: []parley.ActionInput{
		{Name: "shop", Type: "integer", Value: json.RawMessage("7")}, {Name: "note", Type: "string"},
		{Name: "size", Type: "integer", Enum: []json.RawMessage{[]byte("1"), []byte("2")}},
	}}
	if got := unconfirmed(act, json.RawMessage(`{"shop":7,"note":"x","size":2}`), nil, "en"); len(got) != 0 {
		t.Errorf("unconfirmed: %q", got)
	}
}
