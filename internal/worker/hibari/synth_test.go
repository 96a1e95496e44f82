package hibari

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// dump reads waveform.bin.gz as testdata/waveform.py wrote it.
func dump(t testing.TB) (s spectra, sound []int16) {
	t.Helper()
	b, err := os.ReadFile("testdata/waveform.bin.gz")
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	const frames = 16
	s.pitch, sound = make([]float32, frames), make([]int16, frames*hop)
	eighths := make([]int8, 5*bins*frames)
	for _, into := range []any{s.pitch, eighths, sound} {
		if err := binary.Read(z, binary.LittleEndian, into); err != nil {
			t.Fatal(err)
		}
	}
	if rest, err := io.ReadAll(z); err != nil || len(rest) > 0 {
		t.Fatalf("%d bytes left, %v", len(rest), err)
	}
	for i, p := range []*[]float32{&s.harmonic, &s.turn, &s.noise, &s.free, &s.phase} {
		for _, v := range eighths[i*bins*frames : (i+1)*bins*frames] {
			*p = append(*p, float32(v)/8)
		}
	}
	return s, sound
}

// render collects a sentence's sound in pieces of n frames.
func render(s *speech, n int) (pcm []float32) {
	for done := false; !done; {
		pcm, done = s.next(pcm, n)
	}
	return pcm
}

func TestSoundIsThatOfTheReference(t *testing.T) {
	s, want := dump(t)
	for _, n := range []int{1, 3, 16, 100} {
		pcm := render(newSpeech(newTables(), s, nil), n)
		if len(pcm) != len(want) {
			t.Fatalf("%d samples in pieces of %d frames, want %d", len(pcm), n, len(want))
		}
		worst := 0.0
		for i, v := range pcm {
			worst = max(worst, math.Abs(float64(v)-float64(want[i])/32767))
		}
		if worst > 2e-4 {
			t.Errorf("in pieces of %d frames: off by %.6f", n, worst)
		}
	}
}

func TestNoiseIsAdded(t *testing.T) {
	s, _ := dump(t)
	a := render(newSpeech(newTables(), s, nil), 4)
	b := render(newSpeech(newTables(), s, rand.New(rand.NewPCG(1, 2))), 4)
	sum := 0.0
	for i := range a {
		sum += math.Abs(float64(a[i] - b[i]))
	}
	if mean := sum / float64(len(a)); mean < 1e-5 || mean > 0.05 {
		t.Errorf("noise changes samples by %.7f", mean)
	}
}

func TestShortestSpeech(t *testing.T) {
	for frames := range 4 {
		p := make([]float32, bins*frames)
		s := spectra{harmonic: p, turn: p, noise: p, free: p, phase: p, pitch: make([]float32, frames)}
		if got := len(render(newSpeech(newTables(), s, nil), 1)); got != frames*hop {
			t.Errorf("%d frames gave %d samples", frames, got)
		}
	}
}

func TestApproximations(t *testing.T) {
	for x := float32(-20); x < 20; x += 0.037 { // the network stays within
		if want := math.Exp(float64(x)); math.Abs(float64(exp(x))-want) > 5e-6*want {
			t.Errorf("exp(%v) = %v, want %v", x, exp(x), want)
		}
		if want := math.Tanh(float64(x)); math.Abs(float64(tanh(x))-want) > 3e-6 {
			t.Errorf("tanh(%v) = %v, want %v", x, tanh(x), want)
		}
	}
	tb := newTables()
	for x := -3.0; x < 3; x += 0.0137 {
		if sin, cos := tb.sincos(x); math.Abs(float64(sin)-math.Sin(2*math.Pi*x)) > 2e-6 || math.Abs(float64(cos)-math.Cos(2*math.Pi*x)) > 2e-6 {
			t.Errorf("sincos(%v) = %v, %v", x, sin, cos)
		}
	}
}

func BenchmarkSynthesis(b *testing.B) {
	s, _ := dump(b)
	tb, rng := newTables(), rand.New(rand.NewPCG(1, 2))
	var pcm []float32
	for b.Loop() {
		sp, done := newSpeech(tb, s, rng), false
		for pcm = pcm[:0]; !done; {
			pcm, done = sp.next(pcm, 6)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*16), "µs/frame")
}
