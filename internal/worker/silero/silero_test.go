package silero_test

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/models"
	"github.com/parley-voice/parley/internal/worker/modelstest"
	"github.com/parley-voice/parley/internal/worker/silero"
)

func load(t testing.TB, rate int) *silero.Model {
	t.Helper()
	m, err := silero.Load(modelstest.Runtime(t), modelstest.File(t, models.Detector, "silero_vad.onnx"), rate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func open(t testing.TB, m *silero.Model) *silero.Stream {
	t.Helper()
	s, err := m.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// judge returns the probability of each whole window.
func judge(t testing.TB, m *silero.Model, pcm []int16) (p []float32) {
	t.Helper()
	s := open(t, m)
	for ; len(pcm) >= m.Window(); pcm = pcm[m.Window():] {
		v, err := s.Probability(pcm[:m.Window()])
		if err != nil {
			t.Fatal(err)
		}
		p = append(p, v)
	}
	return p
}

func speaking(p []float32) (n int) {
	for _, v := range p {
		if v > 0.5 {
			n++
		}
	}
	return n
}

func TestSpeechIsToldFromTheRest(t *testing.T) {
	for _, rate := range []int{16000, 8000} {
		m := load(t, rate)
		for _, u := range modelstest.Human(t) {
			pcm, err := audio.Resample(u.PCM, audio.Wide, audio.Hz(rate))
			if err != nil {
				t.Fatal(err)
			}
			if p := judge(t, m, pcm); speaking(p) < len(p)/4 {
				t.Errorf("%d Hz, %s: only %d of %d windows are speech", rate, u.Name, speaking(p), len(p))
			}
		}
		for name, pcm := range quiet(rate) {
			if p := judge(t, m, pcm); speaking(p) > 3 {
				t.Errorf("%d Hz, %s: %d of %d windows are speech", rate, name, speaking(p), len(p))
			}
		}
	}
}

// quiet is five seconds each of what is no speech.
func quiet(rate int) map[string][]int16 {
	silence, noise, tone := make([]int16, 5*rate), make([]int16, 5*rate), make([]int16, 5*rate)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = int16(rng.NormFloat64() * 1000)
		tone[i] = int16(8000 * math.Sin(2*math.Pi*440*float64(i)/float64(rate)))
	}
	return map[string][]int16{"silence": silence, "noise": noise, "a tone": tone}
}

func TestStreamsDoNotDisturbEachOther(t *testing.T) {
	m := load(t, 16000)
	pcm := modelstest.Human(t)[0].PCM
	want := judge(t, m, pcm)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			got := judge(t, m, pcm)
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("window %d: %v beside others, %v alone", i, got[i], want[i])
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestJudgingAllocatesNothing(t *testing.T) {
	s := open(t, load(t, 16000))
	w := make([]int16, 512)
	if n := testing.AllocsPerRun(100, func() { _, _ = s.Probability(w) }); n != 0 {
		t.Errorf("%v allocations a window", n)
	}
}

func TestWrongUseIsAnError(t *testing.T) {
	m := load(t, 16000)
	s := open(t, m)
	if _, err := s.Probability(make([]int16, 511)); err == nil {
		t.Error("a short window was judged")
	}
	s.Close()
	s.Close()
	if _, err := s.Probability(make([]int16, 512)); err == nil {
		t.Error("a closed stream judged")
	}
	if _, err := silero.Load(modelstest.Runtime(t), "", 44100); err == nil {
		t.Error("44.1 kHz was taken")
	}
}

func BenchmarkWindow(b *testing.B) {
	s := open(b, load(b, 16000))
	w := modelstest.Human(b)[0].PCM[16000:16512]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Probability(w); err != nil {
			b.Fatal(err)
		}
	}
}
