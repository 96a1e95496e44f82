package calls

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/media/mediatest"
	"github.com/parley-voice/parley/internal/store"
)

const callee = "+15550142042"

func order(r parley.CallRequest) parley.CallRequest {
	r.To = callee
	return r
}

func (h *house) place(r parley.CallRequest) *parley.Call {
	h.t.Helper()
	c, err := h.board.Place(h.t.Context(), h.actor, h.agent.ID, r)
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

func TestOutcomes(t *testing.T) {
	busy := &media.NotAnswered{Outcome: media.OutcomeBusy, Status: 486, Reason: "sip_486"}
	for _, c := range []struct {
		name   string
		err    error
		status parley.CallStatus
		reason string
	}{
		{"busy", busy, parley.CallBusy, parley.EndedBusy},
		{"no answer", &media.NotAnswered{Outcome: media.OutcomeNoAnswer}, parley.CallNoAnswer, parley.EndedNoAnswer},
		{"failed by the far side", &media.NotAnswered{Outcome: media.OutcomeFailed, Reason: "sip_404"}, parley.CallFailed, "sip_404"},
		{"failed in some other way", errors.New("socket"), parley.CallFailed, "network"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				h.dialer.Rings, h.dialer.Answers, h.dialer.Err = 200*ms, 2*time.Second, c.err
				if got := h.place(order(parley.CallRequest{})); got.Status != parley.CallInitiated || got.From != number || got.Direction != parley.Outbound {
					h.t.Errorf("placed %+v", got)
				}
				h.sleep(time.Second)
				h.wantCall(parley.CallRinging, "")
				h.sleep(3 * time.Second)
				if got := h.wantCall(c.status, c.reason); got.Recording != "" || got.EndedAt == nil {
					h.t.Errorf("call %+v", got)
				}
				if target := h.dialer.Dialled()[0]; target.To != callee || target.Password != "secret" || target.Trunk.ID != h.trunk.ID {
					h.t.Errorf("dialled %+v", target)
				}
			})
		})
	}
}

func TestOutboundCallThatIsAnswered(t *testing.T) {
	inHouse(t, func(h *house) {
		leg := h.answers(time.Second)
		h.place(order(parley.CallRequest{Payload: []byte(`{"name":"Ann"}`)}))
		h.sleep(3 * time.Second)
		h.wantCall(parley.CallAnswered, "")
		leg.HangUp()
		h.sleep(time.Second)
		c := h.wantCall(parley.CallCompleted, parley.EndedByCaller)
		if _, turns := h.only(); len(turns) != 1 || turns[0].Who != parley.WhoAgent || c.Duration() < time.Second || c.SID != "scripted-dial" {
			h.t.Errorf("turns %+v, call %+v", turns, c)
		}
		wantRecording(h.t, h, c, time.Second)
	})
}

func TestEndAtAnyMoment(t *testing.T) {
	for name, after := range map[string]time.Duration{"before it rings": 10 * ms, "while it rings": 500 * ms, "in the conversation": 3 * time.Second} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				h.answers(time.Second)
				placed := h.place(order(parley.CallRequest{}))
				h.sleep(after)
				ended, err := h.board.End(h.t.Context(), h.actor, h.agent.ID, placed.ID)
				if err != nil || ended.Status != parley.CallCompleted || ended.EndedReason != parley.EndedByAPI {
					h.t.Errorf("%+v, %v", ended, err)
				}
				h.sleep(2 * time.Second)
				h.wantCall(parley.CallCompleted, parley.EndedByAPI)
				if _, err := h.board.End(h.t.Context(), h.actor, h.agent.ID, placed.ID); parley.CodeOf(err) != parley.CallNotActive {
					h.t.Errorf("ending it twice: %v", err)
				}
				if h.board.Live() != 0 {
					h.t.Error("still live")
				}
			})
		})
	}
}

