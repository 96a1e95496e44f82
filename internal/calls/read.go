package calls

import (
	"context"
	"runtime/debug"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// End hangs a call up, or takes a delayed one back. The answer states the target state; the hang-up itself follows.
func (s *Switchboard) End(ctx context.Context, actor parley.Actor, agentID, ref string) (*parley.Call, error) {
	if err := actor.Require(parley.WriteCalls); err != nil {
		return nil, err
	}
	var c *parley.Call
	err := s.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.Agent(ctx, actor.EnvironmentID, agentID); err != nil {
			return err
		}
		var err error
		if c, err = tx.CallByRef(ctx, actor.EnvironmentID, agentID, ref); err != nil {
			return err
		}
		if c.Status.Final() {
			return parley.Errorf(parley.CallNotActive, "Call is not active")
		}
		here, elsewhere := s.find(c.ID) != nil, s.heldElsewhere(c)
		ended, was := *c, c.Status
		fail(&ended, parley.EndedByAPI)
		ended.Status = parley.CallCompleted
		c = &ended
		switch {
		case here:
			return nil // its goroutine writes the end
		case elsewhere:
			return tx.AskEnd(ctx, c.ID, parley.EndedByAPI) // and so does that node's
		}
		return s.close(ctx, tx, c, was)
	})
	if err != nil {
		return nil, err
	}
	if l := s.find(c.ID); l != nil {
		l.end(parley.EndedByAPI)
	}
	return c, nil
}

// Active returns the open calls of an agent with a number; NoActiveCall when there are none.
func (s *Switchboard) Active(ctx context.Context, actor parley.Actor, agentID, phone string) ([]*parley.Call, error) {
	if err := actor.Require(parley.ReadCalls); err != nil {
		return nil, err
	}
	var open []*parley.Call
	err := s.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		if _, err = tx.Agent(ctx, actor.EnvironmentID, agentID); err != nil {
			return err
		}
		open, err = tx.OpenCalls(ctx, store.OpenFilter{EnvironmentID: actor.EnvironmentID, AgentID: agentID, Phone: phone})
		return err
	})
	if err == nil && len(open) == 0 {
		err = parley.Errorf(parley.NoActiveCall, "No active call found for this phone number")
	}
	return open, err
}

// List returns a page of calls, of one agent when agentID is set, and the number of all matches.
func (s *Switchboard) List(ctx context.Context, actor parley.Actor, agentID string, f store.CallFilter) (page []*parley.Call, total int, err error) {
	if err := actor.Require(parley.ReadCalls); err != nil {
		return nil, 0, err
	}
	err = s.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		if agentID != "" {
			f.AgentID = agentID
			if _, err = tx.Agent(ctx, actor.EnvironmentID, agentID); err != nil {
				return err
			}
		}
		page, total, err = tx.ListCalls(ctx, actor.EnvironmentID, f)
		return err
	})
	return page, total, err
}

// Get returns a call with what was said in it.
func (s *Switchboard) Get(ctx context.Context, actor parley.Actor, id string) (c *parley.Call, turns []parley.Turn, err error) {
	if err := actor.Require(parley.ReadCalls); err != nil {
		return nil, nil, err
	}
	err = s.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		if c, err = tx.Call(ctx, actor.EnvironmentID, id); err != nil {
			return err
		}
		turns, err = tx.TurnsOf(ctx, id)
		return err
	})
	return c, turns, err
}

func stack() string { return string(debug.Stack()) }
