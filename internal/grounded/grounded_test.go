package grounded_test

import (
	"testing"

	"github.com/parley-voice/parley/internal/grounded"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/llm/llmtest"
)

func TestContract(t *testing.T) {
	llmtest.Run(t, func(*testing.T) llm.Model { return grounded.New(llmtest.Embedder{}) })
}
