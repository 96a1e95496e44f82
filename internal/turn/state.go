package turn

import (
	"strings"
	"time"

	"github.com/parley-voice/parley"
)

// Phase says what the conversation is doing.
type Phase string

// Phases.
const (
	Opening   Phase = "opening"   // before the greeting
	Listening Phase = "listening" // nobody speaks
	Hearing   Phase = "hearing"   // the caller speaks
	Pausing   Phase = "pausing"   // the caller is quiet, his turn may be over
	Thinking  Phase = "thinking"  // his turn is over, the answer is not heard yet
	Speaking  Phase = "speaking"  // the agent speaks
	Absent    Phase = "absent"    // somebody else has the caller
	Closing   Phase = "closing"   // the last words were said, or are being said
	Over      Phase = "over"
)

// State is all that the machine knows. Make it with New; the fields are for tests and logs.
type State struct {
	Rules Rules
	Phase Phase
	Now   time.Duration
	Due   time.Duration // the phase's deadline

	caller caller
	agent  agent

	spoke   bool          // the caller has spoken in this call
	greeted bool          // the greeting was begun
	checks  int           // how often he was asked whether he is there
	active  time.Duration // when he last spoke, or was last spoken to
	idle    time.Duration // since when nobody speaks
	deaf    int           // transcriptions that failed in a row
	falls   int           // turns that the first mind failed
	bye     string        // why to hang up once all is said
	final   bool          // nothing that the caller says changes that
	id      int           // the last id given
}

// caller is the turn that the caller is in.
type caller struct {
	onset, last time.Duration // of the latest run of voice
	began       time.Duration // of the utterance
	talking     bool
	run         int    // windows of the latest run
	windows     int    // of earlier runs of the utterance
	kept        string // his words before an answer that he talked into
	text        string // the utterance as transcribed
	known       bool   // text covers all that was said
	asked       int    // the transcription under way or the last one; 0 when none was asked for since he last spoke
	partial     string
	hum         bool // text is what was made of a murmur
	verdict     float64
	judged      bool
	keys        string // digits pressed
	keyAt       time.Duration
	pending     string // said over the agent, to be answered when it has finished
	murmur      string // a backchannel over the agent, and when: it answers a question that it came just before the end of
	murmurAt    time.Duration
	waitFrom    time.Duration // since when waiting; a voice from before that does not count
	waiting     bool          // his turn is over, its text is not here yet
	committed   bool          // the turn stands, its answer was not heard yet
	joins       bool          // the turn goes on with one that was answered too soon
}

// agent is what the agent says or is about to say.
type agent struct {
	reply    int    // the answer being made, until it is heard; 0 when none is
	replyTo  string // to which text
	released bool
	fallen   bool // the second mind makes it
	answered string
	said     What
	saidAt   time.Duration // when its first frame left
	heard    bool          // said has begun
	held     bool          // it was stopped and may be resumed
	starving bool
	finished bool // Finish was asked for
	parts    bool // the answer being made ends the call once it is said
	spoken   int  // the answer that is heard
	leaves   bool // it ends the call once it is said
	asks     bool // what was stopped had asked something, or was all but said: a short word is an answer to it
}

// New is the state before Begin.
func New(r Rules) State { return State{Rules: r, Phase: Opening, Due: r.Limit} }

// step is one transition being made.
type step struct {
	State
	lex lexicon
	out []Action
}

func (s *step) do(a Action) { s.out = append(s.out, a) }

// Next takes an event and gives the state after it and what is to be done. Nothing follows Over.
func (s State) Next(e Event) (State, []Action) {
	if s.Phase == Over {
		return s, nil
	}
	n := step{State: s, lex: lexiconOf(s.Rules.Language)}
	n.Now = max(s.Now, e.At)
	n.take(e)
	return n.State, n.out
}

// Deadline is when a Tick must come at the latest. There is none once it is Over.
func (s State) Deadline() time.Duration {
	if s.final {
		return s.Due
	}
	return min(s.Due, s.Rules.Limit)
}

