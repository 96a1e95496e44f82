package turn_test

import (
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/turn"
)

// turnRules: begins, turns and pauses.
func turnRules() []rule {
	user := rules()
	user.SpeaksFirst = false
	return []rule{
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
	}
}

// interruptRules: speech over the agent, and keys.
func interruptRules() []rule {
	medium := rules()
	medium.Interrupt = turn.Interrupt{Voice: 250 * ms, Words: 1, Alone: 1500 * ms}
	low := rules()
	low.Interrupt = turn.Interrupt{Voice: 600 * ms, Words: 3, Alone: 3 * time.Second}
	off := rules()
	off.Interrupt = turn.Interrupt{}
	return []rule{
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
		{"a hello into our greeting lets it go on", func(t *testing.T) *talk {
			k := begin(t, rules()).speaks(turn.Greeting).pass(300 * ms).voice(300 * ms)
			k.on(turn.Event{Kind: turn.Stopped, Text: "this is", Last: 3 * time.Second})
			return k.pass(150 * ms).text("Hello?").pass(time.Second)
		}, "say greeting, stop, transcribe, resume"},
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
		{"digits before a hang-up are kept", func(t *testing.T) *talk {
			return answering(t, off).on(turn.Event{Kind: turn.Digit, Text: "1"}).on(turn.Event{Kind: turn.End, Reason: "caller"})
		},
			"stop, turn pressed 1, hang_up caller"},
		{"a hash ends the digits", func(t *testing.T) *talk {
			k := greeted(t, rules())
			for _, d := range "12#" {
				k.on(turn.Event{Kind: turn.Digit, Text: string(d)})
			}
			return k.pass(ms)
		}, "turn pressed 12#, reply, release"},
	}
}

// silenceRules: idle callers and the limit of time.
func silenceRules() []rule {
	patient := rules()
	patient.Inactivity, patient.Ask = 20*time.Second, false
	mute := rules()
	mute.Limit, mute.Goodbye = 30*time.Second, false
	return []rule{
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
	}
}

// faultRules: answers that fail, goodbyes and things that break.
func faultRules() []rule {
	return []rule{
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
	}
}
