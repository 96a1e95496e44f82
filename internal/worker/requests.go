package worker

import (
	"context"
	"errors"
	"fmt"

	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/speech"
)

const (
	// maxListen bounds an utterance: 60 s.
	maxListen = 60 * speech.Rate
	// maxText bounds a text to say or to embed, in bytes.
	maxText = 4096
	// embedBatch is how many texts go into one request.
	embedBatch = 32
)

// The supervisor fulfils these contracts but for Languages, which are the engines' to know.
var _ interface {
	speech.Judge
	llm.Embedder
} = (*Supervisor)(nil)

// ask gives a request to a process. If that one dies before a sound came out, another gets it, once.
func (s *Supervisor) ask(ctx context.Context, k kind, head any, body []byte, each func(frame) error) (frame, error) {
	begun := false
	for again := false; ; again = true {
		p, err := s.pick(ctx)
		if err != nil {
			return frame{}, err
		}
		f, err := p.ask(ctx, k, head, body, func(f frame) error { begun = true; return each(f) })
		if !errors.Is(err, errDied) {
			return f, err
		}
		s.drop(p)
		if begun || again {
			return frame{}, fmt.Errorf("%w: %w", err, speech.ErrUnavailable)
		}
	}
}

// Transcribe hears an utterance of at most 60 s.
func (s *Supervisor) Transcribe(ctx context.Context, pcm []int16, l speech.Listening) (speech.Transcript, error) {
	var heard speech.Transcript
	if len(pcm) > maxListen {
		return heard, fmt.Errorf("worker: utterance of %d samples, want at most %d", len(pcm), maxListen)
	}
	f, err := s.ask(ctx, askTranscribe, l, packPCM(pcm), nil)
	if err != nil {
		return heard, err
	}
	err = f.into(&heard)
	return heard, err
}

// Say renders a text of at most 4,096 bytes.
func (s *Supervisor) Say(ctx context.Context, text string, v speech.Voice, emit func(pcm []int16) error) error {
	if len(text) > maxText {
		return fmt.Errorf("worker: text of %d bytes, want at most %d", len(text), maxText)
	}
	_, err := s.ask(ctx, askSay, saying{Text: text, Voice: v}, nil, func(f frame) error { return emit(unpackPCM(f.body)) })
	return err
}

// Complete judges the end of a turn; only the last 8 s are sent.
func (s *Supervisor) Complete(ctx context.Context, pcm []int16) (float64, error) {
	pcm = pcm[max(0, len(pcm)-8*speech.Rate):]
	f, err := s.ask(ctx, askComplete, nil, packPCM(pcm), nil)
	if err != nil {
		return 0, err
	}
	var c completion
	err = f.into(&c)
	return c.Probability, err
}

// Embed turns texts of at most 4,096 bytes each into unit vectors.
func (s *Supervisor) Embed(ctx context.Context, texts []string, query bool) ([][]float32, error) {
	all := make([][]float32, 0, len(texts))
	for len(texts) > 0 {
		part := texts[:min(embedBatch, len(texts))]
		texts = texts[len(part):]
		for _, t := range part {
			if len(t) > maxText {
				return nil, fmt.Errorf("worker: text of %d bytes, want at most %d", len(t), maxText)
			}
		}
		f, err := s.ask(ctx, askEmbed, embedding{Texts: part, Query: query}, nil, nil)
		if err != nil {
			return nil, err
		}
		vectors, err := unpackVectors(f.body, len(part))
		if err != nil {
			return nil, err
		}
		all = append(all, vectors...)
	}
	return all, nil
}
