package convo_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/llm/llmtest"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/media/mediatest"
	"github.com/parley-voice/parley/internal/speech/speechtest"
)

// taker keeps what it is given.
type taker struct {
	ticks int
	keys  string
}

func (k *taker) Push(*media.Tick) { k.ticks++ }
func (k *taker) Digit(d byte)     { k.keys += string(rune(d)) }

func (r *rig) lend() *convo.Lent {
	r.t.Helper()
	l, err := r.session.Lend(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return l
}

// writes says a text to the caller past the agent.
func (r *rig) writes(l *convo.Lent, text string) {
	r.t.Helper()
	var f media.Frame
	for pcm := speechtest.Sound(text); len(pcm) > 0; {
		n := copy(f[:], pcm)
		clear(f[n:])
		pcm = pcm[n:]
		if err := l.Write(r.t.Context(), &f); err != nil {
			r.t.Fatal(err)
		}
	}
}

func TestALentCallerIsNeitherHeardNorSpokenTo(t *testing.T) {
	call(t, func(r *rig) {
		k := &keeper{}
		r.cfg.Recorder = k
		r.greeted()
		r.says("when are you open?")
		r.sleep(1200 * ms) // the answer has begun
		l := r.lend()
		to := &taker{}
		l.To(to)
		r.sleep(200 * ms)
		told, recorded := r.heard(), k.samples()
		r.says("is somebody there?")
		r.leg.Press('4')
		r.sleep(30 * time.Second) // far beyond the question whether he is there
		if got := r.heard(); got != told || to.keys != "4" || to.ticks < 1500 || k.samples()-recorded < 30*16000 {
			t.Errorf("told %q after %q; keys %q, %d ticks, %d samples recorded", got, told, to.keys, to.ticks, k.samples()-recorded)
		}
		if last := r.transcript()[2]; !strings.Contains(last, " | ") {
			t.Errorf("the answer was not cut: %q", last)
		}
		l.Return(nil)
		r.sleep(100 * ms)
		r.says("are you back?")
		r.sleep(5 * time.Second)
		if got := r.transcript(); len(got) != 5 || got[3] != "caller: are you back?" {
			t.Errorf("stored %q", got)
		}
		r.wantReplay()
	})
}

func TestAReturnedCallerIsToldWhatBecameOfIt(t *testing.T) {
	call(t, func(r *rig) {
		var asked [][]llm.Message
		r.model = llmtest.Lines(llmtest.Say("the line is busy."))
		remember(r.model, &asked)
		r.greeted()
		l := r.lend()
		r.writes(l, "this is music")
		r.sleep(3 * time.Second)
		l.Return(&convo.Outcome{Call: llm.ToolCall{ID: "t1", Name: llm.ToolTransfer}, Result: `{"ok":false}`})
		r.sleep(3 * time.Second)
		r.wantHeard(greeting + " this is music the line is busy.")
		h := asked[len(asked)-1]
		if last := h[len(h)-1]; last.Role != llm.Result || last.CallID != "t1" || h[len(h)-2].Calls[0].Name != llm.ToolTransfer {
			t.Errorf("history %+v", h)
		}
		r.wantTranscript("agent: "+greeting, "agent: the line is busy.")
		if turn := r.turns[r.order[1]]; turn.ReplyTo != nil || *turn.Heard != turn.Text || turn.Timing.FirstAudio+turn.Timing.Model > 500 {
			t.Errorf("%+v", turn)
		}
		l.Return(nil) // twice: harmless
		l.End("never")
		r.sleep(time.Second)
	})
}

// What somebody else said to the caller is not counted as words of the agent: an interruption is still dated to the word.
func TestFramesOfOthersAreNotTheAgents(t *testing.T) {
	call(t, func(r *rig) {
		r.greeted()
		l := r.lend()
		r.writes(l, "one two three four")
		r.sleep(200 * ms) // most of it still waits and is dropped
		r.model.Script = llmtest.Lines(llmtest.Say("alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima."), llmtest.Say("stopped.")).Script
		l.Return(&convo.Outcome{Call: llm.ToolCall{ID: "t1", Name: llm.ToolTransfer}, Result: "{}"})
		r.sleep(1500 * ms)
		r.says("stop please now")
		r.sleep(3 * time.Second)
		var cut parley.Turn
		for _, id := range r.order {
			if r.turns[id].Interrupted {
				cut = r.turns[id]
			}
		}
		if cut.Heard == nil {
			t.Fatalf("cut at %+v; told %q", cut, r.heard())
		}
		_, rest, _ := strings.Cut(r.heard(), "one ")
		rest, _, _ = strings.Cut(rest, " stopped.")
		if d := len(strings.Fields(rest)) - len(strings.Fields(*cut.Heard)); d < -1 || d > 1 || !strings.HasPrefix(rest, "alpha") {
			t.Errorf("the history says %q, the caller was told %q", *cut.Heard, r.heard())
		}
	})
}

func TestOnlyOneHasTheCaller(t *testing.T) {
	call(t, func(r *rig) {
		r.greeted()
		l := r.lend()
		if _, err := r.session.Lend(r.t.Context()); !errors.Is(err, convo.ErrLent) {
			t.Errorf("a second one: %v", err)
		}
		l.Return(nil)
		r.lend().End(parley.EndedTransferred)
		r.wantEnd(time.Second, parley.EndedTransferred)
		if _, err := r.session.Lend(r.t.Context()); !errors.Is(err, convo.ErrEnding) {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestWhoHoldsTheCallerDealsWithHisHangUp(t *testing.T) {
	call(t, func(r *rig) {
		r.greeted()
		l := r.lend()
		r.leg.HangUp()
		r.sleep(10 * time.Second)
		select {
		case <-r.done:
			t.Fatal("the conversation ended by itself")
		default:
		}
		l.Return(nil)
		r.wantEnd(time.Second, parley.EndedByCaller)
	})
}

func TestTheEndOfACallEndsItForWhoHoldsTheCaller(t *testing.T) {
	call(t, func(r *rig) {
		r.greeted()
		l := r.lend()
		r.end <- parley.EndedByAPI
		r.wantEnd(time.Second, parley.EndedByAPI)
		l.Return(nil) // too late: harmless
		if l.Swap(r.leg) {
			t.Error("a leg for a conversation that is over")
		}
	})
}

func TestSwapGoesOnWithAnother(t *testing.T) {
	call(t, func(r *rig) {
		k := &keeper{}
		r.cfg.Recorder = k
		r.greeted()
		l := r.lend()
		r.sleep(time.Second)
		other := mediatest.Start(r.t)
		if !l.Swap(other) {
			t.Fatal("not taken")
		}
		r.leg.HangUp()
		recorded := k.samples()
		r.leg = other
		r.sleep(2 * time.Second)
		r.wantHeard(greeting)
		r.says("when are you open?")
		r.sleep(5 * time.Second)
		r.wantHeard(greeting + " " + answer)
		if n := k.samples() - recorded; n < 6*16000 {
			t.Errorf("%d samples recorded of the other", n)
		}
	})
}

func transferCall(id string) llm.ToolCall {
	return llm.ToolCall{ID: id, Name: llm.ToolTransfer, Arguments: []byte(`{"target":"sales"}`)}
}

func TestTheModelTransfersAfterItsWords(t *testing.T) {
	call(t, func(r *rig) {
		var brief llm.Brief
		r.model.Script = func(b llm.Brief, h []llm.Message) llmtest.Reply {
			brief = b
			if last := h[len(h)-1]; last.Role == llm.Result {
				return llmtest.Say("they said " + last.Text)
			}
			return llmtest.Reply{Words: []string{"i am connecting you."}, Calls: []llm.ToolCall{transferCall("c1")}}
		}
		var at []string
		r.cfg.Targets = []convo.Target{{Name: "sales", Description: "people who sell"}}
		r.cfg.Transfer = func(c llm.ToolCall) { at = append(at, c.ID+" after "+r.heard()) }
		r.greeted()
		r.says("i want to talk to sales")
		r.sleep(3 * time.Second)
		if len(at) != 1 || at[0] != "c1 after "+greeting+" i am connecting you." {
			t.Fatalf("transfers %q", at)
		}
		tool := brief.Tools[len(brief.Tools)-1]
		if tool.Name != llm.ToolTransfer || !strings.Contains(string(tool.Parameters), `"enum":["sales"]`) || !strings.Contains(tool.Description, "sell") {
			t.Errorf("tool %s %s", tool.Description, tool.Parameters)
		}
		l := r.lend()
		l.Return(&convo.Outcome{Call: transferCall("c1"), Result: "busy"})
		r.sleep(3 * time.Second)
		r.wantHeard(greeting + " i am connecting you. they said busy")
	})
}

func TestNobodyIsGivenAwayWithoutAWord(t *testing.T) {
	call(t, func(r *rig) {
		r.model = llmtest.Lines(llmtest.Reply{Calls: []llm.ToolCall{transferCall("c1")}})
		transfers := 0
		r.cfg.Targets, r.cfg.Transfer = []convo.Target{{Name: "sales"}}, func(llm.ToolCall) { transfers++ }
		r.greeted()
		r.says("i want to talk to sales")
		r.sleep(4 * time.Second)
		if r.wantHeard(greeting + " One moment, please."); transfers != 1 {
			t.Errorf("%d transfers", transfers)
		}
	})
}

func TestWhoInterruptsTheAnnouncementStays(t *testing.T) {
	call(t, func(r *rig) {
		r.model = llmtest.Lines(llmtest.Reply{
			Words: []string{"i am connecting you to somebody in sales who will know all about it."}, Calls: []llm.ToolCall{transferCall("c1")},
		}, llmtest.Say("all right."))
		transfers := 0
		r.cfg.Targets, r.cfg.Transfer = []convo.Target{{Name: "sales"}}, func(llm.ToolCall) { transfers++ }
		r.greeted()
		r.says("i want to talk to sales")
		r.sleep(1500 * ms)
		r.says("no wait a moment please")
		r.sleep(4 * time.Second)
		if !strings.HasSuffix(r.heard(), "all right.") || transfers != 0 {
			t.Errorf("told %q, %d transfers", r.heard(), transfers)
		}
	})
}

func TestWithoutTargetsNoTransferIsOffered(t *testing.T) {
	call(t, func(r *rig) {
		var tools []llm.Tool
		r.model.Script = func(b llm.Brief, _ []llm.Message) llmtest.Reply { tools = b.Tools; return llmtest.Say("no.") }
		r.greeted()
		r.says("can you connect me?")
		r.sleep(2 * time.Second)
		for _, tool := range tools {
			if tool.Name == llm.ToolTransfer {
				t.Error("it is")
			}
		}
	})
}
