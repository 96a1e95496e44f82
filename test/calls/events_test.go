package calls

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/media/mediatest"
	"github.com/parley-voice/parley/internal/store"
)

// ears keep what is told of calls.
type ears struct {
	mu     sync.Mutex
	events []parley.CallEvent
}

// Put implements what the switchboard tells events to.
func (e *ears) Put(_ context.Context, _ store.Tx, _ *parley.Call, events ...parley.CallEvent) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events = append(e.events, events...)
	return nil
}

// short are the events so far, in few letters.
func (e *ears) short() (names []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, x := range e.events {
		name := strings.TrimPrefix(string(x.Event), "event_")
		if p, ok := x.Data["participant"].(map[string]any); ok {
			name += " " + p["role"].(string)
		}
		names = append(names, name)
	}
	return names
}

// wantEvents compares all events so far, in order.
func (h *house) wantEvents(want ...string) {
	h.t.Helper()
	if got := h.ears.short(); !slices.Equal(got, want) {
		h.t.Errorf("events:\n got %s\nwant %s", strings.Join(got, ", "), strings.Join(want, ", "))
	}
}

// Parts of the life of a call.
var (
	began   = []string{"phone_call_started"}
	up      = []string{"phone_call_connected", "connection_established", "user_connected", "participant_joined user", "participant_joined agent"}
	talking = []string{"conversation_started"}
	silent  = []string{"conversation_ended"}
	down    = []string{"participant_left agent", "participant_left user", "user_disconnected", "connection_closed", "phone_call_disconnected"}
	kept    = []string{"recording"}
	ended   = []string{"phone_call_ended"}
)

func TestEventsOfAnIncomingCall(t *testing.T) {
	inHouse(t, func(h *house) {
		r := h.ring(number)
		h.sleep(2 * time.Second)
		h.wantEvents(slices.Concat(began, up)...)
		says(r.leg, "are you open?")
		h.sleep(4 * time.Second)
		says(r.leg, "good bye")
		h.sleep(4 * time.Second)
		r.leg.HangUp()
		<-r.done
		h.sleep(time.Second)
		h.wantEvents(slices.Concat(began, up, talking, silent, down, kept, ended)...)
	})
}

func TestEventsOfACallerWhoSaysNothing(t *testing.T) {
	inHouse(t, func(h *house) {
		r := h.ring(number)
		h.sleep(2 * time.Second)
		r.leg.HangUp()
		<-r.done
		h.sleep(time.Second)
		h.wantEvents(slices.Concat(began, up, down, kept, ended)...)
	})
}

func TestEventsOfCallsThatDoNotConnect(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want []string
	}{
		{"busy", &media.NotAnswered{Outcome: media.OutcomeBusy}, []string{"phone_call_started", "phone_call_did_not_connect", "phone_call_ended"}},
		{"unanswered", &media.NotAnswered{Outcome: media.OutcomeNoAnswer}, []string{"phone_call_started", "phone_call_did_not_connect", "phone_call_ended"}},
		{"failed", &media.NotAnswered{Outcome: media.OutcomeFailed, Reason: "sip_500"},
			[]string{"phone_call_started", "phone_call_error", "phone_call_did_not_connect", "phone_call_ended"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				h.dialer.Rings, h.dialer.Answers, h.dialer.Err = 100*ms, time.Second, c.err
				h.place(order(parley.CallRequest{}))
				h.wantEvents()
				h.sleep(500 * ms)
				h.wantEvents(began...)
				h.sleep(2 * time.Second)
				h.wantEvents(c.want...)
			})
		})
	}
}

func TestEventsOfAMachineThatAnswers(t *testing.T) {
	inHouse(t, func(h *house) {
		leg := h.answers(time.Second)
		h.place(order(parley.CallRequest{}))
		h.sleep(4 * time.Second)
		says(leg, "you have reached bob please leave a message after the tone")
		h.sleep(8 * time.Second)
		leg.HangUp()
		h.sleep(time.Second)
		h.wantEvents(slices.Concat(began, up, []string{"voicemail_detected", "voicemail_message_left"}, down, kept, ended)...)
	})
}

func TestEventsOfAnOutsideTransport(t *testing.T) {
	inHouse(t, func(h *house) {
		h.setAgent(func(a *parley.Agent) { a.Recording = false })
		c, _, err := h.board.Expect(h.t.Context(), h.actor, h.agent.ID, parley.ExternalRequest{SID: "s", From: caller, To: number, Direction: parley.Inbound})
		if err != nil {
			h.t.Fatal(err)
		}
		h.wantEvents()
		leg := mediatest.Start(h.t)
		if err := h.board.Connect(h.t.Context(), c.ID, leg); err != nil {
			h.t.Fatal(err)
		}
		h.sleep(2 * time.Second)
		leg.HangUp()
		h.sleep(time.Second)
		in, out := slices.Insert(slices.Clone(up), 2, "client_connected"), slices.Insert(slices.Clone(down), 3, "client_disconnected")
		h.wantEvents(slices.Concat(began, in, out, ended)...)
	})
}

func TestEventsOfASilentNetwork(t *testing.T) {
	inHouse(t, func(h *house) {
		h.setAgent(func(a *parley.Agent) { a.Recording = false })
		r := h.ring(number)
		h.sleep(2 * time.Second)
		r.leg.End(media.EndSilence)
		<-r.done
		h.sleep(time.Second)
		broken := slices.Insert(slices.Clone(down), 3, "connection_error")
		h.wantEvents(slices.Concat(began, up, broken, ended)...)
	})
}

func TestEventsOfAKilledProcess(t *testing.T) {
	inHouse(t, func(h *house) {
		r := h.ring(number)
		h.sleep(2 * time.Second)
		says(r.leg, "are you open?")
		h.sleep(3 * time.Second)
		h.reborn()
		broken := slices.Insert(slices.Clone(down), 3, "connection_error")
		broken = slices.Insert(broken, 5, "phone_call_error")
		want := slices.Concat(began, up, talking, silent, broken, kept, ended)
		h.wantEvents(want...)
		r.leg.HangUp()
		<-r.done
		h.sleep(time.Second)
		h.wantEvents(want...) // the end was told once
	})
}

func TestEventsOfACallThatIsTakenBack(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.place(order(parley.CallRequest{Delay: time.Hour}))
		if _, err := h.board.End(h.t.Context(), h.actor, h.agent.ID, c.ID); err != nil {
			h.t.Fatal(err)
		}
		h.wantEvents("phone_call_started", "phone_call_ended")
	})
}

func TestEventsOfATransferTarget(t *testing.T) {
	inHouse(t, func(h *house) {
		leg, r, id := h.answered()
		target := h.answers(time.Second)
		h.wantTransfer(h.transfer(id, parley.TransferRequest{Mode: parley.TransferBridged}), media.OutcomeAnswered, "sip_200")
		leg.HangUp()
		<-r.done
		<-target.Done()
		h.sleep(time.Second)
		got := h.ears.short()
		if n := countOf(got, "participant_joined target"); n != 1 {
			t.Errorf("the target joined %d times: %v", n, got)
		}
		if n := countOf(got, "participant_left target"); n != 1 || got[len(got)-1] != "phone_call_ended" {
			t.Errorf("the target left %d times: %v", n, got)
		}
	})
}

func countOf(all []string, one string) (n int) {
	for _, s := range all {
		if s == one {
			n++
		}
	}
	return n
}
