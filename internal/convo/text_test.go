package convo_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/llm/llmtest"
)

func chat(t *testing.T, first, second llm.Model) (*convo.Text, *[]parley.Turn) {
	t.Helper()
	a := newAgent()
	var stored []parley.Turn
	c, err := convo.NewText(t.Context(), convo.Config{
		CallID: "chat", Snapshot: &parley.Snapshot{Agent: a}, Log: slog.New(slog.DiscardHandler), Engines: convo.Engines{Model: first, Fallback: second},
		Turn: func(t parley.Turn) { stored = append(stored, t) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, &stored
}

func TestChatGivesTurnsOfTheSameForm(t *testing.T) {
	bye := llmtest.Reply{Words: []string{"goodbye."}, Calls: []llm.ToolCall{{ID: "1", Name: llm.ToolHangUp, Arguments: json.RawMessage("{}")}}}
	c, stored := chat(t, llmtest.Lines(llmtest.Say("nine to six. come in!"), bye), nil)
	if g, ok := c.Greet(); !ok || g.Text != "hello there" || g.ReplyTo != nil {
		t.Errorf("greeting %+v", g)
	}
	turns, err := c.Say(t.Context(), " when are you open? ")
	if err != nil || len(turns) != 2 || turns[0].Text != "when are you open?" || turns[1].Text != "nine to six. come in!" || *turns[1].ReplyTo != turns[0].ID {
		t.Fatalf("turns %+v, %v", turns, err)
	}
	if turns, err = c.Say(t.Context(), "thanks, bye"); err != nil || !c.Over() || turns[1].Text != "goodbye." {
		t.Errorf("turns %+v, over %v, %v", turns, c.Over(), err)
	}
	if _, err := c.Say(t.Context(), "hello?"); !errors.Is(err, convo.ErrOver) {
		t.Errorf("after the end: %v", err)
	}
	if len(*stored) != 5 {
		t.Errorf("%d turns stored", len(*stored))
	}
}

func TestChatHasTheSameLadder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := llmtest.Lines(llmtest.Reply{Words: []string{"late"}, Delay: time.Minute})
		c, _ := chat(t, slow, llmtest.Lines(llmtest.Say("nine to six.")))
		began := time.Now()
		turns, err := c.Say(t.Context(), "when are you open?")
		if err != nil || len(turns) != 3 || turns[2].Text != "nine to six." || time.Since(began) != 3*time.Second {
			t.Errorf("turns %+v after %v, %v", turns, time.Since(began), err)
		}
		c, _ = chat(t, slow, slow)
		turns, err = c.Say(t.Context(), "when are you open?")
		if err != nil || !c.Over() || !strings.Contains(turns[len(turns)-1].Text, "not working") {
			t.Errorf("turns %+v, %v", turns, err)
		}
	})
}
