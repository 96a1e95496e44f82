package calls

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/jobs"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/llm/llmtest"
	"github.com/parley-voice/parley/internal/speech/speechtest"
	"github.com/parley-voice/parley/internal/store"
)

// listens makes somebody hear of the agent's actions.
func (h *house) listens() {
	now := parley.Stamp(time.Now())
	h.update(func(ctx context.Context, tx store.Tx) error {
		return tx.InsertWebhook(ctx, &parley.Webhook{
			ID: parley.NewID(), AgentID: h.agent.ID, URL: "https://example.com", Method: "POST", Enabled: true,
			Events: []parley.Event{parley.EventAction}, CreatedAt: now, UpdatedAt: now,
		})
	})
}

// kept are the actions of the only call.
func (h *house) kept() []*parley.CallAction {
	h.t.Helper()
	c, _ := h.only()
	all, err := h.board.Actions(h.t.Context(), h.actor, c.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

// answer gives the outcome of the call's one action.
func (h *house) answer(ok bool, output string) error {
	h.t.Helper()
	a := h.kept()[0]
	_, err := h.board.Answer(h.t.Context(), h.actor, a.CallID, a.ID, ok, json.RawMessage(output))
	return err
}

// asksOutside is a call in which the agent asks an outside system.
func asksOutside(t *testing.T, heard bool, f func(h *house, leg *sipLeg)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := furnish(t)
		h.may(parley.ActionExternal, "Ask the kitchen", map[string]string{"table": "7"})
		if heard {
			h.listens()
		}
		h.model = calling(t, "ask_the_kitchen", `{}`)
		h.open()
		leg, r, _ := h.answered()
		says(leg.Leg, "how long will it take")
		h.sleep(3 * time.Second)
		f(h, leg)
		leg.HangUp()
		<-r.done
		h.sleep(time.Second)
		h.close()
	})
}

func (h *house) toldOfActions() (names []string) {
	for _, n := range h.ears.short() {
		if strings.HasPrefix(n, "action") {
			names = append(names, n)
		}
	}
	return names
}

func TestAnOutsideSystemAnswersAnAction(t *testing.T) {
	for _, c := range []struct {
		rule           string
		ok             bool
		output         string
		status         parley.ActionStatus
		told, said     string
		eventsOfAction []string
	}{
		{"an object is told as it is", true, `{"message":"Ten minutes."}`, parley.ActionSucceeded, `{"message":"Ten minutes."}`, "Ten minutes.", []string{"action"}},
		{"a failure is told with its message", false, `{"message":"We are closed."}`, parley.ActionFailed,
			`{"answer":{"message":"We are closed."},"message":"We are closed.","ok":false}`, "We are closed.", []string{"action", "action_failed"}},
		{"a failure without one", false, `null`, parley.ActionFailed, `{"answer":null,"message":"It was refused.","ok":false}`, "It was refused.",
			[]string{"action", "action_failed"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			asksOutside(t, true, func(h *house, leg *sipLeg) {
				if a := h.kept()[0]; a.Status != parley.ActionRequested || a.DueAt == nil || string(a.Input) != `{"table":7}` {
					t.Fatalf("asked %+v", a)
				}
				h.sleep(5 * time.Second)
				if err := h.answer(c.ok, c.output); err != nil {
					t.Fatal(err)
				}
				h.sleep(4 * time.Second)
				if got := speechtest.Text(leg.Said()); !strings.HasSuffix(got, c.said) {
					t.Errorf("said %q", got)
				}
				if a := h.kept()[0]; a.Status != c.status || string(a.Output) != c.told {
					t.Errorf("kept %s %s", a.Status, a.Output)
				}
				if err := h.answer(true, `{}`); parley.CodeOf(err) != parley.ActionSettled {
					t.Errorf("a second answer: %v", err)
				}
				if got := h.toldOfActions(); !slices.Equal(got, c.eventsOfAction) {
					t.Errorf("events %s", got)
				}
			})
		})
	}
}

