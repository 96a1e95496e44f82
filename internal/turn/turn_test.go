package turn_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/turn"
)

const ms = time.Millisecond

// talk drives a machine by hand. Each method moves time on.
type talk struct {
	t    *testing.T
	s    turn.State
	now  time.Duration
	all  []turn.Action
	last []turn.Action
}

func rules() turn.Rules {
	a := parley.Agent{}
	a.Language, a.InterruptSensitivity, a.Endpointing, a.AskIfHumanPresent, a.IdleSeconds = "en", "high", "high", true, 10
	return turn.RulesOf(&a)
}

func begin(t *testing.T, r turn.Rules) *talk {
	k := &talk{t: t, s: turn.New(r)}
	k.on(turn.Event{Kind: turn.Begin})
	return k
}

func (k *talk) on(e turn.Event) *talk {
	e.At = k.now
	k.s, k.last = k.s.Next(e)
	k.all = append(k.all, k.last...)
	return k
}

// pass lets time go by, with a Tick at every deadline in it.
func (k *talk) pass(d time.Duration) *talk {
	end := k.now + d
	for k.s.Phase != turn.Over && k.s.Deadline() <= end {
		k.now = max(k.now, k.s.Deadline())
		k.on(turn.Event{Kind: turn.Tick})
	}
	k.now = end
	return k
}

// voice is the caller speaking for d.
func (k *talk) voice(d time.Duration) *talk {
	onset := k.now
	n := 0
	for k.now < onset+d {
		k.pass(min(32*ms, onset+d-k.now))
		n++
		k.on(turn.Event{Kind: turn.Voice, Onset: onset, Last: k.now, Windows: n})
	}
	last := k.now
	k.pass(96 * ms)
	return k.on(turn.Event{Kind: turn.Hush, Onset: onset, Last: last, Windows: n})
}

// id of the latest action of a kind.
func (k *talk) id(v turn.Verb) int {
	for _, a := range slices.Backward(k.all) {
		if a.Do == v {
			return a.ID
		}
	}
	k.t.Fatalf("no %s was asked for", v)
	return 0
}

// text answers the latest transcription.
func (k *talk) text(s string) *talk {
	return k.on(turn.Event{Kind: turn.Final, ID: k.id(turn.Transcribe), Text: s})
}

// asks is a whole turn of the caller up to the answer's release.
func (k *talk) asks(s string) *talk {
	return k.voice(600 * ms).pass(150 * ms).text(s).pass(time.Second)
}

// speaks makes what is to be said heard.
func (k *talk) speaks(w turn.What) *talk { return k.on(turn.Event{Kind: turn.Started, What: w}) }
func (k *talk) said() *talk              { return k.on(turn.Event{Kind: turn.Done}) }

// greeted is a call whose greeting was said.
func greeted(t *testing.T, r turn.Rules) *talk {
	k := begin(t, r).speaks(turn.Greeting).pass(time.Second).said()
	k.all = nil
	return k
}

// answering is a call in the middle of an answer.
func answering(t *testing.T, r turn.Rules) *talk {
	k := greeted(t, r).asks("when are you open?").pass(100 * ms).speaks(turn.Answer).pass(time.Second)
	k.on(turn.Event{Kind: turn.Playing})
	k.all = nil
	return k
}

func (k *talk) did() string {
	var all []string
	for _, a := range k.all {
		switch {
		case a.Do == turn.Say:
			all = append(all, "say "+string(a.What))
		case a.Do == turn.HangUp:
			all = append(all, "hang_up "+a.Reason)
		case a.Do == turn.Turn && a.Continue:
			all = append(all, "turn+ "+a.Text)
		case a.Do == turn.Turn:
			all = append(all, "turn "+a.Text)
		case a.Do == turn.Judge, a.Do == turn.Forget: // of no interest in most tests
		default:
			all = append(all, string(a.Do))
		}
	}
	return strings.Join(all, ", ")
}

// rule is a course of events and what it leads to.
type rule struct {
	name string
	run  func(t *testing.T) *talk
	want string
}

