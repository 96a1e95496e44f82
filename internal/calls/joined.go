package calls

import (
	"context"
	"errors"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/media/bridge"
)

// farewell bounds telling a target's network that its call is over.
const farewell = 5 * time.Second

// whileHere is a context that ends when the caller hangs up, too.
func (t *transfer) whileHere(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-t.lent.Done():
			cancel()
		case <-stop:
		}
	}()
	return ctx, func() { cancel(); close(stop); <-ended }
}

// join calls the target while the caller hears it ring, briefs it, and joins the two.
func (t *transfer) join(ctx context.Context) {
	here, stop := t.whileHere(ctx)
	defer stop()
	ringing := bridge.NewRinging(here, t.lent)
	t.target.Waiting = ringing
	t.lent.To(ringing)
	briefing := t.rendered(here)
	leg, _, err := t.s.deps.Dialer.Dial(here, t.target, func(string) {})
	if err != nil {
		t.fail(reportOf(err))
		return
	}
	defer hangUp(leg)
	if pcm := <-briefing; pcm != nil {
		if err := bridge.Play(here, leg, pcm); err != nil {
			r := media.Report{Outcome: media.OutcomeRefused, Reason: "hung_up_on_briefing"}
			if here.Err() != nil {
				r = media.Report{Outcome: media.OutcomeCanceled, Reason: "caller_hung_up"}
			}
			t.fail(r)
			return
		}
	}
	if t.req.Mode == parley.TransferAttended { // he may hang up before his side says what became of it
		t.sendOn(ctx, media.Referral{Replaces: leg}, func(r media.Report) {
			if t.gaveUp() {
				t.fail(r)
				return
			}
			t.s.log.Info("the caller's side does not take the call over: it stays joined here", "call", t.l.id, "outcome", r.Outcome, "reason", r.Reason)
			t.talkWith(here, leg)
		})
		return
	}
	t.talkWith(here, leg)
}

// talkWith joins the caller with the target until one of them hangs up.
func (t *transfer) talkWith(ctx context.Context, leg media.Leg) {
	b := bridge.New(ctx, t.lent, leg)
	t.lent.To(b)
	t.settle(media.Report{Outcome: media.OutcomeAnswered, Status: 200, Reason: "sip_200"})
	t.party(true)
	err := b.Run(ctx)
	t.lent.To(nil)
	t.over()
	t.party(false)
	out, in := b.Dropped()
	t.s.log.Info("joined calls parted", "call", t.l.id, "dropped_out", out, "dropped_in", in, "target", leg.Stats())
	switch {
	case t.gaveUp():
		t.lent.End(parley.EndedByCaller)
	case ctx.Err() != nil: // the conversation is over already
	case t.req.Return && errors.Is(err, media.ErrEnded):
		t.lent.Return(t.tell(string(media.OutcomeAnswered), "The other person has hung up; the caller is back with you."))
	default:
		t.lent.End(parley.EndedTransferred)
	}
}

// rendered is what the target is to be told, made while it rings; nil when there is nothing, or it could not be made.
func (t *transfer) rendered(ctx context.Context) <-chan []int16 {
	done := make(chan []int16, 1)
	if t.req.Briefing == "" || t.req.Mode == parley.TransferBridged {
		done <- nil
		return done
	}
	ok := t.talk.spawn(func(context.Context) {
		pcm, err := t.lent.Render(ctx, t.req.Briefing)
		if err != nil {
			t.s.log.Warn("briefing not rendered", "call", t.l.id, "error", err)
			pcm = nil
		}
		done <- pcm
	})
	if !ok {
		done <- nil
	}
	return done
}

func hangUp(leg media.Leg) {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	_ = leg.Hangup(ctx) // it ends in any case
}

// reportOf is what a call that was not answered means for the transfer.
func reportOf(err error) media.Report {
	na, ok := errors.AsType[*media.NotAnswered](err)
	if !ok {
		return media.Report{Outcome: media.OutcomeFailed, Reason: endedNetwork}
	}
	r := media.Report{Outcome: na.Outcome, Status: na.Status, Reason: na.Reason}
	if na.Status == 403 || na.Status == 603 {
		r.Outcome = media.OutcomeRefused
	}
	return r
}

// party tells that the target entered or left the call.
func (t *transfer) party(in bool) {
	e := parley.EventParticipantLeft
	if in {
		e = parley.EventParticipantJoined
	}
	t.lent.Do(func() {
		t.l.heard.target = in
		t.s.happened(t.l.call, e, participant(roleTarget))
	})
}
