package convo_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/flow"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/llm/llmtest"
)

func TestAReaderAsksAModel(t *testing.T) {
	q := flow.Question{
		Language: "en-US", Said: "sell it", Asked: "buy or sell?", Options: []string{"buy", "sell"}, Variable: &flow.Variable{Name: "v", Kind: flow.Text},
	}
	for _, c := range []struct {
		rule  string
		reply llmtest.Reply
		want  flow.Answer
	}{
		{"its object is the answer", llmtest.Say(`{"value":"it","spoken":"","option":2,"yes":true}`), flow.Answer{Value: "it", Option: 2, Yes: true}},
		{"words around it do not matter", llmtest.Say("Here:\n```json\n{\"option\": 1}\n```"), flow.Answer{Option: 1}},
		{"a choice that there is not is none", llmtest.Say(`{"option":3}`), flow.Answer{Value: "sell it"}},
		{"nor are keys of its own", llmtest.Say(`{"option":1,"mood":"good"}`), flow.Answer{Value: "sell it"}},
		{"nor are words", llmtest.Say(`He wants to sell.`), flow.Answer{Value: "sell it"}},
		{"nor is too much", llmtest.Say(strings.Repeat(" ", 5000) + `{"option":1}`), flow.Answer{Value: "sell it"}},
		{"a model that fails is replaced", llmtest.Reply{Err: errors.New("away")}, flow.Answer{Value: "sell it"}},
		{"so is one that is late", llmtest.Reply{Words: []string{`{"option":1}`}, Delay: time.Minute}, flow.Answer{Value: "sell it"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var brief llm.Brief
				var asked string
				m := &llmtest.Model{Script: func(b llm.Brief, h []llm.Message) llmtest.Reply {
					brief, asked = b, h[len(h)-1].Text
					return c.reply
				}}
				began := time.Now()
				got, err := convo.Reader{Model: m, Otherwise: literal{}}.Understand(t.Context(), q)
				if err != nil || got != c.want || time.Since(began) > 2*time.Second {
					t.Errorf("%+v, %v after %v", got, err, time.Since(began))
				}
				if !brief.Bare || !strings.Contains(asked, `"said":"sell it"`) || !strings.Contains(asked, `"options":["buy","sell"]`) {
					t.Errorf("asked %s with %+v", asked, brief)
				}
			})
		})
	}
}

// preparer notes what it is told beforehand.
type preparer struct {
	literal
	wishes *[]string
}

// Prepare implements flow.Preparer.
func (p preparer) Prepare(_ context.Context, wishes []string) { *p.wishes = wishes }

func TestListenersKnowWishesBeforehand(t *testing.T) {
	var wishes []string
	cfg := convo.Config{}
	cfg.Engines.Listener = convo.Reader{Otherwise: preparer{wishes: &wishes}}
	textLed(t, cfg, ordering)
	if strings.Join(wishes, ",") != "buy,sell" {
		t.Errorf("told of %q", wishes)
	}
}
