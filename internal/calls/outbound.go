package calls

import (
	"context"
	"errors"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/jobs"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/store"
)

// keyLife is for how long an Idempotency-Key gives the first answer again.
const keyLife = 24 * time.Hour

// Place takes an order for an outbound call through the agent's trunk. The row exists when it returns; ringing goes on behind it.
func (s *Switchboard) Place(ctx context.Context, actor parley.Actor, agentID string, r parley.CallRequest) (*parley.Call, error) {
	if err := actor.Require(parley.WriteCalls); err != nil {
		return nil, err
	}
	id := parley.NewID()
	l := s.enter(id)
	if l == nil {
		return nil, errFull()
	}
	c, fresh, err := s.placeRow(ctx, actor, agentID, id, r)
	if err != nil || !fresh || r.Delay > 0 {
		s.leave(l)
		return c, err
	}
	answer := *c
	l.runs(c)
	s.start(l, s.dial)
	return &answer, nil
}

func errFull() error {
	return parley.Errorf(parley.CapacityExceeded, "Too many calls at this time; try again later")
}

// placeRow writes the row of an outbound call; fresh is false when an idempotency key gave an earlier one again.
func (s *Switchboard) placeRow(ctx context.Context, actor parley.Actor, agentID, id string, r parley.CallRequest) (c *parley.Call, fresh bool, err error) {
	err = s.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		first, err := s.repeated(ctx, tx, actor, id, r)
		if err != nil || first != nil {
			c = first
			return err
		}
		if c, err = s.order(ctx, tx, actor, agentID, id, r); err != nil {
			return err
		}
		fresh = true
		if err := tx.InsertCall(ctx, c); err != nil {
			return err
		}
		if r.Delay > 0 {
			return tx.Enqueue(ctx, store.Job{Kind: jobs.DialCall, Subject: id, RunAt: c.DialAt})
		}
		return nil
	})
	return c, fresh, err
}

// start runs a call of this node in a goroutine of its own.
func (s *Switchboard) start(l *live, run func(context.Context, *live)) {
	go func() {
		defer s.leave(l)
		defer s.guard(l)
		run(context.Background(), l)
	}()
}

// order checks all that must hold for a call and builds its row. Until the network names the call, its sid is our id.
func (s *Switchboard) order(ctx context.Context, tx store.Tx, actor parley.Actor, agentID, id string, r parley.CallRequest) (*parley.Call, error) {
	a, err := s.publishedAgent(ctx, tx, actor, agentID)
	if err != nil {
		return nil, err
	}
	w, err := wayOut(ctx, tx, a)
	if err != nil {
		return nil, err
	}
	if err := s.mayCall(r.To, actor.Limits.OutboundPrefixes, w.own); err != nil {
		return nil, err
	}
	if l := actor.Limits; l.CreditsRequired && l.Credits <= 0 && !r.Testing {
		return nil, parley.Errorf(parley.InsufficientCredits, "Account has insufficient credits to place this call")
	}
	if err := s.environmentHasRoom(ctx, tx, a.EnvironmentID); err != nil {
		return nil, err
	}
	t := parley.Stamp(time.Now())
	c := &parley.Call{
		ID: id, SID: id, EnvironmentID: a.EnvironmentID, AgentID: a.ID, To: r.To, From: w.number.Number, Testing: r.Testing,
		Direction: parley.Outbound, Transport: parley.TransportSIP, Status: parley.CallInitiated, TrunkID: w.trunk.ID, NumberID: w.number.ID,
		Payload: r.Payload, Context: r.Context, DialAt: t.Add(r.Delay), CreatedAt: t, UpdatedAt: t,
	}
	if r.Delay == 0 {
		err = s.takeOn(ctx, tx, c, a)
	}
	return c, err
}

func (s *Switchboard) publishedAgent(ctx context.Context, tx store.Tx, actor parley.Actor, agentID string) (*parley.Agent, error) {
	a, err := tx.LockAgent(ctx, actor.EnvironmentID, agentID)
	if err != nil {
		return nil, err
	}
	if a.Status != parley.Published {
		return nil, parley.Errorf(parley.AgentInactive, "Agent is not published")
	}
	return a, nil
}

// repeated finds the call that the same idempotency key made before, or remembers the key for this one and returns nil.
func (s *Switchboard) repeated(ctx context.Context, tx store.Tx, actor parley.Actor, id string, r parley.CallRequest) (*parley.Call, error) {
	if r.IdempotencyKey == "" {
		return nil, nil
	}
	until := parley.Stamp(time.Now().Add(keyLife))
	firstID, fingerprint, fresh, err := tx.RememberKey(ctx, actor.EnvironmentID, s.deps.HashToken(r.IdempotencyKey), id, r.Fingerprint, until)
	if err != nil || fresh {
		return nil, err
	}
	if fingerprint != r.Fingerprint {
		return nil, parley.Invalid("idempotency_key", "The idempotency key was used with another request.")
	}
	return tx.Call(ctx, actor.EnvironmentID, firstID)
}

