package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

var exportRules = []rule{
	{"an agent that an export holds cannot be reached, while its calls go on", held},
	{"a released agent is as it was", func(t *testing.T, h *house) {
		a := h.agent(t, func(a *parley.Agent) { a.Status = parley.Published })
		c := h.call(t, a)
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.HoldAgent(ctx, h.env, a.ID, "erasure") })
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.ReleaseAgent(ctx, a.ID) })
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			if err := same("agent", a)(tx.Agent(ctx, h.env, a.ID)); err != nil {
				return err
			}
			return same("call", c)(tx.Call(ctx, h.env, c.ID))
		})
		refused(t, h, parley.AgentNotFound, func(ctx context.Context, tx store.Tx) error { _, _, err := tx.LockHeld(ctx, a.ID); return err })
	}},
	{"the calls of an agent are walked through in order, without snapshots", func(t *testing.T, h *house) {
		a := h.agent(t)
		var all []*parley.Call
		for range 5 {
			all = append(all, h.call(t, a))
		}
		h.call(t, h.agent(t))
		var walked []string
		for last := (store.Step{}); ; {
			var batch []*parley.Call
			view(t, h, func(ctx context.Context, tx store.Tx) (err error) {
				batch, err = tx.CallsBelow(ctx, a.ID, last, 2)
				return err
			})
			if len(batch) == 0 {
				break
			}
			for _, c := range batch {
				walked = append(walked, c.ID)
				last = store.Step{At: c.CreatedAt, ID: c.ID}
				want(t, "snapshot", c.Snapshot == nil, true)
			}
		}
		want(t, "calls", walked, []string{all[0].ID, all[1].ID, all[2].ID, all[3].ID, all[4].ID})
	}},
	{"an export is kept with its receipt", func(t *testing.T, h *house) {
		e := &parley.Erasure{
			ID: parley.NewID(), EnvironmentID: h.env, AgentID: parley.NewID(), State: parley.ErasureExporting, CreatedAt: h.tick(),
			Places: []parley.ErasurePlace{}, Export: &parley.Export{State: parley.ExportPacking}, ExportHash: "hash",
		}
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.InsertErasure(ctx, e) })
		e.Export = &parley.Export{State: parley.ExportReady, Calls: 3, Recordings: 2, Bytes: 1 << 40, SHA256: "ab", ExpiresAt: new(h.tick())}
		update(t, h, func(ctx context.Context, tx store.Tx) error {
			late := *e
			late.Export = nil // who writes the receipt knows nothing newer of the export
			return errors.Join(tx.UpdateExport(ctx, e), tx.UpdateErasure(ctx, &late))
		})
		view(t, h, func(ctx context.Context, tx store.Tx) error { return same("receipt", e)(tx.Erasure(ctx, h.env, e.ID)) })
		open := func() (n int) {
			view(t, h, func(ctx context.Context, tx store.Tx) error {
				list, err := tx.OpenExports(ctx, h.env)
				n = len(list)
				return err
			})
			return n
		}
		want(t, "archives", open(), 1)
		e.Export.State = parley.ExportExpired
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.UpdateExport(ctx, e) })
		want(t, "archives", open(), 0)
	}},
}

// held walks the reads that the API has of an agent and what lies below it, and what is still written.
func held(t *testing.T, h *house) {
	a := h.agent(t)
	c := h.call(t, a)
	refused(t, h, parley.AgentNotFound, func(ctx context.Context, tx store.Tx) error { return tx.HoldAgent(ctx, h.other, a.ID, "erasure") })
	update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.HoldAgent(ctx, h.env, a.ID, "erasure") })
	refused(t, h, parley.AgentNotFound, func(ctx context.Context, tx store.Tx) error { return tx.HoldAgent(ctx, h.env, a.ID, "another") })

	refused(t, h, parley.AgentNotFound, func(ctx context.Context, tx store.Tx) error { _, err := tx.Agent(ctx, h.env, a.ID); return err })
	refused(t, h, parley.AgentNotFound, func(ctx context.Context, tx store.Tx) error { _, err := tx.LockAgent(ctx, h.env, a.ID); return err })
	refused(t, h, parley.CallNotFound, func(ctx context.Context, tx store.Tx) error { _, err := tx.Call(ctx, h.env, c.ID); return err })
	refused(t, h, parley.CallNotFound, func(ctx context.Context, tx store.Tx) error {
		_, err := tx.CallByRef(ctx, h.env, a.ID, c.SID)
		return err
	})
	refused(t, h, parley.AgentNotFound, func(ctx context.Context, tx store.Tx) error {
		late := *c
		late.ID = parley.NewID()
		return tx.InsertCall(ctx, &late)
	})
	view(t, h, func(ctx context.Context, tx store.Tx) error {
		agents, _, err := tx.ListAgents(ctx, h.env, store.AgentFilter{})
		if err != nil {
			return err
		}
		byID, err := tx.AgentsByID(ctx, h.env, []string{a.ID})
		if err != nil {
			return err
		}
		page, total, err := tx.ListCalls(ctx, h.env, store.CallFilter{})
		if err != nil {
			return err
		}
		tallies, err := tx.TallyCalls(ctx, h.env, store.TallyFilter{})
		want(t, "seen", []int{len(agents), len(byID), len(page), total, len(tallies)}, []int{0, 0, 0, 0, 0})
		return err
	})
	h.put(t, h.turn(c, "last words"))
	c.Status = parley.CallCompleted
	h.writes(t, c, true)
	update(t, h, func(ctx context.Context, tx store.Tx) error {
		locked, by, err := tx.LockHeld(ctx, a.ID)
		if err != nil {
			return err
		}
		want(t, "holder", by, "erasure")
		if err := same("held", a)(locked, nil); err != nil {
			return err
		}
		turns, err := tx.TurnsOf(ctx, c.ID)
		want(t, "turns", len(turns), 1)
		if err != nil {
			return err
		}
		calls, err := tx.CallsBelow(ctx, a.ID, store.Step{}, 10)
		want(t, "calls", len(calls), 1)
		return err
	})
}
