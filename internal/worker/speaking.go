package worker

import (
	"context"
	"math"
	"slices"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/speech"
	"github.com/parley-voice/parley/internal/worker/hibari"
)

// synthesizer speaks English in the one voice that there is.
type synthesizer struct{ voice *hibari.Engine }

// Languages lists what the voice speaks.
func (s *synthesizer) Languages() []string { return []string{"en"} }

// Say renders a text at 16 kHz. The voice's ID is of no account: there is one.
func (s *synthesizer) Say(ctx context.Context, text string, v speech.Voice, emit func(pcm []int16) error) error {
	down, err := audio.NewResampler(hibari.Rate, audio.Wide)
	if err != nil {
		return err
	}
	speed := v.Speed
	if speed == 0 {
		speed = 1
	}
	skip := down.Delay() // the filter's own silence in front
	pass := func(pcm []int16) error {
		n := min(skip, len(pcm))
		skip -= n
		if len(pcm) == n {
			return nil
		}
		return emit(pcm[n:])
	}
	said := false
	err = s.voice.Say(ctx, text, float32(speed), british(v.Language), func(pcm []float32) error {
		said = true
		return pass(down.Process(nil, integers(pcm)))
	})
	if err != nil || !said {
		return err
	}
	return pass(down.Process(nil, make([]int16, down.Delay()*hibari.Rate/int(audio.Wide)))) // what is left in the filter
}

// british says whether a language tag asks for the British lexicon.
func british(tag string) bool {
	return slices.Contains([]string{"en-GB", "en-IE", "en-AU", "en-NZ", "en-ZA"}, tag)
}

// loudness brings the voice, whose speech lies at -27 dBFS with peaks up to 0.4, near to the level that telephones are made for.
const loudness = 1.6

// integers rounds samples of full scale 1 at the voice's loudness, saturating.
func integers(x []float32) []int16 {
	pcm := make([]int16, len(x))
	for i, v := range x {
		pcm[i] = int16(max(math.MinInt16, min(math.MaxInt16, math.Round(float64(v)*loudness*math.MaxInt16))))
	}
	return pcm
}
