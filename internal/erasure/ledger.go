package erasure

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// Entry is a line of the ledger: what was erased, by ids and keyed hashes alone.
type Entry struct {
	Seq           int64     `json:"seq"` // from 1
	At            time.Time `json:"at"`
	ErasureID     string    `json:"erasure_id"`
	EnvironmentID string    `json:"environment_id"`
	AgentID       string    `json:"agent_id,omitempty"`
	CallerHash    string    `json:"caller_hash,omitempty"`
}

// Ledger is an append-only, chained list outside the database.
type Ledger interface {
	// ID tells ledgers apart.
	ID() string
	// Append adds an entry, unless one of its erasure is there, and returns when it is on the disk. It fills Seq.
	Append(e Entry) (seq int64, err error)
	// Head is the number of the last entry; 0 when there is none.
	Head() int64
	// After returns the entries after a number, oldest first.
	After(seq int64) ([]Entry, error)
}

// Enter writes an erasure into the ledger right after its commit. When that fails the job of the erasure tries again, and the receipt shows it.
func (e *Eraser) Enter(ctx context.Context, r *parley.Erasure) {
	if _, _, _, err := e.enter(ctx, r); err != nil {
		e.Log.Error("erasure not entered into the ledger yet", "erasure", r.ID, "error", err)
	}
}

// enter is a place of the register: done once the ledger holds the erasure and the database knows how far the ledger has come.
func (e *Eraser) enter(ctx context.Context, r *parley.Erasure) (n int64, done bool, note string, err error) {
	seq, err := e.Ledger.Append(Entry{
		At: r.CreatedAt, ErasureID: r.ID, EnvironmentID: r.EnvironmentID, AgentID: r.AgentID, CallerHash: r.CallerHash,
	})
	if err != nil {
		return 0, false, "", fmt.Errorf("ledger of erasures: %w", err)
	}
	err = e.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error { return e.advance(ctx, tx, seq) })
	return 0, err == nil, "", err
}

// mark is where the database keeps how far this node's ledger had come.
func (e *Eraser) mark() string { return "erasure_ledger:" + e.Node }

func (e *Eraser) advance(ctx context.Context, tx store.Tx, seq int64) error {
	id, known, err := e.known(ctx, tx)
	if err != nil || id == e.Ledger.ID() && known >= seq {
		return err
	}
	return tx.SetMeta(ctx, e.mark(), e.Ledger.ID()+" "+strconv.FormatInt(seq, 10))
}

// known is the ledger that the database has seen of this node, and its last entry then; empty when none.
func (e *Eraser) known(ctx context.Context, tx store.Tx) (id string, seq int64, err error) {
	v, err := tx.Meta(ctx, e.mark())
	if err != nil || v == "" {
		return "", 0, err
	}
	id, n, _ := strings.Cut(v, " ")
	seq, err = strconv.ParseInt(n, 10, 64)
	return id, seq, err
}

// ErrOldLedger says that erasures which the database knows are missing in the ledger.
var ErrOldLedger = errors.New("the ledger of erasures is older than the database: restore the newest copy of it (erasure.ledger, erasure.ledger_copy)")

// Reconcile compares ledger and database at the start. A ledger that is older is refused; when the database is, since a backup was restored,
// what the ledger knows is erased again.
func (e *Eraser) Reconcile(ctx context.Context) (again int, err error) {
	var id string
	var seq int64
	err = e.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		id, seq, err = e.known(ctx, tx)
		return err
	})
	if err != nil {
		return 0, err
	}
	if id != "" && (id != e.Ledger.ID() || seq > e.Ledger.Head()) {
		return 0, ErrOldLedger
	}
	entries, err := e.Ledger.After(seq)
	if err != nil {
		return 0, err
	}
	again, err = e.Replay(ctx, entries)
	if err != nil {
		return again, err
	}
	err = e.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		return errors.Join(e.advance(ctx, tx, e.Ledger.Head()), e.meet(ctx, tx))
	})
	return again, err
}

// Replay erases again what entries of a ledger say, and returns how many of them there was something left of.
func (e *Eraser) Replay(ctx context.Context, entries []Entry) (again int, err error) {
	for _, entry := range entries {
		r, err := e.repeat(ctx, entry)
		if err != nil {
			return again, fmt.Errorf("erase again what entry %d of the ledger says: %w", entry.Seq, err)
		}
		if err := e.forgetArchive(ctx, entry); err != nil {
			return again, err
		}
		if r != nil {
			again++
			e.Log.Warn("erasing again what a restored backup brought back", "erasure", r.ID, "entry", entry.Seq)
			e.Enter(ctx, r)
		}
	}
	return again, nil
}

// forgetArchive removes the archive of an erasure whose receipt the backup does not know: nobody can fetch it any more.
func (e *Eraser) forgetArchive(ctx context.Context, entry Entry) error {
	known, err := e.byID(ctx, entry.ErasureID)
	if err != nil || known != nil {
		return err
	}
	_, err = e.Archives.Remove(ctx, entry.ErasureID)
	return err
}

// repeat begins the erasure of an entry once more if there is anything of it; nil when there is not. Of a caller it takes the calls that began
// before it, also those that a backup shows as open, since none was then; what he said since is not meant.
func (e *Eraser) repeat(ctx context.Context, entry Entry) (r *parley.Erasure, err error) {
	if entry.CallerHash != "" {
		phone, err := e.callerOf(ctx, entry)
		if err != nil || phone == "" {
			return nil, err
		}
		err = e.Store.Update(ctx, func(ctx context.Context, tx store.Tx) (err error) {
			r, err = e.claim(ctx, tx, entry.EnvironmentID, phone, entry.At)
			return err
		})
		return r, err
	}
	err = e.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		agent, err := tx.LockAgent(ctx, entry.EnvironmentID, entry.AgentID)
		if parley.CodeOf(err) == parley.AgentNotFound {
			r, err = e.eraseHeld(ctx, tx, entry)
			return err // what may lie below one that is gone has its job still
		}
		if err != nil {
			return err
		}
		r, err = e.Begin(ctx, tx, agent)
		return err
	})
	return r, err
}

// eraseHeld begins the erasure of an agent that an export held when the backup was made: it was packed long ago, and is not packed again.
func (e *Eraser) eraseHeld(ctx context.Context, tx store.Tx, entry Entry) (*parley.Erasure, error) {
	_, by, err := tx.LockHeld(ctx, entry.AgentID)
	if parley.CodeOf(err) == parley.AgentNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := tx.ErasureByID(ctx, by)
	if err != nil || r.EnvironmentID != entry.EnvironmentID {
		return nil, err
	}
	r.Export = &parley.Export{State: parley.ExportExpired}
	return r, e.release(ctx, tx, r)
}

// callersAtOnce is how many numbers are compared with a hash at a time.
const callersAtOnce = 1000

// callerOf finds the number of a hash among the callers that the database knows; empty when it is none of them.
func (e *Eraser) callerOf(ctx context.Context, entry Entry) (string, error) {
	for after := ""; ; {
		var phones []string
		err := e.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
			phones, err = tx.CallersOf(ctx, entry.EnvironmentID, after, entry.At, callersAtOnce)
			return err
		})
		if err != nil || len(phones) == 0 {
			return "", err
		}
		for _, p := range phones {
			if e.callerHash(entry.EnvironmentID, p) == entry.CallerHash {
				return p, nil
			}
		}
		after = phones[len(phones)-1]
	}
}
