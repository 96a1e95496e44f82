package sipdoor

import (
	"context"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/sipdoor/stream"
)

// undecided is how long a call may ring before the door gives up on its answerer (RFC 3261 §13.3.1.1 has three minutes).
const undecided = 3 * time.Minute

// incoming is a call that rings, as the house sees it.
type incoming struct {
	s       *answering
	offer   *description // nil when the caller leaves the offer to us
	agreed  agreed
	offered bool // by us, in a reliable provisional response
	invite  media.Invite
	gone    chan struct{}
	leave   func() // closes gone
}

var _ media.Incoming = (*incoming)(nil)

func newIncoming(s *answering, offer *description, a agreed, inv media.Invite) *incoming {
	in := &incoming{s: s, offer: offer, agreed: a, invite: inv, gone: make(chan struct{})}
	in.leave = sync.OnceFunc(func() { close(in.gone) })
	return in
}

// Invite implements media.Incoming.
func (in *incoming) Invite() media.Invite { return in.invite }

// Gone implements media.Incoming.
func (in *incoming) Gone() <-chan struct{} { return in.gone }

// decide runs f in the dialog unless the call is settled.
func (in *incoming) decide(ctx context.Context, f func() error) error {
	return in.s.dialog.ask(ctx, func() error {
		if in.s.final {
			return media.ErrEnded
		}
		return f()
	})
}

// Ring implements media.Incoming.
func (in *incoming) Ring() error {
	return in.decide(context.Background(), func() error {
		if !in.s.reliably() {
			in.s.respond(sip.StatusRinging, "Ringing", nil)
			return nil
		}
		return in.ringReliably()
	})
}

// ringReliably sends a 180 that wants a PRACK. The first reliable response carries the offer where the INVITE had none (RFC 3261 §13.2.1).
func (in *incoming) ringReliably() error {
	s, d := in.s, in.s.dialog
	var body []byte
	if in.offer == nil && d.stream == nil {
		if err := in.open(); err != nil {
			return err
		}
		s.offering = true
		in.offered = true
		body = d.sound.offer()
	}
	s.progress(sip.StatusRinging, "Ringing", body)
	return nil
}

// open binds the ports of the call, or refuses it.
func (in *incoming) open() error {
	s, d := in.s, in.s.dialog
	if d.stream != nil {
		return nil
	}
	err := d.openStream(in.agreed.toward(d.peer.source.addr.Addr()))
	if err != nil {
		s.refuse(noCapacity())
		d.phase = finished
	}
	return err
}

// Reject implements media.Incoming.
func (in *incoming) Reject(r media.Refusal) error {
	return in.decide(context.Background(), func() error {
		in.s.refuse(refusalOf(r))
		in.s.dialog.phase = finished
		return nil
	})
}

func refusalOf(r media.Refusal) *refusal {
	switch r {
	case media.RefuseUnknownNumber:
		return refuse(sip.StatusNotFound, "Not Found")
	case media.RefuseNoAgent:
		return refuse(sip.StatusTemporarilyUnavailable, "Temporarily Unavailable")
	case media.RefuseBusy:
		return refuse(sip.StatusBusyHere, "Busy Here")
	case media.RefuseNoCapacity:
		return noCapacity()
	case media.RefuseForbidden:
		return refuse(sip.StatusForbidden, "Forbidden")
	}
	return refuse(sip.StatusInternalServerError, "Server Internal Error")
}

// Answer implements media.Incoming.
func (in *incoming) Answer(ctx context.Context) (media.Leg, error) {
	for {
		var wait chan struct{}
		err := in.decide(ctx, func() error {
			if s := in.s; s.offering && s.unacked != nil { // no 2xx before the answer to our offer (RFC 3262 §3)
				wait = s.unacked.done
				return nil
			}
			return in.pickUp()
		})
		if err != nil {
			return nil, err
		}
		if wait == nil {
			return in.s.dialog.theLeg(), nil
		}
		select {
		case <-wait:
		case <-in.s.dialog.over:
			return nil, media.ErrEnded
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (in *incoming) pickUp() error {
	s, d := in.s, in.s.dialog
	if err := in.open(); err != nil {
		return err
	}
	d.phase = confirmed
	switch {
	case in.offered: // and answered by PRACK
		s.accept(nil)
	case in.offer == nil:
		s.delayed = true
		s.accept(d.sound.offer())
		return nil
	default:
		s.accept(d.sound.answer(in.offer, in.agreed))
	}
	d.stream.Start(d.door.params(in.agreed, d))
	return nil
}

// expire gives up on an answerer that does not decide.
func (in *incoming) expire() {
	if in.s.final {
		return
	}
	in.s.refuse(refusalOf(media.RefuseNoAgent))
	in.s.dialog.phase = finished
}

// serve lets the house decide about the call, and decides if it does not.
func (in *incoming) serve(ctx context.Context, answerer media.Answerer) {
	defer func() {
		if p := recover(); p != nil {
			in.s.dialog.log.Error("panic while serving a call", "panic", p, "stack", string(debug.Stack()))
		}
		_ = in.Reject(media.RefuseFault) // harmless once settled
	}()
	answerer.Serve(ctx, in)
}

// leg is an answered call. Its sound stays when another dialog takes it over.
type leg struct {
	*stream.Stream
	dialog atomic.Pointer[dialog]
	wishes chan media.Wish
}

// theLeg is the dialog's leg, made when it is first wanted.
func (d *dialog) theLeg() *leg {
	if d.leg == nil {
		d.leg = &leg{Stream: d.stream, wishes: make(chan media.Wish, 1)}
		d.leg.dialog.Store(d)
	}
	return d.leg
}

var _ media.Leg = (*leg)(nil)

// Hangup implements media.Leg.
func (l *leg) Hangup(ctx context.Context) error {
	d := l.dialog.Load()
	d.box.put(func() { d.leave(media.EndLocal) })
	select {
	case <-d.over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