func TestTheEventSaysWhereToAnswer(t *testing.T) {
	asksOutside(t, true, func(h *house, _ *sipLeg) {
		i := slices.IndexFunc(h.ears.events, func(e parley.CallEvent) bool { return e.Event == parley.EventAction })
		a := h.kept()[0]
		if e := h.ears.events[i]; e.Paths["answer_url"] != "/api/v1/calls/"+a.CallID+"/actions/"+a.ID+"/result" || e.Data["answer_by"] == nil {
			t.Errorf("told %+v", e)
		}
	})
}

func TestNoAnswerIsAFailureThatTheAgentTalksAbout(t *testing.T) {
	asksOutside(t, true, func(h *house, leg *sipLeg) {
		h.sleep(35 * time.Second)
		if got := speechtest.Text(leg.Said()); !strings.HasSuffix(got, "It was not answered in time.") {
			t.Errorf("said %q", got)
		}
		if a := h.kept()[0]; a.Status != parley.ActionFailed {
			t.Errorf("kept %+v", a)
		}
		if err := h.answer(true, `{}`); parley.CodeOf(err) != parley.ActionSettled {
			t.Errorf("a late answer: %v", err)
		}
		if got := h.toldOfActions(); !slices.Equal(got, []string{"action", "action_failed"}) {
			t.Errorf("events %s", got)
		}
	})
}

func TestAnActionThatNobodyHearsOfFailsAtOnce(t *testing.T) {
	asksOutside(t, false, func(h *house, leg *sipLeg) {
		h.sleep(4 * time.Second)
		if got := speechtest.Text(leg.Said()); !strings.HasSuffix(got, "Nobody is there to do it at the moment.") {
			t.Errorf("said %q", got)
		}
	})
}

// A process that dies leaves an action open, which the job gives up.
func TestAnActionOfALostCallIsGivenUp(t *testing.T) {
	asksOutside(t, true, func(h *house, leg *sipLeg) {
		id := h.kept()[0].CallID
		leg.HangUp()
		h.sleep(2 * time.Second)
		var again jobs.Again
		if err := h.board.HandleActions(h.t.Context(), id); !errors.As(err, &again) || again.After < 20*time.Second {
			t.Errorf("before it is due: %v", err)
		}
		h.sleep(time.Minute)
		if err := h.board.HandleActions(h.t.Context(), id); err != nil {
			t.Error(err)
		}
		if a := h.kept()[0]; a.Status != parley.ActionFailed || string(a.Output) != `{"message":"It was not answered in time.","ok":false}` {
			t.Errorf("kept %s %s", a.Status, a.Output)
		}
	})
}

// afterwards is a house whose agent reports each call to an outside system when it is over.
func afterwards(t *testing.T, inputs []parley.ActionInput, model llm.Model, f func(h *house, id string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := furnish(t)
		now := parley.Stamp(time.Now())
		h.update(func(ctx context.Context, tx store.Tx) error {
			return tx.InsertAction(ctx, &parley.Action{
				ID: parley.NewID(), AgentID: h.agent.ID, NodeID: "report", Name: "Report", Description: "Reports the call.", Type: parley.ActionExternal,
				Inputs: inputs, Mode: parley.PostCall, Status: parley.ActionActive, CreatedAt: now, UpdatedAt: now,
			})
		})
		h.listens()
		h.model = model
		h.open()
		leg, r, id := h.answered()
		says(leg.Leg, "my name is ann")
		h.sleep(4 * time.Second)
		leg.HangUp()
		<-r.done
		h.sleep(time.Second)
		f(h, id)
		h.close()
	})
}

func reader(reply llmtest.Reply) llm.Model {
	return &llmtest.Model{Script: func(b llm.Brief, _ []llm.Message) llmtest.Reply {
		if len(b.Tools) == 1 && b.Tools[0].Name == "report" {
			return reply
		}
		return llmtest.Say("hello ann.")
	}}
}

