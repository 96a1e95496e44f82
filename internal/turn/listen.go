package turn

import (
	"strings"
	"time"

	"github.com/parley-voice/parley"
)

// opening waits for the moment of the greeting.
func (s *step) opening(e Event) {
	switch e.Kind {
	case Begin:
		if !s.Rules.SpeaksFirst {
			s.listen()
			return
		}
		s.enter(Opening, s.Now+s.Rules.Delay)
		if s.Rules.Delay == 0 {
			s.greet()
		}
	case Voice:
		s.hearIfWord()
	case Hush:
		s.caller.windows = 0 // a blip
	case Tick:
		s.greet()
	}
}

func (s *step) greet() {
	s.greeted = true
	s.say(Greeting)
}

// listening waits for the caller, and asks or leaves when he says nothing.
func (s *step) listening(e Event) {
	switch e.Kind {
	case Voice:
		s.hearIfWord()
	case Hush:
		s.caller.windows = 0 // a blip
	case Tick:
		s.beIdle()
	}
}

// listen begins to wait for the caller, who was just spoken to.
func (s *step) listen() {
	s.idle = s.Now
	s.active = s.Now
	s.waitForCaller()
}

// waitForCaller goes on waiting, without starting the idle time anew.
func (s *step) waitForCaller() {
	s.enter(Listening, s.idleDue())
}

func (s *step) idleRules() (after time.Duration, checks int) {
	if s.spoke {
		return s.Rules.Idle, s.Rules.Checks
	}
	return s.Rules.InitialIdle, s.Rules.InitialChecks
}

func (s *step) idleDue() time.Duration {
	due := s.Rules.Limit
	if after, _ := s.idleRules(); s.Rules.Ask || s.mayGreet() {
		due = min(due, s.idle+after)
	}
	if s.Rules.Inactivity > 0 {
		due = min(due, s.active+s.Rules.Inactivity)
	}
	return max(due, s.Now)
}

// mayGreet says that a caller who was to speak first can still be helped by the greeting.
func (s *step) mayGreet() bool { return !s.greeted }

func (s *step) beIdle() {
	_, checks := s.idleRules()
	switch {
	case s.Rules.Inactivity > 0 && s.Now >= s.active+s.Rules.Inactivity:
		s.leaveIdle()
	case s.mayGreet():
		s.greet()
	case s.Rules.Ask && s.checks < checks:
		s.checks++
		s.say(Present)
	case s.Rules.Ask:
		s.leaveIdle()
	default:
		s.waitForCaller()
	}
}

// leaveIdle says goodbye to nobody; whoever speaks after all keeps the call.
func (s *step) leaveIdle() {
	s.say(Inactive)
	s.bye = parley.EndedByInactivity
}

// hearIfWord follows a voice once it is more than a click.
func (s *step) hearIfWord() {
	if s.caller.run < 2 {
		return
	}
	s.caller.began = s.caller.onset
	s.hear()
}

func (s *step) hear() {
	s.caller.known, s.caller.asked, s.caller.judged, s.caller.waiting = false, 0, false, false
	s.enter(Hearing, s.Now+watch)
}

func (s *step) hearing(e Event) {
	switch e.Kind {
	case Voice:
		s.Due = s.Now + watch
		if e.Last-s.caller.began > longest {
			s.ask()
			s.waitForText()
		}
	case Hush:
		s.pause()
	case Started:
		s.begun(e.What)
	case Tick: // the detector went away in the middle of a voice
		s.caller.talking = false
		s.caller.windows += s.caller.run
		s.caller.last = s.Now
		s.pause()
	case Failed:
		s.failed(e.ID)
	}
}

func (s *step) pause() {
	after := askAfter
	if s.windows() < leastWindows && s.caller.keys == "" {
		after = blipAfter
	}
	s.caller.asked = 0
	s.enter(Pausing, max(s.Now, s.caller.last+after))
}

func (s *step) windows() int { return s.caller.windows + s.caller.run }

// ask wants the words of the utterance.
func (s *step) ask() {
	s.caller.asked = s.nextID()
	s.caller.known, s.caller.judged = false, false
	s.do(Action{Do: Transcribe, ID: s.caller.asked})
}

func (s *step) pausing(e Event) {
	switch e.Kind {
	case Voice:
		if s.caller.run >= 2 {
			s.hear()
		}
	case Final:
		if s.takeText(e) {
			s.draft()
			s.mayEnd()
		}
	case Verdict:
		if e.ID == s.caller.asked {
			s.caller.verdict, s.caller.judged = e.P, true
			s.mayEnd()
		}
	case Started:
		s.begun(e.What)
	case Failed:
		s.failed(e.ID)
	case Tick:
		s.quietFor()
	}
}

