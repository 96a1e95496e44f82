package calls

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/store"
)

// admitWithin bounds how long a caller waits for the database before he is told that there is no room: a carrier then tries elsewhere,
// and a server that has fallen behind does no work for callers who are gone.
const admitWithin = 4 * time.Second

var _ media.Answerer = (*Switchboard)(nil)

// refused is why an incoming call is not taken.
type refused struct {
	with media.Refusal
	why  string
}

func (r *refused) Error() string { return r.why }

// Serve takes an incoming call from its first ring to the end of its conversation.
func (s *Switchboard) Serve(ctx context.Context, in media.Incoming) {
	l, err := s.admit(ctx, in)
	if err != nil {
		s.turnAway(in, err)
		return
	}
	defer s.leave(l)
	defer s.guard(l)
	s.ring(context.WithoutCancel(ctx), l, in)
}

// ring prepares the conversation while the caller hears it ring, then answers.
func (s *Switchboard) ring(ctx context.Context, l *live, in media.Incoming) {
	c := l.call
	if err := in.Ring(); err != nil {
		s.finish(c, parley.CallFailed, endedNetwork)
		return
	}
	p, err := s.prepare(ctx, l)
	if err != nil {
		s.log.Error("call refused: no conversation", "call", c.ID, "error", err)
		s.reject(in, media.RefuseNoCapacity)
		s.finish(c, parley.CallFailed, parley.EndedAgentFault)
		return
	}
	if reason, asked := l.asked(); asked {
		p.discard()
		s.reject(in, media.RefuseNoAgent)
		s.finish(c, parley.CallCompleted, reason)
		return
	}
	leg, err := in.Answer(ctx)
	if err != nil {
		p.discard()
		if errors.Is(err, media.ErrEnded) {
			s.finish(c, parley.CallNoAnswer, parley.EndedCallerCanceled)
			return
		}
		s.log.Warn("answering failed", "call", c.ID, "error", err)
		s.finish(c, parley.CallFailed, endedNetwork)
		return
	}
	s.converse(ctx, l, p, leg)
}

func (s *Switchboard) reject(in media.Incoming, r media.Refusal) {
	if err := in.Reject(r); err != nil && !errors.Is(err, media.ErrEnded) {
		s.log.Debug("refusal not delivered", "error", err)
	}
}

func (s *Switchboard) turnAway(in media.Incoming, err error) {
	inv := in.Invite()
	with := media.RefuseNoCapacity // the database is away, or some other fault that passes
	if r, ok := errors.AsType[*refused](err); ok {
		with = r.with
	}
	s.log.Warn("incoming call refused", "status", int(with), "reason", err.Error(), "trunk", inv.TrunkID,
		slog.Group("pii", "dialled", inv.Dialled, "from", inv.From))
	s.reject(in, with)
}

// admit finds the agent behind the dialled number and writes the call's row, under the agent's lock: a deletion of the agent and
// the answer to this call cannot both win.
func (s *Switchboard) admit(ctx context.Context, in media.Incoming) (*live, error) {
	l := s.enter(parley.NewID())
	if l == nil {
		return nil, &refused{media.RefuseNoCapacity, "no capacity: too many calls, or the server is stopping"}
	}
	ctx, cancel := context.WithTimeout(ctx, admitWithin)
	defer cancel()
	err := s.admitRow(ctx, l, in.Invite())
	if err != nil {
		s.leave(l)
		return nil, err
	}
	s.traces.attach(l.call.SID, l.id)
	return l, nil
}

