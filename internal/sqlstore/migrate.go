package sqlstore

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"github.com/parley-voice/parley/internal/river"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// personalColumns hold what callers or owners said or are called. PostgreSQL would keep samples of them in its statistics, where
// a deletion does not reach.
var personalColumns = map[string][]string{
	"agents":    {"name", "label", "folded", "settings"},
	"trainings": {"subject", "instructions"},
	"calls":     {"sid", "to_number", "from_number", "snapshot", "payload", "context", "messages", "transfers"},
	"turns":     {"text", "heard"},
	"users":     {"email", "name"},

	"sip_messages": {"peer", "raw"},
	"softphones":   {"username", "display_name"},
	"bindings":     {"contact", "source"},
}

// migrate brings the schema up to date. The caller keeps other processes from doing the same at that moment.
func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	dialect := goose.DialectSQLite3
	if s.name() == river.Postgres {
		dialect = goose.DialectPostgres
	}
	p, err := goose.NewProvider(dialect, s.write.DB, files, goose.WithDisableGlobalRegistry(true),
		goose.WithAllowOutofOrder(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	if err := s.noSamples(ctx); err != nil {
		return fmt.Errorf("keep personal data out of the statistics: %w", err)
	}
	if err := s.queue.Migrate(ctx); err != nil {
		return fmt.Errorf("migrate the job queue: %w", err)
	}
	return nil
}

// noSamples keeps personal columns out of PostgreSQL's statistics; SQLite has none unless asked.
func (s *Store) noSamples(ctx context.Context) error {
	if s.name() != river.Postgres {
		return nil
	}
	for table, columns := range personalColumns {
		for _, c := range columns {
			if _, err := s.write.ExecContext(ctx, fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s SET STATISTICS 0", table, c)); err != nil {
				return err
			}
		}
	}
	return nil
}
