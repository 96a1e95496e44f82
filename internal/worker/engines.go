package worker

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/parley-voice/parley/internal/models"
	"github.com/parley-voice/parley/internal/speech"
	"github.com/parley-voice/parley/internal/worker/e5"
	"github.com/parley-voice/parley/internal/worker/hibari"
	"github.com/parley-voice/parley/internal/worker/moonshine"
	"github.com/parley-voice/parley/internal/worker/ort"
	"github.com/parley-voice/parley/internal/worker/silero"
	"github.com/parley-voice/parley/internal/worker/smartturn"
)

// File names that more than this package needs.
const (
	runtimeFile  = "libonnxruntime.so"
	detectorFile = "silero_vad.onnx"
	turnFile     = "smart-turn-v3.2-cpu.onnx"
)

// OpenRuntime loads ONNX Runtime from the models' folder. A process does so once.
func OpenRuntime(dir string) (*ort.Runtime, error) {
	return ort.Open(filepath.Join(models.Path(dir, models.Runtime), runtimeFile))
}

// OpenDetector loads the voice-activity detector for the rate of package speech.
func OpenDetector(r *ort.Runtime, dir string) (*silero.Model, error) {
	return silero.Load(r, filepath.Join(models.Path(dir, models.Detector), detectorFile), speech.Rate)
}

// loadEngines reads all models in dir. They live as long as the process.
func loadEngines(dir string) (Engines, error) {
	if err := models.Ready(dir); err != nil {
		return Engines{}, err
	}
	r, err := OpenRuntime(dir)
	if err != nil {
		return Engines{}, err
	}
	hear, err := moonshine.Load(r, models.Path(dir, models.Recognizer))
	if err != nil {
		return Engines{}, fmt.Errorf("load the recognizer: %w", err)
	}
	detect, err := OpenDetector(r, dir)
	if err != nil {
		return Engines{}, fmt.Errorf("load the detector: %w", err)
	}
	voice, err := hibari.Load(r, models.Path(dir, models.Voice))
	if err != nil {
		return Engines{}, fmt.Errorf("load the voice: %w", err)
	}
	turn, err := smartturn.Load(r, filepath.Join(models.Path(dir, models.Turn), turnFile))
	if err != nil {
		return Engines{}, fmt.Errorf("load the judge of turns: %w", err)
	}
	embed, err := e5.Load(models.Path(dir, models.Embeddings))
	if err != nil {
		return Engines{}, err
	}
	return Engines{
		Recognizer:  &recognizer{model: hear, detector: detect},
		Synthesizer: &synthesizer{voice: voice},
		Judge:       judge{turn},
		Embedder:    embedder{embed},
	}, nil
}

// judge gives Smart Turn the contract's form.
type judge struct{ model *smartturn.Model }

func (j judge) Complete(_ context.Context, pcm []int16) (float64, error) {
	return j.model.Complete(floats(pcm))
}

// embedder gives e5 the contract's form.
type embedder struct{ model *e5.Model }

func (e embedder) Embed(ctx context.Context, texts []string, query bool) ([][]float32, error) {
	all := make([][]float32, 0, len(texts))
	for _, t := range texts {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		v, err := e.model.Embed(t, query)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}
