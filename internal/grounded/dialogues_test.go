package grounded_test

import (
	"testing"

	"github.com/parley-voice/parley/internal/grounded"
	"github.com/parley-voice/parley/internal/grounded/groundedtest"
	"github.com/parley-voice/parley/internal/llm/llmtest"
)

const (
	tuneHalf = "testdata/tune"
	testHalf = "testdata/test"
)

func TestTuningDialogues(t *testing.T) {
	t.Run("by words alone", func(t *testing.T) {
		groundedtest.Run(t, grounded.New(nil), tuneHalf, true).Wants(t, 99, 99, 0)
	})
	t.Run("with an embedder", func(t *testing.T) {
		groundedtest.Run(t, grounded.New(llmtest.Embedder{}), tuneHalf, true).Wants(t, 99, 99, 0)
	})
}

// The texts of the test half are not shown when they fail: nobody is to tune to them. With the real embedder it does better: see
// test/grounded.
func TestTestDialogues(t *testing.T) {
	t.Run("by words alone", func(t *testing.T) {
		groundedtest.Run(t, grounded.New(nil), testHalf, false).Wants(t, 90, 90, 0)
	})
	t.Run("with an embedder", func(t *testing.T) {
		groundedtest.Run(t, grounded.New(llmtest.Embedder{}), testHalf, false).Wants(t, 90, 90, 0)
	})
}