func TestRules(t *testing.T) {
	for _, c := range slices.Concat(turnRules(), interruptRules(), silenceRules(), faultRules()) {
		t.Run(c.name, func(t *testing.T) {
			if got := c.run(t).did(); got != c.want {
				t.Errorf("did  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestEndpointing(t *testing.T) {
	for _, c := range []struct {
		name, sensitivity, text string
		verdict                 float64 // below 0 is none
		want                    time.Duration
	}{
		{"the base of high", "high", "i want a haircut.", -1, 500 * ms},
		{"the base of medium", "medium", "i want a haircut.", -1, 700 * ms},
		{"the base of low", "low", "i want a haircut.", -1, 900 * ms},
		{"words that we do not know are auto", "whatever", "i want a haircut.", -1, 600 * ms},
		{"a complete sound shortens it", "auto", "i want a haircut.", 0.8, 390 * ms},
		{"a question shortens it", "auto", "are you open?", -1, 390 * ms},
		{"a goodbye at the end shortens it", "auto", "no, thank you, goodbye.", 0.05, 390 * ms},
		{"a cut text lengthens it", "auto", "i want a haircut and", 0.8, 1200 * ms},
		{"a number being dictated too", "auto", "it's five five five", 0.8, 1200 * ms},
		{"an incomplete sound lengthens it", "auto", "i want a haircut.", 0.05, 840 * ms},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := parley.Agent{}
			a.Language, a.Endpointing = "en-GB", c.sensitivity
			k := greeted(t, turn.RulesOf(&a)).voice(600 * ms)
			last := k.now - 96*ms
			k.pass(104 * ms).text(c.text)
			if c.verdict >= 0 {
				k.on(turn.Event{Kind: turn.Verdict, ID: k.id(turn.Transcribe), P: c.verdict})
			}
			if got := k.s.Deadline() - last; got != c.want {
				t.Errorf("the turn is over after %v of quiet, want %v", got, c.want)
			}
		})
	}
}

// TestNeverStuck throws random events at the machine: it must have a deadline at all times, and once only time passes it must come to an end.
func TestNeverStuck(t *testing.T) {
	texts := []string{"", "yes", "what about sunday?", "my number is", "bye", "wait", "you"}
	for seed := range uint64(3000) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		r := rules()
		r.SpeaksFirst, r.Limit = rnd.IntN(2) == 0, 120*time.Second
		r.Inactivity = time.Duration(rnd.IntN(2)) * 20 * time.Second
		k := begin(t, r)
		for range 60 {
			k.pass(time.Duration(rnd.IntN(700)) * ms)
			k.on(randomEvent(rnd, k, texts))
			if k.s.Phase == turn.Over {
				break
			}
			if d := k.s.Deadline(); d > k.now+r.Limit+20*time.Second {
				t.Fatalf("seed %d: in %s the deadline is %v away", seed, k.s.Phase, d-k.now)
			}
		}
		k.pass(r.Limit + 60*time.Second)
		if k.s.Phase != turn.Over {
			t.Fatalf("seed %d: stuck in %s", seed, k.s.Phase)
		}
	}
}

func randomEvent(rnd *rand.Rand, k *talk, texts []string) turn.Event {
	kinds := []turn.Kind{turn.Voice, turn.Voice, turn.Hush, turn.Partial, turn.Final, turn.Final, turn.Verdict, turn.Started, turn.Playing, turn.Starved,
		turn.Done, turn.Done, turn.Failed, turn.Mute, turn.Parting, turn.Stopped, turn.Digit, turn.Tick}
	e := turn.Event{Kind: kinds[rnd.IntN(len(kinds))], ID: rnd.IntN(12), Text: texts[rnd.IntN(len(texts))], Windows: rnd.IntN(20), P: rnd.Float64()}
	e.Last = k.now
	e.Onset = max(0, k.now-time.Duration(rnd.IntN(1500))*ms)
	e.What = []turn.What{turn.Answer, turn.Greeting, turn.Filler, turn.Present}[rnd.IntN(4)]
	if e.Kind == turn.Digit {
		e.Text = "1"
	}
	e.Failed = rnd.IntN(6) == 0
	return e
}

// TestRecordedCalls replays calls as convo recorded them: the same events give the same actions.
func TestRecordedCalls(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded calls: %v", err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			var call struct {
				Agent parley.Agent
				Steps []turn.Step
			}
			if err := json.Unmarshal(b, &call); err != nil {
				t.Fatal(err)
			}
			events := make([]turn.Event, len(call.Steps))
			for i, s := range call.Steps {
				events[i] = s.Event
			}
			for i, s := range turn.Replay(turn.RulesOf(&call.Agent), events) {
				if got, want := fmt.Sprint(s.Actions), fmt.Sprint(call.Steps[i].Actions); got != want {
					t.Fatalf("event %d %+v:\ngot  %s\nwant %s", i, s.Event, got, want)
				}
			}
		})
	}
}
