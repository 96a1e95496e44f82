package convo_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/llm/llmtest"
)

// desk takes requests of actions.
type desk struct {
	takes  time.Duration
	result string
	got    []string
}

func (*desk) Runs(a *parley.Action) bool { return a.Type == parley.ActionWebhook && a.URL != nil }

func (d *desk) Request(ctx context.Context, _ string, a *parley.Action, arguments json.RawMessage) (string, bool) {
	select {
	case <-time.After(d.takes):
	case <-ctx.Done():
	}
	d.got = append(d.got, a.Name+string(arguments))
	return d.result, true
}

func booking() parley.Action {
	return parley.Action{
		ID: "1", Name: "Book a visit!", Description: "Books.", Type: parley.ActionWebhook, URL: ptr("https://example.com"), Mode: parley.DuringCall,
		Status: parley.ActionActive, SpeakOnSend: ptr("let me book that."),
		Inputs: []parley.ActionInput{
			{Name: "day", Type: "text", Required: true, Description: "Which day."}, {Name: "notes", Type: "text"},
			{Name: "shop", Type: "integer", Value: json.RawMessage("7")}, {Name: "who", Type: "string", Value: json.RawMessage(`"for {{name}}"`)},
		},
	}
}

// booker books at the first turn and repeats what came of it.
func booker(arguments string) *llmtest.Model {
	return &llmtest.Model{Script: func(_ llm.Brief, h []llm.Message) llmtest.Reply {
		last := h[len(h)-1]
		switch {
		case last.Role == llm.Result:
			return llmtest.Say("result " + strings.Trim(last.Text, `{}"`) + ".")
		case strings.Contains(last.Text, "book"):
			return llmtest.Reply{Calls: []llm.ToolCall{{ID: "c1", Name: "book_a_visit", Arguments: json.RawMessage(arguments)}}}
		}
		for _, m := range h {
			if m.Role == llm.Result {
				return llmtest.Say("known " + strings.Trim(m.Text, `{}"`) + ".")
			}
		}
		return llmtest.Say("yes.")
	}}
}

