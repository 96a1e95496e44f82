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
	h.mayTalk(kind, name, fixed, nil, nil)
}

// mayTalk is may for an action with words of the owner before and after it.
func (h *house) mayTalk(kind parley.ActionType, name string, fixed map[string]string, before, after *string) {
	h.t.Helper()
	now := parley.Stamp(time.Now())
	a := &parley.Action{
		ID: parley.NewID(), AgentID: h.agent.ID, NodeID: name, Name: name, Description: "For who asks.", Type: kind,
		URL: new("https://example.com"), Mode: parley.DuringCall, Status: parley.ActionActive, CreatedAt: now, UpdatedAt: now,
		SpeakOnSend: before, SpeakOnReceive: after,
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
		if result.Message == "" {
			result.Message = "here i am."
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
				h.wantKept(parley.ActionTransfer, parley.ActionFailed, `{"mode":"`+string(want)+`","transfer_to":"`+colleague+`"}`,
					`{"message":"The line is busy at the moment.","ok":false,"outcome":"busy","reason":"sip_486"}`)
				h.close()
			})
		})
	}
}

func TestAHoldActionLetsTheCallerWait(t *testing.T) {
	for name, c := range map[string]struct {
		leaves bool  // while he waits
		stays  error // why his side does not end the hold
		status parley.ActionStatus
		output string
		call   parley.CallStatus
		reason string
	}{
		"and comes back": {false, nil, parley.ActionSucceeded, `{"message":"Thank you for waiting.","ok":true}`, parley.CallCompleted, parley.EndedByCaller},
		"who hangs up":   {true, nil, parley.ActionFailed, `{"message":"The caller hung up.","ok":false}`, parley.CallCompleted, parley.EndedByCaller},
		"and cannot be reached again": {false, errors.New("488"), parley.ActionFailed, `{"message":"The call could not be taken up again.","ok":false}`,
			parley.CallFailed, parley.EndedAgentFault},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := furnish(t)
				h.may(parley.ActionHold, "Wait", map[string]string{parley.InputHoldDuration: "20"})
				h.model = calling(t, llm.ToolHold, `{}`)
				h.open()
				leg, r, _ := h.answered()
				leg.stays = c.stays
				says(leg.Leg, "i need to look for it")
				h.sleep(15 * time.Second)
				if got := speechtest.Text(leg.Said()); !strings.HasSuffix(got, "one moment.") || len(leg.holds) != 1 || !<-leg.holds {
					t.Errorf("told %q while waiting, or not on hold", got)
				}
				if c.leaves {
					leg.HangUp()
				}
				h.sleep(12 * time.Second)
				if got := speechtest.Text(leg.Said()); strings.HasSuffix(got, "Thank you for waiting.") != (c.status == parley.ActionSucceeded) {
					t.Errorf("told %q", got)
				}
				if !c.leaves && (len(leg.holds) != 1 || <-leg.holds) {
					t.Error("the hold was not ended once")
				}
				leg.HangUp()
				<-r.done
				h.sleep(time.Second)
				h.wantCall(c.call, c.reason)
				h.wantKept(parley.ActionHold, c.status, `{"hold_duration":20}`, c.output)
				h.close()
			})
		})
	}
}

func TestATransferActionThatIsAnsweredSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := furnish(t)
		h.may(parley.ActionTransfer, "Sales", map[string]string{parley.InputTransferTo: `"` + colleague + `"`})
		h.model = calling(t, llm.ToolTransfer, `{"target":"sales"}`)
		h.open()
		leg, r, _ := h.answered()
		target := h.answers(time.Second)
		says(leg.Leg, "give me sales please")
		h.sleep(8 * time.Second)
		target.HangUp()
		<-r.done
		h.sleep(time.Second)
		h.wantCall(parley.CallCompleted, parley.EndedTransferred)
		h.wantKept(parley.ActionTransfer, parley.ActionSucceeded, `{"mode":"bridged","transfer_to":"`+colleague+`"}`,
			`{"ok":true,"outcome":"answered","reason":"sip_200"}`)
		h.close()
	})
}

