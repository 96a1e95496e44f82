package calls

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/llm/llmtest"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/media/mediatest"
	"github.com/parley-voice/parley/internal/speech/speechtest"
	"github.com/parley-voice/parley/internal/store"
)

const colleague = "+15550100777"

// sipLeg is a caller whose network knows REFER.
type sipLeg struct {
	*mediatest.Leg
	report   media.Report
	takes    time.Duration
	leaves   bool // he hangs up once his side has the target
	early    bool // and before it says so
	referred chan media.Referral
	wishes   chan media.Wish
	holds    chan bool // on and off
	stays    error     // why a hold is not ended
}

func (l *sipLeg) Refer(ctx context.Context, r media.Referral) (media.Report, error) {
	l.referred <- r
	if l.early {
		l.HangUp()
	}
	select {
	case <-time.After(l.takes):
	case <-ctx.Done():
		return media.Report{Outcome: media.OutcomeUnknown}, nil
	}
	if l.leaves {
		l.HangUp()
	}
	return l.report, nil
}

func (l *sipLeg) Hold(context.Context) error {
	l.holds <- true
	return nil
}

func (l *sipLeg) Resume(context.Context) error {
	l.holds <- false
	return l.stays
}

func (l *sipLeg) Wishes() <-chan media.Wish { return l.wishes }

// answered is a call that talks, with a caller whose network knows REFER.
func (h *house) answered() (*sipLeg, *ringing, string) {
	h.t.Helper()
	leg := &sipLeg{
		Leg: mediatest.Start(h.t), takes: time.Second, referred: make(chan media.Referral, 9), wishes: make(chan media.Wish, 1), holds: make(chan bool, 9),
	}
	r := &ringing{Incoming: mediatest.Ringing(number, caller, leg), leg: leg.Leg, done: make(chan struct{})}
	r.Inv.TrunkID = h.trunk.ID
	go func() { defer close(r.done); h.board.Serve(h.t.Context(), r) }()
	h.sleep(2 * time.Second)
	c, _ := h.only()
	return leg, r, c.ID
}

// ordered is a transfer on its way.
type ordered struct {
	done   chan struct{}
	result *parley.Transfer
	err    error
}

func (h *house) transfer(id string, r parley.TransferRequest) *ordered {
	o := &ordered{done: make(chan struct{})}
	if r.To == "" {
		r.To = colleague
	}
	go func() { defer close(o.done); o.result, o.err = h.board.Transfer(h.t.Context(), h.actor, id, r) }()
	synctest.Wait()
	return o
}

func (h *house) wantTransfer(o *ordered, outcome media.Outcome, reason string) {
	h.t.Helper()
	<-o.done
	if o.err != nil || o.result.Outcome != string(outcome) || o.result.Reason != reason || o.result.SettledAt == nil {
		h.t.Fatalf("transfer %+v, %v; want %s (%s)", o.result, o.err, outcome, reason)
	}
	h.sleep(time.Second)
	c, _ := h.only()
	if n := len(c.Transfers); n != 1 || c.Transfers[0].Outcome != string(outcome) || c.Transfers[0].To != colleague {
		h.t.Errorf("kept %+v", c.Transfers)
	}
}

func TestColdTransferEndsOurCall(t *testing.T) {
	for name, leaves := range map[string]bool{"the caller's side hangs up": true, "we do": false} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				leg, r, id := h.answered()
				leg.report, leg.leaves = media.Report{Outcome: media.OutcomeAnswered, Status: 200, Reason: "sip_200"}, leaves
				o := h.transfer(id, parley.TransferRequest{Mode: parley.TransferRefer})
				if got := <-leg.referred; got.To != colleague || got.Replaces != nil {
					t.Errorf("referred to %+v", got)
				}
				h.wantTransfer(o, media.OutcomeAnswered, "sip_200")
				<-r.done
				h.sleep(time.Second)
				if c := h.wantCall(parley.CallCompleted, parley.EndedTransferred); c.Transfers[0].EndedAt == nil {
					t.Errorf("%+v", c.Transfers)
				}
			})
		})
	}
}

