package convo

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/turn"
)

const (
	// hangUpWithin bounds telling the network that a call is over.
	hangUpWithin = 5 * time.Second
	// lastWordsWithin bounds the transcription of what was said just before the end.
	lastWordsWithin = 2 * time.Second
	// inHand is how many ticks lie between the reader and the session.
	inHand = 4
)

// Run leads the conversation until it ends, and returns why. It hangs up.
func (s *Session) Run(ctx context.Context, leg media.Leg) (Result, error) {
	s.started = time.Now()
	s.jobs.start(ctx, s.fault)
	defer s.dismiss()
	defer s.hangUp(ctx)
	s.jobs.do(func(ctx context.Context) {
		s.cfg.Phrases.prepare(ctx, s.cfg.Engines.Synthesizer, s.voice, s.lines.kept())
	})
	s.connect(leg)
	close(s.began)
	s.state = turn.New(s.rules)
	s.play.idle = true
	s.happen(turn.Event{Kind: turn.Begin})
	s.loop(ctx)
	s.settle(ctx)
	return Result{Reason: s.over}, nil
}

// connect takes a leg as the caller's.
func (s *Session) connect(leg media.Leg) {
	if s.deafen != nil {
		s.deafen()
	}
	ctx, stop := context.WithCancel(s.jobs.ctx)
	full, free := make(chan *media.Tick, inHand), make(chan *media.Tick, inHand)
	for range inHand {
		free <- new(media.Tick)
	}
	s.leg, s.deafen, s.full, s.free = leg, stop, full, free
	s.jobs.do(func(context.Context) { read(ctx, leg, full, free) })
}

// dismiss ends all work of the session and closes what it used, unless an engine still holds on to it.
func (s *Session) dismiss() {
	if s.ear.faults > 0 {
		s.log.Warn("the detector failed; loudness stood in for it", "windows", s.ear.faults)
	}
	obeyed := s.jobs.end()
	s.untold.tell()
	if !obeyed {
		s.log.Error("an engine does not end its work; its chat stays open")
		return
	}
	s.Close()
}

// read moves ticks from the leg to the session until the leg ends.
func read(ctx context.Context, leg media.Leg, full, free chan *media.Tick) {
	for {
		select {
		case t := <-free:
			if leg.Read(ctx, t) != nil {
				return
			}
			full <- t // there are as many ticks as room for them
		case <-ctx.Done():
			return
		}
	}
}

// loop is the session's goroutine.
func (s *Session) loop(ctx context.Context) {
	due := s.state.Deadline()
	timer := time.NewTimer(due - s.now())
	defer timer.Stop()
	for s.over == "" {
		select {
		case t := <-s.full:
			s.tick(t)
			s.free <- t
		case f := <-s.posts:
			f()
		case d := <-s.leg.Digits():
			s.key(d)
		case reason := <-s.cfg.End:
			s.happen(turn.Event{Kind: turn.End, Reason: reason})
		case <-s.gone():
			s.happen(turn.Event{Kind: turn.End, Reason: reasonOf(s.leg.Cause())})
		case <-ctx.Done():
			s.happen(turn.Event{Kind: turn.End, Reason: parley.EndedServerStopped})
		case <-timer.C:
			due = -1
			s.happen(turn.Event{Kind: turn.Tick})
		}
		if d := s.state.Deadline(); d != due && s.over == "" {
			due = d
			timer.Reset(max(0, due-s.now()))
		}
	}
}

// tick is the per-frame path.
func (s *Session) tick(t *media.Tick) {
	if s.cfg.Recorder != nil {
		s.cfg.Recorder.Push(t)
	}
	if s.lent != nil {
		s.takenTick(t)
		return
	}
	s.left(t.Played)
	s.listen(&t.Heard)
	s.pump()
}

// key is a key that the caller pressed.
func (s *Session) key(d byte) {
	if s.lent != nil {
		if s.lent.taker != nil {
			s.lent.taker.Digit(d)
		}
		return
	}
	s.hear.keyed = s.now()
	s.happen(turn.Event{Kind: turn.Digit, Text: string(rune(d))})
}

