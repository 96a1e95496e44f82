package turn

// away gives the caller out of hand, to somebody else or to be sent on: whatever is said, about to be said or being heard is given up,
// but what the caller had already said stands.
func (s *step) away() {
	if s.Phase == Closing {
		return // too late
	}
	if s.Phase == Pausing && s.caller.known && s.full() != "" {
		s.commit(s.full())
	}
	s.drop()
	if !s.agent.held {
		s.do(Action{Do: Stop})
	}
	s.do(Action{Do: Cut})
	s.forget()
	s.agent = agent{}
	s.caller = caller{}
	s.bye, s.greeted = "", true
	s.enter(Absent, s.Rules.Limit)
}

// back has the caller again: with a fixed text to say to him, with an answer to what became of it, or to listen.
func (s *step) back(w What) {
	if s.Phase != Absent {
		return
	}
	s.active, s.idle = s.Now, s.Now
	switch w {
	case "":
		s.listen()
	case Answer:
		s.agent.reply, s.agent.fallen = s.nextID(), s.falls >= 2
		s.do(Action{Do: Reply, ID: s.agent.reply, Report: true, Fallback: s.agent.fallen})
		s.release()
	default:
		s.say(w)
	}
}