// HandleDial is the job of a delayed call whose time has come.
func (s *Switchboard) HandleDial(ctx context.Context, callID string) error {
	l := s.enter(callID)
	if l == nil {
		return jobs.Again{After: 5 * time.Second}
	}
	err := s.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		stored, err := tx.Call(ctx, "", callID)
		if err != nil || stored.Status != parley.CallInitiated || stored.NodeID != "" {
			return ignore(err, parley.CallNotFound) // deleted, ended meanwhile, or dialled already
		}
		a, err := tx.LockAgent(ctx, stored.EnvironmentID, stored.AgentID)
		if parley.CodeOf(err) == parley.AgentNotFound { // an export holds it, or it is being deleted
			fail(stored, parley.EndedAgentDeleted)
			return ignore(s.close(ctx, tx, stored, parley.CallInitiated), parley.CallNotFound)
		}
		if err != nil {
			return err
		}
		if a.Status != parley.Published {
			fail(stored, parley.EndedNotPublished)
			return s.close(ctx, tx, stored, parley.CallInitiated)
		}
		if err = s.takeOn(ctx, tx, stored, a); err != nil {
			return err
		}
		l.runs(stored)
		_, err = tx.UpdateCall(ctx, stored)
		return err
	})
	if err != nil || l.call == nil {
		s.leave(l)
		return err
	}
	s.start(l, s.dial)
	return nil
}

func ignore(err error, code parley.Code) error {
	if parley.CodeOf(err) == code {
		return nil
	}
	return err
}

func fail(c *parley.Call, reason string) {
	t := parley.Stamp(time.Now())
	c.Status, c.EndedReason, c.UpdatedAt, c.EndedAt = parley.CallFailed, reason, t, &t
}

// dial rings the far side and converses once it answers.
func (s *Switchboard) dial(ctx context.Context, l *live) {
	c := l.call
	target, err := s.target(ctx, c)
	if err != nil {
		s.log.Error("call not placed", "call", c.ID, "error", err)
		s.finish(c, parley.CallFailed, "trunk_unusable")
		return
	}
	p, err := s.prepare(ctx, l)
	if err != nil {
		s.log.Error("call not placed: no conversation", "call", c.ID, "error", err)
		s.finish(c, parley.CallFailed, parley.EndedAgentFault)
		return
	}
	dialling, stop := l.cancellable(ctx)
	defer stop()
	leg, sid, err := s.deps.Dialer.Dial(dialling, target, func(networkID string) {
		c.SID = networkID
		s.traces.attach(networkID, c.ID)
		s.progress(c, parley.CallRinging)
	})
	s.traces.attach(sid, c.ID)
	if err != nil {
		p.discard()
		s.unanswered(l, err)
		return
	}
	c.SID = sid
	s.converse(ctx, l, p, leg)
}

// target reads the trunk of a call anew: it may have changed since a delayed call was ordered.
func (s *Switchboard) target(ctx context.Context, c *parley.Call) (t media.Target, err error) {
	err = s.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		trunk, err := tx.Trunk(ctx, c.EnvironmentID, c.TrunkID)
		if err == nil {
			t = media.Target{Trunk: *trunk, From: c.From, To: c.To}
		}
		return err
	})
	if err == nil && !(t.Trunk.Active && t.Trunk.Verified) {
		err = errors.New("the trunk was deactivated")
	}
	if err == nil {
		t.Password, err = s.deps.Unseal(&t.Trunk)
	}
	return t, err
}

// unanswered writes what became of a call that nobody took.
func (s *Switchboard) unanswered(l *live, err error) {
	if reason, asked := l.asked(); asked {
		s.finish(l.call, parley.CallCompleted, reason)
		return
	}
	na, ok := errors.AsType[*media.NotAnswered](err)
	switch {
	case !ok:
		s.log.Error("dialling failed", "call", l.call.ID, "error", err)
		s.finish(l.call, parley.CallFailed, endedNetwork)
	case na.Outcome == media.OutcomeBusy:
		s.finish(l.call, parley.CallBusy, parley.EndedBusy)
	case na.Outcome == media.OutcomeNoAnswer:
		s.finish(l.call, parley.CallNoAnswer, parley.EndedNoAnswer)
	default:
		s.finish(l.call, parley.CallFailed, na.Reason)
	}
}
