package grounded

import (
	"context"
	"sync"
	"testing"

	"github.com/parley-voice/parley/internal/grounded"
	"github.com/parley-voice/parley/internal/grounded/groundedtest"
	"github.com/parley-voice/parley/internal/models"
	"github.com/parley-voice/parley/internal/worker/e5"
	"github.com/parley-voice/parley/internal/worker/modelstest"
)

const testdata = "../../internal/grounded/testdata/"

// embedder is e5 in this process; a text that comes again is not worked out again, since every dialogue opens the same brief.
type embedder struct {
	model *e5.Model
	known sync.Map
}

type said struct {
	text  string
	query bool
}

func (e *embedder) Embed(_ context.Context, texts []string, query bool) ([][]float32, error) {
	out := make([][]float32, len(texts))
	for i, t := range texts {
		if v, ok := e.known.Load(said{t, query}); ok {
			out[i] = v.([]float32)
			continue
		}
		v, err := e.model.Embed(t, query)
		if err != nil {
			return nil, err
		}
		e.known.Store(said{t, query}, v)
		out[i] = v
	}
	return out, nil
}

func TestDialoguesWithTheRealEmbedder(t *testing.T) {
	m, err := e5.Load(models.Path(modelstest.Dir(t, models.Embeddings), models.Embeddings))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	e := &embedder{model: m}
	t.Run("tuning half", func(t *testing.T) {
		groundedtest.Run(t, grounded.New(e), testdata+"tune", true).Wants(t, 99, 99, 0)
	})
	t.Run("test half", func(t *testing.T) {
		groundedtest.Run(t, grounded.New(e), testdata+"test", false).Wants(t, 98, 93, 0)
	})
	t.Run("trades of others", func(t *testing.T) {
		groundedtest.Run(t, grounded.New(e), testdata+"dev2", true).Wants(t, 96, 97, 0)
		groundedtest.Run(t, grounded.New(e), testdata+"dev3", true).Wants(t, 87, 93, 0)
		groundedtest.Run(t, grounded.New(e), testdata+"dev4", true).Wants(t, 81, 95, 1)
	})
	// Nobody who tunes reads these, so what goes wrong is not shown either.
	t.Run("trades that nobody tuned on", func(t *testing.T) {
		groundedtest.Run(t, grounded.New(e), testdata+"blind2", false).Wants(t, 88, 85, 8)
	})
}
