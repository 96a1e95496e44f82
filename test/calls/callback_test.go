package calls

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/llm/llmtest"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/speech/speechtest"
	"github.com/parley-voice/parley/internal/store"
)

// more makes another agent like the house's, with changes.
func (h *house) more(change func(a *parley.Agent)) *parley.Agent {
	h.t.Helper()
	a := *h.agent
	a.ID, a.CreatedAt = parley.NewID(), a.CreatedAt.Add(time.Minute)
	change(&a)
	h.update(func(ctx context.Context, tx store.Tx) error { return tx.InsertAgent(ctx, &a) })
	return &a
}

// source makes an outbound agent.
func (h *house) source(name string) *parley.Agent {
	return h.more(func(a *parley.Agent) { a.Name, a.Direction = name, parley.Outbound })
}

// called writes a call that an agent placed.
func (h *house) called(a *parley.Agent, to string, status parley.CallStatus, ago time.Duration) *parley.Call {
	h.t.Helper()
	at := parley.Stamp(time.Now().Add(-ago))
	c := &parley.Call{
		ID: parley.NewID(), EnvironmentID: a.EnvironmentID, AgentID: a.ID, To: to, From: number, Direction: parley.Outbound, Status: status,
		Payload: json.RawMessage(`{"name":"ada"}`), Context: json.RawMessage(`{"lead":"seven"}`), CreatedAt: at, UpdatedAt: at,
	}
	h.update(func(ctx context.Context, tx store.Tx) error { return tx.InsertCall(ctx, c) })
	return c
}

// takesBack gives an agent the callback role.
func (h *house) takesBack(a *parley.Agent, triggers []parley.CallOutcome, sources ...*parley.Agent) {
	h.t.Helper()
	role := &parley.CallbackRole{Triggers: triggers}
	for _, s := range sources {
		role.SourceIDs = append(role.SourceIDs, s.ID)
	}
	h.update(func(ctx context.Context, tx store.Tx) error { return tx.SetCallbackRole(ctx, a.ID, role) })
}

// attach puts agents on the number beside the house's.
func (h *house) attach(agents ...*parley.Agent) {
	h.t.Helper()
	h.update(func(ctx context.Context, tx store.Tx) (err error) {
		for _, a := range agents {
			err = errors.Join(err, tx.SetAgentNumbers(ctx, a.ID, []string{h.did.ID}))
		}
		return err
	})
}

// rung makes the caller call the number, hangs up, and returns the row.
func (h *house) rung() *parley.Call {
	h.t.Helper()
	r := h.ring(number)
	h.sleep(time.Second)
	r.leg.HangUp()
	<-r.done
	h.sleep(time.Second)
	page, _, err := h.board.List(h.t.Context(), h.actor, "", store.CallFilter{Direction: parley.Inbound, Page: store.Page{Number: 1, Size: 1}})
	if err != nil || len(page) != 1 || page[0].Status != parley.CallCompleted {
		h.t.Fatalf("the call was not taken: %+v, %v", page, err)
	}
	return page[0]
}

func TestWhichCallsAreReturned(t *testing.T) {
	const day = 24 * time.Hour
	triggers := []parley.CallOutcome{"busy", "no-answer"}
	for _, c := range []struct {
		rule    string
		arrange func(h *house, source *parley.Agent) *parley.Call // what is to be returned
	}{
		{"the last with an outcome that counts", func(h *house, s *parley.Agent) *parley.Call {
			h.called(s, caller, parley.CallBusy, 2*time.Hour)
			want := h.called(s, caller, parley.CallNoAnswer, time.Hour)
			h.called(s, caller, parley.CallCompleted, time.Minute)
			return want
		}},
		{"one of thirty days ago", func(h *house, s *parley.Agent) *parley.Call {
			return h.called(s, caller, parley.CallBusy, 30*day-time.Minute)
		}},
		{"none that is older", func(h *house, s *parley.Agent) *parley.Call {
			h.called(s, caller, parley.CallBusy, 30*day+time.Minute)
			return nil
		}},
		{"none with another outcome", func(h *house, s *parley.Agent) *parley.Call {
			h.called(s, caller, parley.CallFailed, time.Hour)
			return nil
		}},
		{"none to somebody else", func(h *house, s *parley.Agent) *parley.Call {
			h.called(s, callee, parley.CallBusy, time.Hour)
			return nil
		}},
		{"none of an agent that is no source", func(h *house, _ *parley.Agent) *parley.Call {
			h.called(h.source("stranger"), caller, parley.CallBusy, time.Hour)
			return nil
		}},
		{"one of a source that was unpublished since", func(h *house, s *parley.Agent) *parley.Call {
			s.Status = parley.Draft
			h.update(func(ctx context.Context, tx store.Tx) error { return tx.UpdateAgent(ctx, s) })
			return h.called(s, caller, parley.CallBusy, time.Hour)
		}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			inHouse(t, func(h *house) {
				s := h.source("sales")
				h.takesBack(h.agent, triggers, s)
				want, got := parley.Callback{}, (*parley.Callback)(nil)
				if earlier := c.arrange(h, s); earlier != nil {
					want = parley.Callback{CallID: earlier.ID, SourceID: s.ID}
				}
				if got = h.rung().Callback; got == nil || *got != want {
					h.t.Errorf("returns %+v, want %+v", got, want)
				}
			})
		})
	}
}

