// Package erasure keeps the register of every place that can hold personal data of an agent or its callers, and empties them after
// an agent was deleted, in small batches, until each reports that nothing is left. A place that fails is tried again and shown,
// never dropped. The receipt holds places, counts and times, no personal data.
package erasure

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/jobs"
	"github.com/parley-voice/parley/internal/store"
)

const (
	// batch bounds what one transaction deletes, so that no other writer waits for long.
	batch = 200
	// retry is how long a place rests that could not be emptied yet.
	retry = time.Second
)

// Place is somewhere that personal data lies. Empty removes up to a batch of an agent's items and says how many went and whether
// the place is empty now; note says what outlives it, empty when nothing does.
type Place struct {
	Name  string
	Empty func(ctx context.Context, agentID string) (removed int64, done bool, note string, err error)
}

// Eraser empties the places of its register in their order.
type Eraser struct {
	store  store.Store
	places []Place
	log    *slog.Logger
}

// New makes an eraser of the database and the recordings; more are places that others keep, such as a log file of personal data.
// The database's own files come last, since deleting rows is what leaves bytes in them.
func New(s store.Store, blobs store.Blobs, log *slog.Logger, more ...Place) *Eraser {
	e := &Eraser{store: s, log: log}
	e.places = append([]Place{
		e.rows("transcripts", store.Tx.EraseTurns),
		e.rows("sip_messages", store.Tx.EraseSIPMessages),
		e.recordings(blobs),
		e.rows("jobs", store.Tx.EraseJobs),
		e.rows("calls", store.Tx.EraseCalls),
	}, more...)
	e.places = append(e.places, Place{Name: "database_files", Empty: e.scrub})
	return e
}

// rows is a place that is a table.
func (e *Eraser) rows(name string, erase func(store.Tx, context.Context, string, int) (int64, error)) Place {
	return Place{Name: name, Empty: func(ctx context.Context, agentID string) (n int64, done bool, note string, err error) {
		err = e.store.Update(ctx, func(ctx context.Context, tx store.Tx) (err error) {
			n, err = erase(tx, ctx, agentID, batch)
			return err
		})
		return n, n == 0 && err == nil, "", err
	}}
}

// recordings unlinks blobs first and forgets their keys after, so that a crash in between forgets none.
func (e *Eraser) recordings(blobs store.Blobs) Place {
	return Place{Name: "recordings", Empty: func(ctx context.Context, agentID string) (n int64, done bool, note string, err error) {
		var keys []string
		err = e.store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
			keys, err = tx.RecordingsOf(ctx, agentID, batch)
			return err
		})
		if err != nil || len(keys) == 0 {
			return 0, err == nil, "", err
		}
		for _, k := range keys {
			if err := blobs.Delete(ctx, k); err != nil {
				return 0, false, "", fmt.Errorf("delete a recording: %w", err)
			}
		}
		err = e.store.Update(ctx, func(ctx context.Context, tx store.Tx) (err error) {
			n, err = tx.ForgetRecordings(ctx, keys)
			return err
		})
		return n, false, "", err
	}}
}

func (e *Eraser) scrub(ctx context.Context, _ string) (n int64, done bool, note string, err error) {
	done, note, err = e.store.Scrub(ctx)
	return 0, done, note, err
}

// Begin deletes the agent with its small children, writes the receipt and enqueues the job, all in the caller's transaction, which
// holds the agent's lock and has refused what must be refused.
func (e *Eraser) Begin(ctx context.Context, tx store.Tx, agent *parley.Agent) (*parley.Erasure, error) {
	r := &parley.Erasure{
		ID: parley.NewID(), EnvironmentID: agent.EnvironmentID, AgentID: agent.ID, State: parley.ErasureRunning,
		CreatedAt: parley.Stamp(time.Now()), Places: []parley.ErasurePlace{{Name: "agent", Count: 1, State: parley.ErasureComplete}},
	}
	for _, p := range e.places {
		r.Places = append(r.Places, parley.ErasurePlace{Name: p.Name, State: parley.ErasureRunning})
	}
	if err := tx.DeleteAgent(ctx, agent.EnvironmentID, agent.ID); err != nil {
		return nil, err
	}
	if err := tx.InsertErasure(ctx, r); err != nil {
		return nil, err
	}
	return r, tx.Enqueue(ctx, store.Job{Kind: jobs.EraseAgent, Subject: r.ID})
}

// Get reads a receipt.
func (e *Eraser) Get(ctx context.Context, actor parley.Actor, id string) (r *parley.Erasure, err error) {
	if err := actor.Require(parley.ReadErasures); err != nil {
		return nil, err
	}
	err = e.store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		r, err = tx.Erasure(ctx, actor.EnvironmentID, id)
		return err
	})
	return r, err
}

// Handle is the job of one receipt: it empties place after place and writes down how far it came. What it could not empty it asks
// to try again.
func (e *Eraser) Handle(ctx context.Context, id string) error {
	var r *parley.Erasure
	err := e.store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		r, err = tx.ErasureByID(ctx, id)
		return err
	})
	if parley.CodeOf(err) == parley.ErasureNotFound {
		return nil
	}
	if err != nil || r.State == parley.ErasureComplete {
		return err
	}
	var faults []error
	for _, p := range e.places {
		entry := r.Place(p.Name)
		if entry.State == parley.ErasureComplete && p.Name != "database_files" {
			continue
		}
		if err := e.empty(ctx, p, r, entry); err != nil {
			e.log.Warn("a place is not empty yet", "erasure", r.ID, "agent", r.AgentID, "place", p.Name, "error", err)
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		return jobs.Again{After: retry}
	}
	return e.complete(ctx, r)
}

var errBusy = errors.New("in use at the moment")

// empty works on one place until it is empty, and keeps the count in the receipt batch by batch.
func (e *Eraser) empty(ctx context.Context, p Place, r *parley.Erasure, entry *parley.ErasurePlace) error {
	for {
		n, done, note, err := p.Empty(ctx, r.AgentID)
		if err != nil {
			return err
		}
		entry.Count += n
		entry.Note = note
		if done {
			entry.State = parley.ErasureComplete
		}
		if err := e.save(ctx, r); err != nil {
			return err
		}
		if done {
			return nil
		}
		if n == 0 {
			return errBusy
		}
	}
}

func (e *Eraser) save(ctx context.Context, r *parley.Erasure) error {
	return e.store.Update(ctx, func(ctx context.Context, tx store.Tx) error { return tx.UpdateErasure(ctx, r) })
}

func (e *Eraser) complete(ctx context.Context, r *parley.Erasure) error {
	now := parley.Stamp(time.Now())
	r.State, r.CompletedAt = parley.ErasureComplete, &now
	if err := e.save(ctx, r); err != nil {
		return err
	}
	e.log.Info("erasure complete", "erasure", r.ID, "agent", r.AgentID)
	return nil
}
