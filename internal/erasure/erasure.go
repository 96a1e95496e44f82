// Package erasure keeps the register of every place that can hold personal data of an agent or its callers, and empties them after
// an agent was deleted or a caller asked for it, in small batches, until each reports that nothing is left. A place that fails is tried
// again and shown, never dropped. The receipt holds places, counts and times, no personal data, and is signed; a ledger outside the
// database keeps what was erased, so that a restored backup is erased again.
package erasure

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/jobs"
	"github.com/parley-voice/parley/internal/store"
)

const (
	// batch is how many recordings are unlinked at a time.
	batch = 200
	// retry is how long a place rests that could not be emptied yet.
	retry = time.Second
)

// Names of places that are not the database's.
const (
	placeAgent      = "agent"
	placeLedger     = "ledger"
	placeOpenCalls  = "open_calls"
	placeKeys       = "keys"
	placeRecordings = "recordings"
	placeExports    = "exports"
	placeFiles      = "database_files"
)

// Deps are what the room uses.
type Deps struct {
	Store  store.Store
	Blobs  store.Blobs
	Ledger Ledger
	Keys   interface {
		// Destroy removes the key that seals an agent's transcripts and recordings, and says whether there was one.
		Destroy(agentID string) (bool, error)
		// Old returns the agents whose keys were made before a time.
		Old(before time.Time) ([]string, error)
	}
	Node string // names this process, as open calls do
	// HangUp ends the calls of an agent on this node and says how many are still up.
	HangUp   func(agentID string) int
	Signer   Signer
	Log      *slog.Logger
	Archives archives
	// NewToken makes the token of an archive and the hash that is kept of it; HashToken makes that again.
	NewToken  func() (token, hash string)
	HashToken func(token string) string
	ExportFor time.Duration // how long an archive can be fetched
	// More are places that others keep, such as a log file of personal data.
	More []Place
	// Unreadable says what backups show of an agent whose key is destroyed at a time; nil when that depends on where its copies lie.
	Unreadable func(at time.Time) string
}

// Place is somewhere that personal data lies.
type Place struct {
	Name string
	// Empty removes up to a batch of a scope's items and says how many went and whether the place is empty now; note says what
	// outlives it, empty when nothing does.
	Empty func(ctx context.Context, r *parley.Erasure) (removed int64, done bool, note string, err error)
	// Measure counts an agent's items and their bytes for a preview; nil for a place that is emptied whole.
	Measure func(ctx context.Context, agentID string) (items, bytes int64, err error)
	// Outside says that the place is beyond reach: the receipt names what lies there, and nothing of it is emptied.
	Outside bool

	rows store.Place // of the database; Empty is nil then
}

// Eraser empties the places of its register in their order.
type Eraser struct {
	Deps
	places   []Place
	sweeping sweeping
	packing  sync.Mutex
}

// New makes an eraser. The database's own files come last, since deleting rows is what leaves bytes in them.
func New(d Deps) *Eraser {
	e := &Eraser{Deps: d}
	e.places = append([]Place{
		{Name: placeLedger, Empty: e.enter},
		{Name: placeOpenCalls, Empty: e.hangUp},
		{Name: placeKeys, Empty: e.destroyKey},
		e.rows(store.PlaceTranscripts),
		e.rows(store.PlaceCallActions),
		e.rows(store.PlaceSIPMessages),
		{Name: placeRecordings, Empty: e.emptyRecordings, Measure: e.measureRecordings},
		e.rows(store.PlaceDeliveries),
		e.rows(store.PlaceHookLogs),
		e.rows(store.PlaceJobs),
		e.rows(store.PlaceCalls),
	}, d.More...)
	e.places = append(e.places, Place{Name: placeExports, Empty: e.emptyExports}, Place{Name: placeFiles, Empty: e.scrub})
	return e
}

func scope(r *parley.Erasure) store.Scope {
	if r.AgentID != "" {
		return store.Scope{AgentID: r.AgentID}
	}
	return store.Scope{ErasureID: r.ID}
}

// rows is a place of the database.
func (e *Eraser) rows(p store.Place) Place {
	return Place{
		Name: string(p), rows: p,
		Measure: func(ctx context.Context, agentID string) (items, bytes int64, err error) {
			err = e.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
				items, bytes, err = tx.Measure(ctx, p, store.Scope{AgentID: agentID})
				return err
			})
			return items, bytes, err
		},
	}
}

// destroyKey comes before the bytes go: from then on transcripts and recordings can be read nowhere, backups included, unless the backup
// holds the directory of keys too.
func (e *Eraser) destroyKey(_ context.Context, r *parley.Erasure) (n int64, done bool, note string, err error) {
	if r.AgentID == "" {
		return 0, true, "", nil
	}
	gone, err := e.Keys.Destroy(r.AgentID)
	if gone {
		n = 1
	}
	note = "transcripts and recordings in backups can be read only with a copy of the keys directory"
	if e.Unreadable != nil {
		note = e.Unreadable(time.Now())
	}
	return n, err == nil, note, err
}

func (e *Eraser) blobKeys(ctx context.Context, s store.Scope, after string) (keys []string, err error) {
	err = e.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		keys, err = tx.RecordingsOf(ctx, s, after, batch)
		return err
	})
	return keys, err
}

