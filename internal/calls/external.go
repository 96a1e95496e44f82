package calls

import (
	"context"
	"crypto/subtle"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/store"
)

// Expect makes a call whose sound an outside system will bring over a transport; token opens it.
func (s *Switchboard) Expect(ctx context.Context, actor parley.Actor, agentID string, r parley.ExternalRequest) (*parley.Call, string, error) {
	if err := actor.Require(parley.WriteCalls); err != nil {
		return nil, "", err
	}
	token, hash := s.deps.NewToken()
	l := s.enter(parley.NewID())
	if l == nil {
		return nil, "", errFull()
	}
	var c *parley.Call
	err := s.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		a, err := s.publishedAgent(ctx, tx, actor, agentID)
		if err != nil {
			return err
		}
		if l := actor.Limits; l.CreditsRequired && l.Credits <= 0 {
			return parley.Errorf(parley.InsufficientCredits, "Account has insufficient credits to place this call")
		}
		if err := s.environmentHasRoom(ctx, tx, a.EnvironmentID); err != nil {
			return err
		}
		t := parley.Stamp(time.Now())
		c = &parley.Call{
			ID: l.id, EnvironmentID: a.EnvironmentID, AgentID: a.ID, SID: r.SID, To: r.To, From: r.From, Direction: r.Direction,
			Transport: parley.TransportWebSocket, Status: parley.CallInitiated, Payload: r.Payload, Context: r.Context, TokenHash: hash,
			DialAt: t, CreatedAt: t, UpdatedAt: t,
		}
		if r.Direction == parley.Inbound {
			p, err := pick(ctx, tx, []*parley.Agent{a}, caller(r.From, ""))
			if err != nil {
				return err
			}
			c.Callback, l.returns = p.callback, p.returns
		}
		if err := s.takeOn(ctx, tx, c, a); err != nil {
			return err
		}
		return tx.InsertCall(ctx, c)
	})
	if err != nil {
		s.leave(l)
		return nil, "", err
	}
	answer := *c
	l.runs(c)
	s.start(l, s.await)
	return &answer, token, nil
}

// await waits for the outside transport, then converses.
func (s *Switchboard) await(ctx context.Context, l *live) {
	timer := time.NewTimer(s.cfg.ConnectWithin)
	defer timer.Stop()
	select {
	case leg := <-l.connect:
		p, err := s.prepare(ctx, l)
		if err != nil {
			s.log.Error("call failed: no conversation", "call", l.call.ID, "error", err)
			_ = leg.Hangup(ctx)
			s.finish(l.call, parley.CallFailed, parley.EndedAgentFault)
			return
		}
		s.converse(ctx, l, p, leg)
	case reason := <-l.ends:
		s.finish(l.call, parley.CallCompleted, reason)
	case <-timer.C:
		s.finish(l.call, parley.CallFailed, parley.EndedNeverConnected)
	}
}

// Transport checks that a token opens a call's transport: InvalidToken, CallNotFound or CallNotActive when not. The token of the
// call's environment works too.
func (s *Switchboard) Transport(ctx context.Context, callID, token string) error {
	if token == "" {
		return parley.Errorf(parley.InvalidToken, parley.InvalidTokenDefault)
	}
	var c *parley.Call
	err := s.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		c, err = tx.Call(ctx, "", callID)
		return err
	})
	if err != nil && parley.CodeOf(err) != parley.CallNotFound {
		return err
	}
	if err != nil || subtle.ConstantTimeCompare([]byte(c.TokenHash), []byte(s.deps.HashToken(token))) != 1 {
		actor, authErr := s.deps.Authenticate(ctx, token)
		if authErr != nil {
			return authErr
		}
		if err != nil || actor.EnvironmentID != c.EnvironmentID || !actor.Can(parley.WriteCalls) {
			return parley.Errorf(parley.CallNotFound, "Call not found")
		}
	}
	if c.Transport != parley.TransportWebSocket {
		return parley.Errorf(parley.CallNotFound, "Call not found")
	}
	if c.Status.Final() || s.find(callID) == nil {
		return parley.Errorf(parley.CallNotActive, "Call is not active")
	}
	return nil
}

// Connect hands the leg of an outside transport to its call, once; CallNotActive when the call does not wait for one.
func (s *Switchboard) Connect(ctx context.Context, callID string, leg media.Leg) error {
	l := s.find(callID)
	if l == nil {
		return parley.Errorf(parley.CallNotActive, "Call is not active")
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	select {
	case l.connect <- leg:
		return nil
	case <-ctx.Done():
		return parley.Errorf(parley.CallNotActive, "Call is not active")
	}
}
