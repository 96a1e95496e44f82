package calls

import (
	"context"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// sweepBatch bounds how many lost calls one transaction closes.
const sweepBatch = 100

// recoverOwn closes the calls that an earlier process of this node held: nobody else runs on this data directory, so they are lost.
func (s *Switchboard) recoverOwn(ctx context.Context) {
	closed := 0
	err := s.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		open, err := tx.OpenCalls(ctx, store.OpenFilter{NodeID: s.cfg.NodeID})
		if err != nil {
			return err
		}
		for _, c := range open {
			if s.find(c.ID) != nil {
				continue
			}
			fail(c, parley.EndedNodeLost)
			if _, err := tx.UpdateCall(ctx, c); err != nil {
				return err
			}
			closed++
		}
		return nil
	})
	if err != nil {
		s.log.Error("calls of an earlier process not closed; the sweep will when their lease runs out", "error", err)
	} else if closed > 0 {
		s.log.Warn("closed calls that an earlier process left open", "calls", closed)
	}
}

// HandleSweep is the periodic job that closes calls whose node is gone.
func (s *Switchboard) HandleSweep(ctx context.Context, _ string) error {
	return s.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		now := parley.Stamp(time.Now())
		// Ours first: while the database was away our leases ran out too.
		if err := tx.RenewLeases(ctx, s.cfg.NodeID, now.Add(s.cfg.Lease)); err != nil {
			return err
		}
		lost, err := tx.LostCalls(ctx, now, sweepBatch)
		if err != nil {
			return err
		}
		for _, c := range lost {
			fail(c, parley.EndedNodeLost)
			if _, err := tx.UpdateCall(ctx, c); err != nil {
				return err
			}
			s.log.Warn("closed a call whose node is gone", "call", c.ID, "node", c.NodeID)
		}
		return nil
	})
}

// HandleForgetKeys is the periodic job that drops idempotency keys past their time.
func (s *Switchboard) HandleForgetKeys(ctx context.Context, _ string) error {
	return s.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		return tx.ForgetKeys(ctx, parley.Stamp(time.Now()))
	})
}
