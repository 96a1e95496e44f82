// Package kept remembers what the speech engines worked out, in bounded memory and shared by all calls: the sound of clauses and the
// vectors of statements. An agent says the same greeting and reads the same brief on every call, and ten calls a second begin with them.
// Nothing is written to a disk; Forget empties it, since what agents say may hold what callers said.
package kept

import (
	"context"

	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/speech"
)

const (
	soundBytes  = 32 << 20 // a quarter of an hour of speech
	vectorBytes = 8 << 20  // about 5,000 statements
)

// Engines puts memory before a synthesizer and an embedder.
type Engines struct {
	synthesizer speech.Synthesizer
	embedder    llm.Embedder
	sounds      *shelf[line, []int16]
	vectors     *shelf[string, []float32]
}

var (
	_ speech.Synthesizer = (*Engines)(nil)
	_ llm.Embedder       = (*Engines)(nil)
)

// line is a text as a voice says it.
type line struct {
	voice speech.Voice
	text  string
}

// New puts empty memory before engines.
func New(s speech.Synthesizer, e llm.Embedder) *Engines {
	return &Engines{
		synthesizer: s, embedder: e,
		sounds:  newShelf[line](soundBytes, func(pcm []int16) int { return 2 * len(pcm) }),
		vectors: newShelf[string](vectorBytes, func(v []float32) int { return 4 * len(v) }),
	}
}

// Languages implements speech.Synthesizer.
func (e *Engines) Languages() []string { return e.synthesizer.Languages() }

// Say implements speech.Synthesizer. What is known comes at once and in one piece; emit must not change it.
func (e *Engines) Say(ctx context.Context, text string, v speech.Voice, emit func(pcm []int16) error) error {
	pcm, fresh, err := e.sounds.get(ctx, line{v, text}, func() (all []int16, err error) {
		err = e.synthesizer.Say(ctx, text, v, func(pcm []int16) error {
			all = append(all, pcm...)
			return emit(pcm)
		})
		return all, err
	})
	if err != nil || fresh || len(pcm) == 0 {
		return err
	}
	return emit(pcm)
}

// Embed implements llm.Embedder. Statements are remembered one by one, so that a start that was given up is not lost; questions are not.
func (e *Engines) Embed(ctx context.Context, texts []string, query bool) ([][]float32, error) {
	if query {
		return e.embedder.Embed(ctx, texts, true)
	}
	all := make([][]float32, len(texts))
	for i, t := range texts {
		v, _, err := e.vectors.get(ctx, t, func() ([]float32, error) {
			one, err := e.embedder.Embed(ctx, []string{t}, false)
			if err != nil || len(one) == 0 {
				return nil, err
			}
			return one[0], nil
		})
		if err != nil {
			return nil, err
		}
		all[i] = v
	}
	return all, nil
}

// Forget drops everything and says how much there was.
func (e *Engines) Forget() int { return e.sounds.clear() + e.vectors.clear() }