func reasonOf(c media.EndCause) string {
	switch c {
	case media.EndSilence:
		return parley.EndedMediaTimeout
	case media.EndNetwork:
		return "network"
	case media.EndCanceled:
		return parley.EndedCallerCanceled
	}
	return parley.EndedByCaller
}

// now is the time since the answer.
func (s *Session) now() time.Duration { return time.Since(s.started) }

// fault ends the call after a panic beside it.
func (s *Session) fault(err error) {
	s.log.Error("panic in a conversation", "error", err)
	s.post(func() { s.happen(turn.Event{Kind: turn.End, Reason: parley.EndedAgentFault}) })
}

// post hands f to the session's goroutine; it is dropped once the session has ended. Only other goroutines may call it.
func (s *Session) post(f func()) {
	select {
	case s.posts <- f:
	case <-s.jobs.ctx.Done():
	}
}

// happen gives an event to turn and carries out what it decides. An event that comes of an action waits for the others.
func (s *Session) happen(e turn.Event) {
	e.At = s.now()
	s.events = append(s.events, e)
	if s.acting {
		return
	}
	s.acting = true
	for i := 0; i < len(s.events) && s.over == ""; i++ {
		e := s.events[i]
		var actions []turn.Action
		s.state, actions = s.state.Next(e)
		if s.trace != nil {
			s.trace(turn.Step{Event: e, Actions: actions})
		}
		for _, a := range actions {
			s.perform(a)
		}
	}
	s.events = s.events[:0]
	s.acting = false
}

func (s *Session) logStep(step turn.Step) {
	b, err := json.Marshal(step)
	if err == nil {
		s.log.Debug("turn", slog.Group("pii", "step", string(b)))
	}
}

func (s *Session) perform(a turn.Action) {
	switch a.Do {
	case turn.Transcribe:
		s.wantText(a.ID)
	case turn.Judge:
		s.wantVerdict(a.ID)
	case turn.Forget:
		s.forget()
	case turn.Turn:
		s.callerTurn(a.Text, a.Continue, a.Waited)
	case turn.Reply:
		s.reply(a)
	case turn.Drop:
		s.drop(a.ID)
	case turn.Release:
		s.release(a.ID)
	case turn.Hold:
		s.hold(a.ID)
	case turn.Fallback:
		s.fallBack(a.ID)
	case turn.Say:
		s.say(a.What)
	case turn.Stop:
		s.halt()
	case turn.Resume:
		s.resume()
	case turn.Cut:
		s.cut(a.Continue)
	case turn.Finish:
		s.finish()
	case turn.HangUp:
		s.over = a.Reason
	}
}

func (s *Session) takeMessage(m parley.TakenMessage) {
	if s.taken++; s.taken > messagesMost {
		s.log.Warn("message dropped: too many in one call")
		return
	}
	if s.cfg.Message != nil {
		s.cfg.Message(m)
	}
}

// settle stores what the end of the call cut off: the agent's words up to where they were heard, and the caller's last ones.
func (s *Session) settle(ctx context.Context) {
	s.recall()
	s.cut(false)
	s.hangUp(ctx)
	for id := range s.play.drafts {
		s.drop(id)
	}
	s.lastWords()
}

// lastWords transcribes what the caller was saying at the end.
func (s *Session) lastWords() {
	h := &s.hear
	if !h.keeping || h.windows < leastWords || s.over == parley.EndedServerStopped {
		return
	}
	ctx, cancel := context.WithTimeout(s.jobs.ctx, lastWordsWithin)
	defer cancel()
	t, err := s.hearOnce(ctx, h.sound)
	text := t.Text
	for i := len(h.parts) - 1; i >= 0; i-- {
		text = h.parts[i].text + " " + text
	}
	text = strings.TrimSpace(text)
	if err != nil || text == "" || s.rows.open && text == s.rows.caller.Text {
		return
	}
	h.textAt = s.now()
	s.callerTurn(text, s.rows.open, 0)
}

// hangUp ends the leg, whatever ended the conversation.
func (s *Session) hangUp(ctx context.Context) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), hangUpWithin, context.DeadlineExceeded)
	defer cancel()
	if err := s.leg.Hangup(ctx); err != nil {
		s.log.Warn("network not told of the end", "error", err)
	}
}
