package convo_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/llm/llmtest"
	"github.com/parley-voice/parley/internal/speech/speechtest"
)

const (
	greeting = "hello there"
	answer   = "we are open from nine to six on every working day."
)

func TestAnswersAQuestion(t *testing.T) {
	call(t, func(r *rig) {
		r.greeted()
		r.wantHeard(greeting)
		r.says("when are you open?")
		r.sleep(5 * time.Second)
		r.wantHeard(greeting + " " + answer)
		r.wantTranscript("agent: "+greeting, "caller: when are you open?", "agent: "+answer)
		last := r.turns[r.order[2]]
		if last.ReplyTo == nil || *last.ReplyTo != r.order[1] || *last.Heard != answer {
			t.Errorf("reply to %v, heard %q", last.ReplyTo, *last.Heard)
		}
		if sum := last.Timing.Endpointing + last.Timing.Recognition + last.Timing.Model + last.Timing.FirstAudio; sum < 325 || sum > 500 {
			t.Errorf("timing %+v", last.Timing)
		}
		r.leg.HangUp()
		r.wantEnd(time.Second, parley.EndedByCaller)
		r.wantReplay()
	})
}

func TestSeveralTurnsKeepTheHistory(t *testing.T) {
	call(t, func(r *rig) {
		var asked [][]llm.Message
		r.model = llmtest.Lines(llmtest.Say("yes we are."), llmtest.Say("ten euros."))
		remember(r.model, &asked)
		r.greeted()
		r.says("are you open today?")
		r.sleep(2 * time.Second)
		r.says("what does it cost?")
		r.sleep(2 * time.Second)
		r.wantHeard(greeting + " yes we are. ten euros.")
		h := asked[len(asked)-1]
		want := []string{"agent " + greeting, "caller are you open today?", "agent yes we are.", "caller what does it cost?"}
		for i, m := range h {
			if i >= len(want) || string(m.Role)+" "+m.Text != want[i] {
				t.Fatalf("history %v", h)
			}
		}
		if len(h) != len(want) {
			t.Errorf("history %v", h)
		}
	})
}

func TestTalkingOverTheAgentStopsIt(t *testing.T) {
	call(t, func(r *rig) {
		var asked [][]llm.Message
		r.model = llmtest.Lines(llmtest.Say(answer), llmtest.Say("of course."))
		remember(r.model, &asked)
		r.greeted()
		r.says("when are you open?")
		r.sleep(1500 * ms) // the answer has begun
		onset := r.leg.Age()
		r.says("and on sunday please?")
		r.sleep(3 * time.Second)
		words := r.words()
		var stopped time.Duration
		for i, w := range words {
			if w.Text == "of" {
				stopped = words[i-1].At + words[i-1].For
			}
		}
		if d := stopped - onset; d > 200*ms || d < 80*ms {
			t.Errorf("the agent stopped %v after the caller's onset", d)
		}
		cut := r.turns[r.order[2]]
		if !cut.Interrupted || *cut.Heard == answer || !strings.HasPrefix(answer, *cut.Heard) || *cut.Heard == "" {
			t.Errorf("cut at %q, interrupted %v", *cut.Heard, cut.Interrupted)
		}
		h := asked[len(asked)-1]
		if m := h[len(h)-2]; m.Role != llm.Agent || m.Text != *cut.Heard || !m.Interrupted {
			t.Errorf("the history holds %+v, the caller heard %q", m, *cut.Heard)
		}
		spoken := len(strings.Fields(*cut.Heard))
		whole := 0
		for _, w := range words[2:] {
			if w.Text == "of" {
				break
			}
			if w.For > speechtest.WordTime*6/10 {
				whole++
			}
		}
		if d := spoken - whole; d > 1 || d < -1 {
			t.Errorf("the history says that %d words were heard, it were %d", spoken, whole)
		}
		r.wantReplay()
	})
}

func TestACoughDoesNotEndTheAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		sensitivity string
		noise       time.Duration
		stops       bool
	}{
		"a burst under 100 ms does not even stop it":     {"high", 90 * ms, false},
		"a cough stops it, and it goes on":               {"high", 160 * ms, true},
		"a long noise stops it, and it goes on":          {"high", 700 * ms, true},
		"a cough does not stop a patient agent":          {"medium", 300 * ms, false},
		"nothing stops an agent that takes no interrupt": {"off", 700 * ms, false},
	} {
		t.Run(name, func(t *testing.T) {
			call(t, func(r *rig) {
				r.agent.InterruptSensitivity = c.sensitivity
				r.greeted()
				r.says("when are you open?")
				r.sleep(1500 * ms)
				r.leg.Play(speechtest.Noise(c.noise))
				r.sleep(8 * time.Second)
				heard := strings.TrimPrefix(r.heard(), greeting+" ")
				if c.stops == (heard == answer) {
					t.Errorf("told %q", heard)
				}
				if !strings.HasSuffix(heard, "on every working day.") || len(strings.Fields(heard)) > len(strings.Fields(answer))+1 {
					t.Errorf("the answer did not go on at the word: %q", heard)
				}
				r.wantTranscript("agent: "+greeting, "caller: when are you open?", "agent: "+answer)
				r.wantReplay()
			})
		})
	}
}