func TestDelayedCall(t *testing.T) {
	inHouse(t, func(h *house) {
		leg := h.answers(100 * ms)
		c := h.place(order(parley.CallRequest{Delay: time.Minute}))
		h.sleep(time.Second)
		if got := h.wantCall(parley.CallInitiated, ""); got.NodeID != "" || len(h.dialer.Dialled()) != 0 || h.board.Live() != 0 {
			h.t.Errorf("call %+v", got)
		}
		h.close() // a restart does not lose it
		h.open()
		h.wantCall(parley.CallInitiated, "")
		if err := h.board.HandleDial(h.t.Context(), c.ID); err != nil {
			h.t.Fatal(err)
		}
		h.sleep(2 * time.Second)
		h.wantCall(parley.CallAnswered, "")
		if err := h.board.HandleDial(h.t.Context(), c.ID); err == nil { // the job comes twice: it is asked to come again, and finds nothing to do
			h.t.Error("a job of a live call was taken")
		}
		leg.HangUp()
		h.sleep(time.Second)
		if err := h.board.HandleDial(h.t.Context(), c.ID); err != nil || len(h.dialer.Dialled()) != 1 {
			h.t.Errorf("%v, dialled %d times", err, len(h.dialer.Dialled()))
		}
	})
}

func TestDelayedCallThatIsTakenBack(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.place(order(parley.CallRequest{Delay: time.Minute}))
		if _, err := h.board.End(h.t.Context(), h.actor, h.agent.ID, c.ID); err != nil {
			h.t.Fatal(err)
		}
		h.wantCall(parley.CallCompleted, parley.EndedByAPI)
		if err := h.board.HandleDial(h.t.Context(), c.ID); err != nil || len(h.dialer.Dialled()) != 0 {
			h.t.Errorf("%v, dialled %v", err, h.dialer.Dialled())
		}
	})
}

func TestDelayedCallOfAnAgentThatAnExportHoldsFails(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.place(order(parley.CallRequest{Delay: time.Minute}))
		hold := func(ctx context.Context, tx store.Tx) error {
			return tx.HoldAgent(ctx, h.actor.EnvironmentID, h.agent.ID, "erasure")
		}
		release := func(ctx context.Context, tx store.Tx) error { return tx.ReleaseAgent(ctx, h.agent.ID) }
		err := errors.Join(h.store.Update(h.t.Context(), hold), h.board.HandleDial(h.t.Context(), c.ID), h.store.Update(h.t.Context(), release))
		if err != nil || len(h.dialer.Dialled()) != 0 {
			h.t.Errorf("%v, dialled %v", err, h.dialer.Dialled())
		}
		h.wantCall(parley.CallFailed, parley.EndedAgentDeleted)
	})
}

func TestDelayedCallOfADraftFails(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.place(order(parley.CallRequest{Delay: time.Minute}))
		h.setAgent(func(a *parley.Agent) { a.Status = parley.Draft })
		if err := h.board.HandleDial(h.t.Context(), c.ID); err != nil {
			h.t.Fatal(err)
		}
		h.wantCall(parley.CallFailed, parley.EndedNotPublished)
	})
}

func TestIdempotencyKey(t *testing.T) {
	inHouse(t, func(h *house) {
		h.answers(time.Second)
		r := order(parley.CallRequest{IdempotencyKey: "key-1", Fingerprint: "a"})
		first, again := h.place(r), h.place(r)
		if first.ID != again.ID {
			h.t.Errorf("two calls: %s and %s", first.ID, again.ID)
		}
		r.Fingerprint = "b"
		if _, err := h.board.Place(h.t.Context(), h.actor, h.agent.ID, r); parley.CodeOf(err) != parley.ValidationError {
			h.t.Errorf("another order under the same key: %v", err)
		}
		h.sleep(2 * time.Second)
		if n := len(h.dialer.Dialled()); n != 1 {
			h.t.Errorf("dialled %d times", n)
		}
	})
}

func TestOrdersThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		name    string
		arrange func(h *house)
		to      string
		want    parley.Code
	}{
		{"no number", nil, "", parley.MissingPhoneNumber},
		{"no international form", nil, "5550142042", parley.InvalidPhoneNumber},
		{"an emergency number", nil, "+1911", parley.InvalidPhoneNumber},
		{"an emergency number with digits behind", nil, "+19115550142", parley.PhoneNumberForbidden},
		{"a premium number", nil, "+19005550142", parley.PhoneNumberForbidden},
		{"a premium number abroad", func(h *house) { h.cfg.OutboundPrefixes = []string{"+44"} }, "+449098790123", parley.PhoneNumberForbidden},
		{"a country without a number of ours", nil, "+442071838750", parley.PhoneNumberForbidden},
		{"a draft", func(h *house) { h.agent.Status = parley.Draft }, callee, parley.AgentInactive},
		{"a trunk that is not active", func(h *house) { h.trunk.Active = false }, callee, parley.ValidationError},
		{"an unknown agent", func(h *house) { h.actor.EnvironmentID = "other" }, callee, parley.AgentNotFound},
		{"no right to", func(h *house) { h.actor.Abilities = []string{parley.ReadCalls} }, callee, parley.Unauthorized},
		{"no credits", func(h *house) { h.actor.Limits.CreditsRequired = true }, callee, parley.InsufficientCredits},
		{"a full environment", func(h *house) { h.cfg.MaxPerEnvironment = 1; h.leaveOpen() }, callee, parley.CapacityExceeded},
	} {
		t.Run(c.name, func(t *testing.T) {
			inHouseOf(t, func(h *house) {
				if c.arrange != nil {
					c.arrange(h)
				}
				h.update(func(ctx context.Context, tx store.Tx) error {
					return errors.Join(tx.UpdateAgent(ctx, h.agent), tx.UpdateTrunk(ctx, h.trunk))
				})
			}, func(h *house) {
				_, err := h.board.Place(h.t.Context(), h.actor, h.agent.ID, parley.CallRequest{To: c.to})
				if parley.CodeOf(err) != c.want {
					h.t.Errorf("%v, want %s", err, c.want)
				}
				if h.board.Live() != 0 || len(h.dialer.Dialled()) != 0 {
					h.t.Error("a call was placed")
				}
			})
		})
	}
}

// leaveOpen writes a call that another node holds.
func (h *house) leaveOpen() *parley.Call {
	now := parley.Stamp(time.Now())
	c := &parley.Call{
		ID: parley.NewID(), EnvironmentID: h.actor.EnvironmentID, AgentID: h.agent.ID, SID: "x", To: number, From: caller, Direction: parley.Inbound,
		Transport: parley.TransportSIP, Status: parley.CallAnswered, AnsweredAt: &now, NodeID: "node-2", LeaseUntil: now.Add(10 * time.Second), DialAt: now,
		CreatedAt: now, UpdatedAt: now, Snapshot: &parley.Snapshot{Agent: *h.agent},
	}
	h.update(func(ctx context.Context, tx store.Tx) error { return tx.InsertCall(ctx, c) })
	return c
}

func TestOutsideCall(t *testing.T) {
	inHouse(t, func(h *house) {
		announced := parley.ExternalRequest{SID: "outside-1", From: caller, To: number, Direction: parley.Inbound}
		c, token, err := h.board.Expect(h.t.Context(), h.actor, h.agent.ID, announced)
		if err != nil || c.Status != parley.CallInitiated || token == "" {
			h.t.Fatalf("%+v, %v", c, err)
		}
		ctx := h.t.Context()
		for _, x := range []struct {
			id, token string
			want      parley.Code
		}{
			{c.ID, token, ""}, {c.ID, "environment", ""}, {c.ID, "wrong", parley.InvalidToken}, {c.ID, "", parley.InvalidToken},
			{"nobody", "environment", parley.CallNotFound}, {"nobody", "wrong", parley.InvalidToken},
		} {
			if err := h.board.Transport(ctx, x.id, x.token); parley.CodeOf(err) != x.want || (err != nil) != (x.want != "") {
				h.t.Errorf("transport of %q with %q: %v, want %q", x.id, x.token, err, x.want)
			}
		}
		leg := mediatest.Start(h.t)
		if err := h.board.Connect(ctx, c.ID, leg); err != nil {
			h.t.Fatal(err)
		}
		h.sleep(2 * time.Second)
		h.wantCall(parley.CallAnswered, "")
		if err := h.board.Connect(ctx, c.ID, leg); parley.CodeOf(err) != parley.CallNotActive {
			h.t.Errorf("a second leg: %v", err)
		}
		leg.HangUp()
		h.sleep(time.Second)
		h.wantCall(parley.CallCompleted, parley.EndedByCaller)
		if err := h.board.Transport(ctx, c.ID, token); parley.CodeOf(err) != parley.CallNotActive {
			h.t.Errorf("transport of a finished call: %v", err)
		}
	})
}

func TestOutsideCallThatNeverConnects(t *testing.T) {
	inHouse(t, func(h *house) {
		if _, _, err := h.board.Expect(h.t.Context(), h.actor, h.agent.ID, parley.ExternalRequest{SID: "s", Direction: parley.Inbound}); err != nil {
			h.t.Fatal(err)
		}
		h.sleep(4 * time.Minute)
		h.wantCall(parley.CallFailed, parley.EndedNeverConnected)
	})
}
