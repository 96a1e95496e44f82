package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

var erasureRules = []rule{
	{"below a deleted agent nothing can be reached", unreachable},
	{"turns and calls go in bounded batches, the neighbour's stay", eraseInBatches},
	{"a walk comes by every call of a scope once, and what lies below is erased along it", eraseAlongAWalk},
	{"recordings are named until they are forgotten", eraseRecordings},
	{"a call's idempotency key goes with it", func(t *testing.T, h *house) {
		a := h.agent(t)
		c := h.call(t, a)
		remember := func() (ok bool) {
			update(t, h, func(ctx context.Context, tx store.Tx) (err error) {
				_, _, ok, err = tx.RememberKey(ctx, h.env, "key", c.ID, "print", time.Now().Add(time.Hour))
				return err
			})
			return ok
		}
		want(t, "first", remember(), true)
		want(t, "second", remember(), false)
		h.drop(t, a)
		h.erases(t, 1, func(ctx context.Context, tx store.Tx) (int64, error) {
			return tx.Erase(ctx, store.PlaceCalls, store.Scope{AgentID: a.ID}, 10)
		})
		want(t, "after the erasure", remember(), true)
	}},
	{"a receipt is kept and seen by its environment only", func(t *testing.T, h *house) {
		e := &parley.Erasure{
			ID: parley.NewID(), EnvironmentID: h.env, AgentID: parley.NewID(), State: parley.ErasureRunning, CreatedAt: h.tick(),
			Places: []parley.ErasurePlace{{Name: "turns", State: parley.ErasureRunning}},
		}
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.InsertErasure(ctx, e) })
		e.State, e.CompletedAt = parley.ErasureComplete, new(h.tick())
		e.Places = []parley.ErasurePlace{{Name: "turns", Count: 1 << 40, State: parley.ErasureComplete, Note: "note"}, {Name: "calls"}}
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.UpdateErasure(ctx, e) })
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			if err := same("of env", e)(tx.Erasure(ctx, h.env, e.ID)); err != nil {
				return err
			}
			return same("for the job", e)(tx.ErasureByID(ctx, e.ID))
		})
		refused(t, h, parley.ErasureNotFound, func(ctx context.Context, tx store.Tx) error { _, err := tx.Erasure(ctx, h.other, e.ID); return err })
		refused(t, h, parley.ErasureNotFound, func(ctx context.Context, tx store.Tx) error { _, err := tx.ErasureByID(ctx, "none"); return err })
		refused(t, h, parley.ErasureNotFound, func(ctx context.Context, tx store.Tx) error {
			return tx.UpdateErasure(ctx, &parley.Erasure{ID: "none"})
		})
	}},
}

// erases runs one batch and expects that n items went.
func (h *house) erases(t *testing.T, n int64, batch func(ctx context.Context, tx store.Tx) (int64, error)) {
	t.Helper()
	update(t, h, func(ctx context.Context, tx store.Tx) error { return same("items that went", n)(batch(ctx, tx)) })
}

