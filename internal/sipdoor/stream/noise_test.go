package stream

import (
	"testing"

	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/rtpmedia"
)

func TestSilenceIsComfortNoiseWhereAgreed(t *testing.T) { // RFC 3389 §4, RFC 3551 §4.1
	r := newRig(t)
	p := r.params()
	p.Noise = true
	r.Start(p)
	say := func() {
		if err := r.Write(t.Context(), &media.Frame{1000, -1000}); err != nil {
			t.Fatal(err)
		}
	}
	say()
	r.beats(51) // one of sound, ten that end it, then forty of which every tenth is described
	say()
	r.beat()
	r.wantSent(1 + 10 + 4 + 1)
	var first, last rtpmedia.Packet
	noise := 0
	for i := range 16 {
		q := r.packet()
		switch {
		case i == 0:
			first = q
		case q.PayloadType == 13:
			noise++
			if len(q.Payload) != 1 || q.Payload[0] != 70 || q.Marker {
				t.Errorf("comfort noise %v, marker %v", q.Payload, q.Marker)
			}
		}
		last = q
	}
	if noise != 4 || !last.Marker || last.Timestamp != first.Timestamp+51*rtpmedia.Beat || last.Sequence != first.Sequence+15 {
		t.Errorf("%d of noise; then %d ticks and %d packets later sound, marker %v", noise,
			last.Timestamp-first.Timestamp, last.Sequence-first.Sequence, last.Marker)
	}
}

func TestWithoutComfortNoiseTheStreamNeverPauses(t *testing.T) {
	r := newRig(t)
	r.Start(r.params())
	r.beats(100)
	r.wantSent(100)
}
