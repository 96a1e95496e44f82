package erasure

import (
	"context"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// pace fits the batches to the time that one of them may hold the database, whose only writer, on SQLite, others wait for.
type pace struct{ rows, calls int }

const (
	holdFor             = 20 * time.Millisecond
	longestRest         = 20 * time.Millisecond
	fewRows, mostRows   = 25, 5000
	fewCalls, mostCalls = 1, 500
)

// took notes how long a batch held the database.
func (p *pace) took(d time.Duration) {
	switch {
	case d > holdFor:
		p.rows, p.calls = max(p.rows/2, fewRows), max(p.calls/2, fewCalls)
	case d < holdFor/2:
		p.rows, p.calls = min(p.rows*2, mostRows), min(p.calls*2, mostCalls)
	}
}

// emptyRows deletes the rows of a place along the calls that they belong to. Once along all is enough: nothing is written below what an erasure
// has begun with.
func (e *Eraser) emptyRows(ctx context.Context, p store.Place, r *parley.Erasure, entry *parley.ErasurePlace) error {
	speed := pace{rows: 200, calls: 20}
	s := scope(r)
	if p == store.PlaceCalls || p == store.PlaceJobs && r.AgentID != "" { // found without their calls
		if err := e.drain(ctx, p, s, r, entry, &speed); err != nil {
			return err
		}
	} else {
		for after := (store.Step{}); ; {
			var err error
			if s.Calls, after, err = e.walk(ctx, s, after, speed.calls); err != nil {
				return err
			}
			if len(s.Calls) == 0 {
				break
			}
			if err := e.drain(ctx, p, s, r, entry, &speed); err != nil {
				return err
			}
		}
	}
	entry.State = parley.ErasureComplete
	return e.save(ctx, r)
}

// drain deletes batches until none is left of a scope, and keeps the count in the receipt in the same transactions. It rests half as long as
// it works, so that calls find the processor free on a small machine.
func (e *Eraser) drain(ctx context.Context, p store.Place, s store.Scope, r *parley.Erasure, entry *parley.ErasurePlace, speed *pace) error {
	for {
		begun := time.Now()
		if n, err := e.erase(ctx, p, s, r, entry, speed); err != nil || n == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(min(time.Since(begun)/2, longestRest)):
		}
	}
}

func (e *Eraser) walk(ctx context.Context, s store.Scope, after store.Step, limit int) (ids []string, next store.Step, err error) {
	err = e.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		ids, next, err = tx.Walk(ctx, s, after, limit)
		return err
	})
	return ids, next, err
}

// erase deletes a batch and counts it in the receipt.
func (e *Eraser) erase(ctx context.Context, p store.Place, s store.Scope, r *parley.Erasure, entry *parley.ErasurePlace, speed *pace) (n int64, err error) {
	var begun time.Time
	counted := entry.Count
	err = e.Store.Update(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		begun = time.Now()
		if n, err = tx.Erase(ctx, p, s, speed.rows); err != nil || n == 0 {
			return err
		}
		entry.Count = counted + n
		return tx.UpdateErasure(ctx, r)
	})
	if err != nil {
		entry.Count = counted
		return 0, err
	}
	speed.took(time.Since(begun))
	return n, nil
}
