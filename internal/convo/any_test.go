package convo_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/llm/llmtest"
	"github.com/parley-voice/parley/internal/speech"
	"github.com/parley-voice/parley/internal/speech/speechtest"
)

// TestAnyConversationEnds lets callers do anything while engines fail at random. Whatever happens, the call must end by itself once the
// caller is quiet, its log must replay, and what was stored must be consistent.
func TestAnyConversationEnds(t *testing.T) {
	seeds := uint64(60)
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 7))
			call(t, func(r *rig) { anyCall(r, rnd) })
		})
	}
}

func anyCall(r *rig, rnd *rand.Rand) {
	pick := func(of ...string) string { return of[rnd.IntN(len(of))] }
	r.agent.InterruptSensitivity, r.agent.Endpointing = pick("off", "low", "medium", "high"), pick("low", "auto", "high")
	r.agent.WhoSpeaksFirst = pick(parley.SpeakerAgent, parley.SpeakerUser)
	r.agent.MaxCallSeconds = ptr(240)
	faults := rand.New(rand.NewPCG(rnd.Uint64(), 1))
	r.model = &llmtest.Model{Script: func(llm.Brief, []llm.Message) llmtest.Reply { return anyReply(faults) }}
	if rnd.IntN(3) > 0 {
		r.cfg.Engines.Fallback = llmtest.Lines(llmtest.Say("the second mind says this."))
	}
	r.begin()
	for r.leg.Age() < time.Minute {
		anyAct(r, rnd, pick)
	}
	select {
	case <-r.done:
	case <-time.After(3 * time.Minute):
		r.t.Fatalf("the call goes on; told %q", r.heard())
	}
	r.wantReplay()
	r.wantConsistent()
}

func anyReply(rnd *rand.Rand) llmtest.Reply {
	switch rnd.IntN(24) {
	case 0:
		return llmtest.Reply{Err: errors.New("status 500")}
	case 1:
		return llmtest.Reply{Words: []string{"late."}, Delay: 10 * time.Second}
	case 2:
		return llmtest.Reply{} // no words
	case 3:
		return llmtest.Reply{Words: []string{"one thing. ", "and another. ", "and "}, Gap: time.Duration(rnd.IntN(6)) * time.Second}
	case 4:
		return llmtest.Reply{Words: []string{"it begins well, "}, Err: errors.New("cut off")}
	}
	return llmtest.Say(strings.Repeat("we are open from nine to six. ", 1+rnd.IntN(4)))
}

func anyAct(r *rig, rnd *rand.Rand, pick func(...string) string) {
	switch rnd.IntN(14) {
	case 0:
		r.leg.Play(speechtest.Noise(time.Duration(rnd.IntN(600)) * ms))
	case 1:
		r.leg.Press(pick("1", "#", "9")[0])
	case 2:
		r.recognizer.BreakFor(speech.ErrUnavailable, time.Duration(1+rnd.IntN(2500))*ms)
	case 3:
		r.synthesizer.BreakFor(speech.ErrUnavailable, time.Duration(1+rnd.IntN(4000))*ms)
	case 4, 5:
		r.sleep(time.Duration(rnd.IntN(5000)) * ms)
	default:
		r.says(pick("yes", "uh-huh", "wait", "when are you open?", "my number is", "thank you bye", "i would like to come on tuesday at nine please"))
	}
	r.sleep(time.Duration(rnd.IntN(1200)) * ms)
}

// wantConsistent checks what was stored.
func (r *rig) wantConsistent() {
	r.t.Helper()
	var last time.Time
	for _, id := range r.order {
		t := r.turns[id]
		if t.EndedAt.Before(t.StartedAt) || t.Text == "" {
			r.t.Errorf("turn %+v", t)
		}
		if t.Who != parley.WhoAgent {
			continue
		}
		if t.StartedAt.Before(last) {
			r.t.Errorf("%q began at %v, before the end of the agent's turn before, %v", t.Text, t.StartedAt, last)
		}
		last = t.EndedAt
		if !strings.HasPrefix(t.Text, *t.Heard) || !t.Interrupted && *t.Heard != t.Text {
			r.t.Errorf("of %q was heard %q, interrupted %v", t.Text, *t.Heard, t.Interrupted)
		}
	}
}
