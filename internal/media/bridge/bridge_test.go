package bridge_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/media/bridge"
	"github.com/parley-voice/parley/internal/media/line"
	"github.com/parley-voice/parley/internal/media/mediatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// joined is a bridge on its way: the caller's ticks are pushed as a conversation does.
type joined struct {
	caller, other *mediatest.Leg
	bridge        *bridge.Bridge
	ended         chan error
	ticks         []media.Tick
	stop          func()
}

// join runs f on two legs that are joined, in virtual time.
func join(t *testing.T, f func(j *joined)) {
	synctest.Test(t, func(t *testing.T) {
		j := &joined{caller: mediatest.Start(t), other: mediatest.Start(t), ended: make(chan error, 1)}
		j.bridge = bridge.New(t.Context(), j.caller, j.other)
		ctx, stop := context.WithCancel(t.Context())
		pushed := make(chan struct{})
		go func() {
			defer close(pushed)
			var k media.Tick
			for j.caller.Read(ctx, &k) == nil {
				j.ticks = append(j.ticks, k)
				j.bridge.Push(&k)
			}
		}()
		go func() { j.ended <- j.bridge.Run(ctx) }()
		j.stop = func() { stop(); <-pushed }
		f(j)
		j.stop()
	})
}

// loudest tells when sound began and how many loud samples there are.
func loud(pcm []int16) (first, n int) {
	first = -1
	for i, x := range pcm {
		if x > 3000 || x < -3000 {
			if n++; first < 0 {
				first = i
			}
		}
	}
	return first, n
}

func TestFramesPassBothWaysWithinAFewBeats(t *testing.T) {
	join(t, func(j *joined) {
		time.Sleep(time.Second)
		from := len(j.other.Said())
		j.caller.Play(mediatest.Loud(time.Second))
		j.other.Play(mediatest.Loud(time.Second))
		time.Sleep(3 * time.Second)
		synctest.Wait()
		for name, said := range map[string][]int16{"to the other": j.other.Said(), "to the caller": j.caller.Said()} {
			first, n := loud(said)
			if delay := time.Duration(first-from) * time.Second / media.Rate; delay < 0 || delay > 100*time.Millisecond || n != media.Rate {
				t.Errorf("%s: after %v, %d samples", name, delay, n)
			}
		}
		if out, in := j.bridge.Dropped(); out+in > 4 {
			t.Errorf("%d and %d frames dropped", out, in)
		}
	})
}

// The recording is made of the caller's ticks: heard is the caller, said is the target.
func TestTheCallersTicksHoldBoth(t *testing.T) {
	join(t, func(j *joined) {
		j.other.Play(mediatest.Loud(500 * time.Millisecond))
		time.Sleep(time.Second)
		j.caller.Play(mediatest.Loud(200 * time.Millisecond))
		time.Sleep(time.Second)
		j.stop()
		var heard, said []int16
		for _, k := range j.ticks {
			heard, said = append(heard, k.Heard[:]...), append(said, k.Said[:]...)
		}
		_, h := loud(heard)
		_, s := loud(said)
		if h != media.Rate/5 || s != media.Rate/2 {
			t.Errorf("caller %d, target %d loud samples", h, s)
		}
	})
}

func TestKeysPassBothWays(t *testing.T) {
	join(t, func(j *joined) {
		j.bridge.Digit('5')
		j.other.Press('7')
		time.Sleep(100 * time.Millisecond)
		if j.other.Pressed() != "5" || j.caller.Pressed() != "7" {
			t.Errorf("other got %q, caller %q", j.other.Pressed(), j.caller.Pressed())
		}
	})
}

func TestTheOtherHangingUpEndsTheBridge(t *testing.T) {
	join(t, func(j *joined) {
		time.Sleep(time.Second)
		j.other.HangUp()
		if err := <-j.ended; !errors.Is(err, media.ErrEnded) {
			t.Error(err)
		}
		select {
		case <-j.caller.Done():
			t.Error("the bridge hung the caller up")
		default:
		}
	})
}

// A leg whose clock stands still makes nobody wait, and what was said meanwhile is not heard late.
func TestAStalledLegHoldsNobodyUp(t *testing.T) {
	join(t, func(j *joined) {
		time.Sleep(time.Second)
		j.other.Stall()
		j.caller.Play(mediatest.Loud(5 * time.Second))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := len(j.ticks); n < 290 {
			t.Errorf("%d ticks in 6 s", n)
		}
		if out, _ := j.bridge.Dropped(); out < 200 {
			t.Errorf("%d frames dropped", out)
		}
	})
}

func TestPlayReturnsWhenAllWasHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mediatest.Start(t)
		begin := time.Now()
		if err := bridge.Play(t.Context(), l, mediatest.Loud(time.Second)); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(begin); d < time.Second || d > 1100*time.Millisecond {
			t.Errorf("after %v", d)
		}
		if _, n := loud(l.Said()); n != media.Rate {
			t.Errorf("%d samples", n)
		}
		go func() { time.Sleep(300 * time.Millisecond); l.HangUp() }()
		if err := bridge.Play(t.Context(), l, mediatest.Loud(time.Second)); !errors.Is(err, media.ErrEnded) {
			t.Errorf("hung up on: %v", err)
		}
	})
}

func TestRingingIsASecondInFive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mediatest.Start(t)
		r := bridge.NewRinging(t.Context(), l)
		r.Ring()
		wait(t, l, r, 10*time.Second)
		if n := sounding(l.Said()); n < 98 || n > 101 {
			t.Errorf("%d frames sound", n)
		}
	})
}

// RFC 3960 §3.2: no tone before it rings elsewhere; what is heard from there takes its place; when that ends the tone is back.
func TestRingingGivesWayToSoundFromElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mediatest.Start(t)
		r := bridge.NewRinging(t.Context(), l)
		wait(t, l, r, 3*time.Second)
		if n := sounding(l.Said()); n != 0 {
			t.Errorf("%d frames sound before it rings", n)
		}
		r.Ring()
		for range 250 { // 5 s of an announcement
			f := media.Frame{7: 9000}
			r.Hear(&f)
			wait(t, l, r, media.FrameTime)
		}
		wait(t, l, r, 200*time.Millisecond) // what is under way
		said := l.Said()
		announced, toned := 0, 0
		for i := 0; i+media.FrameSamples <= len(said); i += media.FrameSamples {
			switch f := said[i : i+media.FrameSamples]; {
			case f[7] == 9000:
				announced++
			case sounding(f) > 0:
				toned++
			}
		}
		if announced < 245 || toned != 0 {
			t.Errorf("%d frames of the announcement, %d of the tone", announced, toned)
		}
		wait(t, l, r, 6*time.Second)
		if n := sounding(l.Said()[len(said):]); n < 50 {
			t.Errorf("%d frames of the tone afterwards", n)
		}
	})
}

// wait pushes the ticks of a leg for a time.
func wait(t *testing.T, l *mediatest.Leg, r *bridge.Ringing, d time.Duration) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	var k media.Tick
	for l.Read(ctx, &k) == nil {
		r.Push(&k)
	}
}

// sounding counts frames that are not silent.
func sounding(said []int16) (n int) {
	for i := 0; i+media.FrameSamples <= len(said); i += media.FrameSamples {
		if slices.Max(said[i:i+media.FrameSamples]) > 1500 {
			n++
		}
	}
	return n
}

// still is a leg whose clock is the test's.
type still struct{ *line.Line }

func (still) SendDigit(context.Context, byte) error { return nil }
func (still) Hangup(context.Context) error          { return nil }
func (still) Stats() media.Stats                    { return media.Stats{} }

func BenchmarkPush(b *testing.B) {
	a, o := still{line.New()}, still{line.New()}
	br := bridge.New(b.Context(), a, o)
	var k media.Tick
	var heard, said media.Frame
	b.ReportAllocs()
	for range b.N {
		o.Beat(&heard, false, &said)
		_ = o.Read(b.Context(), &k)
		br.Push(&k)
	}
}

func TestPassingAFrameAllocatesNothing(t *testing.T) {
	a, o := still{line.New()}, still{line.New()}
	br := bridge.New(t.Context(), a, o)
	ran := make(chan error, 1)
	go func() { ran <- br.Run(t.Context()) }()
	var k media.Tick
	var heard, said media.Frame
	n := testing.AllocsPerRun(1000, func() {
		o.Beat(&heard, false, &said)
		a.Beat(&heard, false, &said)
		_ = a.Read(t.Context(), &k)
		br.Push(&k)
	})
	if n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
	o.End(media.EndRemote)
	<-ran
}
