package calls

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/media"
)

// live is a call that runs on this node. Its goroutine alone changes call.
type live struct {
	id      string
	call    *parley.Call // set by runs, before its goroutine starts
	returns *returned    // likewise; nil for most calls
	passed  int          // likewise: hops that it took to here
	ends    chan string  // why it is to end, one entry

	connect chan media.Leg // an outside transport that came

	once  sync.Once
	heard heard // by its conversation

	mu        sync.Mutex         // of what is below
	cancel    context.CancelFunc // gives up dialling
	talk      *talk
	transfers []parley.Transfer
	deeds     []deed // settled, not kept yet
	agent     owner
}

// owner is the agent of a call and its environment.
type owner struct{ env, id string }

// runs gives the live call its row.
func (l *live) runs(c *parley.Call) {
	l.call = c
	l.mu.Lock()
	defer l.mu.Unlock()
	l.agent = owner{c.EnvironmentID, c.AgentID}
}

// of is the agent of the call; empty before that is known.
func (l *live) of() owner {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.agent
}

func newLive(id string) *live {
	return &live{id: id, ends: make(chan string, 1), connect: make(chan media.Leg)}
}

// end asks the call to end for a reason; the first reason counts.
func (l *live) end(reason string) {
	l.once.Do(func() {
		l.ends <- reason
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.cancel != nil {
			l.cancel()
		}
	})
}

// cancellable gives a context for dialling that end cuts short.
func (l *live) cancellable(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cancel = cancel
	if len(l.ends) > 0 {
		cancel()
	}
	return ctx, cancel
}

// asked returns the reason that end was called with, if it was.
func (l *live) asked() (string, bool) {
	select {
	case reason := <-l.ends:
		return reason, true
	default:
		return "", false
	}
}

// hold takes the call under this node's lease.
func (s *Switchboard) hold(c *parley.Call) {
	c.NodeID = s.cfg.NodeID
	c.LeaseUntil = parley.Stamp(time.Now().Add(s.cfg.Lease))
}

// progress writes a change of the call's status.
func (s *Switchboard) progress(c *parley.Call, status parley.CallStatus) {
	was := c.Status
	c.Status, c.UpdatedAt = status, parley.Stamp(time.Now())
	if status == parley.CallAnswered {
		t := c.UpdatedAt
		c.AnsweredAt = &t
	}
	s.journal.putCall(*c, steps(c, was, heard{})...)
}

// finish writes the final status of a call without a conversation.
func (s *Switchboard) finish(c *parley.Call, status parley.CallStatus, reason string) {
	s.conclude(c, status, reason, heard{})
}

// conclude writes the call's final status, after all its turns.
func (s *Switchboard) conclude(c *parley.Call, status parley.CallStatus, reason string, k heard) {
	was, t := c.Status, parley.Stamp(time.Now())
	if c.AnsweredAt == nil {
		c.Recording = "" // there was nothing to record
	}
	c.Status, c.EndedReason, c.UpdatedAt, c.EndedAt, c.Voicemail = status, reason, t, &t, k.machine
	if s.deps.Price != nil {
		c.Cost = s.deps.Price(c)
	}
	s.journal.putCall(*c, steps(c, was, k)...)
	s.log.Info("call ended", "call", c.ID, "agent", c.AgentID, "status", status, "reason", reason, "seconds", int(c.Duration().Seconds()))
}

// prepared is a conversation that is ready to begin, with what it writes to.
type prepared struct {
	session  *convo.Session
	recorder *recording
}

