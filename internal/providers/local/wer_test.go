package local_test

import (
	"bufio"
	"os"
	"testing"

	"github.com/parley-voice/parley/internal/speech"
	"github.com/parley-voice/parley/internal/speech/wer"
	"github.com/parley-voice/parley/internal/worker/modelstest"
)

// Both voices of a call pass the telephone band: what people say must be understood by us, what we say by them.
func TestWordsSurviveTheTelephone(t *testing.T) {
	e := open(t)
	hear := func(t *testing.T, pcm []int16) string {
		t.Helper()
		heard, err := e.Transcribe(t.Context(), modelstest.Telephone(t, pcm), speech.Listening{Language: "en-US"})
		if err != nil {
			t.Fatal(err)
		}
		return heard.Text
	}
	t.Run("of people", func(t *testing.T) {
		var count tally
		for _, u := range modelstest.Human(t) {
			count.add(t, u.Text, hear(t, u.PCM))
		}
		count.below(t, 0.08)
	})
	t.Run("of our own voice", func(t *testing.T) {
		var count tally
		for _, text := range sentences(t) {
			count.add(t, text, hear(t, say(t, e, text)))
		}
		count.below(t, 0.06)
	})
}

// tally is a word error rate over many utterances.
type tally struct{ wrong, of int }

func (c *tally) add(t *testing.T, reference, heard string) {
	t.Helper()
	w, n := wer.Count(reference, heard)
	if w > 0 {
		t.Logf("%q was heard as %q", reference, heard)
	}
	c.wrong, c.of = c.wrong+w, c.of+n
}

func (c *tally) below(t *testing.T, limit float64) {
	t.Helper()
	rate := float64(c.wrong) / float64(c.of)
	t.Logf("word error rate at 8 kHz: %.1f %% (%d of %d words)", 100*rate, c.wrong, c.of)
	if rate > limit {
		t.Errorf("rate %.3f is above %.3f", rate, limit)
	}
}

func say(t *testing.T, s speech.Synthesizer, text string) (pcm []int16) {
	t.Helper()
	err := s.Say(t.Context(), text, speech.Voice{Language: "en-US", Speed: 1}, func(piece []int16) error {
		pcm = append(pcm, piece...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pcm
}

func sentences(t *testing.T) (all []string) {
	t.Helper()
	f, err := os.Open("testdata/sentences.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		all = append(all, lines.Text())
	}
	return all
}
