package grounded_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-voice/parley/internal/grounded"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/llm/llmtest"
)

func TestContract(t *testing.T) {
	llmtest.Run(t, func(*testing.T) llm.Model { return grounded.New(llmtest.Embedder{}) })
}

func TestASlowEmbedderCostsNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := grounded.New(llmtest.Embedder{Delay: time.Minute})
		begin := time.Now()
		c, err := m.Open(t.Context(), llmtest.Brief())
		if err != nil || time.Since(begin) > 5*time.Second {
			t.Fatalf("open: %v after %v", err, time.Since(begin))
		}
		defer c.Close()
		text, _, err := llmtest.Collect(t.Context(), c, []llm.Message{{Role: llm.Caller, Text: "When are you open?"}})
		if err != nil || text == "" {
			t.Errorf("answer %q, %v", text, err)
		}
	})
}
