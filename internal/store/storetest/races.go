package storetest

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// both runs two transactions at once, either one started first, and returns how they ended.
func both(t *testing.T, s store.Store, one, two func(ctx context.Context, tx store.Tx) error) (first, second error) {
	t.Helper()
	var wg sync.WaitGroup
	gate := make(chan struct{})
	runs := []func(){func() { first = s.Update(t.Context(), one) }, func() { second = s.Update(t.Context(), two) }}
	if rand.IntN(2) == 0 {
		slices.Reverse(runs)
	}
	for _, run := range runs {
		wg.Go(func() { <-gate; run() })
	}
	close(gate)
	wg.Wait()
	return first, second
}

// erase is the first step of a deletion, with its refusals.
func erase(env, id string) func(ctx context.Context, tx store.Tx) error {
	return func(ctx context.Context, tx store.Tx) error {
		a, err := tx.LockAgent(ctx, env, id)
		if err != nil {
			return err
		}
		n, err := tx.CountOpenCalls(ctx, store.OpenFilter{AgentID: id})
		switch {
		case err != nil:
			return err
		case n > 0:
			return parley.Errorf(parley.AgentHasActiveCalls, "%d", n)
		case a.Status == parley.Published:
			return parley.Errorf(parley.AgentIsPublished, "published")
		}
		e := &parley.Erasure{ID: parley.NewID(), EnvironmentID: env, AgentID: id, State: parley.ErasureRunning, CreatedAt: a.CreatedAt}
		if err := tx.InsertErasure(ctx, e); err != nil {
			return err
		}
		if err := tx.Enqueue(ctx, store.Job{Kind: "erase", Subject: e.ID}); err != nil {
			return err
		}
		return tx.DeleteAgent(ctx, env, id)
	}
}

// RaceCallAgainstDelete lets a call start and its agent's deletion meet, n times: exactly one of them wins.
func RaceCallAgainstDelete(t *testing.T, s store.Store, n int) {
	h := newHouse(t, s)
	calls := 0
	for range n {
		a := h.agent(t)
		c := &parley.Call{ID: parley.NewID(), EnvironmentID: h.env, AgentID: a.ID, Status: parley.CallRinging, CreatedAt: h.tick(), UpdatedAt: h.clock}
		start := func(ctx context.Context, tx store.Tx) error {
			if _, err := tx.LockAgent(ctx, h.env, a.ID); err != nil {
				return err
			}
			return tx.InsertCall(ctx, c)
		}
		started, deleted := both(t, s, start, erase(h.env, a.ID))
		switch {
		case started == nil && parley.CodeOf(deleted) == parley.AgentHasActiveCalls:
			calls++
			view(t, s, func(ctx context.Context, tx store.Tx) error { _, err := tx.Call(ctx, h.env, c.ID); return err })
		case deleted == nil && parley.CodeOf(started) == parley.AgentNotFound:
		default:
			t.Fatalf("the call: %v; the deletion: %v", started, deleted)
		}
	}
	t.Logf("of %d rounds the call won %d", n, calls)
}

// RacePublishAgainstDelete lets a publication and a deletion of an agent meet, n times: exactly one of them wins.
func RacePublishAgainstDelete(t *testing.T, s store.Store, n int) {
	h := newHouse(t, s)
	published := 0
	for range n {
		a := h.agent(t)
		publish := func(ctx context.Context, tx store.Tx) error {
			locked, err := tx.LockAgent(ctx, h.env, a.ID)
			if err != nil {
				return err
			}
			locked.Status = parley.Published
			return tx.UpdateAgent(ctx, locked)
		}
		first, second := both(t, s, publish, erase(h.env, a.ID))
		switch {
		case first == nil && parley.CodeOf(second) == parley.AgentIsPublished:
			published++
		case second == nil && parley.CodeOf(first) == parley.AgentNotFound:
		default:
			t.Fatalf("the publication: %v; the deletion: %v", first, second)
		}
	}
	t.Logf("of %d rounds the publication won %d", n, published)
}

// lockedCounter counts in an agent's name from several transactions: without the lock some would read the same number.
func lockedCounter(t *testing.T, h *house) {
	a := h.agent(t, func(a *parley.Agent) { a.Name = "0" })
	const counters, each = 8, 10
	var wg sync.WaitGroup
	for range counters {
		wg.Go(func() {
			for range each {
				err := h.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
					locked, err := tx.LockAgent(ctx, h.env, a.ID)
					if err != nil {
						return err
					}
					n, err := strconv.Atoi(locked.Name)
					if err != nil {
						return err
					}
					locked.Name = strconv.Itoa(n + 1)
					return tx.UpdateAgent(ctx, locked)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	view(t, h, func(ctx context.Context, tx store.Tx) error {
		got, err := tx.Agent(ctx, h.env, a.ID)
		if err == nil {
			want(t, "count", got.Name, strconv.Itoa(counters*each))
		}
		return err
	})
}

// turnAgainstErasure writes a turn while everything around it is erased, and then makes the same call again to look below it.
func turnAgainstErasure(t *testing.T, h *house, n int) {
	for range n {
		a := h.agent(t)
		c := h.call(t, a)
		turn := h.turn(c, "late")
		write := func(ctx context.Context, tx store.Tx) error { return tx.PutTurns(ctx, []parley.Turn{turn}) }
		wipe := func(ctx context.Context, tx store.Tx) error {
			if err := tx.DeleteAgent(ctx, h.env, a.ID); err != nil {
				return err
			}
			if _, err := tx.Erase(ctx, store.PlaceTranscripts, store.Scope{AgentID: a.ID}, 10); err != nil {
				return err
			}
			_, err := tx.Erase(ctx, store.PlaceCalls, store.Scope{AgentID: a.ID}, 10)
			return err
		}
		if wrote, wiped := both(t, h, write, wipe); wrote != nil || wiped != nil {
			t.Fatalf("writing: %v; erasing: %v", wrote, wiped)
		}
		update(t, h, func(ctx context.Context, tx store.Tx) error {
			if err := tx.InsertAgent(ctx, a); err != nil {
				return err
			}
			return tx.InsertCall(ctx, c)
		})
		want(t, "turns below the erased call", len(h.turnsOf(t, c.ID)), 0)
	}
}
