package convo_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/llm/llmtest"
	"github.com/parley-voice/parley/internal/speech"
	"github.com/parley-voice/parley/internal/speech/speechtest"
)

func TestFailingModelIsCovered(t *testing.T) {
	broken := llmtest.Reply{Err: errors.New("status 500")}
	second := llmtest.Lines(llmtest.Say("nine to six."))
	t.Run("by a filler and the second mind", func(t *testing.T) {
		call(t, func(r *rig) {
			r.model, r.cfg.Engines.Fallback = llmtest.Lines(broken), second
			r.greeted()
			r.says("when are you open?")
			r.sleep(4 * time.Second)
			r.wantHeard(greeting + " One moment, please. nine to six.")
			r.wantReplay()
		})
	})
	t.Run("one without words too", func(t *testing.T) {
		call(t, func(r *rig) {
			r.model, r.cfg.Engines.Fallback = llmtest.Lines(llmtest.Reply{}), second
			r.greeted()
			r.says("when are you open?")
			r.sleep(4 * time.Second)
			r.wantHeard(greeting + " One moment, please. nine to six.")
		})
	})
	t.Run("a late one too, after 3 s", func(t *testing.T) {
		call(t, func(r *rig) {
			r.model, r.cfg.Engines.Fallback = llmtest.Lines(llmtest.Reply{Words: []string{"late"}, Delay: 20 * time.Second}), second
			r.greeted()
			r.says("when are you open?")
			r.sleep(10 * time.Second)
			r.wantHeard(greeting + " One moment, please. nine to six.")
			w := r.words()
			if d := w[2].At - 2700*ms; d < 3*time.Second || d > 3600*ms {
				t.Errorf("the filler came %v after the caller's last word", d)
			}
		})
	})
	t.Run("if both fail there is an apology and a clean end", func(t *testing.T) {
		call(t, func(r *rig) {
			r.model, r.cfg.Engines.Fallback = llmtest.Lines(broken), llmtest.Lines(broken)
			r.greeted()
			r.says("when are you open?")
			r.wantEnd(12*time.Second, parley.EndedAgentFault)
			if !strings.Contains(r.heard(), "something is not working") || !strings.HasSuffix(r.heard(), "Goodbye.") {
				t.Errorf("told %q", r.heard())
			}
		})
	})
	t.Run("without a second mind too", func(t *testing.T) {
		call(t, func(r *rig) {
			r.model = llmtest.Lines(broken)
			r.greeted()
			r.says("when are you open?")
			r.wantEnd(12*time.Second, parley.EndedAgentFault)
		})
	})
}

func TestAnswerThatStallsEndsWithWhatWasSaid(t *testing.T) {
	call(t, func(r *rig) {
		r.model = llmtest.Lines(llmtest.Reply{Words: []string{"we are open today. ", "and "}, Gap: 50 * time.Second}, llmtest.Say("yes."))
		r.greeted()
		r.says("when are you open?")
		r.sleep(9 * time.Second)
		r.says("hello?")
		r.sleep(3 * time.Second)
		if !strings.HasSuffix(r.heard(), "we are open today. yes.") {
			t.Errorf("told %q", r.heard())
		}
	})
}

func TestRecognizerAway(t *testing.T) {
	t.Run("for a second costs nothing but time", func(t *testing.T) {
		call(t, func(r *rig) {
			r.greeted()
			r.recognizer.BreakFor(speech.ErrUnavailable, 3*time.Second)
			r.says("when are you open?")
			r.sleep(8 * time.Second)
			r.wantHeard(greeting + " " + answer)
		})
	})
	t.Run("for longer costs one apology", func(t *testing.T) {
		call(t, func(r *rig) {
			r.greeted()
			r.recognizer.BreakFor(speech.ErrUnavailable, 7*time.Second)
			r.says("when are you open?")
			r.sleep(9 * time.Second)
			r.says("when are you open?")
			r.sleep(6 * time.Second)
			r.wantHeard(greeting + " Sorry, I did not catch that. Could you say it again? " + answer)
			r.wantReplay()
		})
	})
	t.Run("for good ends the call", func(t *testing.T) {
		call(t, func(r *rig) {
			r.greeted()
			r.recognizer.Break(speech.ErrUnavailable)
			r.says("when are you open?")
			r.sleep(9 * time.Second)
			r.says("when are you open?")
			r.wantEnd(20*time.Second, parley.EndedAgentFault)
		})
	})
}

func TestSynthesizerAway(t *testing.T) {
	t.Run("for two seconds costs nothing but time", func(t *testing.T) {
		call(t, func(r *rig) {
			r.greeted()
			r.says("when are you open?")
			r.synthesizer.BreakFor(speech.ErrUnavailable, 2*time.Second)
			r.sleep(9 * time.Second)
			r.wantHeard(greeting + " " + answer)
		})
	})
	t.Run("for good ends with an apology kept from before", func(t *testing.T) {
		call(t, func(r *rig) {
			r.greeted()
			r.says("when are you open?")
			r.synthesizer.Break(speech.ErrUnavailable)
			r.wantEnd(25*time.Second, parley.EndedAgentFault)
			if !strings.Contains(r.heard(), "something is not working") {
				t.Errorf("told %q", r.heard())
			}
		})
	})
}

func TestModelThatObeysNothingDoesNotKeepTheCall(t *testing.T) {
	call(t, func(r *rig) {
		deaf := &deafModel{let: make(chan struct{})}
		r.cfg.Engines.Model = deaf
		r.greeted()
		r.says("when are you open?")
		r.wantEnd(30*time.Second, parley.EndedAgentFault)
		close(deaf.let)
		r.sleep(time.Second)
	})
}

// deafModel ignores its context.
type deafModel struct{ let chan struct{} }

func (*deafModel) Languages() []string                                 { return nil }
func (m *deafModel) Open(context.Context, llm.Brief) (llm.Chat, error) { return m, nil }
func (*deafModel) Close()                                              {}
func (m *deafModel) Reply(context.Context, []llm.Message, func(llm.Chunk) error) error {
	<-m.let
	return nil
}

func TestLegThatStopsBeatingEndsTheCall(t *testing.T) {
	call(t, func(r *rig) {
		r.greeted()
		r.says("when are you open?")
		r.sleep(1500 * ms)
		r.leg.Stall()
		r.wantEnd(10*time.Second, parley.EndedMediaTimeout)
	})
}

func TestEndAskedAtAnyMoment(t *testing.T) {
	for name, after := range map[string]time.Duration{"in the greeting": 100 * ms, "while listening": 2 * time.Second, "while hearing": 3 * time.Second} {
		t.Run(name, func(t *testing.T) {
			call(t, func(r *rig) {
				r.begin()
				r.leg.Play(make([]int16, 2*16000))
				r.leg.Play(speechtest.Sound("i would like to know when you are open and"))
				r.sleep(after)
				r.end <- parley.EndedByAPI
				r.wantEnd(2*time.Second, parley.EndedByAPI)
			})
		})
	}
}
