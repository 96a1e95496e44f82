// Package sqlstore keeps everything but recordings in SQLite (the default) or PostgreSQL, through one query code. It implements
// store.Store, runs the migrations, and translates driver errors: what it returns is a *parley.Error, store.ErrConflict,
// store.ErrUnavailable, or a wrapped fault. It holds no rule of a room.
//
// SQLite has one writing connection, which River shares, and four readers that cannot write. Every commit is synced to the disk, so
// that what was deleted stays deleted after a power cut, and deleted bytes are overwritten (secure_delete). On PostgreSQL row locks
// are taken where SQLite's single writer already keeps others waiting.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/parley-voice/parley/internal/river"
	"github.com/parley-voice/parley/internal/store"
)

const (
	txLimit   = 10 * time.Second // bounds a transaction, waiting for a connection included
	pingLimit = 2 * time.Second
)

var errTxLimit = errors.New("transaction took longer than 10s")

var _ store.Store = (*Store)(nil)

// Options says where the database is.
type Options struct {
	DataDir string // holds the SQLite file parley.db; made when missing. Not used with a URL
	URL     string // postgres://…; empty for SQLite
	Log     *slog.Logger
}

// Store is an open database.
type Store struct {
	engine
	write, read *bun.DB // the same pool on PostgreSQL
	queue       *river.Queue
	log         *slog.Logger
	closers     []func() error
}

// engine is what the two databases do differently.
type engine interface {
	name() river.Engine
	scrub(ctx context.Context, s *Store) (done bool, note string, err error)
}

// Open connects to the database and brings its schema up to date, River's tables included.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{log: o.Log}
	if err := s.open(ctx, o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, o Options) (err error) {
	if o.URL == "" {
		err = s.openSQLite(ctx, o)
	} else if strings.HasPrefix(o.URL, "postgres://") || strings.HasPrefix(o.URL, "postgresql://") {
		err = s.openPostgres(ctx, o)
	} else {
		return errors.New("database URL must begin with postgres://; leave it empty for SQLite in the data directory")
	}
	return fault(err)
}

// Queue is the job queue in this database; river.NewRunner works on it.
func (s *Store) Queue() *river.Queue { return s.queue }

// Update runs fn in a read-write transaction that is bounded to 10 s. When the connection is lost while the commit is on its way,
// the answer is store.ErrUnavailable although the server may have committed.
func (s *Store) Update(ctx context.Context, fn func(ctx context.Context, tx store.Tx) error) error {
	return s.run(ctx, s.write, false, fn)
}

// View runs fn in a read-only transaction that is bounded to 10 s.
func (s *Store) View(ctx context.Context, fn func(ctx context.Context, tx store.Tx) error) error {
	return s.run(ctx, s.read, true, fn)
}

func (s *Store) run(outer context.Context, db *bun.DB, readOnly bool, fn func(ctx context.Context, tx store.Tx) error) error {
	ctx, cancel := context.WithTimeoutCause(outer, txLimit, errTxLimit)
	defer cancel()
	err := s.transact(ctx, db, readOnly, fn)
	if err != nil && outer.Err() == nil && ctx.Err() != nil && !answered(err) {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, context.Cause(ctx))
	}
	return fault(err)
}

func (s *Store) transact(ctx context.Context, db *bun.DB, readOnly bool, fn func(ctx context.Context, tx store.Tx) error) error {
	btx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: readOnly})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = btx.Rollback() }() // after a commit it does nothing
	if err := fn(ctx, &tx{Tx: btx, store: s, locks: s.name() == river.Postgres && !readOnly}); err != nil {
		return err
	}
	if err := btx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// Ping says whether the database answers within 2 s.
func (s *Store) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingLimit)
	defer cancel()
	var one int
	if err := s.read.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return nil
}

// Scrub makes deleted bytes go, as far as the server allows.
func (s *Store) Scrub(ctx context.Context) (done bool, note string, err error) {
	done, note, err = s.scrub(ctx, s)
	return done, note, fault(err)
}

// Close waits for running transactions and closes all connections. A runner of the queue must have returned before.
func (s *Store) Close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(errs...)
}
