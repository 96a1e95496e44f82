package stream

import (
	"testing"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/rtpmedia"
)

// hears beats once and gives the tick.
func (r *rig) hears() (k media.Tick) {
	r.t.Helper()
	r.beat()
	if err := r.Read(r.t.Context(), &k); err != nil {
		r.t.Fatal(err)
	}
	return k
}

func TestAnnouncedPauseIsComfortNoiseNotLoss(t *testing.T) { // RFC 3389 §4
	r := newRig(t)
	r.Start(r.params())
	for range 3 {
		r.talks(r.at, sound)
		r.hears()
	}
	cn := rtpmedia.Packet{PayloadType: 13, Sequence: r.seq, Timestamp: r.ts, SSRC: 77, Payload: []byte{50}}
	r.seq++
	r.receive(cn.Append(nil), r.at, r.ts)
	for i := range 50 {
		k := r.hears()
		if level := audio.Level(k.Heard[:]); i > 2 && (k.Lost || level < -54 || level > -46) {
			t.Fatalf("beat %d: lost %v, %.0f dBFS", i, k.Lost, level)
		}
	}
	r.ts += 50 * rtpmedia.Beat
	r.talks(r.at, sound)
	r.hears()
	if share, _ := r.in.gaps.Concealed(); share != 0 || r.Stats().Lost != 0 {
		t.Errorf("%.2f concealed, %+v", share, r.Stats())
	}
}

func TestALossIsConcealed(t *testing.T) {
	r := newRig(t)
	r.Start(r.params())
	tone := audio.Tone{Rate: 8000, Frequency: 150, Peak: 8000}
	pcm, code := make([]int16, rtpmedia.Beat), make([]byte, rtpmedia.Beat)
	for i := range 40 {
		tone.Fill(pcm)
		audio.PCMU.Encode(code, pcm)
		if i == 20 {
			r.seq, r.ts = r.seq+1, r.ts+rtpmedia.Beat
		} else {
			r.talks(r.at, code)
		}
		k := r.hears()
		if level := audio.Level(k.Heard[:]); i > 3 && (level < -17 || level > -14) {
			t.Errorf("beat %d has %.1f dBFS, lost %v", i, level, k.Lost)
		}
	}
	if share, run := r.in.gaps.Concealed(); share < 0.02 || share > 0.03 || run != 1 {
		t.Errorf("%.3f concealed in runs of %.1f", share, run)
	}
}
