package turn

import "github.com/parley-voice/parley"

func (s *step) speaking(e Event) {
	switch e.Kind {
	case Voice, Partial:
		if s.interrupts() {
			s.stop()
			s.hear()
		}
	case Hush:
		s.overheard()
	case Final:
		s.overTalk(e)
	case Started:
		s.begun(e.What)
		s.Due = s.Now + stalled
	case Playing:
		s.agent.starving = false
		s.Due = s.Now + stalled
	case Starved:
		s.agent.starving = true
		s.Due = s.Now + starving
	case Failed:
		s.failed(e.ID)
	case Done:
		s.allSaid()
	case Tick:
		s.stuck()
	}
}

// interrupts says whether the caller's voice stops the agent.
func (s *step) interrupts() bool {
	rule := s.Rules.Interrupt
	if !s.caller.talking || s.caller.run < 2 || rule.Voice == 0 {
		return false
	}
	long := s.caller.last - s.caller.onset
	if rule.Alone > 0 && long >= rule.Alone {
		return true
	}
	return long >= rule.Voice && (rule.Words == 0 || s.lex.words(s.caller.partial) >= rule.Words)
}

// stop stops the agent, who may resume. A caller who speaks as soon as an answer begins was going on with his turn.
func (s *step) stop() {
	s.do(Action{Do: Stop})
	s.agent.held = true
	s.caller.began = s.caller.onset
	if s.agent.said == Answer && s.caller.talking && s.caller.onset < s.agent.saidAt+goingOn && s.agent.answered != "" {
		s.caller.kept, s.caller.joins = s.agent.answered, true
	}
}

// overheard asks what was said over the agent without stopping it.
func (s *step) overheard() {
	if s.caller.windows < leastWindows {
		s.caller.windows, s.caller.partial = 0, ""
		return
	}
	s.ask()
}

// overTalk takes what was said over the agent: it may stop it now, or be answered when it has finished.
func (s *step) overTalk(e Event) {
	if e.ID != s.caller.asked || s.caller.asked == 0 {
		return
	}
	if e.Failed || s.isHum(e) || s.lex.isNothing(e.Text, s.windows() < 3*leastWindows) || s.isMurmur(e.Text) {
		if !e.Failed && s.lex.isBackchannel(e.Text) {
			s.caller.murmur, s.caller.murmurAt = e.Text, s.caller.last
		}
		s.forget()
		return
	}
	s.caller.text, s.caller.known = e.Text, true
	if rule := s.Rules.Interrupt; rule.Voice > 0 && s.lex.words(e.Text) >= max(1, rule.Words) {
		s.stop()
		s.enter(Pausing, max(s.Now, s.endpoint()))
		return
	}
	s.caller.pending = join(s.caller.pending, e.Text)
	s.forget()
}

// allSaid gives the turn back to the caller, or ends the call.
func (s *step) allSaid() {
	if s.agent.leaves {
		s.bye = parley.EndedByAgent
	}
	s.agent.heard, s.agent.leaves, s.agent.spoken = false, false, 0
	s.drop()
	if s.caller.pending == "" && s.caller.murmur != "" && s.Now-s.caller.murmurAt < answerable {
		s.caller.pending = s.caller.murmur
	}
	s.caller.murmur = ""
	switch {
	case s.caller.talking && s.caller.run >= 2:
		s.caller.kept = join(s.caller.kept, s.takePending())
		s.hear()
	case s.caller.asked != 0 && !s.caller.known: // what was said over the end is being transcribed
		s.caller.kept = join(s.caller.kept, s.takePending())
		s.enter(Pausing, max(s.Now, s.endpoint()))
	case s.caller.pending != "":
		full := s.takePending()
		if s.bye != "" && s.lex.isFarewell(full) {
			s.commit(full)
			s.hangUp(s.bye)
			return
		}
		s.bye = ""
		s.commit(full)
		s.newReply(full)
		s.release()
	case s.bye != "":
		s.enter(Closing, s.Now+grace)
	default:
		s.rest()
	}
}

func (s *step) takePending() string {
	p := s.caller.pending
	s.caller.pending = ""
	return p
}

// rest waits for the caller after the agent has spoken. Asking whether he is there does not count as speaking to him.
func (s *step) rest() {
	was := s.active
	s.listen()
	if s.agent.said == Present {
		s.active = was
		s.waitForCaller()
	}
}

// stuck deals with sound that does not move: an answer that starves is finished as it is, a leg that plays nothing is dead.
func (s *step) stuck() {
	switch {
	case s.agent.starving && !s.agent.finished:
		s.agent.finished = true
		s.do(Action{Do: Finish})
		s.Due = s.Now + watch
	case s.agent.starving:
		s.allSaid()
	case !s.agent.heard:
		s.apologise()
	default:
		s.hangUp(parley.EndedMediaTimeout)
	}
}

// closing waits for last words to be played, then hangs up. After a goodbye of the agent's own the caller has a moment to object.
func (s *step) closing(e Event) {
	switch e.Kind {
	case Done:
		if s.final {
			s.hangUp(s.bye)
		}
	case Voice:
		if !s.final && s.caller.run >= burstWindows {
			s.caller.began = s.caller.onset
			s.hear()
		}
	case Tick, Mute:
		s.hangUp(s.bye)
	}
}