func TestShortWordsWhileTheAgentSpeaks(t *testing.T) {
	for name, c := range map[string]struct {
		sensitivity, word string
		stops             bool
	}{
		"yes does not stop at medium":      {"medium", "yes", false},
		"uh-huh does not stop at low":      {"low", "uh-huh", false},
		"a question stops at medium":       {"medium", "what about sunday", true},
		"one word does not stop at low":    {"low", "sunday", false},
		"wait stops even at low":           {"low", "wait", true},
		"three words stop at low":          {"low", "what about sunday then", true},
		"whatever is said is lost at off?": {"off", "what about sunday", false},
	} {
		t.Run(name, func(t *testing.T) {
			call(t, func(r *rig) {
				r.agent.InterruptSensitivity = c.sensitivity
				r.model = llmtest.Lines(llmtest.Say(answer), llmtest.Say("closed then."))
				r.greeted()
				r.says("when are you open?")
				r.sleep(1100 * ms)
				r.says(c.word)
				r.sleep(8 * time.Second)
				cut := r.turns[r.order[2]]
				if cut.Interrupted != c.stops {
					t.Errorf("told %q, interrupted %v", r.heard(), cut.Interrupted)
				}
				if answered := strings.HasSuffix(r.heard(), "closed then."); answered == (c.word == "yes" || c.word == "uh-huh") {
					t.Errorf("told %q", r.heard())
				}
				r.wantReplay()
			})
		})
	}
}

func TestShortWordAtTheEndOfAQuestionAnswersIt(t *testing.T) {
	for _, sensitivity := range []string{"high", "medium", "low"} {
		t.Run(sensitivity, func(t *testing.T) {
			call(t, func(r *rig) {
				r.agent.InterruptSensitivity = sensitivity
				r.model = llmtest.Lines(llmtest.Say("shall i book nine tomorrow?"), llmtest.Say("booked."))
				r.greeted()
				r.says("can i come?")
				r.sleep(1500 * ms)
				r.says("yes")
				r.sleep(5 * time.Second)
				if !strings.HasSuffix(r.heard(), "booked.") {
					t.Errorf("told %q", r.heard())
				}
			})
		})
	}
}

func TestGoingOnAfterAShortPauseIsTheSameTurn(t *testing.T) {
	for name, pause := range map[string]time.Duration{
		"within the endpointing":         250 * ms,
		"just after it":                  360 * ms,
		"when the answer has just begun": 520 * ms,
	} {
		t.Run(name, func(t *testing.T) {
			call(t, func(r *rig) {
				var asked [][]llm.Message
				remember(r.model, &asked)
				r.greeted()
				r.says("i would like an appointment.")
				r.sleep(pause)
				r.says("for tuesday at nine.")
				r.sleep(8 * time.Second)
				h := asked[len(asked)-1]
				if m := h[len(h)-1]; m.Text != "i would like an appointment. for tuesday at nine." || len(h) != 2 {
					t.Errorf("history %+v", h)
				}
				callers := 0
				for _, line := range r.transcript() {
					if strings.HasPrefix(line, "caller: ") {
						callers++
					}
				}
				if callers != 1 || !strings.HasSuffix(r.heard(), answer) {
					t.Errorf("stored %q, told %q", r.transcript(), r.heard())
				}
				r.wantReplay()
			})
		})
	}
}

func TestACutSentenceIsWaitedFor(t *testing.T) {
	call(t, func(r *rig) {
		r.greeted()
		r.says("my number is")
		r.sleep(800 * ms)
		r.says("five five five one two")
		r.sleep(800 * ms)
		r.says("three four.")
		r.sleep(6 * time.Second)
		r.wantTranscript("agent: "+greeting, "caller: my number is five five five one two three four.", "agent: "+answer)
	})
}

func TestSilenceForAMinute(t *testing.T) {
	call(t, func(r *rig) {
		r.agent.MaxIdleChecks = ptr(2)
		r.greeted()
		r.wantEnd(time.Minute, parley.EndedByInactivity)
		r.wantHeard(greeting + " Are you still there? Are you still there? I cannot hear you, so I will hang up now. Goodbye.")
	})
}

