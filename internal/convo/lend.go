package convo

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/turn"
)

// Errors of Lend.
var (
	ErrLent   = errors.New("convo: somebody else has the caller already")
	ErrEnding = errors.New("convo: the conversation is ending")
)

// Taker gets the caller's ticks and keys while the agent has no part in the call. Both methods are called by the session's goroutine and
// must neither block nor keep t.
type Taker interface {
	Push(t *media.Tick)
	Digit(digit byte)
}

// Lent is a caller out of the agent's hands: the agent neither speaks nor hears, the recording and the call's time go on. Whoever holds it
// may write to the caller's leg and must end with Return or End; that the caller has hung up (Done) does not end the conversation by
// itself. Read belongs to the session.
type Lent struct {
	media.Leg
	s       *Session
	written atomic.Int64
	taker   Taker // of the session's goroutine
}

// Write implements media.Leg.
func (l *Lent) Write(ctx context.Context, f *media.Frame) error {
	err := l.Leg.Write(ctx, f)
	if err == nil {
		l.written.Add(1)
	}
	return err
}

// Lend takes the caller out of the agent's hands, whatever the agent was saying. It may be called by any goroutine. ErrLent and ErrEnding
// say why not.
func (s *Session) Lend(ctx context.Context) (*Lent, error) {
	select {
	case <-s.began:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	given := make(chan *Lent, 1)
	why := ErrEnding
	s.post(func() {
		var l *Lent
		l, why = s.lend()
		given <- l
	})
	select {
	case l := <-given:
		return l, why
	case <-s.jobs.ctx.Done():
	case <-ctx.Done():
	}
	select {
	case l := <-given: // just in time: the caller of Lend never had it
		if l != nil {
			l.Return(nil)
		}
	default:
	}
	return nil, ErrEnding
}

func (s *Session) lend() (*Lent, error) {
	if s.lent != nil {
		return nil, ErrLent
	}
	s.happen(turn.Event{Kind: turn.Away})
	if s.state.Phase != turn.Absent {
		return nil, ErrEnding
	}
	s.lent = &Lent{Leg: s.leg, s: s}
	return s.lent, nil
}

// To gives the caller's ticks to t from now on; nil lets them pass.
func (l *Lent) To(t Taker) { l.s.post(func() { l.taker = t }) }

// Do runs f in the session's goroutine; it is dropped once the session has ended.
func (l *Lent) Do(f func()) { l.s.post(f) }

// Render says a text to memory in the agent's voice.
func (l *Lent) Render(ctx context.Context, text string) ([]int16, error) {
	return renderText(ctx, l.s.cfg.Engines.Synthesizer, fill(text, l.s.cfg.Payload), l.s.voice)
}

// Outcome is what the agent is to know when it has the caller again: the call of a tool and its result. A call that the model did not make
// is told as if it had.
type Outcome struct {
	Call   llm.ToolCall
	Result string
	Says   *string // before what the model says of it; nil says nothing of its own
}

// Return gives the caller back to the agent, who says something about the outcome; nil leaves it at listening. Nobody may write to the
// leg any more.
func (l *Lent) Return(o *Outcome) {
	l.s.post(func() {
		if !l.over() {
			return
		}
		what := turn.What("")
		if o != nil {
			l.s.mind.came(o.Call, o.Result)
			what = turn.Answer
		}
		l.s.happen(turn.Event{Kind: turn.Back, What: what})
		if o == nil || l.s.over != "" {
			return
		}
		if text := strings.TrimSpace(fill(deref(o.Says), l.s.cfg.Payload)); text != "" {
			l.s.interject(text)
		}
	})
}

// Swap gives the agent another caller: the conversation goes on with leg, on which nothing was played so far, and greets. False says that
// it is over, and leg not taken. The old leg is its owner's.
func (l *Lent) Swap(leg media.Leg) bool {
	took := make(chan bool, 1)
	l.s.post(func() {
		ok := l.over()
		if ok {
			l.s.connect(leg)
			l.s.play.played = 0
			l.s.mind.startAnew()
			l.s.happen(turn.Event{Kind: turn.Back, What: turn.Greeting})
		}
		took <- ok
	})
	select {
	case ok := <-took:
		return ok
	case <-l.s.jobs.ctx.Done():
	}
	select {
	case ok := <-took:
		return ok
	default:
		return false
	}
}

// End ends the call for a reason.
func (l *Lent) End(reason string) {
	l.s.post(func() {
		if l.s.lent == l {
			l.s.happen(turn.Event{Kind: turn.End, Reason: reason})
		}
	})
}

// over takes the caller back, and says false when that was done before.
func (l *Lent) over() bool {
	s := l.s
	if s.lent != l {
		return false
	}
	s.lent = nil
	s.play.played += l.written.Load() - int64(s.leg.Clear())
	s.hear.filled = 0
	s.ear.rest()
	s.forget()
	now := s.now()
	s.rows.caller, s.rows.decided, s.rows.lastVoice, s.rows.textAt = parley.Turn{}, now, now, now
	return true
}

// gone is closed when the caller has hung up, unless somebody else has to deal with that.
func (s *Session) gone() <-chan struct{} {
	if s.lent != nil {
		return nil
	}
	return s.leg.Done()
}

// takenTick is the tick of a lent caller.
func (s *Session) takenTick(t *media.Tick) {
	if s.lent.taker != nil {
		s.lent.taker.Push(t)
	}
}

// came puts the result of a call into the history: in the place of what stood for it last, else with the call that asked for it.
func (m *mind) came(c llm.ToolCall, result string) {
	for i := len(m.history) - 1; i >= 0; i-- {
		if h := &m.history[i]; h.Role == llm.Result && h.CallID == c.ID {
			h.Text = result
			return
		}
	}
	m.history = append(m.history, llm.Message{Role: llm.Agent, Calls: []llm.ToolCall{c}}, llm.Message{Role: llm.Result, CallID: c.ID, Text: result})
}