func asked(required bool) []parley.ActionInput {
	return []parley.ActionInput{{Name: "name", Type: "string", Required: required}, {Name: "shop", Type: "integer", Value: json.RawMessage("7")}}
}

func TestAnActionRunsAfterTheCall(t *testing.T) {
	found := llmtest.Reply{Calls: []llm.ToolCall{{ID: "r", Name: "report", Arguments: json.RawMessage(`{"name":"ann"}`)}}}
	for _, c := range []struct {
		rule     string
		required bool
		reply    llmtest.Reply
		status   parley.ActionStatus
		input    string
		event    parley.Event
	}{
		{"the model reads the inputs out of what was said", true, found, parley.ActionSucceeded, `{"name":"ann","shop":7}`, parley.EventAction},
		{"what nobody said and nobody needs is left out", false, llmtest.Say("nothing."), parley.ActionSucceeded, `{"shop":7}`, parley.EventAction},
		{"what nobody said and somebody needs is a failure", true, llmtest.Say("nothing."), parley.ActionFailed, `{"shop":7}`, parley.EventActionFailed},
	} {
		t.Run(c.rule, func(t *testing.T) {
			afterwards(t, asked(c.required), reader(c.reply), func(h *house, id string) {
				if a := h.kept(); len(a) != 1 || a[0].Status != parley.ActionQueued {
					t.Fatalf("queued %+v", a)
				}
				for range 2 { // the second time there is nothing left to do
					if err := h.board.HandleActions(h.t.Context(), id); err != nil {
						t.Fatal(err)
					}
				}
				if a := h.kept()[0]; a.Status != c.status || string(a.Input) != c.input || a.Attempts != 1 || a.SettledAt == nil {
					t.Errorf("kept %+v %s", a, a.Input)
				}
				h.wantTranscript(c.event)
			})
		})
	}
}

// wantTranscript wants one event of an action, the last of all, with what was said in the call.
func (h *house) wantTranscript(e parley.Event) {
	h.t.Helper()
	last := h.ears.events[len(h.ears.events)-1]
	b, err := json.Marshal(last.Data)
	heard := strings.Contains(string(b), `"text":"my name is ann"`) && strings.Contains(string(b), `"text":"hello ann."`)
	if err != nil || last.Event != e || len(h.toldOfActions()) != 1 || !heard {
		h.t.Errorf("told %v: %s %s %v", h.toldOfActions(), last.Event, b, err)
	}
}

func TestAnActionAfterTheCallWaitsForTheModel(t *testing.T) {
	afterwards(t, asked(true), reader(llmtest.Reply{Err: errors.New("away")}), func(h *house, id string) {
		var again jobs.Again
		for n := range 4 {
			if err := h.board.HandleActions(h.t.Context(), id); !errors.As(err, &again) {
				t.Fatalf("attempt %d: %v", n+1, err)
			}
			h.sleep(again.After)
		}
		if err := h.board.HandleActions(h.t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if a := h.kept()[0]; a.Status != parley.ActionFailed || a.Attempts != 5 {
			t.Errorf("kept %+v", a)
		}
	})
}

func TestAnActionOfADeletedAgentDoesNotRun(t *testing.T) {
	afterwards(t, asked(true), reader(llmtest.Say("nothing.")), func(h *house, id string) {
		before := len(h.ears.events)
		if !h.tryDelete() {
			t.Fatal("the agent was not deleted")
		}
		if err := h.board.HandleActions(h.t.Context(), id); err != nil || len(h.ears.events) != before {
			t.Errorf("%v, events %s", err, h.ears.short())
		}
	})
}

func TestOfACallThatNobodyAnsweredNoActionRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := furnish(t)
		h.may(parley.ActionExternal, "Report", nil)
		h.open()
		r := h.ring("+15550100999")
		<-r.done
		h.sleep(time.Second)
		h.close()
		if got := h.toldOfActions(); len(got) != 0 {
			t.Errorf("events %s", got)
		}
	})
}