func (s *step) take(e Event) {
	switch {
	case e.Kind == End:
		s.lastKeys()
		s.hangUp(e.Reason)
		return
	case s.Now >= s.Rules.Limit && !s.final:
		s.reachLimit()
		return
	case e.Kind == Away:
		s.away()
		return
	case s.Phase == Absent:
		if e.Kind == Back {
			s.back(e.What)
		}
		return
	case e.Kind == Mute && s.Phase != Closing:
		s.apologise()
		return
	case e.Kind == Parting:
		s.agent.parts = s.agent.parts || e.ID == s.agent.reply && e.ID != 0
		s.agent.leaves = s.agent.leaves || e.ID == s.agent.spoken && e.ID != 0
		return
	case e.Kind == Stopped:
		s.agent.asks = e.Last < answerable || strings.HasSuffix(strings.TrimSpace(e.Text), "?")
		return
	case e.Kind == Digit:
		s.press(e.Text)
		return
	case e.Kind == Voice:
		s.caller.onset, s.caller.last, s.caller.run, s.caller.talking = e.Onset, e.Last, e.Windows, true
	case e.Kind == Hush:
		s.caller.onset, s.caller.last, s.caller.run, s.caller.talking = e.Onset, e.Last, 0, false
		s.caller.windows += e.Windows
	case e.Kind == Partial:
		s.caller.partial = e.Text
		if s.isHum(e) {
			s.caller.partial = ""
		}
	case e.Kind == Tick && s.Now < s.Due:
		return
	}
	s.dispatch(e)
}

func (s *step) dispatch(e Event) {
	switch s.Phase {
	case Opening:
		s.opening(e)
	case Listening:
		s.listening(e)
	case Hearing:
		s.hearing(e)
	case Pausing:
		s.pausing(e)
	case Thinking:
		s.thinking(e)
	case Speaking:
		s.speaking(e)
	case Closing:
		s.closing(e)
	}
}

func (s *step) enter(p Phase, due time.Duration) { s.Phase, s.Due = p, due }

// say begins a fixed text.
func (s *step) say(w What) {
	s.do(Action{Do: Say, What: w})
	s.agent.said, s.agent.heard, s.agent.held = w, false, false
	s.enter(Speaking, s.Now+renderLate)
}

func (s *step) hangUp(reason string) {
	s.do(Action{Do: HangUp, Reason: reason})
	s.enter(Over, 0)
}

// part says last words, after which nothing keeps the call.
func (s *step) part(w What, reason string) {
	s.silence()
	s.forget()
	s.say(w)
	s.bye, s.final = reason, true
	s.enter(Closing, s.Now+closing)
}

// silence takes back everything that is said or about to be said.
func (s *step) silence() {
	s.drop()
	if !s.agent.held && s.Phase == Speaking {
		s.do(Action{Do: Stop})
		s.agent.held = true
	}
	if s.agent.held {
		s.do(Action{Do: Cut})
		s.agent.held, s.agent.leaves = false, false
	}
}

// drop gives up the answer being made.
func (s *step) drop() {
	if s.agent.reply != 0 {
		s.do(Action{Do: Drop, ID: s.agent.reply})
	}
	s.agent.reply, s.agent.released, s.agent.parts = 0, false, false
}

func (s *step) apologise() { s.part(Apology, parley.EndedAgentFault) }

func (s *step) reachLimit() {
	if !s.Rules.Goodbye || s.Phase == Absent {
		s.hangUp(parley.EndedByTimeLimit)
		return
	}
	s.part(Goodbye, parley.EndedByTimeLimit)
}

// forget clears the utterance; a voice that is going on stays.
func (s *step) forget() {
	s.do(Action{Do: Forget})
	c := &s.caller
	c.windows, c.partial, c.text, c.known, c.hum, c.asked, c.judged, c.waiting, c.keys = 0, "", "", false, false, 0, false, false, ""
	c.began = c.onset
}

func (s *step) nextID() int {
	s.id++
	return s.id
}
