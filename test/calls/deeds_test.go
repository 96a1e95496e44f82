package calls

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/llm/llmtest"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/speech/speechtest"
	"github.com/parley-voice/parley/internal/store"
)

// desk takes requests of actions, and says what it is to say.
type desk struct {
	says string
	ok   bool
}

// Runs implements convo.Requester.
func (desk) Runs(a *parley.Action) bool { return a.Type == parley.ActionWebhook }

// Request implements convo.Requester.
func (d desk) Request(context.Context, string, *parley.Action, json.RawMessage) (string, bool) {
	return d.says, d.ok
}

// may gives the agent an action with fixed inputs.
func (h *house) may(kind parley.ActionType, name string, fixed map[string]string) {
	h.t.Helper()
	now := parley.Stamp(time.Now())
	a := &parley.Action{
		ID: parley.NewID(), AgentID: h.agent.ID, NodeID: name, Name: name, Description: "For who asks.", Type: kind,
		URL: new("https://example.com"), Mode: parley.DuringCall, Status: parley.ActionActive, CreatedAt: now, UpdatedAt: now,
	}
	for input, value := range fixed {
		a.Inputs = append(a.Inputs, parley.ActionInput{Name: input, Type: "string", Value: json.RawMessage(value)})
	}
	if err := h.store.Update(h.t.Context(), func(ctx context.Context, tx store.Tx) error { return tx.InsertAction(ctx, a) }); err != nil {
		h.t.Fatal(err)
	}
}

// calling says what to call at the caller's first words, and repeats the message of what came of it.
func calling(t *testing.T, tool, arguments string) *llmtest.Model {
	return &llmtest.Model{Script: func(_ llm.Brief, history []llm.Message) llmtest.Reply {
		last := history[len(history)-1]
		if last.Role == llm.Caller {
			return llmtest.Reply{Words: []string{"one moment."}, Calls: []llm.ToolCall{{ID: "c1", Name: tool, Arguments: json.RawMessage(arguments)}}}
		}
		var result struct{ Message string }
		if err := json.Unmarshal([]byte(last.Text), &result); err != nil {
			t.Error(err)
		}
		return llmtest.Say(result.Message)
	}}
}

func TestTransferActionsAreWhomTheModelKnows(t *testing.T) {
	for mode, want := range map[string]parley.TransferMode{
		"": parley.TransferBridged, `"cold"`: parley.TransferRefer, `"warm"`: parley.TransferWarm,
	} {
		t.Run(string(want), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := furnish(t)
				fixed := map[string]string{parley.InputTransferTo: `"` + colleague + `"`}
				if mode != "" {
					fixed["mode"] = mode
				}
				h.may(parley.ActionTransfer, "Sales", fixed)
				h.may(parley.ActionTransfer, "Anybody", nil)
				h.model = calling(t, llm.ToolTransfer, `{"target":"sales"}`)
				h.open()
				leg, r, _ := h.answered()
				leg.report = media.Report{Outcome: media.OutcomeBusy, Status: 486, Reason: "sip_486"}
				h.dialer.Answers, h.dialer.Err = time.Second, &media.NotAnswered{Outcome: media.OutcomeBusy, Status: 486, Reason: "sip_486"}
				says(leg.Leg, "give me sales please")
				h.sleep(10 * time.Second)
				if got := speechtest.Text(leg.Said()); !strings.HasSuffix(got, "The line is busy at the moment.") {
					t.Errorf("told %q", got)
				}
				leg.HangUp()
				<-r.done
				h.sleep(time.Second)
				if got, _ := h.only(); len(got.Transfers) != 1 || got.Transfers[0].To != colleague || got.Transfers[0].Mode != want {
					t.Errorf("kept %+v", got.Transfers)
				}
				h.close()
			})
		})
	}
}

func TestAHoldActionLetsTheCallerWait(t *testing.T) {
	for name, leaves := range map[string]bool{"and comes back": false, "who hangs up": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := furnish(t)
				h.may(parley.ActionHold, "Wait", map[string]string{parley.InputHoldDuration: "20"})
				h.model = calling(t, llm.ToolHold, `{}`)
				h.open()
				leg, r, _ := h.answered()
				says(leg.Leg, "i need to look for it")
				h.sleep(15 * time.Second)
				if got := speechtest.Text(leg.Said()); !strings.HasSuffix(got, "one moment.") {
					t.Errorf("told %q while waiting", got)
				}
				if leaves {
					leg.HangUp()
				} else {
					h.sleep(12 * time.Second)
					if got := speechtest.Text(leg.Said()); !strings.HasSuffix(got, "Thank you for waiting.") {
						t.Errorf("told %q", got)
					}
					leg.HangUp()
				}
				<-r.done
				h.sleep(time.Second)
				h.wantCall(parley.CallCompleted, parley.EndedByCaller)
				h.close()
			})
		})
	}
}

func TestWebhookActionsRunAndAreToldOf(t *testing.T) {
	for name, c := range map[string]struct {
		desk  desk
		event parley.Event
	}{
		"one that works": {desk{`{"message":"You are booked."}`, true}, parley.EventAction},
		"one that fails": {desk{`{"ok":false,"message":"That day is full."}`, false}, parley.EventActionFailed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := furnish(t)
				h.may(parley.ActionWebhook, "Book", map[string]string{"shop": "7"})
				h.desk, h.model = c.desk, calling(t, "book", `{}`)
				h.open()
				leg, r, _ := h.answered()
				says(leg.Leg, "book me in please")
				h.sleep(10 * time.Second)
				var result struct{ Message string }
				if err := json.Unmarshal([]byte(c.desk.says), &result); err != nil {
					t.Fatal(err)
				}
				if got := speechtest.Text(leg.Said()); !strings.HasSuffix(got, "one moment. "+result.Message) {
					t.Errorf("told %q", got)
				}
				leg.HangUp()
				<-r.done
				h.sleep(time.Second)
				h.wantAction(c.event, c.desk)
				h.close()
			})
		})
	}
}

// wantAction wants one event of an action, with what was sent and what came back.
func (h *house) wantAction(e parley.Event, d desk) {
	h.t.Helper()
	n := 0
	for _, x := range h.ears.events {
		if x.Event != parley.EventAction && x.Event != parley.EventActionFailed {
			continue
		}
		n++
		b, err := json.Marshal(x.Data)
		if err != nil || x.Event != e || !strings.Contains(string(b), `"input":{"shop":7}`) || !strings.Contains(string(b), `"output":`+d.says) {
			h.t.Errorf("%s %s, %v", x.Event, b, err)
		}
	}
	if n != 1 {
		h.t.Errorf("%d events", n)
	}
}
