package speechtest_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-voice/parley/internal/speech"
	"github.com/parley-voice/parley/internal/speech/speechtest"
)

func TestScriptedEnginesPassTheSuites(t *testing.T) {
	voice := speechtest.Sound("good morning to you")
	speechtest.RunRecognizer(t, &speechtest.Recognizer{}, speechtest.Clip{PCM: voice, Word: "morning"})
	speechtest.RunSynthesizer(t, &speechtest.Synthesizer{Piece: 100 * time.Millisecond})
	speechtest.RunDetector(t, &speechtest.Detector{}, voice)
	speechtest.RunJudge(t, &speechtest.Judge{Probability: 0.7}, voice)
}

func TestWordsSurviveCuts(t *testing.T) {
	pcm := append(make([]int16, 700), speechtest.Sound("one two three")...)
	pcm = append(pcm[:len(pcm)-3000], make([]int16, 100)...)
	words := speechtest.Words(pcm)
	if len(words) != 3 || words[1].Text != "two" || words[1].For != speechtest.WordTime {
		t.Fatalf("words %v", words)
	}
	if words[2].For >= speechtest.WordTime || words[0].At != 700*time.Second/speech.Rate {
		t.Errorf("the third lasts %v, the first begins at %v", words[2].For, words[0].At)
	}
	if got := speechtest.Text(pcm[720:]); got != "two three" {
		t.Errorf("without its beginning a word is lost, got %q", got)
	}
	if got := speechtest.Text(speechtest.Noise(time.Second)); got != "" {
		t.Errorf("a cough says %q", got)
	}
}

func TestOutagePasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &speechtest.Recognizer{}
		r.BreakFor(speech.ErrUnavailable, time.Second)
		if _, err := r.Transcribe(t.Context(), nil, speech.Listening{}); !errors.Is(err, speech.ErrUnavailable) {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if _, err := r.Transcribe(t.Context(), nil, speech.Listening{}); err != nil {
			t.Error(err)
		}
	})
}
