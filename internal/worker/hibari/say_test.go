package hibari

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"
)

// say collects what the engine says.
func say(t testing.TB, e *Engine, text string, speed float32, british bool) (pcm []float32) {
	t.Helper()
	err := e.Say(context.Background(), text, speed, british, func(p []float32) error {
		pcm = append(pcm, p...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pcm
}

func loudness(pcm []float32) float64 {
	sum := 0.0
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(max(1, len(pcm))))
}

func TestSay(t *testing.T) {
	e := load(t)
	for _, c := range []struct {
		rule, text  string
		speed       float32
		british     bool
		least, most float64 // seconds
	}{
		{"a word is short", "Yes.", 1, false, 0.4, 1.2},
		{"a sentence takes its time", "Your appointment is on Tuesday at half past nine in the morning.", 1, false, 2.5, 5},
		{"slower takes longer", "Your appointment is on Tuesday at half past nine in the morning.", 0.5, false, 5, 10},
		{"an absurd speed is brought into range", "Yes.", -1, false, 0.8, 3},
		{"British has a lexicon of its own", "Your schedule is on the table, in the garage.", 1, true, 1.5, 4},
		{"nothing gives nothing", "", 1, false, 0, 0},
		{"white space gives nothing", " \n\t ", 1, false, 0, 0},
		{"marks give nothing", "... — !", 1, false, 0, 0},
		{"what nobody can pronounce gives nothing", "漢字", 1, false, 0, 0},
		{"a smile is passed over", "Yes 🙂", 1, false, 0.4, 1.2},
		{"a word without end is cut", strings.Repeat("ab", 2000), 1, false, 1, 10},
	} {
		pcm := say(t, e, c.text, c.speed, c.british)
		if s := float64(len(pcm)) / Rate; s < c.least || s > c.most {
			t.Errorf("%s: %.2f s, want %.1f to %.1f", c.rule, s, c.least, c.most)
		}
		if l := loudness(pcm); len(pcm) > 0 && (l < 0.01 || l > 0.2) {
			t.Errorf("%s: loudness %.3f", c.rule, l)
		}
	}
}

func TestSilenceAroundTheVoiceIsShort(t *testing.T) {
	pcm := say(t, load(t), "How can I help you today?", 1, false)
	lead := 0
	for silent(pcm[lead : lead+block]) {
		lead += block
	}
	if lead > 3*block {
		t.Errorf("%d ms before the voice", lead*1000/Rate)
	}
	tail := 0
	for silent(pcm[len(pcm)-tail-block : len(pcm)-tail]) {
		tail += block
	}
	if ms := tail * 1000 / Rate; ms < 250 || ms > 350 {
		t.Errorf("%d ms behind the voice", ms)
	}
}

func TestLongTextComesInPieces(t *testing.T) {
	n, longest := 0, 0
	text := strings.Repeat("We are open from Monday to Friday, and on Saturday in the morning, except on holidays. ", 5)
	err := load(t).Say(context.Background(), text, 1, false, func(p []float32) error {
		n++
		longest = max(longest, len(p))
		return nil
	})
	if err != nil || n < 20 || longest > 3*Rate/2 {
		t.Errorf("%d pieces, the longest %d ms, %v", n, longest*1000/Rate, err)
	}
}

func TestSayEndsWithItsListener(t *testing.T) {
	e, gone := load(t), errors.New("gone")
	calls := 0
	if err := e.Say(context.Background(), "One. Two. Three.", 1, false, func([]float32) error { calls++; return gone }); !errors.Is(err, gone) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	calls = 0
	err := e.Say(ctx, "One sentence that is long enough for some pieces of sound. And another.", 1, false, func([]float32) error {
		calls++
		cancel(gone)
		return nil
	})
	if !errors.Is(err, gone) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func TestManySpeakAtOnce(t *testing.T) {
	e := load(t)
	var wg sync.WaitGroup
	lengths := make([]int, 6)
	for i := range lengths {
		wg.Go(func() { lengths[i] = len(say(t, e, "Zyntho is ready, thank you.", 1, i%2 == 1)) })
	}
	wg.Wait()
	for i, n := range lengths {
		if d := n - lengths[i%2]; n == 0 || d < -2*block || d > 2*block { // the noise differs, and with it where silence ends
			t.Errorf("%d samples for the same text, %d before", n, lengths[i%2])
		}
	}
}

// BenchmarkFirstAudio measures the time to the first sound that a caller hears.
func BenchmarkFirstAudio(b *testing.B) {
	e := load(b)
	for _, c := range []struct{ name, text string }{
		{"5words", "How can I help you?"},
		{"12words", "Your appointment is on Tuesday at nine, and it costs sixty dollars."},
		{"26words", "We are open from Monday to Friday between eight in the morning and six in the evening, " +
			"and on Saturday from nine until noon, except on holidays."},
	} {
		b.Run(c.name, func(b *testing.B) {
			heard := errors.New("heard")
			for b.Loop() {
				if err := e.Say(context.Background(), c.text, 1, false, func([]float32) error { return heard }); !errors.Is(err, heard) {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSay measures a whole sentence; rtf is the time it takes for a second of sound.
func BenchmarkSay(b *testing.B) {
	e := load(b)
	sound := time.Duration(0)
	for b.Loop() {
		n := len(say(b, e, "Your appointment with Doctor Lee is on Tuesday at half past nine, and it costs sixty dollars.", 1, false))
		sound += time.Duration(n) * time.Second / Rate
	}
	b.ReportMetric(b.Elapsed().Seconds()/sound.Seconds(), "rtf")
}
