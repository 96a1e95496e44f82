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

// noSamples keeps personal columns out of PostgreSQL's statistics, where samples would outlive a deletion; SQLite has none unless asked.
func (s *Store) noSamples(ctx context.Context) error {
	if s.name() != river.Postgres {
		return nil
	}
	for _, h := range holdings {
		for _, c := range h.personal {
			if _, err := s.write.ExecContext(ctx, fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s SET STATISTICS 0", h.table, c)); err != nil {
				return err
			}
		}
	}
	return nil
}
