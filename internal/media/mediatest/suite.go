package mediatest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/media"
)

// Far is the caller's end of a leg under test.
type Far interface {
	// Play sends sound of the contract's rate to the leg.
	Play(pcm []int16)
	// Said returns what came from the leg so far.
	Said() []int16
	// Press sends a digit.
	Press(digit byte)
	// HangUp ends the call.
	HangUp()
}

// Press makes the caller press a digit.
func (l *Leg) Press(digit byte) { l.Line.Press(digit) }

var _ Far = (*Leg)(nil)

// patience bounds a wait of the suite; nothing is measured against it.
const patience = 10 * time.Second

// Run holds a leg against the contract. open gives an answered leg and its far end; it may run on real or on virtual time.
func Run(t *testing.T, open func(t *testing.T) (media.Leg, Far)) {
	tests := map[string]func(*testing.T, media.Leg, Far){
		"sound goes both ways":                          goesBothWays,
		"played counts what has left":                   countsPlayed,
		"clear drops what waits":                        clears,
		"a digit of the caller arrives":                 digitArrives,
		"hanging up ends it for a local cause":          hangsUp,
		"the caller's hang-up ends it for a remote one": remoteEnds,
		"reading obeys its context":                     readObeys,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			leg, far := open(t)
			test(t, leg, far)
		})
	}
}

// Loud is sound that survives any codec.
func Loud(d time.Duration) []int16 {
	pcm := make([]int16, int(media.Rate*d/time.Second))
	for i := range pcm {
		pcm[i] = 8000
		if i%40 >= 20 { // 400 Hz
			pcm[i] = -8000
		}
	}
	return pcm
}

func loud(pcm []int16) bool {
	n := 0
	for _, x := range pcm {
		if x > 3000 || x < -3000 {
			n++
		}
	}
	return n > media.FrameSamples/2
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

func write(t *testing.T, leg media.Leg, frames int) {
	t.Helper()
	pcm := Loud(media.FrameTime)
	f := media.Frame(pcm)
	for range frames {
		if err := leg.Write(t.Context(), &f); err != nil {
			t.Fatal(err)
		}
	}
}

// ticks reads until ok says so.
func ticks(t *testing.T, leg media.Leg, ok func(*media.Tick) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var k media.Tick
	for {
		if err := leg.Read(ctx, &k); err != nil {
			t.Fatal(err)
		}
		if ok(&k) {
			return
		}
	}
}

func goesBothWays(t *testing.T, leg media.Leg, far Far) {
	far.Play(Loud(time.Second))
	ticks(t, leg, func(k *media.Tick) bool { return loud(k.Heard[:]) })
	write(t, leg, 10)
	ticks(t, leg, func(k *media.Tick) bool { return loud(k.Said[:]) })
	until(t, "the far side hears us", func() bool { return loud(far.Said()) })
}

func countsPlayed(t *testing.T, leg media.Leg, _ Far) {
	write(t, leg, 5)
	ticks(t, leg, func(k *media.Tick) bool { return k.Played == 5 })
}

func clears(t *testing.T, leg media.Leg, _ Far) {
	write(t, leg, 50)
	dropped := int64(leg.Clear())
	if dropped == 0 || dropped > 50 {
		t.Fatalf("%d of 50 frames dropped", dropped)
	}
	write(t, leg, 1)
	ticks(t, leg, func(k *media.Tick) bool { return k.Played == 51-dropped })
	if n := leg.Clear(); n != 0 {
		t.Errorf("%d frames were left", n)
	}
}

func digitArrives(t *testing.T, leg media.Leg, far Far) {
	far.Press('5')
	select {
	case d := <-leg.Digits():
		if d != '5' {
			t.Errorf("digit %c", d)
		}
	case <-time.After(patience):
		t.Error("no digit")
	}
}

func ended(t *testing.T, leg media.Leg, want media.EndCause) {
	t.Helper()
	select {
	case <-leg.Done():
	case <-time.After(patience):
		t.Fatal("the leg did not end")
	}
	if leg.Cause() != want {
		t.Errorf("cause %q, want %q", leg.Cause(), want)
	}
	var f media.Frame
	if err := leg.Write(t.Context(), &f); !errors.Is(err, media.ErrEnded) {
		t.Errorf("write after the end: %v", err)
	}
	var k media.Tick
	var err error
	for err == nil { // what was heard before the end may still be read
		err = leg.Read(t.Context(), &k)
	}
	if !errors.Is(err, media.ErrEnded) {
		t.Errorf("read after the end: %v", err)
	}
}

func hangsUp(t *testing.T, leg media.Leg, _ Far) {
	for range 2 { // repeating it is harmless
		if err := leg.Hangup(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ended(t, leg, media.EndLocal)
}

func remoteEnds(t *testing.T, leg media.Leg, far Far) {
	far.HangUp()
	ended(t, leg, media.EndRemote)
}

func readObeys(t *testing.T, leg media.Leg, _ Far) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var k media.Tick
	var err error
	for range 100 {
		if err = leg.Read(ctx, &k); err != nil {
			break
		}
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want context.Canceled", err)
	}
}
