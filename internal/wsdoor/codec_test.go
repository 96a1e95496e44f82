package wsdoor

import (
	"testing"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/media"
)

func newTestBuffer(t *testing.T) *buffer {
	t.Helper()
	b, err := newBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// code is n bytes of µ-law, loud or silent.
func code(n int, loud bool) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 0xFF
		if loud {
			b[i] = 0x90 | byte(i%2)<<7 ^ 0x80
		}
	}
	return b
}

func (b *buffer) beats(n int) (heard int) {
	var f media.Frame
	for range n {
		if b.take(&f) {
			heard++
		}
	}
	return heard
}

func TestFirstSoundWaitsABeat(t *testing.T) {
	b := newTestBuffer(t)
	b.put(audio.PCMU, code(320, true))
	if b.beats(1) != 0 || b.beats(3) != 2 {
		t.Error("want one beat of waiting, then two of sound")
	}
	b.put(audio.PCMU, code(160, true))
	if b.beats(1) != 0 || b.beats(1) != 1 {
		t.Error("after a gap the first sound waits again")
	}
}

func TestALongMessageIsPlayedWhole(t *testing.T) {
	b := newTestBuffer(t)
	b.put(audio.PCMU, code(8000, true))
	if n := b.beats(60); n != 50 {
		t.Errorf("%d of 50 beats heard", n)
	}
}

func TestQuietIsLeftOutWhileMuchWaits(t *testing.T) {
	b := newTestBuffer(t)
	b.put(audio.PCMU, code(8000, false))
	b.put(audio.PCMU, code(8000, true))
	if n := b.beats(200); n < 50 || n > 51 {
		t.Errorf("%d beats heard, want the loud 50", n)
	}
}

func TestWhatDoesNotFitIsDropped(t *testing.T) {
	b := newTestBuffer(t)
	for range 3 {
		b.put(audio.PCMU, code(patience/2, true))
	}
	if b.dropped != patience/2 || b.have != patience {
		t.Errorf("%d dropped, %d wait", b.dropped, b.have)
	}
}

func TestBeatAllocatesNothing(t *testing.T) {
	l, err := newLeg(func() {})
	if err != nil {
		t.Fatal(err)
	}
	n := &connection{out: make(chan parcel, 1)}
	l.conn = n
	c := code(160, true)
	if a := testing.AllocsPerRun(200, func() { l.buf.put(audio.PCMU, c); l.beat(); <-n.out }); a != 0 {
		t.Errorf("%v allocations a beat", a)
	}
}