// An action that the end of the call cuts off is kept all the same, before the end is told.
func TestATransferActionThatTheEndCutsOffIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := furnish(t)
		h.may(parley.ActionTransfer, "Sales", map[string]string{parley.InputTransferTo: `"` + colleague + `"`})
		h.model = calling(t, llm.ToolTransfer, `{"target":"sales"}`)
		h.open()
		leg, r, id := h.answered()
		h.answers(time.Minute)
		says(leg.Leg, "give me sales please")
		h.sleep(8 * time.Second)
		if _, err := h.board.End(t.Context(), h.actor, h.agent.ID, id); err != nil {
			t.Fatal(err)
		}
		<-r.done
		h.sleep(time.Second)
		h.wantKept(parley.ActionTransfer, parley.ActionFailed, `{"mode":"bridged","transfer_to":"`+colleague+`"}`, "")
		h.close()
	})
}

// wantKept wants the one action of the one call as it is given, an event that says the same, and that of the end of the call after it.
func (h *house) wantKept(kind parley.ActionType, status parley.ActionStatus, input, output string) {
	h.t.Helper()
	c, _ := h.only()
	all, err := h.board.Actions(h.t.Context(), h.actor, c.ID)
	if err != nil || len(all) != 1 {
		h.t.Fatalf("%d actions kept, %v", len(all), err)
	}
	a, e := all[0], parley.EventAction
	if status == parley.ActionFailed {
		e = parley.EventActionFailed
	}
	if a.Type != kind || a.Status != status || a.SettledAt == nil || string(a.Input) != input || output != "" && string(a.Output) != output {
		h.t.Errorf("kept %s %s %s: %s", a.Type, a.Status, a.Input, a.Output)
	}
	told := h.ears.short()
	at := slices.Index(told, strings.TrimPrefix(string(e), "event_"))
	if at < 0 || countOf(told, told[at]) != 1 || slices.Index(told, "phone_call_ended") < at {
		h.t.Errorf("events %s", told)
	}
}

func TestWebhookActionsRunAndAreToldOf(t *testing.T) {
	for name, c := range map[string]struct {
		desk   desk
		event  parley.Event
		status parley.ActionStatus
	}{
		"one that works": {desk{`{"message":"You are booked."}`, true}, parley.EventAction, parley.ActionSucceeded},
		"one that fails": {desk{`{"ok":false,"message":"That day is full."}`, false}, parley.EventActionFailed, parley.ActionFailed},
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
				h.wantKept(parley.ActionWebhook, c.status, `{"shop":7}`, c.desk.says)
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

func TestTransfersAndHoldsBeginAndEndWithTheOwnersWords(t *testing.T) {
	before, after := "please stay on the line.", "sorry for the wait."
	for name, c := range map[string]struct {
		kind  parley.ActionType
		fixed map[string]string
		tool  string
		said  string
	}{
		"a transfer that comes back": {parley.ActionTransfer, map[string]string{parley.InputTransferTo: `"` + colleague + `"`}, llm.ToolTransfer,
			"one moment. please stay on the line. sorry for the wait. The line is busy at the moment."},
		"a hold": {parley.ActionHold, map[string]string{parley.InputHoldDuration: "5"}, llm.ToolHold,
			"one moment. please stay on the line. sorry for the wait. here i am."},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := furnish(t)
				h.mayTalk(c.kind, "Sales", c.fixed, &before, &after)
				h.model = calling(t, c.tool, `{"target":"Sales"}`)
				h.open()
				leg, r, _ := h.answered()
				h.dialer.Answers, h.dialer.Err = time.Second, &media.NotAnswered{Outcome: media.OutcomeBusy, Status: 486, Reason: "sip_486"}
				says(leg.Leg, "give me sales please")
				h.sleep(20 * time.Second)
				if got := speechtest.Text(leg.Said()); !strings.HasSuffix(got, c.said) {
					t.Errorf("said %q", got)
				}
				leg.HangUp()
				<-r.done
				h.sleep(time.Second)
				h.close()
			})
		})
	}
}
