package speechtest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/speech"
)

// patience bounds a test of the suites, so that an engine that hangs fails instead of blocking the run.
const patience = 60 * time.Second

// Clip is sound and a word that is said in it.
type Clip struct {
	PCM  []int16
	Word string
}

func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeoutCause(t.Context(), patience, errors.New("the engine took too long"))
	t.Cleanup(cancel)
	return ctx
}

// RunRecognizer holds a recognizer against the contract, with a clip of its first language.
func RunRecognizer(t *testing.T, r speech.Recognizer, c Clip) {
	l := speech.Listening{Language: firstLanguage(t, r.Languages())}
	t.Run("a final transcript holds the word", func(t *testing.T) { hears(bounded(t), t, r, c, l) })
	t.Run("a partial one is heard or stale", func(t *testing.T) {
		part := l
		part.Partial = true
		first, err := r.Transcribe(bounded(t), c.PCM[:len(c.PCM)/2], part)
		if err != nil && !errors.Is(err, speech.ErrStale) {
			t.Fatal(err)
		}
		part.Draft = first.Tokens
		if _, err := r.Transcribe(bounded(t), c.PCM, part); err != nil && !errors.Is(err, speech.ErrStale) {
			t.Error(err)
		}
	})
	t.Run("a cancelled context ends it", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := r.Transcribe(ctx, c.PCM, l); !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v, want context.Canceled", err)
		}
	})
	t.Run("callers work side by side", func(t *testing.T) {
		ctx := bounded(t)
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { hears(ctx, t, r, c, l) })
		}
		all.Wait()
	})
}

func hears(ctx context.Context, t *testing.T, r speech.Recognizer, c Clip, l speech.Listening) {
	t.Helper()
	got, err := r.Transcribe(ctx, c.PCM, l)
	if err != nil {
		t.Error(err)
	} else if !strings.Contains(strings.ToLower(got.Text), strings.ToLower(c.Word)) {
		t.Errorf("heard %q, want %q in it", got.Text, c.Word)
	}
}

func firstLanguage(t *testing.T, tags []string) string {
	t.Helper()
	if len(tags) == 0 {
		t.Fatal("the engine names no language")
	}
	return tags[0]
}

// RunSynthesizer holds a synthesizer against the contract.
func RunSynthesizer(t *testing.T, s speech.Synthesizer) {
	v := speech.Voice{Language: firstLanguage(t, s.Languages()), Speed: 1}
	say := func(ctx context.Context, text string) (samples, pieces int, err error) {
		err = s.Say(ctx, text, v, func(pcm []int16) error { samples += len(pcm); pieces++; return nil })
		return samples, pieces, err
	}
	t.Run("more words are longer", func(t *testing.T) {
		short, _, err := say(bounded(t), "Yes.")
		if err != nil || short == 0 {
			t.Fatalf("%d samples, %v", short, err)
		}
		long, _, err := say(bounded(t), "Yes, we are open from nine in the morning until six in the evening.")
		if err != nil || long < 2*short {
			t.Errorf("%d samples after %d of one word, %v", long, short, err)
		}
	})
	t.Run("an error of emit ends it", func(t *testing.T) {
		full, calls := errors.New("nobody listens"), 0
		err := s.Say(bounded(t), "Good morning.", v, func([]int16) error { calls++; return full })
		if !errors.Is(err, full) || calls != 1 {
			t.Errorf("%v after %d pieces", err, calls)
		}
	})
	t.Run("a cancelled context ends it", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := say(ctx, "Good morning."); !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v, want context.Canceled", err)
		}
	})
	t.Run("callers work side by side", func(t *testing.T) {
		ctx := bounded(t)
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if n, _, err := say(ctx, "Good morning."); err != nil || n == 0 {
					t.Errorf("%d samples, %v", n, err)
				}
			})
		}
		all.Wait()
	})
}

// RunDetector holds a detector against the contract: it is quiet in silence, wakes in voice, allocates nothing.
func RunDetector(t *testing.T, d speech.Detector, voice []int16) {
	detect := func(t *testing.T) speech.Detection {
		t.Helper()
		one, err := d.Detect()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(one.Close)
		return one
	}
	t.Run("silence is no speech", func(t *testing.T) {
		if n, _ := above(t, detect(t), make([]int16, speech.Rate)); n > 0 {
			t.Errorf("%d windows of silence are speech", n)
		}
	})
	t.Run("a voice is speech, also beside another talker", func(t *testing.T) {
		quiet, one := detect(t), detect(t)
		above(t, quiet, make([]int16, 4*speech.Window))
		if n, of := above(t, one, voice); n*4 < of {
			t.Errorf("only %d of %d windows of a voice are speech", n, of)
		}
	})
	t.Run("a window allocates nothing", func(t *testing.T) {
		one, window := detect(t), make([]int16, speech.Window)
		if _, err := one.Probability(window); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(50, func() { _, _ = one.Probability(window) }); n > 0 {
			t.Errorf("%.1f allocations a window", n)
		}
	})
}

func above(t *testing.T, d speech.Detection, pcm []int16) (speechWindows, all int) {
	t.Helper()
	for ; len(pcm) >= speech.Window; pcm = pcm[speech.Window:] {
		p, err := d.Probability(pcm[:speech.Window])
		if err != nil {
			t.Fatal(err)
		}
		if p < 0 || p > 1 {
			t.Fatalf("probability %f", p)
		}
		if p > 0.5 {
			speechWindows++
		}
		all++
	}
	return speechWindows, all
}

// RunJudge holds an end-of-turn judge against the contract; voice may be shorter or longer than what it looks at.
func RunJudge(t *testing.T, j speech.Judge, voice []int16) {
	for name, pcm := range map[string][]int16{"a voice": voice, "half a second": make([]int16, speech.Rate/2), "ten seconds": make([]int16, 10*speech.Rate)} {
		t.Run(name+" gets a probability", func(t *testing.T) {
			if p, err := j.Complete(bounded(t), pcm); err != nil || p < 0 || p > 1 {
				t.Errorf("%f, %v", p, err)
			}
		})
	}
	t.Run("a cancelled context ends it", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := j.Complete(ctx, voice); !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v, want context.Canceled", err)
		}
	})
}
