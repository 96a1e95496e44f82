package bridge

import (
	"context"
	"math"

	"github.com/parley-voice/parley/internal/media"
)

// ahead is how many frames of a message are queued on the leg.
const ahead = 10

// Play says pcm on a leg that nobody else reads or writes, and returns when all of it has left; media.ErrEnded when the leg ends before.
func Play(ctx context.Context, leg media.Leg, pcm []int16) error {
	var t media.Tick
	if err := leg.Read(ctx, &t); err != nil {
		return err
	}
	base := t.Played
	var f media.Frame
	for sent := int64(0); len(pcm) > 0 || t.Played-base < sent; {
		for ; len(pcm) > 0 && sent-(t.Played-base) < ahead; sent++ {
			n := copy(f[:], pcm)
			clear(f[n:])
			pcm = pcm[n:]
			if err := leg.Write(ctx, &f); err != nil {
				return err
			}
		}
		if err := leg.Read(ctx, &t); err != nil {
			return err
		}
	}
	return nil
}

// A ring-back tone of one second in five, 400 Hz at -24 dBFS: eight periods fill a frame, so that all frames are alike.
const (
	ringOn    = 50
	ringEvery = 250
	ringLevel = 2000
)

// Ringing lets a caller hear that it rings elsewhere. It takes his ticks as Bridge does.
type Ringing struct {
	ctx    context.Context
	caller Caller
	tone   media.Frame
	hush   media.Frame
	beat   int
	path   path
}

// NewRinging makes the tone for a caller.
func NewRinging(ctx context.Context, caller Caller) *Ringing {
	r := &Ringing{ctx: ctx, caller: caller}
	for i := range r.tone {
		r.tone[i] = int16(ringLevel * math.Sin(2*math.Pi*8*float64(i)/media.FrameSamples))
	}
	return r
}

// Push takes a tick of the caller's and gives him a frame for it.
func (r *Ringing) Push(t *media.Tick) {
	r.path.left(t.Played)
	f := &r.hush
	if r.beat < ringOn {
		f = &r.tone
	}
	r.beat = (r.beat + 1) % ringEvery
	if r.path.room(f) {
		_ = r.caller.Write(r.ctx, f) // his owner sees his end
	}
}

// Digit drops a key: nobody is there to hear it.
func (r *Ringing) Digit(byte) {}
