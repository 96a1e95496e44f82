package worker

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/speech"
	"github.com/parley-voice/parley/internal/speech/speechtest"
	"github.com/parley-voice/parley/internal/speech/wer"
	"github.com/parley-voice/parley/internal/worker/modelstest"
)

func TestRealEngines(t *testing.T) {
	modelstest.Dir(t)
	h := supervise(t, "real", nil)
	h.ready(2)
	t.Run("people are understood over the telephone", func(t *testing.T) { understands(t, h) })
	t.Run("nothing is heard where nothing was said", func(t *testing.T) { hearsNothing(t, h) })
	t.Run("a long speech is cut at pauses", func(t *testing.T) { hearsLongSpeech(t, h) })
	t.Run("what is said is understood", func(t *testing.T) { understandsItself(t, h) })
	t.Run("a judge", func(t *testing.T) { speechtest.RunJudge(t, h, modelstest.Human(t)[0].PCM) })
	t.Run("questions are likest to their facts", func(t *testing.T) { embeds(t, h) })
	t.Run("a killed process costs no utterance", func(t *testing.T) { survives(t, h) })
	for _, p := range h.live {
		t.Logf("process %d: %d MB", p.cmd.Process.Pid, p.memory()>>20)
	}
}

func listen(t *testing.T, h *house, pcm []int16, partial bool) speech.Transcript {
	t.Helper()
	heard, err := h.Transcribe(t.Context(), pcm, speech.Listening{Language: "en", Partial: partial})
	if err != nil {
		t.Fatal(err)
	}
	return heard
}

func understands(t *testing.T, h *house) {
	wrong, of := 0, 0
	for _, u := range modelstest.Human(t) {
		w, n := wer.Count(u.Text, listen(t, h, modelstest.Telephone(t, u.PCM), false).Text)
		wrong, of = wrong+w, of+n
	}
	t.Logf("%d of %d words wrong, %.1f %%", wrong, of, 100*float64(wrong)/float64(of))
	if float64(wrong) > 0.08*float64(of) {
		t.Error("more than 8 % wrong")
	}
}

// noises are five seconds each of what is no speech.
func noises() map[string][]int16 {
	n := 5 * speech.Rate
	all := map[string][]int16{"silence": make([]int16, n), "no sound at all": nil, "a click": make([]int16, 900)}
	rng := rand.New(rand.NewPCG(3, 4))
	for _, level := range []float64{100, 1000, 6000} {
		white, brown, last := make([]int16, n), make([]int16, n), 0.0
		for i := range white {
			x := rng.NormFloat64() * level
			white[i] = int16(max(-32000, min(32000, x)))
			last = 0.98*last + 0.2*x
			brown[i] = int16(max(-32000, min(32000, last)))
		}
		all["white noise "+strings.Repeat("+", int(math.Log10(level)))] = white
		all["low noise "+strings.Repeat("+", int(math.Log10(level)))] = brown
	}
	music, ring := make([]int16, n), make([]int16, n)
	for i := range music {
		s := float64(i) / speech.Rate
		note := 220 * math.Pow(2, float64([]int{0, 4, 7, 12, 7, 4}[i/4000%6])/12)
		for k := 1.0; k < 5; k++ {
			music[i] += int16(4000 / k * math.Sin(2*math.Pi*note*k*s) * math.Exp(-3*math.Mod(s, 0.25)))
		}
		ring[i] = int16(5000 * (math.Sin(2*math.Pi*440*s) + math.Sin(2*math.Pi*480*s)))
	}
	all["music"], all["ringing"] = music, ring
	return all
}

func hearsNothing(t *testing.T, h *house) {
	for name, pcm := range noises() {
		for _, partial := range []bool{false, true} {
			if heard := listen(t, h, pcm, partial); heard.Text != "" || len(heard.Tokens) != 0 {
				t.Errorf("%s: heard %q", name, heard.Text)
			}
		}
	}
}

func hearsLongSpeech(t *testing.T, h *house) {
	var pcm []int16
	var text []string
	for _, u := range modelstest.Human(t)[:5] {
		pcm = append(append(pcm, u.PCM...), make([]int16, speech.Rate/3)...)
		text = append(text, u.Text)
	}
	pcm, text = slices.Concat(pcm, pcm), append(text, text...)
	if len(pcm) < 45*speech.Rate {
		t.Fatalf("only %d s of speech", len(pcm)/speech.Rate)
	}
	pcm = pcm[:min(len(pcm), maxListen)]
	if rate := wer.Rate(strings.Join(text, " "), listen(t, h, pcm, false).Text); rate > 0.12 {
		t.Errorf("%.1f %% wrong", 100*rate)
	}
}

func understandsItself(t *testing.T, h *house) {
	const text = "We are open from Monday to Friday. A cleaning costs sixty dollars. Would you like to make an appointment?"
	wrong, of := 0, 0
	for _, v := range []speech.Voice{{Language: "en-US"}, {Language: "en-GB", Speed: 1.2}, {Speed: 0.8}} {
		var pcm []int16
		start, first := time.Now(), time.Duration(0)
		err := h.Say(t.Context(), text, v, func(piece []int16) error {
			if first == 0 {
				first = time.Since(start)
			}
			pcm = append(pcm, piece...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		heard := listen(t, h, modelstest.Telephone(t, pcm), false)
		w, n := wer.Count(text, heard.Text)
		wrong, of = wrong+w, of+n
		if w > 0 {
			t.Logf("heard %q", heard.Text)
		}
		t.Logf("%+v: %.1f s of sound, the first after %v, all after %v", v, float64(len(pcm))/speech.Rate, first, time.Since(start))
	}
	if float64(wrong) > 0.1*float64(of) {
		t.Errorf("%d of %d words wrong", wrong, of)
	}
}

func embeds(t *testing.T, h *house) {
	facts, err := h.Embed(t.Context(), slices.Repeat([]string{"Parking is behind the building.", "A cleaning costs 60 dollars."}, 20), false)
	if err != nil || len(facts) != 40 {
		t.Fatalf("%d vectors, %v", len(facts), err)
	}
	q, err := h.Embed(t.Context(), []string{"where can I leave my car"}, true)
	if err != nil || len(q) != 1 {
		t.Fatal(err)
	}
	likeness := func(v []float32) (sum float32) {
		for i := range v {
			sum += v[i] * q[0][i]
		}
		return sum
	}
	if likeness(facts[0]) <= likeness(facts[1]) || likeness(facts[0]) != likeness(facts[38]) {
		t.Errorf("likeness %v and %v", likeness(facts[0]), likeness(facts[1]))
	}
}

func survives(t *testing.T, h *house) {
	for round := range 3 {
		var wg sync.WaitGroup
		for _, u := range modelstest.Human(t)[:4] {
			wg.Go(func() {
				heard, err := h.Transcribe(t.Context(), u.PCM, speech.Listening{Language: "en"})
				if rate := wer.Rate(u.Text, heard.Text); err != nil || rate > 0.3 {
					t.Errorf("round %d: heard %q, %v", round, heard.Text, err)
				}
			})
		}
		h.mu.Lock()
		p := h.live[0]
		h.mu.Unlock()
		for p.load() == 0 {
			time.Sleep(time.Millisecond)
		}
		if err := syscall.Kill(p.cmd.Process.Pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		start := time.Now()
		h.ready(2)
		t.Logf("two processes again after %v", time.Since(start))
	}
}
