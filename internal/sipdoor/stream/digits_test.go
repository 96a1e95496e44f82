package stream

import (
	"math"
	"testing"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/rtpmedia"
)

// tones are the packets of a key pressed in the sound for some beats, then silence.
func (r *rig) tones(row, column float64, beats, rest int, lost func(i int) bool) {
	pcm, code := make([]int16, rtpmedia.Beat), make([]byte, rtpmedia.Beat)
	for b := range beats + rest {
		for i := range pcm {
			at := 2 * math.Pi * float64(b*len(pcm)+i) / 8000
			pcm[i] = 0
			if b < beats {
				pcm[i] = int16(6000*math.Sin(row*at) + 6000*math.Sin(column*at))
			}
		}
		audio.PCMU.Encode(code, pcm)
		if lost(b) {
			r.seq, r.ts = r.seq+1, r.ts+rtpmedia.Beat
		} else {
			r.talks(r.at, code)
		}
		r.beat()
	}
}

func (r *rig) pressed() (keys string) {
	for {
		select {
		case k := <-r.Digits():
			keys += string(k)
		default:
			return keys
		}
	}
}

func none(int) bool { return false }

func TestTonesAreKeysOnlyWhereThereIsNoBetterWay(t *testing.T) {
	for _, c := range []struct {
		name   string
		events uint8
		before func(r *rig)
		lost   func(int) bool
		want   string
	}{
		{"nothing else was agreed on", 0, func(*rig) {}, none, "5"},
		{"with packets lost in between", 0, func(*rig) {}, func(i int) bool { return i == 6 || i == 7 }, "5"},
		{"telephone-event was agreed on", 101, func(*rig) {}, none, ""},
		{"INFO has brought keys", 0, func(r *rig) { r.Pressed('1') }, none, "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			p := r.params()
			p.DTMFPayload = c.events
			r.Start(p)
			c.before(r)
			r.tones(770, 1336, 12, 10, c.lost)
			if got := r.pressed(); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestAKeyThatComesTwoWaysIsOne(t *testing.T) {
	t.Run("in the sound and by INFO", func(t *testing.T) {
		r := newRig(t)
		p := r.params()
		p.DTMFPayload = 0
		r.Start(p)
		r.tones(770, 1336, 12, 10, none)
		r.Pressed('5')
		r.Pressed('5')
		if got := r.pressed(); got != "55" {
			t.Errorf("%q", got)
		}
	})
	t.Run("as an event and by INFO", func(t *testing.T) {
		r := newRig(t)
		r.Start(r.params())
		for i := range 5 { // the first packet and an end are lost (RFC 4733 §2.5.1.4)
			if i == 0 || i == 3 {
				continue
			}
			p := rtpmedia.Packet{PayloadType: 101, Sequence: uint16(i), SSRC: 77, Payload: []byte{5, 0x8A, 3, 32}}
			r.receive(p.Append(nil), r.at, 0)
		}
		r.Pressed('5')
		if got := r.pressed(); got != "5" {
			t.Errorf("%q", got)
		}
	})
}