func TestColdTransferThatFailsGivesTheCallerBack(t *testing.T) {
	for _, report := range []media.Report{
		{Outcome: media.OutcomeBusy, Reason: "sip_486"}, {Outcome: media.OutcomeUnknown, Reason: "no_notify"},
	} {
		t.Run(string(report.Outcome), func(t *testing.T) {
			inHouse(t, func(h *house) {
				h.model = llmtest.Lines(llmtest.Say("sorry about that."), llmtest.Say("yes we are."))
				leg, r, id := h.answered()
				leg.report = report
				h.wantTransfer(h.transfer(id, parley.TransferRequest{Mode: parley.TransferRefer}), report.Outcome, report.Reason)
				h.sleep(2 * time.Second)
				says(leg.Leg, "are you open?")
				h.sleep(4 * time.Second)
				if got := speechtest.Text(leg.Said()); got != "hello there sorry about that. yes we are." {
					t.Errorf("told %q", got)
				}
				leg.HangUp()
				<-r.done
				h.sleep(time.Second)
				h.wantCall(parley.CallCompleted, parley.EndedByCaller)
			})
		})
	}
}

func TestBridgedTransferJoinsRecordsAndEnds(t *testing.T) {
	inHouse(t, func(h *house) {
		leg, r, id := h.answered()
		target := h.answers(3 * time.Second)
		o := h.transfer(id, parley.TransferRequest{Mode: parley.TransferBridged})
		h.wantTransfer(o, media.OutcomeAnswered, "sip_200")
		if d := h.dialer.Dialled(); len(d) != 1 || d[0].To != colleague || d[0].From != number || d[0].Trunk.ID != h.trunk.ID || d[0].Password != "secret" {
			t.Errorf("dialled %+v", d)
		}
		says(leg.Leg, "alpha bravo")
		h.sleep(2 * time.Second)
		says(target, "charlie delta")
		h.sleep(2 * time.Second)
		if a, b := speechtest.Text(target.Said()), speechtest.Text(leg.Said()); a != "alpha bravo" || !strings.HasSuffix(b, "charlie delta") {
			t.Errorf("the target was told %q, the caller %q", a, b)
		}
		leg.Press('5')
		h.sleep(100 * ms)
		if target.Pressed() != "5" {
			t.Errorf("keys %q", target.Pressed())
		}
		target.HangUp()
		<-r.done
		h.sleep(time.Second)
		c := h.wantCall(parley.CallCompleted, parley.EndedTransferred)
		if c.Transfers[0].EndedAt == nil || c.Transfers[0].EndedAt.Sub(*c.Transfers[0].SettledAt) < 4*time.Second {
			t.Errorf("%+v", c.Transfers[0])
		}
		if _, turns := h.only(); len(turns) != 1 {
			t.Errorf("the agent listened: %+v", turns)
		}
		h.wantRecorded(c, "alpha bravo", "charlie delta")
	})
}

// wantRecorded holds the recording's channels against what the caller and the target said.
func (h *house) wantRecorded(c *parley.Call, left, right string) {
	h.t.Helper()
	f, size, err := h.blobs.Open(h.t.Context(), c.Recording)
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, size)
	if _, err := f.Read(b); err != nil {
		h.t.Fatal(err)
	}
	clip, err := audio.ParseWAV(b)
	if err != nil || clip.Channels != 2 {
		h.t.Fatal(clip.Channels, err)
	}
	for i, want := range []string{left, right} {
		loud := 0
		for at := len(clip.PCM) / 2 &^ 1; at+i < len(clip.PCM); at += 2 { // the second half: what was said while they were joined
			if x := clip.PCM[at+i]; x > 500 || x < -500 {
				loud++
			}
		}
		if loud < 1000 {
			h.t.Errorf("channel %d holds %d loud samples, want %q", i, loud, want)
		}
	}
}

func TestTheTargetsEndGivesTheCallerBackWhenAsked(t *testing.T) {
	inHouse(t, func(h *house) {
		h.model = llmtest.Lines(llmtest.Say("welcome back."))
		leg, r, id := h.answered()
		target := h.answers(time.Second)
		h.wantTransfer(h.transfer(id, parley.TransferRequest{Mode: parley.TransferBridged, Return: true}), media.OutcomeAnswered, "sip_200")
		h.sleep(5 * time.Second)
		target.HangUp()
		h.sleep(3 * time.Second)
		if got := speechtest.Text(leg.Said()); !strings.HasSuffix(got, "welcome back.") {
			t.Errorf("told %q", got)
		}
		leg.HangUp()
		<-r.done
		h.sleep(time.Second)
		h.wantCall(parley.CallCompleted, parley.EndedByCaller)
	})
}

