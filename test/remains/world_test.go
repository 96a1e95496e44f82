package remains

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/agents"
	"github.com/parley-voice/parley/internal/blobs"
	"github.com/parley-voice/parley/internal/envelope"
	"github.com/parley-voice/parley/internal/erasure"
	"github.com/parley-voice/parley/internal/ledger"
	"github.com/parley-voice/parley/internal/secrets"
	"github.com/parley-voice/parley/internal/sqlstore"
	"github.com/parley-voice/parley/internal/sqlstore/pgtest"
	"github.com/parley-voice/parley/internal/store"
	"github.com/parley-voice/parley/internal/webhooks"
)

// TestMain stops the PostgreSQL of the tests at their end.
func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// engine makes databases: empty ones, and copies of those that nobody has open.
type engine interface {
	// options says where the house in a directory keeps its database.
	options(dir, database string) sqlstore.Options
	// fork copies a database; of SQLite it lies in the directory and comes along with it.
	fork(from, to string) error
	drop(database string) error
	// dump is the content of a database that does not lie in the directory.
	dump(database string) ([]byte, error)
}

type sqlite struct{}

func (sqlite) options(dir, _ string) sqlstore.Options { return sqlstore.Options{DataDir: dir} }
func (sqlite) fork(string, string) error              { return nil }
func (sqlite) drop(string) error                      { return nil }
func (sqlite) dump(string) ([]byte, error)            { return nil, nil }

// postgres names databases of one server; base is the URL of one that is not used.
type postgres struct{ base string }

func (p postgres) url(database string) string {
	before, after, _ := strings.Cut(p.base, "?")
	return before[:strings.LastIndex(before, "/")+1] + database + "?" + after
}

func (p postgres) options(_, database string) sqlstore.Options {
	return sqlstore.Options{URL: p.url(database)}
}

func (p postgres) fork(from, to string) error {
	return p.exec("CREATE DATABASE " + to + " TEMPLATE " + from)
}

func (p postgres) drop(database string) error { return p.exec("DROP DATABASE " + database) }

func (p postgres) exec(statement string) error {
	db, err := sql.Open("pgx", p.base)
	if err != nil {
		return err
	}
	_, err = db.Exec(statement)
	return errors.Join(err, db.Close())
}

func (p postgres) dump(database string) ([]byte, error) {
	return exec.Command("pg_dump", "--data-only", "--dbname", p.url(database)).Output()
}

var errCrashed = errors.New("the process was killed")

// watched is a store that keeps what jobs were enqueued, since nothing works on them by itself, and that ends the process, so to speak,
// after some transactions.
type watched struct {
	store.Store
	left *atomic.Int64 // transactions; below 0 there is no end
	jobs *[]store.Job
}

// tx is a transaction whose jobs are noted when it commits.
type tx struct {
	store.Tx
	jobs []store.Job
}

func (t *tx) Enqueue(ctx context.Context, j store.Job) error {
	t.jobs = append(t.jobs, j)
	return t.Tx.Enqueue(ctx, j)
}

func (w watched) Update(ctx context.Context, fn func(context.Context, store.Tx) error) error {
	if n := w.left.Load(); n == 0 {
		return errCrashed
	} else if n > 0 {
		w.left.Add(-1)
	}
	t := &tx{}
	err := w.Store.Update(ctx, func(ctx context.Context, inner store.Tx) error {
		t.Tx, t.jobs = inner, nil
		return fn(ctx, t)
	})
	if err == nil {
		*w.jobs = append(*w.jobs, t.jobs...)
	}
	return err
}

func (w watched) View(ctx context.Context, fn func(context.Context, store.Tx) error) error {
	if w.left.Load() == 0 {
		return errCrashed
	}
	return w.Store.View(ctx, fn)
}

// house is a running server without its doors.
type house struct {
	db     *sqlstore.Store
	store  store.Store
	files  *blobs.Dir
	blobs  store.Blobs
	keys   *envelope.Keys
	eraser *erasure.Eraser
	room   *agents.Agents
	hooks  *webhooks.Webhooks
	left   atomic.Int64

	exports    *blobs.Dir
	exportKeys *envelope.Keys
	disk       *disk
}

// world is a house, what it stands on, and what is known of its past.
type world struct {
	t        fataler
	on       engine
	root     string // of all directories
	dir      string // data directory
	database string
	serial   *int // of directories and databases
	env      string

	*house
	model
	backup *backup
}

// fataler is what rapid and testing have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
}

type backup struct {
	dir, database string
	model         model
}

const node = "node"

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%v", err)
	}
}

func (w *world) name() string { *w.serial++; return fmt.Sprintf("remains%d", *w.serial) }

// lasting is what a backup does not hold, as the manual wants it: the ledger and the agents' keys.
func (w *world) lasting(name string) string { return filepath.Join(w.dir, name) }

