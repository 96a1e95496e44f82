package grounded

import (
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/llm/llmtest"
)

// wednesday is when these callers call.
var wednesday = time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)

func TestUnderstandReadsValues(t *testing.T) {
	for _, c := range []struct {
		kind, said, value, spoken string
	}{
		{"name", "My name is Laura Chen.", "Laura Chen", "Laura Chen"},
		{"name", "Laura.", "Laura", "Laura"},
		{"name", "yes please", "", ""},
		{"date", "next Friday would be nice", "2026-11-27", "Friday, November 27"},
		{"date", "I do not know", "", ""},
		{"time", "at half past nine in the morning", "09:30", "9:30 am"},
		{"number", "Six people.", "6", "6"},
		{"number", "a few", "", ""},
		{"email", "laura dot chen at mail dot example", "laura.chen@mail.example", "laura.chen@mail.example"},
		{"phone", "five five five, oh one oh, oh two hundred", "5550100200", "5 5 5 0 1 0 0 2 0 0"},
		{"phone", "5550100200", "5550100200", "5 5 5 0 1 0 0 2 0 0"},
		{"code", "A B 1 2", "AB12", "A B 1 2"},
		{"boolean", "yes", "true", "yes"},
		{"boolean", "absolutely not", "false", "no"},
		{"choice", "the blue one please", "Blue", "Blue"},
		{"choice", "something green", "", ""},
		{"text", "It's about my teeth.", "about my teeth", "about my teeth"},
		{"text", "No.", "No", "No"},
		{"text", "hello?", "", ""},
	} {
		t.Run(c.kind+" "+c.said, func(t *testing.T) {
			w := &Wanted{Name: "v", Kind: c.kind}
			if c.kind == "choice" {
				w.Choices = []string{"Red", "Blue"}
			}
			m := New(nil).Understand(t.Context(), Query{Said: c.said, Wanted: w, Now: wednesday})
			if m.Value != c.value || m.Spoken != c.spoken && m.Value != c.spoken {
				t.Errorf("%q, said %q", m.Value, m.Spoken)
			}
		})
	}
}

func TestUnderstandMatchesWishes(t *testing.T) {
	visit := []string{"The caller wants to book an appointment", "The caller wants to speak with the front desk", "The caller wants to cancel an appointment"}
	agree := []string{"The caller agrees", "The caller declines"}
	more := []string{"The caller needs nothing else", "The caller asks about opening hours"}
	anywhere := []string{"The caller wants to end the call", "The caller wants to speak to a human"}
	for _, c := range []struct {
		rule, said        string
		options           []string
		wanted            *Wanted
		option, elsewhere int
	}{
		{"by its words", "I would like to book an appointment", visit, nil, 1, 0},
		{"by some of them", "can I talk to the front desk", visit, nil, 2, 0},
		{"what several have in common decides nothing", "it is about an appointment", visit, nil, 0, 0},
		{"the contrary is another wish", "I have to cancel my appointment", visit, nil, 3, 0},
		{"a yes", "sure, go ahead", agree, nil, 1, 0},
		{"a no", "no thanks", agree, nil, 2, 0},
		{"a no that sounds like a yes", "absolutely not", agree, nil, 2, 0},
		{"a polite no", "I would rather not", agree, nil, 2, 0},
		{"not to know is neither", "hmm I do not know", agree, nil, 0, 0},
		{"that it was all", "no, that is all", more, nil, 1, 0},
		{"what is wanted anywhere", "I want to speak to a human", visit, nil, 0, 2},
		{"also instead of an answer", "can I talk to a person please", nil, &Wanted{Name: "day", Kind: "date"}, 0, 2},
		{"but an answer is none", "at the end of the month, the thirtieth", nil, &Wanted{Name: "day", Kind: "date"}, 0, 0},
		{"nor is a name", "My name is Laura", nil, &Wanted{Name: "name", Kind: "name"}, 0, 0},
		{"a greeting is nothing", "hello", visit, nil, 0, 0},
	} {
		t.Run(c.rule, func(t *testing.T) {
			for _, m := range []*Model{New(nil), New(llmtest.Embedder{})} {
				got := m.Understand(t.Context(), Query{Said: c.said, Options: c.options, Wanted: c.wanted, Anywhere: anywhere, Now: wednesday})
				if got.Option != c.option || got.Elsewhere != c.elsewhere {
					t.Errorf("option %d, elsewhere %d, want %d and %d", got.Option, got.Elsewhere, c.option, c.elsewhere)
				}
			}
		})
	}
}

func TestUnderstandHearsWhatEveryCallerSays(t *testing.T) {
	for said, is := range map[string]func(Meaning) bool{
		"could you say that again": func(m Meaning) bool { return m.Repeat }, "one moment please": func(m Meaning) bool { return m.Wait },
		"goodbye": func(m Meaning) bool { return m.Leaves }, "I would rather not say": func(m Meaning) bool { return m.Declined || m.No },
		"yes that is right": func(m Meaning) bool { return m.Yes && !m.No }, "no, that is wrong": func(m Meaning) bool { return m.No && !m.Yes },
	} {
		if m := New(nil).Understand(t.Context(), Query{Said: said, Now: wednesday}); !is(m) {
			t.Errorf("%q means %+v", said, m)
		}
	}
}