func TestTheCallersEndEndsTheTargetToo(t *testing.T) {
	inHouse(t, func(h *house) {
		leg, r, id := h.answered()
		target := h.answers(time.Second)
		h.wantTransfer(h.transfer(id, parley.TransferRequest{Mode: parley.TransferBridged}), media.OutcomeAnswered, "sip_200")
		leg.HangUp()
		<-r.done
		<-target.Done()
		h.sleep(time.Second)
		if h.wantCall(parley.CallCompleted, parley.EndedByCaller); target.Cause() != media.EndLocal {
			t.Errorf("target ended by %s", target.Cause())
		}
	})
}

func TestEndCallEndsAJoinedCall(t *testing.T) {
	inHouse(t, func(h *house) {
		_, r, id := h.answered()
		target := h.answers(time.Second)
		h.wantTransfer(h.transfer(id, parley.TransferRequest{Mode: parley.TransferBridged}), media.OutcomeAnswered, "sip_200")
		if _, err := h.board.End(h.t.Context(), h.actor, h.agent.ID, id); err != nil {
			t.Fatal(err)
		}
		<-r.done
		<-target.Done()
		h.sleep(time.Second)
		if c := h.wantCall(parley.CallCompleted, parley.EndedByAPI); c.Transfers[0].EndedAt == nil {
			t.Errorf("%+v", c.Transfers)
		}
	})
}

func TestBridgedTransferThatIsNotAnswered(t *testing.T) {
	for name, c := range map[string]struct {
		err     media.NotAnswered
		outcome media.Outcome
	}{
		"no answer": {media.NotAnswered{Outcome: media.OutcomeNoAnswer, Reason: "ring_timeout"}, media.OutcomeNoAnswer},
		"declined":  {media.NotAnswered{Outcome: media.OutcomeFailed, Status: 603, Reason: "sip_603"}, media.OutcomeRefused},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				h.model = llmtest.Lines(llmtest.Say("no luck."))
				leg, r, id := h.answered()
				h.dialer.Rings, h.dialer.Answers, h.dialer.Err = time.Second, 5*time.Second, &c.err
				h.wantTransfer(h.transfer(id, parley.TransferRequest{Mode: parley.TransferBridged}), c.outcome, c.err.Reason)
				h.sleep(2 * time.Second)
				if got := speechtest.Text(leg.Said()); !strings.HasSuffix(got, "no luck.") {
					t.Errorf("told %q", got)
				}
				leg.HangUp()
				<-r.done
			})
		})
	}
}

func TestACallerWhoHangsUpWhileItRings(t *testing.T) {
	inHouse(t, func(h *house) {
		leg, r, id := h.answered()
		h.answers(time.Minute)
		o := h.transfer(id, parley.TransferRequest{Mode: parley.TransferBridged})
		h.sleep(5 * time.Second)
		leg.HangUp()
		h.wantTransfer(o, media.OutcomeCanceled, "canceled")
		<-r.done
		h.sleep(time.Second)
		h.wantCall(parley.CallCompleted, parley.EndedByCaller)
	})
}

func TestWarmTransferBriefsTheTargetFirst(t *testing.T) {
	inHouse(t, func(h *house) {
		leg, r, id := h.answered()
		target := h.answers(time.Second)
		o := h.transfer(id, parley.TransferRequest{Mode: parley.TransferWarm, Briefing: "bob wants a table"})
		h.sleep(2 * time.Second)
		says(leg.Leg, "hello hello")
		h.wantTransfer(o, media.OutcomeAnswered, "sip_200")
		says(leg.Leg, "thank you")
		h.sleep(2 * time.Second)
		if got := speechtest.Text(target.Said()); !strings.HasPrefix(got, "bob wants a table") || !strings.HasSuffix(got, "thank you") {
			t.Errorf("the target was told %q", got)
		}
		target.HangUp()
		<-r.done
	})
}

