package bridge

import (
	"context"
	"math"
	"sync/atomic"

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

// lull is for how many beats sound from elsewhere may pause before the tone takes its place: half a second.
const lull = 25

// Ringing lets a caller hear what goes on elsewhere before the answer (RFC 3960 §3.2): the sound of that side's network where there is
// any, else the tone once it rings. It takes his ticks as Bridge does.
type Ringing struct {
	ctx    context.Context
	caller Caller
	tone   media.Frame
	hush   media.Frame
	beat   int
	rings  atomic.Bool
	sounds atomic.Int64 // beats for which sound of the other side's counts as going on
	path   path
}

var _ media.Waiting = (*Ringing)(nil)

// NewRinging makes the tone for a caller.
func NewRinging(ctx context.Context, caller Caller) *Ringing {
	r := &Ringing{ctx: ctx, caller: caller}
	for i := range r.tone {
		r.tone[i] = int16(ringLevel * math.Sin(2*math.Pi*8*float64(i)/media.FrameSamples))
	}
	return r
}

// Ring implements media.Waiting: from now on there is a tone.
func (r *Ringing) Ring() { r.rings.Store(true) }

// Hear implements media.Waiting: the caller hears it, too.
func (r *Ringing) Hear(f *media.Frame) {
	if r.ctx.Err() != nil {
		return
	}
	r.sounds.Store(lull)
	r.give(f)
}

// Push takes a tick of the caller's and gives him a frame for it, unless the other side's sound does.
func (r *Ringing) Push(t *media.Tick) {
	r.path.left(t.Played)
	if r.sounds.Load() > 0 {
		r.sounds.Add(-1)
		return
	}
	f := &r.hush
	if r.rings.Load() {
		if r.beat < ringOn {
			f = &r.tone
		}
		r.beat = (r.beat + 1) % ringEvery
	}
	r.give(f)
}

func (r *Ringing) give(f *media.Frame) {
	if r.path.room(f) {
		_ = r.caller.Write(r.ctx, f) // his owner sees his end
	}
}

// Digit drops a key: nobody is there to hear it.
func (r *Ringing) Digit(byte) {}