func TestInitialIdleRules(t *testing.T) {
	call(t, func(r *rig) {
		r.agent.InitialIdleSeconds, r.agent.InitialMaxIdleChecks, r.agent.MaxIdleChecks = ptr(3), ptr(0), ptr(5)
		r.greeted()
		r.wantEnd(10*time.Second, parley.EndedByInactivity)
		r.wantHeard(greeting + " I cannot hear you, so I will hang up now. Goodbye.")
	})
}

func TestInactivityEndsTheCallWhateverIsAsked(t *testing.T) {
	call(t, func(r *rig) {
		r.agent.InactivitySeconds, r.agent.AskIfHumanPresent = ptr(15), false
		r.greeted()
		r.says("hello?")
		r.sleep(12 * time.Second)
		r.says("are you open today?")
		r.wantEnd(30*time.Second, parley.EndedByInactivity)
	})
}

func TestWhoeverSpeaksUpKeepsTheCall(t *testing.T) {
	call(t, func(r *rig) {
		r.agent.MaxIdleChecks = ptr(1)
		r.greeted()
		r.sleep(23 * time.Second)
		if !strings.Contains(r.heard(), "I cannot hear") {
			t.Fatalf("told %q", r.heard())
		}
		r.says("wait i am still here")
		r.sleep(6 * time.Second)
		if !strings.HasSuffix(r.heard(), answer) {
			t.Errorf("told %q", r.heard())
		}
	})
}

func TestTimeLimit(t *testing.T) {
	for name, goodbye := range map[string]*bool{"with a goodbye": nil, "without": ptr(false)} {
		t.Run(name, func(t *testing.T) {
			call(t, func(r *rig) {
				r.agent.MaxCallSeconds, r.agent.GoodbyeOnMax = ptr(5), goodbye
				r.greeted()
				r.says("when are you open?")
				within := 100 * ms
				if goodbye == nil {
					within = 6 * time.Second
				}
				r.sleep(5*time.Second - r.leg.Age())
				r.wantEnd(within, parley.EndedByTimeLimit)
				if said := strings.Contains(r.heard(), "our time is up"); said != (goodbye == nil) {
					t.Errorf("told %q", r.heard())
				}
			})
		})
	}
}

func TestCallerSpeaksFirst(t *testing.T) {
	call(t, func(r *rig) {
		r.agent.WhoSpeaksFirst = parley.SpeakerUser
		r.begin()
		r.sleep(2 * time.Second)
		r.wantHeard("")
		r.says("are you open?")
		r.sleep(5 * time.Second)
		r.wantHeard(answer)
	})
}

func TestCallerWhoShouldSpeakFirstAndDoesNotIsGreeted(t *testing.T) {
	call(t, func(r *rig) {
		r.agent.WhoSpeaksFirst, r.agent.InitialIdleSeconds = parley.SpeakerUser, ptr(4)
		r.begin()
		r.sleep(6 * time.Second)
		r.wantHeard(greeting)
	})
}

func TestGreetingWaitsForItsDelay(t *testing.T) {
	call(t, func(r *rig) {
		r.agent.InitialMessageDelay = 2
		r.begin()
		r.sleep(4 * time.Second)
		if w := r.words(); len(w) != 2 || w[0].At < 2*time.Second || w[0].At > 2100*ms {
			t.Errorf("words %v", w)
		}
	})
}

func TestAgentWithoutInitialMessageGreetsByDirection(t *testing.T) {
	for direction, want := range map[parley.Direction]string{parley.Inbound: "Hello, how can I help you?", parley.Outbound: "Hello."} {
		call(t, func(r *rig) {
			r.agent.InitialMessage, r.cfg.Direction = nil, direction
			r.begin()
			r.sleep(3 * time.Second)
			r.wantHeard(want)
		})
	}
}

func TestPayloadFillsPlaceholders(t *testing.T) {
	call(t, func(r *rig) {
		var brief llm.Brief
		r.model = &llmtest.Model{Script: func(b llm.Brief, _ []llm.Message) llmtest.Reply { brief = b; return llmtest.Say("fine.") }}
		r.agent.InitialMessage, r.agent.Description = ptr("hello {{name}}"), ptr("Call about {{ order.id }}, {{unknown}}.")
		if err := json.Unmarshal([]byte(`{"name": "Ann", "order": {"id": 17}}`), &r.cfg.Payload); err != nil {
			t.Fatal(err)
		}
		r.greeted()
		r.wantHeard("hello Ann")
		r.says("hi")
		r.sleep(time.Second)
		if brief.Description != "Call about 17, ." || brief.Greeting != "hello Ann" {
			t.Errorf("brief %+v", brief)
		}
	})
}

