package calls

import (
	"context"
	"log/slog"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/media/bridge"
)

// SIP statuses that a wish is told.
const (
	ringingStatus  = 180
	answeredStatus = 200
	declinedStatus = 603
)

// heed serves the wishes of the caller's side that we call somebody else in its place, as long as the conversation lasts.
func (s *Switchboard) heed(l *live, t *talk, leg media.Leg) {
	referee, ok := leg.(media.Referee)
	if !ok {
		return
	}
	t.spawn(func(ctx context.Context) {
		for {
			select {
			case w := <-referee.Wishes():
				s.grant(ctx, l, t, leg, w)
			case <-ctx.Done():
				return
			}
		}
	})
}

// grant calls whom the caller's side named, if the agent may call there, and lets the agent go on with him. Who asked is told each step
// and usually hangs up.
func (s *Switchboard) grant(ctx context.Context, l *live, t *talk, leg media.Leg, w media.Wish) {
	x, err := s.asked(ctx, l, t, w)
	if err == nil {
		err = x.take(ctx)
	}
	if err != nil {
		s.log.Warn("REFER of the caller not granted", "call", l.id, "error", err, slog.Group("pii", "to", w.To))
		w.Progress(declinedStatus)
		return
	}
	ringing := bridge.NewRinging(ctx, x.lent)
	x.target.Waiting = ringing
	x.lent.To(ringing)
	next, _, err := s.deps.Dialer.Dial(ctx, x.target, func(string) { w.Progress(ringingStatus) })
	if err != nil {
		r := reportOf(err)
		w.Progress(statusOf(r))
		x.lent.To(nil)
		x.settle(r)
		if x.gaveUp() {
			x.lent.End(parley.EndedByCaller)
			return
		}
		x.lent.Return(nil)
		return
	}
	w.Progress(answeredStatus)
	x.settle(media.Report{Outcome: media.OutcomeAnswered, Status: answeredStatus, Reason: "sip_200"})
	x.lent.To(nil)
	if !x.lent.Swap(next) {
		hangUp(next)
		return
	}
	t.moved(next)
	s.heed(l, t, next)
	part(leg)
}

// part ends the call with whoever sent us on, unless he does it himself.
func part(leg media.Leg) {
	if !within(leg.Done(), byeWithin) {
		hangUp(leg)
	}
}

// asked checks a wish as an outbound call is checked.
func (s *Switchboard) asked(ctx context.Context, l *live, t *talk, w media.Wish) (*transfer, error) {
	prefixes, err := s.prefixesOf(ctx, l.call.EnvironmentID)
	if err != nil {
		return nil, err
	}
	r := parley.TransferRequest{Mode: parley.TransferAsked, To: w.To}
	x := &transfer{s: s, l: l, talk: t, req: r, settled: make(chan struct{})}
	if x.target, err = s.targetOf(ctx, l, r, prefixes); err != nil {
		return nil, err
	}
	x.target.Replaces = w.Replaces
	return x, nil
}

// statusOf is a final status that says what became of a call.
func statusOf(r media.Report) int {
	switch {
	case r.Status >= 300:
		return r.Status
	case r.Outcome == media.OutcomeBusy:
		return 486
	case r.Outcome == media.OutcomeNoAnswer:
		return 480
	case r.Outcome == media.OutcomeRefused:
		return declinedStatus
	}
	return 503
}
