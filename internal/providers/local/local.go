// Package local offers the offline speech engines behind the contracts of packages speech and llm: the recognizer, the voice, the
// judge of turns and the embeddings run in supervised worker processes, the voice-activity detector in this one (decision 1).
// They know English only.
package local

import (
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"slices"
	"strings"

	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/models"
	"github.com/parley-voice/parley/internal/speech"
	"github.com/parley-voice/parley/internal/worker"
	"github.com/parley-voice/parley/internal/worker/silero"
)

// Config says where the models are and how they run.
type Config struct {
	Models  string // folder that package models filled
	Workers int    // worker processes; one more stands by. 0 is 1
	Log     *slog.Logger
	// Command makes the command of a worker process; nil is this binary's own `worker`.
	Command func() (*exec.Cmd, error)
}

// Engines are all of the offline speech. They are safe for concurrent use.
type Engines struct {
	workers  *worker.Supervisor
	detector *silero.Model
}

var (
	_ speech.Recognizer  = (*Engines)(nil)
	_ speech.Synthesizer = (*Engines)(nil)
	_ speech.Detector    = (*Engines)(nil)
	_ speech.Judge       = (*Engines)(nil)
	_ llm.Embedder       = (*Engines)(nil)
)

// Open loads the detector; Run starts the rest. When models are missing or damaged it returns models.ErrIncomplete, whose text names
// the command that fetches them. A process opens them once.
func Open(cfg Config) (*Engines, error) {
	if err := models.Ready(cfg.Models); err != nil {
		return nil, err
	}
	r, err := worker.OpenRuntime(cfg.Models)
	if err != nil {
		return nil, fmt.Errorf("local speech: %w", err)
	}
	d, err := worker.OpenDetector(r, cfg.Models)
	if err != nil {
		return nil, fmt.Errorf("local speech: %w", err)
	}
	w := worker.New(worker.Config{Models: cfg.Models, Workers: cfg.Workers, Command: cfg.Command, Log: cfg.Log})
	return &Engines{workers: w, detector: d}, nil
}

// Run keeps the worker processes until ctx ends, and waits for their end.
func (e *Engines) Run(ctx context.Context) error { return e.workers.Run(ctx) }

// Ready waits until the first worker process has loaded its models, under half a second.
func (e *Engines) Ready(ctx context.Context) error { return e.workers.Ready(ctx) }

// Close frees the detector, after Run has returned and all detections are closed.
func (e *Engines) Close() { e.detector.Close() }

// Languages lists what can be heard and spoken.
func (e *Engines) Languages() []string { return Languages() }

// Languages lists what the engines can hear and speak once their models are there.
func Languages() []string {
	return []string{"en", "en-US", "en-GB", "en-AU", "en-CA", "en-IE", "en-IN", "en-NZ", "en-ZA"}
}

// Transcribe hears an utterance. Where the detector finds no speech the transcript is empty.
func (e *Engines) Transcribe(ctx context.Context, pcm []int16, l speech.Listening) (speech.Transcript, error) {
	if err := knows(l.Language); err != nil {
		return speech.Transcript{}, err
	}
	return e.workers.Transcribe(ctx, pcm, l)
}

// Say speaks a text in the one voice that there is, with the British lexicon for en-GB, en-IE, en-AU, en-NZ and en-ZA.
func (e *Engines) Say(ctx context.Context, text string, v speech.Voice, emit func(pcm []int16) error) error {
	if err := knows(v.Language); err != nil {
		return err
	}
	return e.workers.Say(ctx, text, v, emit)
}

// Complete judges from the last 8 s whether a talker has finished.
func (e *Engines) Complete(ctx context.Context, pcm []int16) (float64, error) {
	return e.workers.Complete(ctx, pcm)
}

// Embed turns texts of at most 4,096 bytes each into vectors, in many languages.
func (e *Engines) Embed(ctx context.Context, texts []string, query bool) ([][]float32, error) {
	return e.workers.Embed(ctx, texts, query)
}

// Detect starts to listen to one talker, in this process.
func (e *Engines) Detect() (speech.Detection, error) {
	s, err := e.detector.Open()
	if err != nil {
		return nil, fmt.Errorf("local speech: %w", err)
	}
	return s, nil
}

// knows refuses a language; none named is English.
func knows(tag string) error {
	if tag == "" || slices.ContainsFunc(Languages(), func(l string) bool { return strings.EqualFold(l, tag) }) {
		return nil
	}
	return fmt.Errorf("local speech: no engine for language %q, only English", tag)
}