// quietFor decides at a deadline of Pausing: first whether there is anything to transcribe, then that the turn is over.
func (s *step) quietFor() {
	switch {
	case s.caller.asked == 0 && !s.caller.known && s.windows() < leastWindows && s.caller.keys == "":
		s.nothing()
	case s.caller.asked == 0 && !s.caller.known:
		s.ask()
		s.do(Action{Do: Judge, ID: s.caller.asked})
		s.Due = max(s.Now, s.endpoint())
	case s.caller.known:
		s.decide()
	default:
		s.waitForText()
	}
}

func (s *step) waitForText() {
	s.caller.waiting, s.caller.waitFrom = true, s.Now
	s.enter(Thinking, s.Now+textLate)
}

// takeText takes a transcription and says whether there are words in it; it deals with failure and noise itself.
func (s *step) takeText(e Event) bool {
	if e.ID != s.caller.asked || s.caller.asked == 0 {
		return false
	}
	if e.Failed {
		s.misheard()
		return false
	}
	s.deaf = 0
	s.caller.text, s.caller.known, s.caller.hum = e.Text, true, s.isHum(e)
	if s.lex.isNothing(e.Text, s.windows() < 3*leastWindows) {
		s.caller.text = ""
		if s.caller.kept == "" && s.caller.keys == "" {
			s.nothing()
			return false
		}
	}
	return true
}

// full is the caller's turn as it stands.
func (s *step) full() string {
	keys := ""
	if s.caller.keys != "" {
		keys = "pressed " + s.caller.keys
	}
	return join(s.caller.kept, s.caller.text, keys)
}

// draft begins to think of an answer on a likely end of turn.
func (s *step) draft() {
	full := s.full()
	switch {
	case full == "", s.caller.keys != "", s.lex.looksOpen(full), s.mayOnlyListen(): // not over, or no question
	case s.leaving() != "" && s.lex.isFarewell(full): // the call ends
	case s.agent.reply != 0 && same(s.agent.replyTo, full): // it is being made
	default:
		s.newReply(full)
	}
}

func (s *step) newReply(to string) {
	s.drop()
	s.agent.reply, s.agent.replyTo, s.agent.fallen = s.nextID(), to, s.falls >= 2
	s.do(Action{Do: Reply, ID: s.agent.reply, Text: to, Continue: s.caller.committed || s.caller.joins, Fallback: s.agent.fallen})
}

// endpoint is when the turn is over if the caller stays quiet.
func (s *step) endpoint() time.Duration {
	if s.caller.keys != "" {
		if strings.HasSuffix(s.caller.keys, "#") {
			return s.caller.keyAt
		}
		return s.caller.keyAt + keyGap
	}
	wait := s.Rules.Quiet
	full := join(s.caller.kept, s.caller.text)
	switch c := s.caller; {
	case c.known && s.lex.looksOpen(full):
		wait = 2 * wait
	case c.known && s.lex.looksComplete(full), c.known && c.judged && c.verdict >= 0.5:
		wait = wait * 65 / 100
	case c.judged && c.verdict < 0.15:
		wait = wait * 140 / 100
	}
	return s.caller.last + min(max(wait, shortest), slowest)
}

func (s *step) mayEnd() {
	s.Due = s.endpoint()
	if s.caller.known && s.Now >= s.Due {
		s.decide()
	}
}

// mayOnlyListen says that what was heard is the sound of somebody who listens: it asks for nothing.
func (s *step) mayOnlyListen() bool {
	if !s.agent.held || s.caller.kept != "" || s.caller.keys != "" || s.caller.pending != "" {
		return false
	}
	return s.caller.hum || !s.agent.asks && s.isMurmur(s.caller.text)
}

// isMurmur says that a text over the agent asks for nothing. Who is greeted says hello too.
func (s *step) isMurmur(text string) bool {
	return s.lex.isBackchannel(text) || s.agent.said == Greeting && s.lex.isHello(text)
}

// isHum tells a murmur from words, by what the recognizer thinks of its own text.
func (s *step) isHum(e Event) bool { return e.Confidence < hums && s.windows() < humWindows }

// press takes a digit: it stops the agent and belongs to the caller's turn.
func (s *step) press(d string) {
	if s.final {
		return
	}
	switch s.Phase {
	case Speaking:
		s.stop()
	case Thinking:
		s.hold()
	}
	s.caller.keys += d
	s.caller.keyAt = s.Now
	if s.windows() >= leastWindows && !s.caller.known {
		if s.caller.asked == 0 {
			s.ask()
		}
	} else {
		s.caller.known = true
	}
	s.caller.waiting = false
	s.enter(Pausing, s.endpoint())
}

// lastKeys keeps what was pressed just before the end of the call.
func (s *step) lastKeys() {
	if s.Phase == Pausing && s.caller.keys != "" {
		s.commit(s.full())
	}
}