func TestWhoTakesTheCallsOfANumber(t *testing.T) {
	for _, c := range []struct {
		rule    string
		arrange func(h *house) (taker *parley.Agent, matched bool) // of agents on the same number the house's is the oldest
	}{
		{"without roles the oldest agent", func(h *house) (*parley.Agent, bool) {
			h.attach(h.more(func(*parley.Agent) {}))
			return h.agent, false
		}},
		{"a callback agent, though it is younger and nobody called", func(h *house) (*parley.Agent, bool) {
			back := h.more(func(*parley.Agent) {})
			h.attach(back)
			h.takesBack(back, nil, h.source("sales"))
			return back, false
		}},
		{"of callback agents the one whose source called", func(h *house) (*parley.Agent, bool) {
			first, second, s := h.more(func(*parley.Agent) {}), h.more(func(*parley.Agent) {}), h.source("sales")
			h.attach(first, second)
			h.takesBack(first, nil, h.source("others"))
			h.takesBack(second, nil, s)
			h.called(s, caller, parley.CallBusy, time.Hour)
			return second, true
		}},
		{"not a callback agent that is a draft", func(h *house) (*parley.Agent, bool) {
			back, s := h.more(func(a *parley.Agent) { a.Status = parley.Draft }), h.source("sales")
			h.attach(back)
			h.takesBack(back, nil, s)
			h.called(s, caller, parley.CallBusy, time.Hour)
			return h.agent, false
		}},
		{"as before once the role is gone", func(h *house) (*parley.Agent, bool) {
			back, s := h.more(func(*parley.Agent) {}), h.source("sales")
			h.attach(back)
			h.takesBack(back, nil, s)
			h.called(s, caller, parley.CallBusy, time.Hour)
			h.update(func(ctx context.Context, tx store.Tx) error { return tx.DeleteCallbackRole(ctx, back.ID) })
			return h.agent, false
		}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			inHouse(t, func(h *house) {
				taker, matched := c.arrange(h)
				got := h.rung()
				if got.AgentID != taker.ID || (got.Callback != nil && got.Callback.Matched()) != matched {
					h.t.Errorf("%s took it, returning %+v; want %s", got.AgentID, got.Callback, taker.ID)
				}
			})
		})
	}
}

func TestAReturnedCallIsKnownToTheConversation(t *testing.T) {
	inHouse(t, func(h *house) {
		var situation string
		h.model = &llmtest.Model{Script: func(b llm.Brief, _ []llm.Message) llmtest.Reply {
			situation = b.Situation
			return llmtest.Say("yes.")
		}}
		hello := "hello {{name}} of lead {{callback.context.lead}} {{callback.agent}} found you {{callback.outcome}}"
		h.setAgent(func(a *parley.Agent) { a.InitialMessage = &hello })
		s := h.source("sales")
		h.takesBack(h.agent, nil, s)
		h.called(s, caller, parley.CallBusy, time.Hour)
		r := h.ring(number)
		h.sleep(6 * time.Second)
		says(r.leg, "you called me?")
		h.sleep(4 * time.Second)
		if got := speechtest.Text(r.leg.Said()); !strings.HasPrefix(got, "hello ada of lead seven sales found you busy") {
			t.Errorf("told %q", got)
		}
		if !strings.Contains(situation, "sales placed") || !strings.Contains(situation, `came to: busy`) || !strings.Contains(situation, `{"name":"ada"}`) {
			t.Errorf("the model knows %q", situation)
		}
		r.leg.HangUp()
		<-r.done
	})
}

// TestABusyLineCallsBack places the first call too.
func TestABusyLineCallsBack(t *testing.T) {
	inHouse(t, func(h *house) {
		h.dialer.Rings, h.dialer.Answers = 200*ms, time.Second
		h.dialer.Err = &media.NotAnswered{Outcome: media.OutcomeBusy, Status: 486, Reason: "sip_486"}
		s := h.source("sales")
		h.attach(s)
		h.takesBack(h.agent, []parley.CallOutcome{"busy"}, s)
		placed, err := h.board.Place(h.t.Context(), h.actor, s.ID, parley.CallRequest{To: caller})
		if err != nil {
			t.Fatal(err)
		}
		h.sleep(3 * time.Second)
		if got := h.rung().Callback; got == nil || got.CallID != placed.ID || got.SourceID != s.ID {
			t.Errorf("returns %+v, want %s", got, placed.ID)
		}
	})
}

// TestAMachineIsAnOutcomeOfItsOwn: who answers with a machine has not been spoken to.
func TestAMachineIsAnOutcomeOfItsOwn(t *testing.T) {
	inHouse(t, func(h *house) {
		leg := h.answers(500 * ms)
		h.setAgent(func(a *parley.Agent) { a.Direction = parley.Outbound })
		c := h.place(order(parley.CallRequest{}))
		h.sleep(2 * time.Second)
		says(leg, "you have reached ada please leave a message after the tone")
		h.sleep(8 * time.Second)
		leg.HangUp()
		h.sleep(time.Second)
		got, _, err := h.board.Get(h.t.Context(), h.actor, c.ID)
		if err != nil || !got.Voicemail || got.Status != parley.CallCompleted || got.Outcome() != parley.OutcomeVoicemail {
			t.Errorf("%+v, %v", got, err)
		}
	})
}