// unreachable walks every read of calls and turns after the deletion of their agent.
func unreachable(t *testing.T, h *house) {
	a := h.agent(t)
	h.training(t, a.ID)
	h.action(t, a.ID, "1")
	h.save(t, a, 1)
	c := h.call(t, a, func(c *parley.Call) { c.LeaseUntil = h.clock.Add(-time.Hour) })
	turn := h.turn(c, "secret")
	h.put(t, turn)
	h.drop(t, a)

	refused(t, h, parley.AgentNotFound, func(ctx context.Context, tx store.Tx) error { _, err := tx.Agent(ctx, h.env, a.ID); return err })
	refused(t, h, parley.CallNotFound, func(ctx context.Context, tx store.Tx) error { _, err := tx.Call(ctx, h.env, c.ID); return err })
	refused(t, h, parley.CallNotFound, func(ctx context.Context, tx store.Tx) error { _, err := tx.Call(ctx, "", c.ID); return err })
	refused(t, h, parley.CallNotFound, func(ctx context.Context, tx store.Tx) error {
		_, err := tx.CallByRef(ctx, h.env, a.ID, c.SID)
		return err
	})
	refused(t, h, parley.CallNotFound, func(ctx context.Context, tx store.Tx) error { _, err := tx.UpdateCall(ctx, c); return err })
	refused(t, h, parley.CallNotFound, func(ctx context.Context, tx store.Tx) error { return tx.AmendCall(ctx, c) })
	refused(t, h, parley.AgentNotFound, func(ctx context.Context, tx store.Tx) error { return tx.InsertCall(ctx, c) })
	h.put(t, turn, h.turn(c, "late"))
	want(t, "turns", len(h.turnsOf(t, c.ID)), 0)
	view(t, h, func(ctx context.Context, tx store.Tx) error {
		actions, err := tx.ActionsOf(ctx, a.ID)
		if err != nil {
			return err
		}
		trainings, err := tx.TrainingsOf(ctx, a.ID)
		if err != nil {
			return err
		}
		flows, err := tx.FlowVersions(ctx, a.ID)
		if err != nil {
			return err
		}
		page, total, err := tx.ListCalls(ctx, h.env, store.CallFilter{})
		if err != nil {
			return err
		}
		open, err := tx.OpenCalls(ctx, store.OpenFilter{EnvironmentID: h.env})
		if err != nil {
			return err
		}
		lost, err := tx.LostCalls(ctx, h.clock, 1000)
		if err != nil {
			return err
		}
		lost = slices.DeleteFunc(lost, func(l *parley.Call) bool { return l.ID != c.ID })
		want(t, "what is left", []int{len(trainings) + len(actions) + len(flows), len(page), total, len(open), len(lost)}, []int{0, 0, 0, 0, 0})
		return same("count", 0)(tx.CountOpenCalls(ctx, store.OpenFilter{AgentID: a.ID}))
	})
	h.erases(t, 1, func(ctx context.Context, tx store.Tx) (int64, error) {
		return tx.Erase(ctx, store.PlaceTranscripts, store.Scope{AgentID: a.ID}, 10)
	})
}

func eraseInBatches(t *testing.T, h *house) {
	a, b := h.agent(t), h.agent(t)
	for range 3 {
		c := h.call(t, a)
		h.put(t, h.turn(c, "one"), h.turn(c, "two"))
	}
	kept := h.call(t, b)
	turn := h.turn(kept, "kept")
	h.put(t, turn)
	h.drop(t, a)
	for _, n := range []int64{4, 2, 0} {
		h.erases(t, n, func(ctx context.Context, tx store.Tx) (int64, error) {
			return tx.Erase(ctx, store.PlaceTranscripts, store.Scope{AgentID: a.ID}, 4)
		})
	}
	for _, n := range []int64{2, 1, 0} {
		h.erases(t, n, func(ctx context.Context, tx store.Tx) (int64, error) {
			return tx.Erase(ctx, store.PlaceCalls, store.Scope{AgentID: a.ID}, 2)
		})
	}
	want(t, "the neighbour's turns", h.turnsOf(t, kept.ID), []parley.Turn{turn})
	view(t, h, func(ctx context.Context, tx store.Tx) error {
		return same("the neighbour's call", kept)(tx.Call(ctx, h.env, kept.ID))
	})
}

func eraseAlongAWalk(t *testing.T, h *house) {
	a, b := h.agent(t), h.agent(t)
	began := h.tick() // of two calls, so that the time alone does not tell where the walk has come to
	var all []string
	for i := range 5 {
		c := h.call(t, a, func(c *parley.Call) {
			if i < 2 {
				c.CreatedAt = began
			}
		})
		h.put(t, h.turn(c, "one"), h.turn(c, "two"), h.turn(c, "three"))
		all = append(all, c.ID)
	}
	kept := h.call(t, b)
	turn := h.turn(kept, "kept")
	h.put(t, turn)
	h.drop(t, a)
	s, after := store.Scope{AgentID: a.ID}, store.Step{}
	var seen []string
	for _, n := range []int{2, 2, 1, 0} {
		view(t, h, func(ctx context.Context, tx store.Tx) (err error) {
			s.Calls, after, err = tx.Walk(ctx, s, after, 2)
			return err
		})
		want(t, "calls", len(s.Calls), n)
		seen = append(seen, s.Calls...)
		if n == 0 {
			break
		}
		for left := int64(3 * n); left > 0; left -= 4 {
			h.erases(t, min(4, left), func(ctx context.Context, tx store.Tx) (int64, error) {
				return tx.Erase(ctx, store.PlaceTranscripts, s, 4)
			})
		}
	}
	slices.Sort(seen)
	slices.Sort(all)
	want(t, "calls in all", seen, all)
	want(t, "the neighbour's turns", h.turnsOf(t, kept.ID), []parley.Turn{turn})
}