func TestAgentHangsUpAfterItsLastWords(t *testing.T) {
	bye := llmtest.Reply{Words: []string{"goodbye then."}, Calls: []llm.ToolCall{{ID: "1", Name: llm.ToolHangUp, Arguments: json.RawMessage("{}")}}}
	t.Run("by itself", func(t *testing.T) {
		call(t, func(r *rig) {
			r.model = llmtest.Lines(bye)
			r.greeted()
			r.says("that is all thanks.")
			r.wantEnd(4*time.Second, parley.EndedByAgent)
			r.wantHeard(greeting + " goodbye then.")
		})
	})
	t.Run("a caller who says goodbye too does not hold it up", func(t *testing.T) {
		call(t, func(r *rig) {
			r.model = llmtest.Lines(bye, llmtest.Say("what?"))
			r.greeted()
			r.says("that is all thanks.")
			r.sleep(1100 * ms)
			r.says("bye bye")
			r.wantEnd(4*time.Second, parley.EndedByAgent)
		})
	})
	t.Run("a caller who wants something else does", func(t *testing.T) {
		call(t, func(r *rig) {
			r.model = llmtest.Lines(bye, llmtest.Say("certainly."))
			r.greeted()
			r.says("that is all thanks.")
			r.sleep(1100 * ms)
			r.says("oh one more question please")
			r.sleep(3 * time.Second)
			if !strings.HasSuffix(r.heard(), "certainly.") {
				t.Errorf("told %q", r.heard())
			}
		})
	})
}

func TestMessagesAreTaken(t *testing.T) {
	call(t, func(r *rig) {
		take := llm.ToolCall{ID: "1", Name: llm.ToolTakeMessage, Arguments: json.RawMessage(`{"slots":{"name":"Ann","number":5550100}}`)}
		r.model = &llmtest.Model{Script: func(_ llm.Brief, h []llm.Message) llmtest.Reply {
			if h[len(h)-1].Role == llm.Result { // called without words: the model is asked again
				return llmtest.Say("noted.")
			}
			return llmtest.Reply{Calls: []llm.ToolCall{take}}
		}}
		r.greeted()
		r.says("tell him that ann called.")
		r.sleep(3 * time.Second)
		r.wantHeard(greeting + " noted.")
		if len(r.messages) != 1 || r.messages[0].Slots["name"] != "Ann" || r.messages[0].Slots["number"] != "5550100" {
			t.Errorf("messages %v", r.messages)
		}
	})
}

func TestPressedDigitsAreATurn(t *testing.T) {
	call(t, func(r *rig) {
		r.greeted()
		r.says("when are you open?")
		r.sleep(1500 * ms)
		r.leg.Press('1')
		r.leg.Press('2')
		r.sleep(8 * time.Second)
		lines := r.transcript()
		if len(lines) != 5 || lines[3] != "caller: pressed 12" || !r.turns[r.order[2]].Interrupted {
			t.Errorf("stored %q", lines)
		}
		if answer, keys := r.turns[r.order[2]], r.turns[r.order[3]]; !keys.StartedAt.After(answer.StartedAt) || keys.EndedAt.Before(keys.StartedAt) {
			t.Errorf("pressed from %v to %v, into an answer since %v", keys.StartedAt, keys.EndedAt, answer.StartedAt)
		}
		r.wantReplay()
	})
}

func TestLastWordsBeforeTheHangUpAreKept(t *testing.T) {
	call(t, func(r *rig) {
		r.greeted()
		r.says("never mind goodbye")
		r.leg.HangUp()
		r.wantEnd(3*time.Second, parley.EndedByCaller)
		r.wantTranscript("agent: "+greeting, "caller: never mind goodbye")
	})
}

func TestLongSpeechIsCutAtPausesAndJoined(t *testing.T) {
	call(t, func(r *rig) {
		r.agent.AskIfHumanPresent = false
		r.greeted()
		var all []string
		for range 5 {
			part := "i have a long story to tell you about my tooth which hurts and"
			all = append(all, part)
			r.says(part)
			r.sleep(250 * ms)
		}
		all = append(all, "can you help me?")
		r.says("can you help me?")
		r.sleep(6 * time.Second)
		r.wantTranscript("agent: "+greeting, "caller: "+strings.Join(all, " "), "agent: "+answer)
	})
}

func TestRecorderGetsBothSides(t *testing.T) {
	call(t, func(r *rig) {
		k := &keeper{}
		r.cfg.Recorder = k
		r.greeted()
		r.says("when are you open?")
		r.sleep(5 * time.Second)
		r.leg.HangUp()
		<-r.done
		if h, s := speechtest.Text(k.heard), speechtest.Text(k.said); h != "when are you open?" || s != greeting+" "+answer {
			t.Errorf("recorded %q and %q", h, s)
		}
	})
}