func TestChatRunsActions(t *testing.T) {
	at := &desk{result: "booked"}
	var told []convo.Acted
	c, err := convo.NewText(t.Context(), convo.Config{
		CallID: "chat", Snapshot: &parley.Snapshot{Agent: newAgent(), Actions: []parley.Action{booking()}}, Log: slog.New(slog.DiscardHandler),
		Payload: map[string]any{"name": "ann"}, Requester: at,
		Acted:   func(a convo.Acted) { told = append(told, a) },
		Engines: convo.Engines{Model: booker(`{"day":"monday","shop":9,"other":1}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	turns, err := c.Say(t.Context(), "book me in")
	if err != nil || turns[1].Text != "let me book that. result booked." {
		t.Errorf("turns %+v, %v", turns, err)
	}
	if len(at.got) != 1 || at.got[0] != `Book a visit!{"day":"monday","shop":7,"who":"for ann"}` {
		t.Errorf("sent %q", at.got)
	}
	if len(told) != 1 || told[0].Output != "booked" || !told[0].OK || !strings.Contains(string(told[0].Input), "monday") {
		t.Errorf("told %+v", told)
	}
	if turns, err = c.Say(t.Context(), "and"); err != nil || turns[1].Text != "known booked." {
		t.Errorf("later: %+v, %v", turns, err)
	}
}

func TestAnActionWaitsForWhatItNeeds(t *testing.T) {
	at := &desk{}
	c, err := convo.NewText(t.Context(), convo.Config{
		CallID: "chat", Snapshot: &parley.Snapshot{Agent: newAgent(), Actions: []parley.Action{booking()}}, Log: slog.New(slog.DiscardHandler),
		Requester: at, Engines: convo.Engines{Model: booker(`{"notes":"x"}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	turns, err := c.Say(t.Context(), "book me in")
	if err != nil || !strings.Contains(turns[1].Text, "missing first: day") || len(at.got) != 0 {
		t.Errorf("turns %+v, sent %q, %v", turns, at.got, err)
	}
}

const readItBack = "Read it back and let the caller say yes before you call this."

func TestTheModelIsOfferedWhatCanRun(t *testing.T) {
	var tools []llm.Tool
	first, same, later, nowhere := booking(), booking(), booking(), booking()
	first.Inputs[0].Type, same.Inputs[0].Type = "date", "date"
	later.Mode, nowhere.URL = parley.PostCall, nil
	m := &llmtest.Model{Script: func(b llm.Brief, _ []llm.Message) llmtest.Reply { tools = b.Tools; return llmtest.Say("yes.") }}
	c, err := convo.NewText(t.Context(), convo.Config{
		Snapshot: &parley.Snapshot{Agent: newAgent(), Actions: []parley.Action{first, same, later, nowhere}}, Log: slog.New(slog.DiscardHandler),
		Requester: &desk{}, Engines: convo.Engines{Model: m},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if _, err := c.Say(t.Context(), "hello"); err != nil {
		t.Fatal(err)
	}
	tools = tools[2:]
	const want = `{"type":"object","properties":` +
		`{"day":{"description":"Which day. ` + readItBack + `","format":"date","type":"string"},"notes":{"type":"string"}},"required":["day"]}`
	if len(tools) != 2 || tools[0].Name != "book_a_visit" || tools[1].Name != "book_a_visit_2" || string(tools[0].Parameters) != want {
		t.Errorf("tools %s", tools)
	}
}

func TestACallerHearsThatAnActionRuns(t *testing.T) {
	call(t, func(r *rig) {
		at := &desk{takes: 8 * time.Second, result: "booked"}
		r.cfg.Requester, r.actions = at, []parley.Action{booking()}
		r.model = booker(`{"day":"monday"}`)
		r.greeted()
		r.says("please book a visit")
		r.sleep(20 * time.Second)
		r.says("is it done")
		r.sleep(5 * time.Second)
		if h := r.heard(); !strings.Contains(h, "let me book that") || !strings.Contains(h, "result booked") || !strings.Contains(h, "known booked") {
			t.Errorf("heard %q", h)
		}
		if len(at.got) != 1 {
			t.Errorf("sent %q", at.got)
		}
	})
}

func TestAnActionGoesOnWhenTheCallerSpeaks(t *testing.T) {
	call(t, func(r *rig) {
		at := &desk{takes: 4 * time.Second, result: "booked"}
		r.cfg.Requester, r.actions = at, []parley.Action{booking()}
		r.model = booker(`{"day":"monday"}`)
		r.greeted()
		r.says("please book a visit")
		r.sleep(1500 * time.Millisecond)
		r.says("wait a moment i have a question about that please")
		r.sleep(8 * time.Second)
		r.says("is it done")
		r.sleep(5 * time.Second)
		if h := r.heard(); !strings.Contains(h, "known booked") || len(at.got) != 1 {
			t.Errorf("heard %q, sent %q", h, at.got)
		}
	})
}

// toolbox is a desk whose actions stand for tools.
type toolbox struct{ desk }

func (*toolbox) Runs(a *parley.Action) bool { return a.Integrated() }

func (*toolbox) Expand(_ context.Context, a *parley.Action) []parley.ActionTool {
	as := *a
	as.Name, as.Description, as.Tool = "reserve-table", "Reserves.", "reserve-table"
	as.Inputs = []parley.ActionInput{{Name: "email", Type: "email", Required: true}, {Name: "name", Type: "string"}}
	return []parley.ActionTool{{Action: as, Parameters: json.RawMessage(`{"type":"object"}`)}}
}

func TestTheModelIsOfferedToolsOfServers(t *testing.T) {
	var tools []llm.Tool
	a := booking()
	a.SealedConfig = []byte("{}")
	m := &llmtest.Model{Script: func(b llm.Brief, _ []llm.Message) llmtest.Reply { tools = b.Tools; return llmtest.Say("yes.") }}
	c, err := convo.NewText(t.Context(), convo.Config{
		Snapshot: &parley.Snapshot{Agent: newAgent(), Actions: []parley.Action{a}}, Log: slog.New(slog.DiscardHandler),
		Requester: &toolbox{}, Engines: convo.Engines{Model: m},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if _, err := c.Say(t.Context(), "hello"); err != nil {
		t.Fatal(err)
	}
	tools = tools[2:]
	want := "Reserves. " + readItBack + " That goes for: email."
	if len(tools) != 1 || tools[0].Name != "reserve_table" || tools[0].Description != want || string(tools[0].Parameters) != `{"type":"object"}` {
		t.Errorf("tools %s", tools)
	}
}

// Whoever interrupts an answer is answered by a mind that knows what the answer did, lest it does it again.
func TestAnInterruptedAnswerIsKnownToHaveActed(t *testing.T) {
	call(t, func(r *rig) {
		r.cfg.Requester, r.actions = &desk{result: "booked"}, []parley.Action{booking()}
		var asked [][]llm.Message
		book := booker(`{"day":"monday"}`).Script
		r.model = &llmtest.Model{Script: func(b llm.Brief, h []llm.Message) llmtest.Reply {
			asked = append(asked, h)
			if h[len(h)-1].Role == llm.Result {
				return llmtest.Say("you are booked for monday and there is a lot more that we would like you to know about it.")
			}
			return book(b, h)
		}}
		r.greeted()
		r.says("please book a visit")
		r.sleep(3500 * time.Millisecond)
		r.says("wait a moment i have a question about that please")
		r.sleep(4 * time.Second)
		for _, h := range asked[2:] {
			n := slices.IndexFunc(h, func(m llm.Message) bool { return len(m.Calls) > 0 })
			if n < 0 || !h[n].Interrupted || h[n+1].Role != llm.Result || h[n+1].Text != "booked" {
				t.Errorf("asked with %+v", h)
			}
		}
		if len(asked) < 3 {
			t.Errorf("asked %d times", len(asked))
		}
	})
}

func TestCallsOfOneNameEachHaveTheirResult(t *testing.T) {
	at := &desk{result: "booked"}
	var last []llm.Message
	book := booker(`{"day":"monday"}`).Script
	m := &llmtest.Model{Script: func(b llm.Brief, h []llm.Message) llmtest.Reply { last = h; return book(b, h) }}
	c, err := convo.NewText(t.Context(), convo.Config{
		CallID: "chat", Snapshot: &parley.Snapshot{Agent: newAgent(), Actions: []parley.Action{booking()}}, Log: slog.New(slog.DiscardHandler),
		Requester: at, Engines: convo.Engines{Model: m},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	for _, at.result = range []string{"first", "second"} {
		if _, err := c.Say(t.Context(), "book me in"); err != nil {
			t.Fatal(err)
		}
	}
	var of []string
	for _, m := range last {
		for _, call := range m.Calls {
			i := slices.IndexFunc(last, func(r llm.Message) bool { return r.CallID == call.ID })
			of = append(of, last[i].Text)
		}
	}
	if !slices.Equal(of, []string{"first", "second"}) {
		t.Errorf("results %q", of)
	}
}
