package sqlstore

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/river"
	"github.com/parley-voice/parley/internal/sqlstore/pgtest"
	"github.com/parley-voice/parley/internal/store"
)

// TestTheCallToReturnIsFoundThroughAnIndex: an incoming call asks for it while it rings, however many calls there are.
func TestTheCallToReturnIsFoundThroughAnIndex(t *testing.T) {
	for name, s := range map[string]*Store{"SQLite": open(t, Options{DataDir: t.TempDir()}), "PostgreSQL": open(t, Options{URL: pgtest.Database(t)})} {
		t.Run(name, func(t *testing.T) {
			err := s.View(t.Context(), func(ctx context.Context, stx store.Tx) error {
				tx := stx.(*tx)
				explain := "EXPLAIN QUERY PLAN "
				if s.name() == river.Postgres { // an empty table is scanned all the same, unless that is made dear
					explain = "EXPLAIN "
					if _, err := tx.ExecContext(ctx, "SET LOCAL enable_seqscan = off"); err != nil {
						return err
					}
				}
				rows, err := tx.QueryContext(ctx, explain+tx.toReturn(new(callRow), "env", "agent", "+12025550177", time.Now()).String())
				if err != nil {
					return err
				}
				defer func() { _ = rows.Close() }()
				plan, columns := "", []any{new(any), new(any), new(any), new(string)}
				if s.name() == river.Postgres {
					columns = columns[3:]
				}
				for rows.Next() {
					if err := rows.Scan(columns...); err != nil {
						return err
					}
					plan += *columns[len(columns)-1].(*string) + "\n"
				}
				if !strings.Contains(plan, "calls_called") || strings.Contains(plan, "SCAN c") {
					t.Errorf("plan:\n%s", plan)
				}
				return rows.Err()
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}
