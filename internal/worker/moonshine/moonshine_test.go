package moonshine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/parley-voice/parley/internal/models"
	"github.com/parley-voice/parley/internal/speech/wer"
	"github.com/parley-voice/parley/internal/worker/modelstest"
)

func load(t testing.TB) *Model {
	t.Helper()
	m, err := Load(modelstest.Runtime(t), models.Path(modelstest.Dir(t), models.Recognizer))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func floats(pcm []int16) []float32 {
	x := make([]float32, len(pcm))
	for i, v := range pcm {
		x[i] = float32(v) / 32768
	}
	return x
}

func TestHumanSpeechIsHeard(t *testing.T) {
	m := load(t)
	wrong, of := map[string]int{}, 0
	for _, u := range modelstest.Human(t) {
		_, n := wer.Count(u.Text, "")
		of += n
		for band, pcm := range map[string][]int16{"wide": u.PCM, "telephone": modelstest.Telephone(t, u.PCM)} {
			r, err := m.Transcribe(context.Background(), floats(pcm), Options{})
			if err != nil {
				t.Fatal(err)
			}
			w, _ := wer.Count(u.Text, r.Text)
			wrong[band] += w
			if w > 0 {
				t.Logf("%s %s: %q, want %q", band, u.Name, r.Text, u.Text)
			}
		}
	}
	for band, w := range wrong {
		t.Logf("%s: %d of %d words wrong, %.1f %%", band, w, of, 100*float64(w)/float64(of))
		if float64(w) > 0.08*float64(of) {
			t.Errorf("%s: more than 8 %% wrong", band)
		}
	}
}

func TestADraftSavesWorkAndChangesNothing(t *testing.T) {
	m := load(t)
	u := modelstest.Human(t)[0]
	x := floats(u.PCM)
	whole, err := m.Transcribe(context.Background(), x, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		draft []int64
	}{
		{"the right tokens", whole.Tokens},
		{"the first half", whole.Tokens[:len(whole.Tokens)/2]},
		{"right, then wrong", append(slices.Clone(whole.Tokens[:3]), 700, 701, 702)},
		{"all wrong", []int64{900, 901, 902, 903}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := m.Transcribe(context.Background(), x, Options{Draft: c.draft})
			if err != nil {
				t.Fatal(err)
			}
			if r.Text != whole.Text {
				t.Errorf("got %q, want %q", r.Text, whole.Text)
			}
		})
	}
	if _, err := m.Transcribe(context.Background(), x, Options{Draft: []int64{-1}}); err == nil {
		t.Error("a token that does not exist was taken")
	}
}

func TestImpossibleLengthsAreRefused(t *testing.T) {
	m := load(t)
	for _, n := range []int{0, MinSamples - 1, MaxSamples + 1} {
		if _, err := m.Transcribe(context.Background(), make([]float32, n), Options{}); err == nil {
			t.Errorf("%d samples were taken", n)
		}
	}
}

func TestTheTokenLimitCuts(t *testing.T) {
	m := load(t)
	r, err := m.Transcribe(context.Background(), floats(modelstest.Human(t)[0].PCM), Options{PerSecond: 1})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Cut || len(r.Tokens) > 11 {
		t.Errorf("cut %v after %d tokens", r.Cut, len(r.Tokens))
	}
}

func TestCancelEndsTheDecoding(t *testing.T) {
	m := load(t)
	why := errors.New("the caller hung up")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(why)
	if _, err := m.Transcribe(ctx, floats(modelstest.Human(t)[0].PCM), Options{}); !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}

func TestLoops(t *testing.T) {
	for _, c := range []struct {
		name string
		ids  []int64
		want bool
	}{
		{"five of a kind are emphasis", []int64{9, 7, 7, 7, 7, 7}, false},
		{"six are a loop", []int64{9, 7, 7, 7, 7, 7, 7}, true},
		{"a pair three times is not yet", []int64{1, 2, 1, 2, 1, 2}, false},
		{"a pair five times is", []int64{1, 2, 1, 2, 1, 2, 1, 2, 1, 2}, true},
		{"a phrase three times is", []int64{9, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4}, true},
		{"a phrase that ended is not", []int64{1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 9}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := loops(c.ids); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestPieces(t *testing.T) {
	long := strings.Repeat("x", 300)
	got, err := parsePieces(append([]byte("\x03abc\x05\xe2\x96\x81go\x00\xac\x02"), long...))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"abc", " go", "", long}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, bad := range []string{"\x05abc", "\x80", "\x80\x01abc"} {
		if _, err := parsePieces([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func BenchmarkThreeSeconds(b *testing.B) {
	m := load(b)
	x := floats(modelstest.Human(b)[1].PCM) // 2.99 s
	for b.Loop() {
		if _, err := m.Transcribe(context.Background(), x, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