func (s *Switchboard) admitRow(ctx context.Context, l *live, inv media.Invite) error {
	return s.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		d, err := destinationOf(ctx, tx, inv)
		if err != nil {
			return err
		}
		if err := s.environmentHasRoom(ctx, tx, d.env); err != nil {
			return &refused{media.RefuseNoCapacity, err.Error()}
		}
		c := s.incomingRow(l.id, inv, d)
		if err := s.takeOn(ctx, tx, c, d.agent); err != nil {
			return err
		}
		if _, err := s.deps.Engines(d.agent.Engine); err != nil {
			return &refused{media.RefuseNoCapacity, err.Error()}
		}
		l.runs(c)
		l.returns, l.passed = d.returns, inv.Passed
		if err := tx.InsertCall(ctx, c); err != nil {
			return err
		}
		return s.deps.tell(ctx, tx, c, steps(c, "", heard{})...)
	})
}

func (s *Switchboard) incomingRow(id string, inv media.Invite, d *destination) *parley.Call {
	t := parley.Stamp(time.Now())
	c := &parley.Call{
		ID: id, EnvironmentID: d.env, AgentID: d.agent.ID, SID: inv.NetworkID, To: d.to, From: d.from, Callback: d.callback,
		Direction: parley.Inbound, Transport: parley.TransportSIP, Status: parley.CallRinging, CreatedAt: t, UpdatedAt: t,
	}
	if n := d.number; n != nil {
		c.TrunkID, c.NumberID = n.TrunkID, n.ID
	}
	return c
}

// answering picks and locks the agent that takes the calls of a number from a caller. Where nothing else decides, the oldest published
// inbound one takes them.
func answering(ctx context.Context, tx store.Tx, n *parley.PhoneNumber, from string) (picked, error) {
	agents, err := tx.AgentsByID(ctx, n.EnvironmentID, n.AgentIDs)
	if err != nil {
		return picked{}, err
	}
	var takers []*parley.Agent
	for _, a := range agents {
		if takesCalls(a) {
			takers = append(takers, a)
		}
	}
	if len(takers) == 0 {
		return picked{}, &refused{media.RefuseNoAgent, "no published inbound agent is attached to the number"}
	}
	slices.SortFunc(takers, func(a, b *parley.Agent) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	p, err := pick(ctx, tx, takers, from)
	if err != nil {
		return p, err
	}
	p.agent, err = lockAnswering(ctx, tx, n.EnvironmentID, p.agent.ID)
	return p, err
}

// lockAnswering locks an agent that must take calls.
func lockAnswering(ctx context.Context, tx store.Tx, env, id string) (*parley.Agent, error) {
	locked, err := tx.LockAgent(ctx, env, id)
	if parley.CodeOf(err) == parley.AgentNotFound || err == nil && !takesCalls(locked) {
		return nil, &refused{media.RefuseNoAgent, "the agent is not published for inbound calls, or was deleted just now"}
	}
	return locked, err
}

func takesCalls(a *parley.Agent) bool {
	return a.Status == parley.Published && a.Direction == parley.Inbound
}

// takeOn makes a call this node's: with the agent as it is now, under a lease, and with the name of its recording.
func (s *Switchboard) takeOn(ctx context.Context, tx store.Tx, c *parley.Call, a *parley.Agent) (err error) {
	if c.Snapshot, err = Freeze(ctx, tx, a); err != nil {
		return err
	}
	s.hold(c)
	willRecord(c)
	return nil
}

// Freeze copies what the agent is at this moment: the call runs on it.
func Freeze(ctx context.Context, tx store.Tx, a *parley.Agent) (*parley.Snapshot, error) {
	trainings, err := tx.TrainingsOf(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	actions, err := tx.ActionsOf(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	flow, err := tx.CurrentFlow(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	return parley.NewSnapshot(a, trainings[a.ID], actions[a.ID], flow), nil
}

func (s *Switchboard) environmentHasRoom(ctx context.Context, tx store.Tx, env string) error {
	if s.cfg.MaxPerEnvironment == 0 {
		return nil
	}
	n, err := tx.CountOpenCalls(ctx, store.OpenFilter{EnvironmentID: env})
	if err != nil {
		return err
	}
	if n >= s.cfg.MaxPerEnvironment {
		return parley.Errorf(parley.CapacityExceeded, "the environment has %d calls open, its limit", n)
	}
	return nil
}
