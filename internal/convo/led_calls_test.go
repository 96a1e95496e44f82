package convo_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/llm"
)

const naming = `{"id":"hello","type":"say","content":"welcome to the shop of many good old things.","next":"name"},
	{"id":"name","type":"ask","content":"what is your full name please?","variable":"name","next":"bye"},{"id":"bye","type":"end","content":"goodbye {{name}}."}`

func TestAnAnswerThatCutsTheQuestionIsTaken(t *testing.T) {
	call(t, func(r *rig) {
		leads(r, naming)
		r.begin()
		r.sleep(3600 * ms) // up to: what is your
		r.says("laura chen from bonn")
		r.wantEnd(8*time.Second, parley.EndedByAgent)
		got := r.transcript()
		if !strings.Contains(got[0], " | ") || got[2] != "agent: goodbye laura chen from bonn." {
			t.Errorf("stored %q", got)
		}
		r.wantPath("hello", "name", "bye")
		r.wantReplay()
	})
}

// Whoever did not hear the question and said nothing to it is asked again, without blame and without its counting.
func TestAQuestionThatWasNotHeardIsAskedAgain(t *testing.T) {
	call(t, func(r *rig) {
		leads(r, naming)
		r.begin()
		r.sleep(1500 * ms)
		r.says("mumble mumble mumble mumble")
		r.sleep(9 * time.Second)
		got := r.transcript()
		if want := "agent: welcome to the shop of many good old things. what is your full name please?"; len(got) != 3 || got[2] != want {
			t.Errorf("stored %q", got)
		}
		r.says("laura")
		r.wantEnd(8*time.Second, parley.EndedByAgent)
		r.wantPath("hello", "name", "bye")
	})
}

func TestSilenceInAFlow(t *testing.T) {
	call(t, func(r *rig) {
		leads(r, ordering)
		r.begin()
		r.sleep(17 * time.Second)
		if !strings.HasSuffix(r.heard(), "Are you still there?") {
			t.Errorf("told %q", r.heard())
		}
		r.says("yes i am")
		r.sleep(4 * time.Second)
		if !strings.HasSuffix(r.heard(), "there? welcome to the shop. what is your name?") {
			t.Errorf("told %q", r.heard())
		}
		r.sleep(time.Minute)
		r.wantEnd(time.Minute, parley.EndedByInactivity)
		r.wantPath("hello", "wish")
		r.wantReplay()
	})
}

const booked = `{"id":"day","type":"ask","content":"which day?","variable":"day","next":"book"},
	{"id":"book","type":"action","action_id":"book a visit!","content":"i look.","result":"visit","on_success":"done","on_failure":"sorry"},
	{"id":"done","type":"end","content":"your number is {{visit.number}}."},{"id":"sorry","type":"end","content":"that day is full."}`

func TestAFlowRunsActions(t *testing.T) {
	for name, c := range map[string]struct {
		result, last string
		path         []string
	}{
		"that succeed": {`{"number":17}`, "your number is 17.", []string{"day", "book", "done"}},
		"that fail":    {`{"ok":false,"message":"no"}`, "that day is full.", []string{"day", "book", "sorry"}},
	} {
		t.Run(name, func(t *testing.T) {
			call(t, func(r *rig) {
				leads(r, booked)
				at := &desk{takes: time.Second, result: c.result}
				r.cfg.Requester, r.actions = at, []parley.Action{booking()}
				r.begin()
				r.sleep(3 * time.Second)
				r.says("monday")
				r.wantEnd(15*time.Second, parley.EndedByAgent)
				r.wantTranscript("agent: which day?", "caller: monday", "agent: i look. let me book that. "+c.last)
				r.wantPath(c.path...)
				if want := `Book a visit!{"day":"monday","shop":7,"who":"for "}`; len(at.got) != 1 || at.got[0] != want {
					t.Errorf("sent %q", at.got)
				}
			})
		})
	}
}

