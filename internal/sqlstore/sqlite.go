package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // the database/sql driver "sqlite"

	"github.com/parley-voice/parley/internal/river"
)

const (
	sqliteFile    = "parley.db"
	sqliteReaders = 4
	// sqlitePragmas of every connection. FULL, so that a deletion outlives a power cut; secure_delete ON, because FAST leaves
	// overflow pages; sorting in memory, so that no temporary file holds what was said.
	sqlitePragmas = "_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)" +
		"&_pragma=secure_delete(1)&_pragma=temp_store(2)"
	scrubWait = 50 // milliseconds that a checkpoint waits for readers while it holds the writing connection
)

type sqliteEngine struct{}

func (sqliteEngine) name() river.Engine { return river.SQLite }

func (s *Store) openSQLite(ctx context.Context, o Options) error {
	s.engine = sqliteEngine{}
	path, err := privateFile(o.DataDir)
	if err != nil {
		return err
	}
	release, err := flock(filepath.Join(o.DataDir, "migrate.lock"), true)
	if err != nil {
		return fmt.Errorf("lock the migrations of %s: %w", o.DataDir, err)
	}
	defer release()
	// IMMEDIATE, because a transaction that reads first and then writes would otherwise fail as busy when another wrote meanwhile.
	if s.write, err = s.poolSQLite(path, "_txlock=immediate&"+sqlitePragmas, 1); err != nil {
		return err
	}
	if s.read, err = s.poolSQLite(path, sqlitePragmas+"&_pragma=query_only(1)", sqliteReaders); err != nil {
		return err
	}
	if s.queue, err = river.NewSQLite(s.write.DB, s.log); err != nil {
		return err
	}
	return s.migrate(ctx)
}

// privateFile makes the directory and the database file so that only their owner can read them; -wal and -shm take after it.
func privateFile(dir string) (string, error) {
	if dir == "" {
		return "", errors.New("no data directory given")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the data directory: %w", err)
	}
	path, err := filepath.Abs(filepath.Join(dir, sqliteFile))
	if err != nil {
		return "", err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", fmt.Errorf("open the database: %w", err)
	}
	return path, f.Close()
}

func (s *Store) poolSQLite(path, query string, connections int) (*bun.DB, error) {
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, db.Close)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return bun.NewDB(db, textDialect{sqlitedialect.New()}), nil
}

// scrub moves the write-ahead log into the database and empties it. A reader in the way is no error of SQLite's but its first
// column, so it is looked at.
func (sqliteEngine) scrub(ctx context.Context, s *Store) (done bool, note string, err error) {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return false, "", err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout=%d", scrubWait)); err != nil {
		return false, "", err
	}
	var busy, pages, moved int
	err = conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved)
	_, restore := conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA busy_timeout=5000")
	return err == nil && busy == 0, "", errors.Join(err, restore)
}