// open starts the house as the server does: the ledger is compared before anything else.
func (w *world) open() {
	w.t.Helper()
	h := &house{}
	h.left.Store(-1)
	w.house = h
	key, err := secrets.Parse(strings.Repeat("ab", 32))
	w.must(err)
	h.db, err = sqlstore.Open(context.Background(), w.on.options(w.dir, w.database))
	w.must(err)
	h.files, err = blobs.Open(filepath.Join(w.dir, "recordings"))
	w.must(err)
	h.keys, err = envelope.OpenKeys(w.lasting("keys"), key)
	w.must(err)
	book, err := ledger.Open(w.lasting("erasures.ledger"), "")
	w.must(err)
	silent := slog.New(slog.DiscardHandler)
	h.store, h.blobs = watched{envelope.Seal(h.db, h.keys, silent), &h.left, &w.jobs}, envelope.SealBlobs(h.files, h.keys)
	h.eraser = erasure.New(erasure.Deps{
		Store: h.store, Blobs: h.blobs, Ledger: book, Keys: h.keys, Node: node, Signer: key, Log: silent, HangUp: w.hangUp,
		Archives: w.openArchives(key), ExportFor: time.Hour, NewToken: newToken, HashToken: secrets.HashToken,
	})
	h.room = agents.New(agents.Deps{Store: h.store, Eraser: h.eraser})
	h.hooks = webhooks.New(webhooks.Deps{
		Store: h.store, Vault: key, Client: &http.Client{Transport: receiver{}}, CheckURL: func(string) error { return nil }, Log: silent,
		Delay: func(int) time.Duration { return time.Hour },
	})
	w.update(func(ctx context.Context, tx store.Tx) error {
		env, err := tx.EnsureEnvironment(ctx, "test")
		if err == nil {
			w.env = env.ID
		}
		return err
	})
	_, err = h.eraser.Reconcile(context.Background())
	w.must(err)
	w.closeLost()
}

// closeLost ends the calls of an earlier process, as the switchboard does.
func (w *world) closeLost() {
	w.t.Helper()
	w.update(func(ctx context.Context, tx store.Tx) error {
		open, err := tx.OpenCalls(ctx, store.OpenFilter{NodeID: node})
		for _, c := range open {
			c.Status, c.EndedReason = parley.CallFailed, parley.EndedNodeLost
			if _, failed := tx.UpdateCall(ctx, c); failed != nil {
				err = errors.Join(err, failed)
			}
		}
		return err
	})
}

func (h *house) close() error {
	return errors.Join(h.db.Close(), h.files.Close(), h.keys.Close(), h.exports.Close(), h.exportKeys.Close())
}

func (w *world) actor() parley.Actor {
	return parley.Actor{EnvironmentID: w.env, Abilities: []string{parley.AllAbilities, parley.ForceDeleteAgents}}
}

func (w *world) update(fn func(ctx context.Context, tx store.Tx) error) {
	w.t.Helper()
	w.must(w.store.Update(context.Background(), fn))
}

func (w *world) view(fn func(ctx context.Context, tx store.Tx) error) {
	w.t.Helper()
	w.must(w.store.View(context.Background(), fn))
}

// crash goes on with the files as they are at this moment, as after a kill: no handle is closed before they are copied.
func (w *world) crash() {
	w.t.Helper()
	next := filepath.Join(w.root, w.name())
	w.must(copyDir(w.dir, next))
	w.must(w.close())
	w.must(os.RemoveAll(w.dir))
	w.dir = next
	w.letGo()
	w.open()
	w.learn()
}

// store away makes a backup of database and recordings, and takes the place of an older one.
func (w *world) storeAway() {
	w.t.Helper()
	w.letGo()
	w.must(w.close())
	if w.backup != nil {
		w.must(errors.Join(os.RemoveAll(w.backup.dir), w.on.drop(w.backup.database)))
	}
	b := &backup{dir: filepath.Join(w.root, w.name()), database: w.name(), model: w.model.clone()}
	w.must(w.on.fork(w.database, b.database))
	w.must(copyDir(w.dir, b.dir))
	w.backup = b
	w.open()
}

// putBack makes the backup the house's database and recordings. Ledger and keys stay as they are.
func (w *world) putBack() {
	w.t.Helper()
	w.letGo()
	w.must(w.close())
	next := filepath.Join(w.root, w.name())
	w.must(copyDir(w.backup.dir, next))
	for _, lasting := range []string{"keys", "erasures.ledger"} {
		w.must(os.RemoveAll(filepath.Join(next, lasting)))
		w.must(os.Rename(w.lasting(lasting), filepath.Join(next, lasting)))
	}
	w.must(os.RemoveAll(w.dir))
	w.must(w.on.drop(w.database))
	w.dir, w.database = next, w.name()
	w.must(w.on.fork(w.backup.database, w.database))
	w.restored(w.backup.model.clone())
	w.open()
}

// letGo lets go of all calls, as a process does that ends.
func (w *world) letGo() {
	for _, c := range w.calls {
		if c.sound != nil {
			_ = c.sound.Close()
		}
		c.sound, c.open, c.ours = nil, false, false
	}
}

// stop throws a house away, whatever state it is in.
func (w *world) stop() {
	w.letGo()
	_ = w.close()
	_ = os.RemoveAll(w.dir)
	_ = w.on.drop(w.database)
	if w.backup != nil {
		_ = os.RemoveAll(w.backup.dir)
		_ = w.on.drop(w.backup.database)
	}
}

// copyDir copies files as they are, and no sockets or locks.
func copyDir(from, to string) error {
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if e.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, b, 0o600)
	})
}