// Words that fall into an action neither repeat it nor lose what comes of it.
func TestSpeakingIntoAnActionOfAFlow(t *testing.T) {
	for name, silence := range map[string]time.Duration{"that is still under way": 3 * time.Second, "that has ended meanwhile": 1200 * ms} {
		t.Run(name, func(t *testing.T) {
			call(t, func(r *rig) {
				leads(r, booked)
				at := &desk{takes: silence + 2*time.Second, result: `{"number":17}`}
				r.cfg.Requester, r.actions = at, []parley.Action{booking()}
				r.begin()
				r.sleep(3 * time.Second)
				r.says("monday")
				r.sleep(2500 * ms)
				r.says("hello are you there at all or what is this")
				r.wantEnd(20*time.Second, parley.EndedByAgent)
				if h := r.heard(); len(at.got) != 1 || strings.Count(h, "your number is 17.") != 1 {
					t.Errorf("sent %q, told %q", at.got, h)
				}
				r.wantPath("day", "book", "done")
			})
		})
	}
}

func TestAFlowGivesCallersAway(t *testing.T) {
	nodes := `{"id":"ask","type":"ask","content":"shall i?","next":"desk"},{"id":"desk","type":"transfer","content":"i connect you.",
		"number":"+15550100200","branches":[{"match":"busy","next":"busy"}],"on_failure":"none"},
		{"id":"busy","type":"end","content":"the desk is busy."},{"id":"none","type":"end","content":"nobody is there."}`
	for name, c := range map[string]struct {
		result, ended, last string
		path                []string
	}{
		"to a busy line":         {`{"ok":false,"outcome":"busy","message":"Busy."}`, parley.EndedByAgent, "the desk is busy.", []string{"ask", "desk", "busy"}},
		"to who does not answer": {`{"ok":false,"outcome":"no-answer","message":"No."}`, parley.EndedByAgent, "nobody is there.", []string{"ask", "desk", "none"}},
		"to somebody":            {"", parley.EndedTransferred, "i connect you.", []string{"ask", "desk"}},
	} {
		t.Run(name, func(t *testing.T) {
			call(t, func(r *rig) {
				leads(r, nodes)
				r.cfg.Targets = []convo.Target{{Name: "+15550100200"}}
				asked := make(chan llm.ToolCall, 1)
				r.cfg.Transfer = func(c llm.ToolCall) { asked <- c }
				r.begin()
				r.sleep(3 * time.Second)
				r.says("please")
				order := <-asked
				if order.Name != llm.ToolTransfer || string(order.Arguments) != `{"target":"+15550100200"}` {
					t.Errorf("asked for %s %s", order.Name, order.Arguments)
				}
				l := r.lend()
				r.sleep(5 * time.Second)
				if c.result == "" {
					l.End(parley.EndedTransferred)
				} else {
					l.Return(&convo.Outcome{Call: order, Result: c.result})
				}
				r.wantEnd(10*time.Second, c.ended)
				if !strings.HasSuffix(r.heard(), c.last) {
					t.Errorf("told %q", r.heard())
				}
				r.wantPath(c.path...)
			})
		})
	}
}

func TestAFlowMayGiveNobodyAwayWhoIsNoTarget(t *testing.T) {
	c := textLed(t, convo.Config{}, `{"id":"ask","type":"ask","content":"Which number?","variable":{"name":"to","type":"phone"},"next":"desk"},
		{"id":"desk","type":"transfer","number":"{{to}}","on_failure":"no"},{"id":"no","type":"end","content":"I cannot call that."}`)
	words, nodes := along(t, c, "+15550100999")
	if words[1] != "I cannot call that." || !slices.Equal(nodes, []string{"ask", "desk", "no"}) || !c.Over() {
		t.Errorf("%q along %v", words, nodes)
	}
}

func TestNumbersOfAFlow(t *testing.T) {
	snap := &parley.Snapshot{Flow: &parley.FlowVersion{Config: flowOf(`{"id":"a","type":"transfer","number":"{{desk}}","next":"b"},
		{"id":"b","type":"transfer","number":"+15550100200","next":"c"},{"id":"c","type":"transfer","action_id":"x"}`)}}
	if got := convo.Numbers(snap, map[string]any{"desk": "+15550100100"}); !slices.Equal(got, []string{"+15550100100", "+15550100200"}) {
		t.Errorf("numbers %v", got)
	}
	if got := convo.Numbers(&parley.Snapshot{}, nil); got != nil {
		t.Errorf("numbers %v of no flow", got)
	}
}

