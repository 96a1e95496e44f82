package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/parley-voice/parley/internal/river"
)

const (
	dialLimit           = 2 * time.Second // so that an Update fails soon when the server is away
	postgresConnections = 16
	vacuumLimit         = 30 * time.Second
	// migrationLock is the advisory lock that keeps nodes from migrating at once; the number spells "parl".
	migrationLock = 0x7061726c

	postgresNote = "PostgreSQL keeps copies of deleted rows in its write-ahead log until that is recycled, in replicas, archived logs " +
		"and backups, in free space of its files until it is overwritten, and in its server log if that records statements"
)

type postgresEngine struct{}

func (postgresEngine) name() river.Engine { return river.Postgres }

func (s *Store) openPostgres(ctx context.Context, o Options) error {
	s.engine = postgresEngine{}
	cfg, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return errors.New("database URL cannot be parsed") // pgx's own text may hold the password
	}
	cc := cfg.ConnConfig
	cc.ConnectTimeout = dialLimit
	// bun writes arguments into the statement; a cache of prepared statements would keep every one of them.
	cc.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	cc.RuntimeParams["timezone"] = "UTC"
	cc.RuntimeParams["standard_conforming_strings"] = "on" // bun's quoting stands on it
	cfg.MinConns, cfg.MaxConns = 0, 1                      // River's listener takes one

	db := stdlib.OpenDB(*cc)
	s.closers = append(s.closers, db.Close)
	db.SetMaxOpenConns(postgresConnections)
	db.SetMaxIdleConns(postgresConnections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	s.write = bun.NewDB(db, textDialect{pgdialect.New()})
	s.read = s.write

	listener, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func() error { listener.Close(); return nil })
	if s.queue, err = river.NewPostgres(db, listener, s.log); err != nil {
		return err
	}
	return s.migrateAlone(ctx, db)
}

// migrateAlone migrates while no other node does.
func (s *Store) migrateAlone(ctx context.Context, db *sql.DB) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, fmt.Sprintf("SELECT pg_advisory_lock(%d)", migrationLock)); err != nil {
		return err
	}
	defer func() {
		_, unlock := conn.ExecContext(context.WithoutCancel(ctx), fmt.Sprintf("SELECT pg_advisory_unlock(%d)", migrationLock))
		err = errors.Join(err, unlock)
	}()
	return s.migrate(ctx)
}

// scrub gives the room of deleted rows back for overwriting. What the server keeps beyond that is in the note.
func (postgresEngine) scrub(ctx context.Context, s *Store) (done bool, note string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, vacuumLimit, errors.New("vacuum took longer than 30s"))
	defer cancel()
	_, err = s.write.ExecContext(ctx, "VACUUM (SKIP_LOCKED) agents, trainings, actions, flow_versions, calls, turns, sip_messages, idempotency_keys, agent_numbers, "+
		"webhooks, delivery_lanes, deliveries, delivery_logs, river_job")
	if err != nil && ctx.Err() != nil {
		return false, postgresNote, nil // the next round goes on where autovacuum and this one came to
	}
	return err == nil, postgresNote, err
}