// prepare builds the conversation of a call while it rings.
func (s *Switchboard) prepare(ctx context.Context, l *live) (*prepared, error) {
	c := l.call
	engines, err := s.deps.Engines(c.Snapshot.Agent.Engine)
	if err != nil {
		return nil, err
	}
	values := l.values()
	p, targets := &prepared{recorder: s.record(ctx, c)}, s.targets(c, values)
	p.session, err = convo.New(ctx, convo.Config{
		CallID: c.ID, Direction: c.Direction, Snapshot: s.bounded(c.Snapshot), Payload: values, Situation: l.situation(),
		Engines: engines, Recorder: p.recorder.sink(), Phrases: s.phrases, End: l.ends, Log: s.log.With("call", c.ID),
		Turn:      func(t parley.Turn) { s.turn(l, t) },
		Requester: outside{s, c.ID}, Acted: func(a convo.Acted) { s.acted(c, a) },
		Targets: named(targets), Hold: holdOf(c.Snapshot).text, HoldSays: holdOf(c.Snapshot).says(), Transfer: s.transferTool(l, targets),
		Message: func(m parley.TakenMessage) {
			c.Messages = append(c.Messages, m)
			s.journal.putCall(*c)
		},
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// turn writes a turn, and what it means.
func (s *Switchboard) turn(l *live, t parley.Turn) {
	events := l.heard.turn(t, l.call.Direction == parley.Outbound)
	if len(events) == 0 {
		s.journal.putTurn(t)
		return
	}
	c := *l.call
	s.journal.put(entry{turn: &t, of: &c, events: events})
}

// discard releases a conversation that does not take place.
func (p *prepared) discard() {
	p.session.Close()
}

// converse runs the conversation on an answered leg and writes the end of the call.
func (s *Switchboard) converse(ctx context.Context, l *live, p *prepared, leg media.Leg) {
	c := l.call
	s.progress(c, parley.CallAnswered)
	defer p.recorder.close(c) // also when the conversation panics
	t := newTalk(ctx, p.session, leg, func(panicked any) {
		s.log.Error("panic in a transfer", "call", c.ID, "panic", panicked, slog.String("stack", stack()))
		l.end(parley.EndedAgentFault)
	})
	defer t.end()
	l.talks(t)
	s.heed(l, t, leg)
	result, err := p.session.Run(ctx, leg)
	l.talks(nil)
	t.end()
	c.Transfers = l.endTransfers()
	s.keepDeeds(l)
	p.recorder.close(c)
	leg = t.caller()
	m := leg.Stats()
	c.Quality = m.Quality
	s.log.Info("media of the call", "call", c.ID, "codec", m.Codec, "received", m.Received, "lost", m.Lost, "late", m.Late,
		"refused", m.Refused, "sent", m.Sent, "missed", m.Missed, "jitter_ms", m.JitterMillis)
	if err != nil {
		s.log.Error("conversation failed", "call", c.ID, "error", err)
		s.conclude(c, parley.CallFailed, parley.EndedAgentFault, l.heard)
		return
	}
	s.conclude(c, finalStatus(result.Reason), result.Reason, l.heard)
}

// endedNetwork is the reason of a call that its network lost.
const endedNetwork = "network"

// finalStatus is completed for every normal end (contract notes, 3.3).
func finalStatus(reason string) parley.CallStatus {
	switch reason {
	case parley.EndedMediaTimeout, parley.EndedAgentFault, endedNetwork:
		return parley.CallFailed
	}
	return parley.CallCompleted
}

// bounded is the snapshot with the server's own limit of duration in it.
func (s *Switchboard) bounded(snap *parley.Snapshot) *parley.Snapshot {
	limit := int(s.cfg.MaxDuration.Seconds())
	if m := snap.Agent.MaxCallSeconds; m != nil && *m <= limit {
		return snap
	}
	b := *snap
	b.Agent.MaxCallSeconds = &limit
	return &b
}

// payload decodes placeholder values; what is no object fills nothing, since the API took it in checked.
func payload(raw json.RawMessage) map[string]any {
	var m map[string]any
	if len(raw) > 0 {
		_ = json.Unmarshal(raw, &m)
	}
	return m
}

// guard turns a panic in a call into the end of that call alone.
func (s *Switchboard) guard(l *live) {
	if p := recover(); p != nil {
		s.log.Error("panic in a call", "call", l.call.ID, "panic", p, slog.String("stack", stack()))
		s.conclude(l.call, parley.CallFailed, parley.EndedAgentFault, l.heard)
	}
}
