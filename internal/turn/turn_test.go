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

func TestRules(t *testing.T) {
	medium, low, off, user, patient, mute := rules(), rules(), rules(), rules(), rules(), rules()
	medium.Interrupt = turn.Interrupt{Voice: 250 * ms, Words: 1, Alone: 1500 * ms}
	low.Interrupt = turn.Interrupt{Voice: 600 * ms, Words: 3, Alone: 3 * time.Second}
	off.Interrupt = turn.Interrupt{}
	user.SpeaksFirst = false
	patient.Inactivity, patient.Ask = 20*time.Second, false
	mute.Limit, mute.Goodbye = 30*time.Second, false
	for _, c := range []struct {
		name string
		run  func(t *testing.T) *talk
		want string
	}{
		{"the agent greets first", func(t *testing.T) *talk { return begin(t, rules()) }, "say greeting"},
		{"a caller who speaks first is not greeted", func(t *testing.T) *talk { return begin(t, user).pass(5 * time.Second) }, ""},
		{"a caller who should speak first and does not is greeted", func(t *testing.T) *talk { return begin(t, user).pass(11 * time.Second) }, "say greeting"},
		{"a hello before the greeting is answered with it", func(t *testing.T) *talk {
			r := rules()
			r.Delay = 5 * time.Second
			return begin(t, r).asks("hello?")
		}, "transcribe, reply, turn hello?, say greeting"},
		{"a turn is transcribed, drafted, released", func(t *testing.T) *talk { return greeted(t, rules()).asks("are you open?") },
			"transcribe, reply, turn are you open?, release"},
		{"a click is nothing", func(t *testing.T) *talk { return greeted(t, rules()).voice(60 * ms).pass(time.Second) }, ""},
		{"noise without words is nothing", func(t *testing.T) *talk {
			return greeted(t, rules()).voice(500 * ms).pass(150 * ms).text("").pass(time.Second)
		}, "transcribe"},
		{"a text that is cut is not answered yet", func(t *testing.T) *talk {
			return greeted(t, rules()).voice(600 * ms).pass(150 * ms).text("my number is").pass(500 * ms)
		}, "transcribe"},
		{"a text that is cut is answered in the end", func(t *testing.T) *talk { return greeted(t, rules()).asks("my number is") },
			"transcribe, turn my number is, reply, release"},
		{"going on after a pause asks anew", func(t *testing.T) *talk {
			return greeted(t, rules()).voice(600 * ms).pass(150 * ms).text("i want").voice(400 * ms).pass(150 * ms).text("i want a haircut.").pass(time.Second)
		}, "transcribe, transcribe, reply, turn i want a haircut., release"},
		{"going on while the agent thinks continues the turn", func(t *testing.T) *talk {
			return greeted(t, rules()).asks("i want a haircut.").voice(400 * ms).pass(150 * ms).text("i want a haircut. today.").pass(time.Second)
		}, "transcribe, reply, turn i want a haircut., release, hold, transcribe, drop, reply, turn+ i want a haircut. today., release"},
		{"a cough while the agent thinks keeps the answer", func(t *testing.T) *talk {
			return greeted(t, rules()).asks("i want a haircut.").voice(200 * ms).pass(150 * ms).text("i want a haircut.").pass(time.Second)
		}, "transcribe, reply, turn i want a haircut., release, hold, transcribe, turn+ i want a haircut., release"},
		{"talking over us stops us", func(t *testing.T) *talk { return answering(t, rules()).voice(128 * ms) }, "stop"},
		{"a burst does not", func(t *testing.T) *talk { return answering(t, rules()).voice(96 * ms).pass(400 * ms) }, ""},
		{"a cough lets us go on", func(t *testing.T) *talk { return answering(t, rules()).voice(200 * ms).pass(150 * ms).text("") }, "stop, transcribe, resume"},
		{"what recognizers make of a cough does too", func(t *testing.T) *talk {
			return answering(t, rules()).voice(200 * ms).pass(150 * ms).text("Thank you for watching.")
		}, "stop, transcribe, resume"},
		{"a murmur lets us go on", func(t *testing.T) *talk {
			k := answering(t, rules()).voice(200 * ms)
			k.on(turn.Event{Kind: turn.Stopped, Text: "we are open", Last: 3 * time.Second})
			return k.pass(150 * ms).text("Uh-huh.").pass(time.Second)
		}, "stop, transcribe, resume"},
		{"the same word answers a question", func(t *testing.T) *talk {
			k := answering(t, rules()).voice(200 * ms)
			k.on(turn.Event{Kind: turn.Stopped, Text: "shall I book it?", Last: 3 * time.Second})
			return k.pass(150 * ms).text("Yes.").pass(time.Second)
		}, "stop, transcribe, reply, cut, turn Yes., release"},
		{"real words cut the answer", func(t *testing.T) *talk { return answering(t, rules()).asks("and on sunday?") },
			"stop, transcribe, reply, cut, turn and on sunday?, release"},
		{"who speaks as the answer begins was going on", func(t *testing.T) *talk {
			k := greeted(t, rules()).asks("i want a haircut.").speaks(turn.Answer)
			k.all = nil
			return k.pass(300 * ms).voice(600 * ms).pass(150 * ms).text("today.").pass(time.Second)
		}, "stop, transcribe, reply, cut, turn+ i want a haircut. today., release"},
		{"a voice without words does not stop a patient agent", func(t *testing.T) *talk { return answering(t, medium).voice(400 * ms) }, "transcribe"},
		{"a word stops it", func(t *testing.T) *talk {
			k := answering(t, medium)
			k.on(turn.Event{Kind: turn.Partial, Text: "what about"})
			return k.voice(300 * ms)
		}, "stop"},
		{"a murmur does not", func(t *testing.T) *talk {
			k := answering(t, medium)
			k.on(turn.Event{Kind: turn.Partial, Text: "yeah"})
			return k.voice(300 * ms).text("Yeah.")
		}, "transcribe"},
		{"words that the recognizer does not believe in do not", func(t *testing.T) *talk {
			k := answering(t, medium)
			k.on(turn.Event{Kind: turn.Partial, Text: "they chilling", Confidence: -1})
			k.voice(300 * ms)
			return k.on(turn.Event{Kind: turn.Final, ID: k.id(turn.Transcribe), Text: "they chilling", Confidence: -1}).pass(time.Second)
		}, "transcribe"},
		{"a hum lets a sensitive one go on", func(t *testing.T) *talk {
			k := answering(t, rules()).voice(300 * ms).pass(150 * ms)
			return k.on(turn.Event{Kind: turn.Final, ID: k.id(turn.Transcribe), Text: "am I a term", Confidence: -0.8}).pass(time.Second)
		}, "stop, transcribe, resume"},
		{"one word does not stop a very patient one", func(t *testing.T) *talk { return answering(t, low).voice(700 * ms).text("sunday?") }, "transcribe"},
		{"it is answered afterwards", func(t *testing.T) *talk {
			return answering(t, low).voice(700 * ms).text("sunday?").pass(100 * ms).said()
		},
			"transcribe, turn sunday?, reply, release"},
		{"wait stops it", func(t *testing.T) *talk { return answering(t, low).voice(300 * ms).text("wait") }, "transcribe, stop"},
		{"nothing stops one that is off", func(t *testing.T) *talk { return answering(t, off).voice(4 * time.Second) }, "transcribe"},
		{"digits do", func(t *testing.T) *talk {
			return answering(t, off).on(turn.Event{Kind: turn.Digit, Text: "1"}).pass(3 * time.Second)
		},
			"stop, cut, turn pressed 1, reply, release"},
		{"a hash ends the digits", func(t *testing.T) *talk {
			k := greeted(t, rules())
			for _, d := range "12#" {
				k.on(turn.Event{Kind: turn.Digit, Text: string(d)})
			}
			return k.pass(ms)
		}, "turn pressed 12#, reply, release"},
		{"an idle caller is asked, then left", func(t *testing.T) *talk {
			r := rules()
			r.InitialChecks = 1
			return greeted(t, r).pass(10 * time.Second).speaks(turn.Present).said().pass(10 * time.Second).speaks(turn.Inactive).said().pass(time.Second)
		}, "say present, say inactive, hang_up user_inactive"},
		{"who was asked and answers is asked again later", func(t *testing.T) *talk {
			k := greeted(t, rules()).pass(10 * time.Second).speaks(turn.Present).said().asks("yes, sorry.")
			return k.speaks(turn.Answer).said().pass(10 * time.Second)
		}, "say present, transcribe, reply, turn yes, sorry., release, say present"},
		{"inactivity ends the call without asking", func(t *testing.T) *talk { return greeted(t, patient).pass(20 * time.Second) }, "say inactive"},
		{"asking does not count as activity", func(t *testing.T) *talk {
			r := patient
			r.Ask = true
			return greeted(t, r).pass(10 * time.Second).speaks(turn.Present).said().pass(10 * time.Second)
		}, "say present, say inactive"},
		{"the limit ends the call", func(t *testing.T) *talk { return greeted(t, mute).asks("hello?").pass(30 * time.Second) },
			"transcribe, reply, turn hello?, release, say filler, fallback, drop, say apology, hang_up agent_fault"},
		{"the limit says goodbye, whatever goes on", func(t *testing.T) *talk {
			r := rules()
			r.Limit = 4 * time.Second
			return answering(t, r).pass(4 * time.Second).speaks(turn.Goodbye).said()
		}, "stop, cut, say goodbye, hang_up max_duration_reached"},
		{"without a goodbye it just ends", func(t *testing.T) *talk {
			r := mute
			r.Limit = 4 * time.Second
			return answering(t, r).pass(4 * time.Second)
		}, "hang_up max_duration_reached"},
		{"a late answer is covered", func(t *testing.T) *talk { return greeted(t, rules()).asks("are you open?").pass(3 * time.Second) },
			"transcribe, reply, turn are you open?, release, say filler, fallback"},
		{"a failed one at once", func(t *testing.T) *talk {
			k := greeted(t, rules()).asks("are you open?")
			return k.on(turn.Event{Kind: turn.Failed, ID: k.id(turn.Reply)})
		}, "transcribe, reply, turn are you open?, release, say filler, fallback"},
		{"a failed draft is asked for again", func(t *testing.T) *talk {
			k := greeted(t, rules()).voice(600 * ms).pass(150 * ms).text("are you open?")
			return k.on(turn.Event{Kind: turn.Failed, ID: k.id(turn.Reply)}).pass(time.Second)
		}, "transcribe, reply, turn are you open?, reply, release"},
		{"an answer without words has failed", func(t *testing.T) *talk { return greeted(t, rules()).asks("are you open?").said() },
			"transcribe, reply, turn are you open?, release, say filler, fallback"},
		{"a transcription that fails is asked for once", func(t *testing.T) *talk {
			k := greeted(t, rules()).voice(600 * ms).pass(150 * ms)
			return k.on(turn.Event{Kind: turn.Final, ID: k.id(turn.Transcribe), Failed: true})
		}, "transcribe, say repeat"},
		{"one that never comes too", func(t *testing.T) *talk { return greeted(t, rules()).voice(600 * ms).pass(6 * time.Second) }, "transcribe, say repeat"},
		{"a goodbye of the agent's ends the call", func(t *testing.T) *talk {
			k := greeted(t, rules()).asks("thanks")
			return k.on(turn.Event{Kind: turn.Parting, ID: k.id(turn.Reply)}).speaks(turn.Answer).pass(time.Second).said().pass(time.Second)
		}, "transcribe, reply, turn thanks, release, hang_up agent_hung_up"},
		{"a hang-up without words too", func(t *testing.T) *talk {
			k := greeted(t, rules()).asks("thanks")
			return k.on(turn.Event{Kind: turn.Parting, ID: k.id(turn.Reply)}).said().pass(time.Second)
		}, "transcribe, reply, turn thanks, release, hang_up agent_hung_up"},
		{"an answer that starves is finished", func(t *testing.T) *talk {
			return answering(t, rules()).on(turn.Event{Kind: turn.Starved}).pass(3 * time.Second).said()
		}, "finish"},
		{"a leg that plays nothing is dead", func(t *testing.T) *talk { return answering(t, rules()).pass(6 * time.Second) }, "hang_up media_timeout"},
		{"a synthesizer that is gone ends the call", func(t *testing.T) *talk { return greeted(t, rules()).asks("hello?").on(turn.Event{Kind: turn.Mute}) },
			"transcribe, reply, turn hello?, release, drop, say apology"},
		{"an end that is asked for comes at once", func(t *testing.T) *talk {
			return answering(t, rules()).on(turn.Event{Kind: turn.End, Reason: "ended_by_api"})
		}, "hang_up ended_by_api"},
		{"a voice that the detector forgets is ended", func(t *testing.T) *talk {
			k := greeted(t, rules())
			k.on(turn.Event{Kind: turn.Voice, Onset: k.now - 200*ms, Last: k.now, Windows: 6})
			return k.pass(3 * time.Second)
		}, "transcribe"},
		{"a caller who never pauses is answered after a minute", func(t *testing.T) *talk {
			k := greeted(t, rules())
			onset := k.now
			for i := range 2000 {
				k.pass(32 * ms).on(turn.Event{Kind: turn.Voice, Onset: onset, Last: k.now, Windows: i})
				if len(k.all) > 0 {
					break
				}
			}
			return k.text("a long story")
		}, "transcribe, turn a long story, reply, release"},
	} {
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