// emptyRecordings unlinks blobs first and forgets their keys after, so that a crash in between forgets none.
func (e *Eraser) emptyRecordings(ctx context.Context, r *parley.Erasure) (n int64, done bool, note string, err error) {
	keys, err := e.blobKeys(ctx, scope(r), "")
	if err != nil || len(keys) == 0 {
		return 0, err == nil, "", err
	}
	for _, k := range keys {
		if err := e.Blobs.Delete(ctx, k); err != nil {
			return 0, false, "", fmt.Errorf("delete a recording: %w", err)
		}
	}
	err = e.Store.Update(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		n, err = tx.ForgetRecordings(ctx, keys)
		return err
	})
	return n, false, "", err
}

func (e *Eraser) measureRecordings(ctx context.Context, agentID string) (items, bytes int64, err error) {
	for after := ""; ; {
		keys, err := e.blobKeys(ctx, store.Scope{AgentID: agentID}, after)
		if err != nil || len(keys) == 0 {
			return items, bytes, err
		}
		for _, k := range keys {
			f, size, err := e.Blobs.Open(ctx, k)
			if errors.Is(err, store.ErrNoBlob) {
				continue
			}
			if err != nil {
				return items, bytes, err
			}
			_ = f.Close()
			items, bytes = items+1, bytes+size
		}
		after = keys[len(keys)-1]
	}
}

func (e *Eraser) scrub(ctx context.Context, _ *parley.Erasure) (n int64, done bool, note string, err error) {
	done, note, err = e.Store.Scrub(ctx)
	return 0, done, note, err
}

// hangUpWithin is how long calls of other nodes may go on that had begun before the agent was deleted by force.
const hangUpWithin = 30 * time.Second

// hangUp ends what is still up of an agent that was deleted by force. Other nodes see at their next renewal that the agent is gone.
func (e *Eraser) hangUp(ctx context.Context, r *parley.Erasure) (n int64, done bool, note string, err error) {
	up, holders, err := e.stillUp(ctx, r)
	if up { // what this node still writes of calls that have ended finds nothing any more
		up = len(holders) == 0 || slices.ContainsFunc(holders, func(node string) bool { return node != e.Node })
	}
	return 0, !up && err == nil, "", err
}

// stillUp ends the calls of an agent on this node and says whether any is up, or not yet written down as ended by the nodes that it names.
// It gives up on calls after a while.
func (e *Eraser) stillUp(ctx context.Context, r *parley.Erasure) (up bool, holders []string, err error) {
	if r.AgentID == "" || time.Since(r.CreatedAt) > hangUpWithin {
		return false, nil, nil
	}
	if e.HangUp(r.AgentID) > 0 {
		return true, nil, nil
	}
	err = e.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		holders, err = tx.HoldersOf(ctx, r.AgentID)
		return err
	})
	holders = slices.DeleteFunc(holders, func(node string) bool { return node == "" }) // delayed calls that nobody dialled yet
	return len(holders) > 0, holders, err
}

// Handle is the job of one receipt: it empties place after place and writes down how far it came. What it could not empty it asks
// to try again.
func (e *Eraser) Handle(ctx context.Context, id string) error {
	r, err := e.byID(ctx, id)
	if err != nil || r == nil || r.State != parley.ErasureRunning {
		return err
	}
	var faults []error
	waits := false
	for _, p := range e.places {
		entry := r.Place(p.Name)
		if entry.State == parley.ErasureComplete && (p.Name != placeFiles || waits) {
			continue
		}
		if err := e.empty(ctx, p, r, entry); errors.Is(err, errWaits) {
			waits = true
		} else if err != nil {
			e.Log.Warn("a place is not empty yet", "erasure", r.ID, "agent", r.AgentID, "place", p.Name, "error", err)
			faults = append(faults, err)
			if p.Name == placeOpenCalls {
				break // what follows would be written again
			}
		}
	}
	switch {
	case len(faults) > 0:
		return jobs.Again{After: retry}
	case waits:
		return jobs.Again{After: lookEvery}
	}
	return e.complete(ctx, r)
}

var errBusy = errors.New("in use at the moment")

// empty works on one place until it is empty, and keeps the count in the receipt batch by batch.
func (e *Eraser) empty(ctx context.Context, p Place, r *parley.Erasure, entry *parley.ErasurePlace) error {
	if p.rows != "" {
		return e.emptyRows(ctx, p.rows, r, entry)
	}
	for {
		n, done, note, err := p.Empty(ctx, r)
		waits := errors.Is(err, errWaits)
		if err != nil && (!waits || entry.Note == note) {
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
		switch {
		case done:
			return nil
		case waits:
			return errWaits
		case n == 0:
			return errBusy
		}
	}
}

func (e *Eraser) save(ctx context.Context, r *parley.Erasure) error {
	return e.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error { return tx.UpdateErasure(ctx, r) })
}

func (e *Eraser) complete(ctx context.Context, r *parley.Erasure) error {
	now := parley.Stamp(time.Now())
	r.State, r.CompletedAt = parley.ErasureComplete, &now
	if err := e.save(ctx, r); err != nil {
		return err
	}
	e.Log.Info("erasure complete", "erasure", r.ID, "agent", r.AgentID)
	return nil
}