// Exact inputs are sent after a yes alone, as those of models are.
func TestAFlowReadsExactInputsBack(t *testing.T) {
	exact := booking()
	exact.SpeakOnSend, exact.Inputs = nil, []parley.ActionInput{{Name: "day", Type: "date", Required: true}}
	for _, c := range []struct {
		rule string
		says []string
		sent int
		last string
	}{
		{"a yes", []string{"2030-03-04", "yes"}, 1, "your number is 17."},
		{"a no", []string{"2030-03-04", "no"}, 0, "that day is full."},
		{"neither", []string{"2030-03-04", "well", "well", "well"}, 0, "that day is full."},
	} {
		t.Run(c.rule, func(t *testing.T) {
			at := &desk{result: `{"number":17}`}
			words, _ := along(t, textLed(t, convo.Config{Requester: at}, booked, exact), c.says...)
			if words[1] != "i look. I have: day Monday, March 4. Is that right?" || len(at.got) != c.sent || words[len(words)-1] != c.last {
				t.Errorf("sent %q, said %q", at.got, words)
			}
		})
	}
}

func TestLoopsOfAFlowEnd(t *testing.T) {
	c := textLed(t, convo.Config{}, `{"id":"a","type":"ask","content":"More?","variable":"v","next":"a"}`)
	words, n := []string{}, 0
	for ; !c.Over() && n < 100; n++ {
		turns, err := c.Say(t.Context(), "more")
		if err != nil {
			t.Fatal(err)
		}
		words = append(words, turns[1].Text)
	}
	if n > 60 || !strings.Contains(words[n-1], "cannot help you any further") {
		t.Errorf("%d turns, the last: %q", n, words[n-1])
	}
}

func TestChainsOfActionsAreNotCutShort(t *testing.T) {
	var nodes []string
	for _, id := range strings.Split("abcdefgh", "") {
		nodes = append(nodes, `{"id":"`+id+`","type":"action","action_id":"1","inputs":{"day":"`+id+`"},"next":"`+string(id[0]+1)+`"}`)
	}
	at := &desk{result: `{}`}
	c := textLed(t, convo.Config{Requester: at}, strings.Join(nodes, ",")+`,{"id":"i","type":"end","content":"Done."}`, booking())
	words, got := along(t, c)
	if len(at.got) != 8 || len(got) != 9 || !strings.HasSuffix(words[0], "Done.") || !c.Over() {
		t.Errorf("sent %q, said %q along %v", at.got, words, got)
	}
}

func TestAFlowThatOnlyTellsSomethingHangsUp(t *testing.T) {
	call(t, func(r *rig) {
		leads(r, `{"id":"a","type":"end","content":"we are closed today."}`)
		r.agent.InitialMessage = ptr("hello {{name}}.")
		r.cfg.Payload = map[string]any{"name": "ann"}
		r.begin()
		r.wantEnd(6*time.Second, parley.EndedByAgent)
		r.wantTranscript("agent: hello ann. we are closed today.")
	})
}

func TestAFlowMayBeginWithAnAction(t *testing.T) {
	call(t, func(r *rig) {
		leads(r, `{"id":"a","type":"action","action_id":"1","inputs":{"day":"today"},"result":"r","next":"b"},{"id":"b","type":"end","content":"there are {{r.n}}."}`)
		at := &desk{takes: 500 * ms, result: `{"n":3}`}
		r.cfg.Requester, r.actions, r.agent.InitialMessage = at, []parley.Action{booking()}, ptr("hello.")
		r.begin()
		r.wantEnd(10*time.Second, parley.EndedByAgent)
		r.wantTranscript("agent: hello. let me book that. there are 3.")
		r.wantPath("a", "b")
	})
}

func TestACallerWhoSpeaksFirstIsLedFromTheBeginning(t *testing.T) {
	call(t, func(r *rig) {
		leads(r, ordering)
		r.agent.WhoSpeaksFirst = parley.SpeakerUser
		r.begin()
		r.sleep(time.Second)
		r.says("good morning")
		r.sleep(5 * time.Second)
		r.wantTranscript("caller: good morning", "agent: welcome to the shop. what is your name?")
		r.wantPath("hello", "wish")
	})
}

func TestAFlowThatCannotBeReadLeadsNoCall(t *testing.T) {
	a := newAgent()
	_, err := convo.NewText(t.Context(), convo.Config{
		Snapshot: &parley.Snapshot{Agent: a, Flow: &parley.FlowVersion{Version: "3", Config: string(json.RawMessage(`{}`))}},
	})
	if err == nil || !strings.Contains(err.Error(), "version 3") {
		t.Errorf("%v", err)
	}
}
