package worker

import (
	"context"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/speech"
	"github.com/parley-voice/parley/internal/worker/moonshine"
	"github.com/parley-voice/parley/internal/worker/silero"
)

const (
	// voiced is the probability above which a window holds speech, and leastVoiced how many such windows make an utterance. Below it
	// nothing was said: the recognizer would make something up ("thank you").
	voiced      = 0.5
	leastVoiced = 4
	// searchPause is how far before the longest part a pause is looked for, and pauseLength how long its quiet is measured.
	searchPause = 5 * speech.Rate
	pauseLength = speech.Rate / 10
	// Most tokens a second: people do not speak faster. A partial is cut earlier, for it costs time that a final may need.
	finalTokens   = 8
	partialTokens = 6.5
)

// recognizer hears English: the detector says whether there is speech, Moonshine what it is.
type recognizer struct {
	model    *moonshine.Model
	detector *silero.Model
}

// Languages lists what the model hears.
func (r *recognizer) Languages() []string { return []string{"en"} }

// Transcribe hears pcm, in parts of at most 20 s. A draft helps only an utterance of one part.
func (r *recognizer) Transcribe(ctx context.Context, pcm []int16, l speech.Listening) (speech.Transcript, error) {
	var all speech.Transcript
	spoken, err := r.spoken(ctx, pcm)
	if err != nil || !spoken {
		return all, err
	}
	o := moonshine.Options{PerSecond: finalTokens}
	if l.Partial {
		o = moonshine.Options{PerSecond: partialTokens, Draft: l.Draft}
	}
	var sum float64
	for _, part := range parts(pcm) {
		if len(part) < moonshine.MinSamples {
			continue
		}
		heard, err := r.model.Transcribe(ctx, floats(part), o)
		if err != nil {
			return speech.Transcript{}, err
		}
		if all.Text != "" && heard.Text != "" {
			all.Text += " "
		}
		all.Text += heard.Text
		all.Tokens = append(all.Tokens, heard.Tokens...)
		all.Cut = all.Cut || heard.Cut
		sum += heard.Confidence * float64(len(heard.Tokens))
		o.Draft = nil
	}
	all.Confidence = sum / float64(max(len(all.Tokens), 1))
	return all, nil
}

// spoken says whether enough windows of pcm hold speech. It stops as soon as they do.
func (r *recognizer) spoken(ctx context.Context, pcm []int16) (bool, error) {
	s, err := r.detector.Open()
	if err != nil {
		return false, err
	}
	defer s.Close()
	n := 0
	for w := r.detector.Window(); len(pcm) >= w; pcm = pcm[w:] {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		p, err := s.Probability(pcm[:w])
		if err != nil {
			return false, err
		}
		if p > voiced {
			n++
		}
		if n == leastVoiced {
			return true, nil
		}
	}
	return false, nil
}

// parts cuts pcm where it is quietest, so that no part is longer than the model hears well.
func parts(pcm []int16) (all [][]int16) {
	for len(pcm) > moonshine.MaxSamples {
		cut := quietest(pcm, moonshine.MaxSamples-searchPause, moonshine.MaxSamples)
		all = append(all, pcm[:cut])
		pcm = pcm[cut:]
	}
	return append(all, pcm)
}

// quietest is the middle of the quietest stretch between two positions.
func quietest(pcm []int16, from, to int) int {
	best, level := to, audio.RMS(pcm[to-pauseLength:to])
	for at := from; at+pauseLength <= to; at += pauseLength / 2 {
		if l := audio.RMS(pcm[at : at+pauseLength]); l < level {
			best, level = at+pauseLength/2, l
		}
	}
	return best
}

func floats(pcm []int16) []float32 {
	x := make([]float32, len(pcm))
	for i, v := range pcm {
		x[i] = float32(v) / 32768
	}
	return x
}