func eraseRecordings(t *testing.T, h *house) {
	a := h.agent(t)
	for i := range 3 {
		h.call(t, a, func(c *parley.Call) {
			if i > 0 {
				c.Recording = fmt.Sprintf("%s/%d.wav", h.env, i)
			}
		})
	}
	h.drop(t, a)
	var keys []string
	for _, n := range []int{1, 1, 0} {
		update(t, h, func(ctx context.Context, tx store.Tx) error {
			some, err := tx.RecordingsOf(ctx, store.Scope{AgentID: a.ID}, "", 1)
			if err != nil || len(some) != n {
				return fmt.Errorf("got %v, %w; want %d", some, err, n)
			}
			keys = append(keys, some...)
			return same("forgotten", int64(n))(tx.ForgetRecordings(ctx, some))
		})
	}
	slices.Sort(keys)
	want(t, "keys", keys, []string{h.env + "/1.wav", h.env + "/2.wav"})
}

var jobRules = []rule{
	{"a job exists if and only if its transaction commits", func(t *testing.T, h *house) {
		a := h.agent(t)
		job := store.Job{Kind: "test", Subject: a.ID}
		_ = h.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
			if err := tx.Enqueue(ctx, job); err != nil {
				t.Error(err)
			}
			return context.Canceled
		})
		h.erasesJobs(t, a, 0)
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.Enqueue(ctx, job) })
		h.erasesJobs(t, a, 1)
		h.erasesJobs(t, a, 0)
	}},
	{"an agent's jobs are those of itself and its calls, even after these are gone", func(t *testing.T, h *house) {
		a, b := h.agent(t), h.agent(t)
		c, d := h.call(t, a), h.call(t, b)
		update(t, h, func(ctx context.Context, tx store.Tx) error {
			for _, subject := range []string{a.ID, c.ID, d.ID, "", parley.NewID()} {
				if err := tx.Enqueue(ctx, store.Job{Kind: "test", Subject: subject, RunAt: h.clock.Add(time.Hour)}); err != nil {
					return err
				}
			}
			return nil
		})
		h.drop(t, a)
		h.erases(t, 1, func(ctx context.Context, tx store.Tx) (int64, error) {
			return tx.Erase(ctx, store.PlaceCalls, store.Scope{AgentID: a.ID}, 10)
		})
		h.erasesJobs(t, a, 2)
		h.erasesJobs(t, b, 1)
	}},
	{"jobs go in bounded batches", func(t *testing.T, h *house) {
		a := h.agent(t)
		update(t, h, func(ctx context.Context, tx store.Tx) error {
			for range 5 {
				if err := tx.Enqueue(ctx, store.Job{Kind: "test", Subject: a.ID}); err != nil {
					return err
				}
			}
			return nil
		})
		for _, n := range []int64{3, 2, 0} {
			h.erases(t, n, func(ctx context.Context, tx store.Tx) (int64, error) {
				return tx.Erase(ctx, store.PlaceJobs, store.Scope{AgentID: a.ID}, 3)
			})
		}
	}},
}

func (h *house) erasesJobs(t *testing.T, a *parley.Agent, n int64) {
	t.Helper()
	h.erases(t, n, func(ctx context.Context, tx store.Tx) (int64, error) {
		return tx.Erase(ctx, store.PlaceJobs, store.Scope{AgentID: a.ID}, 100)
	})
}
