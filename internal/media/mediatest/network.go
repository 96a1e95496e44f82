package mediatest

import (
	"context"
	"sync"
	"time"

	"github.com/parley-voice/parley/internal/media"
)

// Incoming is a call that rings. Its fields are set before it is served.
type Incoming struct {
	Inv  media.Invite
	Made media.Leg // what Answer gives
	// AnswerErr fails Answer; RingErr fails Ring.
	AnswerErr, RingErr error
	// AnswerDelay is how long Answer takes.
	AnswerDelay time.Duration

	mu       sync.Mutex
	rung     bool
	answered bool
	refusal  media.Refusal
	gone     chan struct{}
}

var _ media.Incoming = (*Incoming)(nil)

// Ringing makes an incoming call to a number, answered by leg.
func Ringing(dialled, from string, leg media.Leg) *Incoming {
	return &Incoming{Inv: media.Invite{NetworkID: "scripted-" + from, Dialled: []string{dialled}, From: from, Kind: "sip"}, Made: leg, gone: make(chan struct{})}
}

// Invite implements media.Incoming.
func (i *Incoming) Invite() media.Invite { return i.Inv }

// Ring implements media.Incoming.
func (i *Incoming) Ring() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.rung = true
	return i.RingErr
}

// Answer implements media.Incoming.
func (i *Incoming) Answer(ctx context.Context) (media.Leg, error) {
	if i.AnswerDelay > 0 {
		select {
		case <-time.After(i.AnswerDelay):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	select {
	case <-i.gone:
		return nil, media.ErrEnded
	default:
	}
	if i.AnswerErr != nil {
		return nil, i.AnswerErr
	}
	i.answered = true
	return i.Made, nil
}

// Reject implements media.Incoming.
func (i *Incoming) Reject(r media.Refusal) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.refusal = r
	return nil
}

// Gone implements media.Incoming.
func (i *Incoming) Gone() <-chan struct{} { return i.gone }

// GiveUp makes the caller cancel.
func (i *Incoming) GiveUp() { close(i.gone) }

// Fate tells what became of the call.
func (i *Incoming) Fate() (rung, answered bool, refusal media.Refusal) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.rung, i.answered, i.refusal
}

// Dialer is a far side with a scripted outcome.
type Dialer struct {
	// Rings is how long it takes to ring, zero for a far side that never does; Answers how long after that the outcome comes.
	Rings, Answers time.Duration
	// Leg makes the leg of an answered call; nil gives Err.
	Leg func() media.Leg
	Err error

	mu      sync.Mutex
	dialled []media.Target
}

var _ media.Dialer = (*Dialer)(nil)

// Dial implements media.Dialer.
func (d *Dialer) Dial(ctx context.Context, t media.Target, ringing func(string)) (media.Leg, string, error) {
	d.mu.Lock()
	d.dialled = append(d.dialled, t)
	d.mu.Unlock()
	const id = "scripted-dial"
	if d.Rings > 0 {
		if err := wait(ctx, d.Rings); err != nil {
			return nil, id, err
		}
		ringing(id)
		if t.Waiting != nil {
			t.Waiting.Ring()
		}
	}
	if err := wait(ctx, d.Answers); err != nil {
		return nil, id, err
	}
	if d.Leg == nil {
		return nil, id, d.Err
	}
	return d.Leg(), id, nil
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return &media.NotAnswered{Outcome: media.OutcomeCanceled, Reason: "canceled"}
	}
}

// Probe implements media.Dialer.
func (d *Dialer) Probe(context.Context, media.Target) (time.Duration, error) {
	return time.Millisecond, d.Err
}

// Dialled returns the targets so far.
func (d *Dialer) Dialled() []media.Target {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]media.Target(nil), d.dialled...)
}
