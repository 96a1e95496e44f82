package llmtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/llm/llmtest"
)

func TestScriptedModelPassesTheSuite(t *testing.T) {
	llmtest.Run(t, func(*testing.T) llm.Model {
		return &llmtest.Model{Script: func(_ llm.Brief, history []llm.Message) llmtest.Reply {
			r := llmtest.Reply{Words: []string{"There is free ", "parking behind the shop."}}
			if strings.Contains(history[len(history)-1].Text, "goodbye") {
				r.Calls = []llm.ToolCall{{ID: "1", Name: llm.ToolHangUp, Arguments: json.RawMessage("{}")}}
			}
			return r
		}}
	})
}

func TestScriptedModelKeepsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := errors.New("out of words")
		m := llmtest.Lines(llmtest.Say("first"), llmtest.Reply{Words: []string{"a", "b"}, Delay: time.Second, Gap: 200 * time.Millisecond, Err: slow})
		c, err := m.Open(t.Context(), llm.Brief{})
		if err != nil {
			t.Fatal(err)
		}
		started := time.Now()
		text, _, err := llmtest.Collect(t.Context(), c, []llm.Message{{Role: llm.Caller}, {Role: llm.Agent}, {Role: llm.Caller}})
		if text != "ab" || !errors.Is(err, slow) || time.Since(started) != 1200*time.Millisecond {
			t.Errorf("text %q, err %v after %v", text, err, time.Since(started))
		}
	})
}

func TestEmbedderFindsSharedWords(t *testing.T) {
	v, err := llmtest.Embedder{}.Embed(context.Background(), []string{"opening hours on Sunday", "are you open on Sunday", "a haircut for children"}, true)
	if err != nil {
		t.Fatal(err)
	}
	if dot(v[0], v[1]) <= dot(v[0], v[2]) {
		t.Errorf("likeness %f of texts with shared words is not above %f", dot(v[0], v[1]), dot(v[0], v[2]))
	}
	if d := dot(v[0], v[0]); d < 0.999 || d > 1.001 {
		t.Errorf("length squared is %f, want 1", d)
	}
}

func dot(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}
