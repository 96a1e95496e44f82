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
	t.Parallel()
	groundedtest.Run(t, grounded.New(nil), tuneHalf, true).Wants(t, 99, 99, 0)
}

// The texts of the test half are not shown when they fail: nobody is to tune to them. With the real embedder it does better: see
// test/grounded.
func TestTestDialogues(t *testing.T) {
	t.Parallel()
	t.Run("by words alone", func(t *testing.T) {
		groundedtest.Run(t, grounded.New(nil), testHalf, false).Wants(t, 90, 90, 0)
	})
	t.Run("with an embedder", func(t *testing.T) {
		groundedtest.Run(t, grounded.New(llmtest.Embedder{}), testHalf, false).Wants(t, 90, 90, 0)
	})
}

// Trades written by somebody else, in other words than the texts use. What is left to invent there is one sort of question: "do you sell"
// and "could you set up" about a thing that the texts speak of otherwise.
func TestDialoguesOfOthers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		folder       string
		facts, slots float64
		invented     int
	}{{"dev2", 86, 96, 0}, {"dev3", 75, 88, 3}, {"dev4", 65, 95, 9}} {
		t.Run(c.folder, func(t *testing.T) {
			groundedtest.Run(t, grounded.New(nil), "testdata/"+c.folder, true).Wants(t, c.facts, c.slots, c.invented)
		})
	}
}
