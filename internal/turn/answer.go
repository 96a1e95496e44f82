package turn

import (
	"time"

	"github.com/parley-voice/parley"
)

// decide ends the caller's turn and lets it be answered.
func (s *step) decide() {
	if s.mayOnlyListen() {
		s.nothing()
		return
	}
	full := s.full()
	if why := s.leaving(); why != "" && s.caller.keys == "" && s.lex.isFarewell(full) {
		s.commit(full)
		s.hangUp(why)
		return
	}
	s.bye = ""
	if s.agent.held {
		s.do(Action{Do: Cut, Continue: s.caller.joins})
		s.agent.held, s.agent.leaves = false, false
	}
	s.commit(full)
	if s.mayGreet() && s.Rules.SpeaksFirst && s.lex.isHello(full) {
		s.caller.committed = false
		s.forget()
		s.greet()
		return
	}
	s.greeted = true
	if s.agent.reply == 0 || !same(s.agent.replyTo, full) {
		s.newReply(full)
	}
	s.release()
}

// leaving is why the call ends unless the caller wants something.
func (s *step) leaving() string {
	if s.bye == "" && s.agent.held && s.agent.leaves {
		return parley.EndedByAgent
	}
	return s.bye
}

// commit puts the caller's turn into the history.
func (s *step) commit(full string) {
	s.spoke, s.checks, s.active = true, 0, s.Now
	waited := time.Duration(0)
	if s.caller.waiting {
		waited = s.Now - s.caller.waitFrom
	}
	s.do(Action{Do: Turn, Text: full, Continue: s.caller.committed || s.caller.joins, Waited: waited})
	s.caller.committed, s.caller.joins, s.caller.waiting = true, false, false
	s.agent.answered = full
}

func (s *step) release() {
	s.agent.released = true
	s.do(Action{Do: Release, ID: s.agent.reply})
	s.enter(Thinking, s.Now+late)
	if s.agent.fallen {
		s.Due = s.Now + secondLate
	}
}

// hold keeps an answer back, since the caller goes on.
func (s *step) hold() {
	if s.agent.reply != 0 && s.agent.released {
		s.do(Action{Do: Hold, ID: s.agent.reply})
		s.agent.released = false
	}
}

// nothing deals with a sound that held no words: things go on as they were.
func (s *step) nothing() {
	s.caller.kept, s.caller.joins = "", false
	s.forget()
	switch {
	case s.agent.held:
		s.agent.held = false
		s.drop()
		s.do(Action{Do: Resume})
		s.enter(Speaking, s.Now+stalled)
	case s.caller.committed && s.agent.reply != 0:
		s.release()
	case s.bye != "":
		s.hangUp(s.bye)
	case s.Rules.SpeaksFirst && !s.greeted:
		s.enter(Opening, max(s.Now, s.Rules.Delay))
	default:
		s.waitForCaller()
	}
}

func (s *step) thinking(e Event) {
	switch e.Kind {
	case Final:
		if s.caller.waiting && s.takeText(e) {
			s.decide()
		}
	case Voice:
		if s.caller.run >= burstWindows && (!s.caller.waiting || s.caller.onset > s.caller.waitFrom) {
			s.hold()
			s.hear()
		}
	case Started:
		s.begun(e.What)
	case Failed:
		s.failed(e.ID)
	case Done:
		s.unsaid()
	case Tick:
		if s.caller.waiting {
			s.misheard()
			return
		}
		s.fall()
	}
}

// begun notes that something is heard now.
func (s *step) begun(w What) {
	s.agent.said, s.agent.saidAt, s.agent.heard, s.agent.starving, s.agent.finished = w, s.Now, true, false, false
	if w == Filler || s.Phase != Thinking && s.Phase != Speaking {
		return
	}
	s.caller.committed = false
	if s.Phase == Speaking {
		return
	}
	if w == Answer {
		s.agent.spoken, s.agent.leaves = s.agent.reply, s.agent.parts
		s.agent.reply, s.agent.released, s.agent.parts = 0, false, false
	}
	s.caller.kept = ""
	s.forget()
	s.enter(Speaking, s.Now+stalled)
}

// unsaid deals with an answer that ended without a sound.
func (s *step) unsaid() {
	switch {
	case s.caller.waiting:
	case s.agent.parts && s.agent.released:
		s.agent.reply, s.bye = 0, parley.EndedByAgent
		s.enter(Closing, s.Now+grace)
	case s.agent.released:
		s.fall()
	}
}

func (s *step) failed(id int) {
	if id != s.agent.reply || id == 0 {
		return
	}
	if s.agent.released {
		s.fall()
		return
	}
	s.agent.reply = 0 // a draft: it is asked for anew when the turn is over
}

// fall is the ladder of a missing answer: a filler and the second mind, then an apology and the end.
func (s *step) fall() {
	if s.agent.fallen {
		s.apologise()
		return
	}
	s.falls++
	s.agent.fallen = true
	s.do(Action{Do: Say, What: Filler})
	s.do(Action{Do: Fallback, ID: s.agent.reply})
	s.enter(Thinking, s.Now+secondLate)
}

// misheard deals with a recognizer that failed: the caller is asked again once.
func (s *step) misheard() {
	s.deaf++
	if s.deaf > 1 {
		s.apologise()
		return
	}
	s.silence()
	s.caller.committed, s.caller.kept, s.caller.joins = false, "", false
	s.forget()
	s.say(Repeat)
}