func TestATargetWhoHangsUpOnTheBriefingRefuses(t *testing.T) {
	inHouse(t, func(h *house) {
		h.model = llmtest.Lines(llmtest.Say("they cannot talk now."))
		leg, r, id := h.answered()
		target := h.answers(time.Second)
		o := h.transfer(id, parley.TransferRequest{Mode: parley.TransferWarm, Briefing: "bob wants a table for twelve people at nine"})
		h.sleep(2 * time.Second)
		target.HangUp()
		h.wantTransfer(o, media.OutcomeRefused, "hung_up_on_briefing")
		h.sleep(3 * time.Second)
		if got := speechtest.Text(leg.Said()); !strings.HasSuffix(got, "they cannot talk now.") {
			t.Errorf("told %q", got)
		}
		leg.HangUp()
		<-r.done
	})
}

func TestAttendedTransferHandsOurCallOver(t *testing.T) {
	for name, early := range map[string]bool{"he leaves after the last word of it": false, "he leaves before": true} {
		t.Run(name, func(t *testing.T) { handsOver(t, early) })
	}
}

func handsOver(t *testing.T, early bool) {
	inHouse(t, func(h *house) {
		leg, r, id := h.answered()
		target := h.answers(time.Second)
		leg.report, leg.leaves, leg.early = media.Report{Outcome: media.OutcomeAnswered, Reason: "sip_200"}, true, early
		o := h.transfer(id, parley.TransferRequest{Mode: parley.TransferAttended})
		h.sleep(1500 * ms)
		if got := <-leg.referred; got.Replaces != media.Leg(target) {
			t.Errorf("%+v", got)
		}
		h.wantTransfer(o, media.OutcomeAnswered, "sip_200")
		<-r.done
		<-target.Done()
		h.sleep(time.Second)
		h.wantCall(parley.CallCompleted, parley.EndedTransferred)
	})
}

func TestAttendedTransferThatIsRefusedStaysJoinedHere(t *testing.T) {
	inHouse(t, func(h *house) {
		leg, r, id := h.answered()
		target := h.answers(time.Second)
		leg.report = media.Report{Outcome: media.OutcomeFailed, Reason: "refer_405"}
		h.wantTransfer(h.transfer(id, parley.TransferRequest{Mode: parley.TransferAttended}), media.OutcomeAnswered, "sip_200")
		says(target, "good morning")
		h.sleep(2 * time.Second)
		if got := speechtest.Text(leg.Said()); !strings.HasSuffix(got, "good morning") {
			t.Errorf("told %q", got)
		}
		target.HangUp()
		<-r.done
	})
}

func TestASoftphoneOfTheEnvironmentIsRung(t *testing.T) {
	inHouse(t, func(h *house) {
		now := parley.Stamp(time.Now())
		anna := &parley.Softphone{ID: parley.NewID(), EnvironmentID: h.actor.EnvironmentID, Username: "anna", Sealed: []byte("x"), CreatedAt: now, UpdatedAt: now}
		h.update(func(ctx context.Context, tx store.Tx) error { return tx.InsertSoftphone(ctx, anna) })
		_, r, id := h.answered()
		for want, r := range map[parley.Code]parley.TransferRequest{
			parley.TransferUnsupported: {To: "anna", Mode: parley.TransferRefer}, parley.InvalidPhoneNumber: {To: "bert", Mode: parley.TransferBridged},
		} {
			if _, err := h.board.Transfer(h.t.Context(), h.actor, id, r); parley.CodeOf(err) != want {
				t.Errorf("%+v: %v", r, err)
			}
		}
		target := h.answers(time.Second)
		o := h.transfer(id, parley.TransferRequest{To: "anna", Mode: parley.TransferBridged})
		<-o.done
		if d := h.dialer.Dialled(); o.err != nil || o.result.Outcome != "answered" || len(d) != 1 || d[0].Phone == nil || d[0].Phone.ID != anna.ID || d[0].From != caller {
			t.Errorf("%+v, %v; dialled %+v", o.result, o.err, d)
		}
		target.HangUp()
		<-r.done
	})
}

