// Package bridge joins two legs. One, the caller's, is read by somebody else, who pushes its ticks here and may record them: what the
// other leg says is what the caller's ticks hold as said, so that a recording has both. Frames pass one for one, each leg keeps the beat
// of its own clock, and what those differ by is dropped, in a pause if there is one. Passing a frame allocates nothing, waits for nothing
// and takes no lock but the legs' own.
package bridge

import (
	"context"
	"sync/atomic"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/media"
)

const (
	// enough is how many frames may wait for the other leg's clock before one without sound is dropped, most before any is: 60 and 160 ms.
	enough = 3
	most   = 8
	// hush is the RMS below which a frame counts as without sound: -45 dBFS.
	hush = 184
)

// Caller is the leg whose ticks are pushed.
type Caller interface {
	Write(ctx context.Context, f *media.Frame) error
	SendDigit(ctx context.Context, digit byte) error
}

// Bridge joins a caller with another leg. Make it with New.
type Bridge struct {
	ctx    context.Context // of Run
	caller Caller
	other  media.Leg
	to     path // the other leg
	from   path // the caller
}

// path is one direction: frames written on one side, frames played on the other.
type path struct {
	written         atomic.Int64
	played, base    atomic.Int64
	begun           atomic.Bool
	passed, dropped atomic.Int64
}

// left notes how many frames the far leg has played.
func (p *path) left(played int64) {
	if !p.begun.Load() {
		p.base.Store(played)
		p.begun.Store(true)
	}
	p.played.Store(played)
}

// room says whether a frame should be passed on, or would only add to the delay.
func (p *path) room(f *media.Frame) bool {
	waiting := p.written.Load() - (p.played.Load() - p.base.Load())
	if waiting >= most || waiting >= enough && audio.RMS(f[:]) < hush {
		p.dropped.Add(1)
		return false
	}
	p.written.Add(1)
	p.passed.Add(1)
	return true
}

// New makes a bridge between a caller and an answered leg, which belongs to it until Run returns. ctx is for the writing.
func New(ctx context.Context, caller Caller, other media.Leg) *Bridge {
	return &Bridge{ctx: ctx, caller: caller, other: other}
}

// Push takes a tick of the caller's. It never blocks.
func (b *Bridge) Push(t *media.Tick) {
	b.from.left(t.Played)
	if b.to.room(&t.Heard) {
		_ = b.other.Write(b.ctx, &t.Heard) // fails only when the leg has ended, which Run sees
	}
}

// Digit passes a key of the caller's on.
func (b *Bridge) Digit(digit byte) {
	_ = b.other.SendDigit(b.ctx, digit) // a leg that takes no keys gets none
}

// Run passes on what the other leg hears and presses until it ends (media.ErrEnded) or ctx does. It hangs up neither.
func (b *Bridge) Run(ctx context.Context) error {
	var t media.Tick
	for {
		if err := b.other.Read(ctx, &t); err != nil {
			return err
		}
		b.to.left(t.Played)
		select {
		case d := <-b.other.Digits():
			_ = b.caller.SendDigit(ctx, d) // as Digit
		default:
		}
		if b.from.room(&t.Heard) {
			_ = b.caller.Write(ctx, &t.Heard) // the caller's owner sees his end
		}
	}
}

// Dropped counts frames that were left out since the clocks of the legs differ: towards the other leg, and towards the caller.
func (b *Bridge) Dropped() (out, in int64) { return b.to.dropped.Load(), b.from.dropped.Load() }
