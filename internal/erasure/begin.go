package erasure

import (
	"context"
	"slices"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/jobs"
	"github.com/parley-voice/parley/internal/store"
)

// Begin deletes the agent with its small children, writes the receipt and enqueues the job, all in the caller's transaction, which
// holds the agent's lock and has refused what must be refused. Enter follows the commit.
func (e *Eraser) Begin(ctx context.Context, tx store.Tx, agent *parley.Agent) (*parley.Erasure, error) {
	r := e.receipt(agent.EnvironmentID)
	r.AgentID, r.Places = agent.ID, e.placesOf(agent.ID)
	if err := tx.DeleteAgent(ctx, agent.EnvironmentID, agent.ID); err != nil {
		return nil, err
	}
	return r, begin(ctx, tx, r)
}

// EraseCaller erases the calls of one caller, with whichever agent of the environment. Open calls refuse it.
func (e *Eraser) EraseCaller(ctx context.Context, actor parley.Actor, phone string, faults parley.Faults) (r *parley.Erasure, err error) {
	if err := actor.Require(parley.WriteErasures); err != nil {
		return nil, err
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	err = e.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		n, err := tx.CountOpenCalls(ctx, store.OpenFilter{EnvironmentID: actor.EnvironmentID, Phone: phone})
		if err != nil {
			return err
		}
		if n > 0 {
			return parley.Errorf(parley.CallerHasActiveCalls, "the caller is on %d calls", n)
		}
		r, err = e.claim(ctx, tx, actor.EnvironmentID, phone, time.Time{})
		return err
	})
	if err == nil {
		e.Enter(ctx, r)
	}
	return r, err
}

// claim begins the erasure of a caller in a transaction: of his finished calls, or of all that began before a time.
func (e *Eraser) claim(ctx context.Context, tx store.Tx, env, phone string, before time.Time) (*parley.Erasure, error) {
	r := e.receipt(env)
	r.CallerHash = e.callerHash(env, phone)
	if _, err := tx.ClaimCalls(ctx, env, phone, r.ID, before); err != nil {
		return nil, err
	}
	return r, begin(ctx, tx, r)
}

// callerHash stands for a number where none may be.
func (e *Eraser) callerHash(env, phone string) string {
	return e.Signer.Sign("erased caller", env, phone)
}

func (e *Eraser) receipt(env string) *parley.Erasure {
	return &parley.Erasure{
		ID: parley.NewID(), EnvironmentID: env, State: parley.ErasureRunning, CreatedAt: parley.Stamp(time.Now()), Places: e.placesOf(""),
	}
}

// placesOf are the entries of a receipt at its beginning; that of an agent has gone with the transaction.
func (e *Eraser) placesOf(agentID string) (list []parley.ErasurePlace) {
	if agentID != "" {
		list = append(list, parley.ErasurePlace{Name: placeAgent, Count: 1, State: parley.ErasureComplete})
	}
	for _, p := range e.places {
		list = append(list, parley.ErasurePlace{Name: p.Name, State: parley.ErasureRunning})
	}
	return list
}

func begin(ctx context.Context, tx store.Tx, r *parley.Erasure) error {
	if err := tx.InsertErasure(ctx, r); err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{Kind: jobs.EraseAgent, Subject: r.ID})
}

// Get reads a receipt.
func (e *Eraser) Get(ctx context.Context, actor parley.Actor, id string) (r *parley.Erasure, err error) {
	if err := actor.Require(parley.ReadErasures); err != nil {
		return nil, err
	}
	err = e.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		r, err = tx.Erasure(ctx, actor.EnvironmentID, id)
		return err
	})
	return r, err
}

// List returns a page of receipts, newest first, and the number of all matches. A phone number narrows it to the erasures of that caller.
func (e *Eraser) List(ctx context.Context, actor parley.Actor, f store.ErasureFilter, phone string) (list []*parley.Erasure, total int, err error) {
	if err := actor.Require(parley.ReadErasures); err != nil {
		return nil, 0, err
	}
	if phone != "" {
		f.CallerHash = e.callerHash(actor.EnvironmentID, phone)
	}
	err = e.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		list, total, err = tx.ListErasures(ctx, actor.EnvironmentID, f)
		return err
	})
	return list, total, err
}

// Measure says what a deletion of an agent would empty. It changes nothing.
func (e *Eraser) Measure(ctx context.Context, agentID string) ([]parley.PlaceSize, error) {
	var list []parley.PlaceSize
	for _, p := range e.places {
		if slices.Contains([]string{placeLedger, placeOpenCalls, placeKeys, placeExports}, p.Name) || p.Outside {
			continue
		}
		m := parley.PlaceSize{Name: p.Name, Whole: p.Measure == nil}
		if p.Measure != nil {
			var err error
			if m.Items, m.Bytes, err = p.Measure(ctx, agentID); err != nil {
				return nil, err
			}
		}
		list = append(list, m)
	}
	return list, nil
}
