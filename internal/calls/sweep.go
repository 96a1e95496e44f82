package calls

import (
	"context"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// sweepBatch bounds how many lost calls one transaction closes.
const sweepBatch = 100

// recoverOwn closes the calls that an earlier process of this node held: nobody else runs on this data directory, so they are lost. What
// was recorded of them stays readable.
func (s *Switchboard) recoverOwn(ctx context.Context) {
	lost, err := s.leftOpen(ctx)
	for _, c := range lost {
		if err != nil {
			break
		}
		err = s.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
			if c.Recording != "" && !s.recorded(ctx, c.Recording) {
				c.Recording = ""
			}
			if err := tx.AmendCall(ctx, c); ignore(err, parley.CallNotFound) != nil {
				return err
			}
			return s.lose(ctx, tx, c)
		})
	}
	if err != nil {
		s.log.Error("calls of an earlier process not closed; the sweep will when their lease runs out", "error", err)
	} else if len(lost) > 0 {
		s.log.Warn("closed calls that an earlier process left open", "calls", len(lost))
	}
}

func (s *Switchboard) leftOpen(ctx context.Context) (lost []*parley.Call, err error) {
	err = s.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		open, err := tx.OpenCalls(ctx, store.OpenFilter{NodeID: s.cfg.NodeID})
		for _, c := range open {
			if s.find(c.ID) == nil {
				lost = append(lost, c)
			}
		}
		return err
	})
	return lost, err
}

// HandleSweep is the periodic job that closes calls whose node is gone, and rows of this node that no call stands behind.
func (s *Switchboard) HandleSweep(ctx context.Context, _ string) error {
	err := s.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		now := parley.Stamp(time.Now())
		// Ours first: while the database was away our leases ran out too.
		if err := tx.RenewLeases(ctx, s.cfg.NodeID, now.Add(s.cfg.Lease)); err != nil {
			return err
		}
		lost, err := tx.LostCalls(ctx, now, sweepBatch)
		if err != nil {
			return err
		}
		return s.closeLost(ctx, tx, lost)
	})
	if err != nil {
		return err
	}
	return s.sweepOwn(ctx)
}

// sweepOwn closes rows of this node that it does not know of. Before the rows are read no end of a call may be waiting to be written.
func (s *Switchboard) sweepOwn(ctx context.Context) error {
	if s.journal.waiting() > 0 {
		return nil // the next round will do
	}
	lost, err := s.leftOpen(ctx)
	if err != nil || len(lost) == 0 || s.journal.waiting() > 0 {
		return err
	}
	return s.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error { return s.closeLost(ctx, tx, lost) })
}

func (s *Switchboard) closeLost(ctx context.Context, tx store.Tx, lost []*parley.Call) error {
	for _, c := range lost {
		if c.Recording != "" && !s.recorded(ctx, c.Recording) {
			c.Recording = "" // of this copy: the row keeps the way to what another node may have
		}
		if err := s.lose(ctx, tx, c); err != nil {
			return err
		}
		s.log.Warn("closed a call that nobody holds", "call", c.ID, "node", c.NodeID)
	}
	return nil
}

// HandleForgetKeys is the periodic job that drops idempotency keys past their time.
func (s *Switchboard) HandleForgetKeys(ctx context.Context, _ string) error {
	return s.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		return tx.ForgetKeys(ctx, parley.Stamp(time.Now()))
	})
}

// lose closes a call whose process is gone, and tells of it.
func (s *Switchboard) lose(ctx context.Context, tx store.Tx, c *parley.Call) error {
	turns, err := tx.TurnsOf(ctx, c.ID)
	if err != nil {
		return err
	}
	was, k := c.Status, recall(turns, c.Direction == parley.Outbound)
	fail(c, parley.EndedNodeLost)
	c.Voicemail = k.machine
	wrote, err := tx.UpdateCall(ctx, c)
	if err != nil || !wrote {
		return ignore(err, parley.CallNotFound)
	}
	if err := s.deps.tell(ctx, tx, c, steps(c, was, k)...); err != nil {
		return err
	}
	return s.deps.queueActions(ctx, tx, c)
}

// close writes the end of a call that never ran, and tells of it.
func (s *Switchboard) close(ctx context.Context, tx store.Tx, c *parley.Call, was parley.CallStatus) error {
	wrote, err := tx.UpdateCall(ctx, c)
	if err != nil || !wrote {
		return err
	}
	return s.deps.tell(ctx, tx, c, steps(c, was, heard{})...)
}