func TestTransfersThatAreNotBegun(t *testing.T) {
	inHouse(t, func(h *house) {
		leg, r, id := h.answered()
		try := func(id string, r parley.TransferRequest) parley.Code {
			_, err := h.board.Transfer(h.t.Context(), h.actor, id, r)
			return parley.CodeOf(err)
		}
		for name, c := range map[string]struct {
			r    parley.TransferRequest
			want parley.Code
		}{
			"an emergency number":  {parley.TransferRequest{To: "+19115550100", Mode: parley.TransferRefer}, parley.PhoneNumberForbidden},
			"another country":      {parley.TransferRequest{To: "+4930123456", Mode: parley.TransferRefer}, parley.PhoneNumberForbidden},
			"another country here": {parley.TransferRequest{To: "+4930123456", Mode: parley.TransferBridged}, parley.PhoneNumberForbidden},
			"no number":            {parley.TransferRequest{Mode: parley.TransferBridged}, parley.MissingPhoneNumber},
			"letters":              {parley.TransferRequest{To: "bob", Mode: parley.TransferBridged}, parley.InvalidPhoneNumber},
			"no mode":              {parley.TransferRequest{To: colleague}, parley.ValidationError},
			"a speech":             {parley.TransferRequest{To: colleague, Mode: parley.TransferWarm, Briefing: strings.Repeat("x", 1001)}, parley.ValidationError},
		} {
			if got := try(id, c.r); got != c.want {
				t.Errorf("%s: %q, want %q", name, got, c.want)
			}
		}
		good := parley.TransferRequest{To: colleague, Mode: parley.TransferBridged}
		if got := try("nothing", good); got != parley.CallNotFound {
			t.Errorf("no call: %q", got)
		}
		h.answers(time.Minute)
		h.transfer(id, good)
		if got := try(id, good); got != parley.TransferUnderway {
			t.Errorf("a second one: %q", got)
		}
		leg.HangUp()
		<-r.done
		h.sleep(time.Second)
		if got := try(id, good); got != parley.CallNotActive {
			t.Errorf("after the end: %q", got)
		}
		if c, _ := h.only(); len(c.Transfers) != 1 {
			t.Errorf("kept %+v", c.Transfers)
		}
	})
}

func TestANetworkWithoutReferIsSaidSo(t *testing.T) {
	inHouse(t, func(h *house) {
		r := h.ring(number)
		h.sleep(2 * time.Second)
		c, _ := h.only()
		_, err := h.board.Transfer(h.t.Context(), h.actor, c.ID, parley.TransferRequest{To: colleague, Mode: parley.TransferRefer})
		if parley.CodeOf(err) != parley.TransferUnsupported {
			t.Error(err)
		}
		r.leg.HangUp()
		<-r.done
	})
}

func TestTransfersGoWithTheAgent(t *testing.T) {
	inHouse(t, func(h *house) {
		leg, r, id := h.answered()
		h.dialer.Err = &media.NotAnswered{Outcome: media.OutcomeBusy, Status: 486, Reason: "sip_486"}
		h.wantTransfer(h.transfer(id, parley.TransferRequest{Mode: parley.TransferBridged}), media.OutcomeBusy, "sip_486")
		leg.HangUp()
		<-r.done
		h.sleep(time.Second)
		if !h.tryDelete() {
			t.Fatal("not deleted")
		}
		h.update(func(ctx context.Context, tx store.Tx) error {
			n, err := tx.Erase(ctx, store.PlaceCalls, store.Scope{AgentID: h.agent.ID}, 10)
			if n != 1 {
				t.Errorf("%d calls erased", n)
			}
			return err
		})
	})
}

func TestKeysAreSentToTheCaller(t *testing.T) {
	inHouse(t, func(h *house) {
		leg, r, id := h.answered()
		if err := h.board.Press(h.t.Context(), h.actor, id, "12#a"); err != nil || leg.Pressed() != "12#A" {
			t.Errorf("%v, pressed %q", err, leg.Pressed())
		}
		leg.HangUp()
		<-r.done
		if err := h.board.Press(h.t.Context(), h.actor, id, "1"); parley.CodeOf(err) != parley.CallNotActive {
			t.Error(err)
		}
		if err := h.board.Press(h.t.Context(), parley.Actor{EnvironmentID: h.actor.EnvironmentID}, id, "1"); parley.CodeOf(err) != parley.Unauthorized {
			t.Error(err)
		}
	})
}
