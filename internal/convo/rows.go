package convo

import (
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/turn"
)

// row is an agent's turn in the making.
type row struct {
	id      string
	started time.Duration
	ended   time.Duration
	replyTo string
	timing  parley.TurnTiming
	joined  bool // the caller went on: what was heard is no answer
}

// rows are the turns as they are stored, and the moments that their timing is made of.
type rows struct {
	caller    parley.Turn   // the last turn of the caller
	open      bool          // its sound is still kept, since the caller may go on
	decided   time.Duration // when it was over
	lastVoice time.Duration
	textAt    time.Duration
	clauseAt  time.Duration // first clause of the answer
}

func (s *Session) clock(at time.Duration) time.Time { return parley.Stamp(s.started.Add(at)) }

// callerTurn stores the caller's turn, which was over a while ago if its text came late.
func (s *Session) callerTurn(text string, continued bool, waited time.Duration) {
	r, from, to := &s.rows, s.hear.onset, max(s.hear.last, s.hear.onset, s.hear.keyed)
	if !s.hear.keeping && s.hear.keyed > s.hear.last { // only keys were pressed
		from = s.hear.keyed
	}
	if !continued || r.caller.ID == "" {
		r.caller = parley.Turn{ID: parley.NewID(), CallID: s.cfg.CallID, Who: parley.WhoCaller, StartedAt: s.clock(max(0, from))}
	}
	r.decided, r.lastVoice, r.textAt = s.now()-waited, to, s.hear.textAt
	r.caller.EndedAt = s.clock(to)
	r.caller.Text, r.open = text, true
	s.mind.hears(text, continued)
	s.cfg.Turn(r.caller)
}

// beginRow notes that the first frame of an utterance has left.
func (s *Session) beginRow(u *utterance) {
	now := s.now()
	u.row.id, u.row.started = parley.NewID(), now
	if u.what != turn.Answer {
		return
	}
	r := &s.rows
	u.row.replyTo = r.caller.ID
	u.row.timing = parley.TurnTiming{
		Endpointing: millis(r.decided - r.lastVoice),
		Recognition: millis(r.textAt - r.decided),
		Model:       millis(r.clauseAt - max(r.decided, r.textAt)),
		FirstAudio:  millis(now - max(r.decided, r.textAt, r.clauseAt)),
	}
}

func millis(d time.Duration) int { return int(max(0, d) / time.Millisecond) }

// endRow stores an agent's turn and puts what was heard into the history.
func (s *Session) endRow(u *utterance, heard string, interrupted bool) {
	if !u.begun {
		if u.what == turn.Answer && u.acted > 0 {
			s.mind.says(llm.Message{Calls: u.calls})
		}
		return
	}
	nodes := u.nodes
	if interrupted {
		nodes = u.nodesHeard()
	}
	t := parley.Turn{
		ID: u.row.id, CallID: s.cfg.CallID, Who: parley.WhoAgent, StartedAt: s.clock(u.row.started), EndedAt: s.clock(u.row.ended),
		Text: u.text(), Heard: &heard, Interrupted: interrupted, Timing: u.row.timing, Nodes: nodes,
	}
	if u.row.replyTo != "" {
		t.ReplyTo = &u.row.replyTo
	}
	if u.row.joined {
		t.Nodes = nil // the flow comes to them with its answer
	}
	s.cfg.Turn(t)
	if u.what != turn.Filler && !u.row.joined {
		s.mind.says(llm.Message{Text: heard, Interrupted: interrupted, Calls: u.calls, Nodes: nodes})
	}
}
