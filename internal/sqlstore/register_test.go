package sqlstore

import (
	"slices"
	"strings"
	"testing"

	"github.com/parley-voice/parley/internal/river"
	"github.com/parley-voice/parley/internal/sqlstore/pgtest"
)

// queueTables hold jobs, which name ids only, and what the tools of schema and queue keep.
var queueTables = []string{"river_", "goose_", "sqlite_"}

// TestEveryTextColumnIsInTheRegister fails when a migration adds a column that could hold personal data and nobody said whether it does.
func TestEveryTextColumnIsInTheRegister(t *testing.T) {
	for name, s := range map[string]*Store{"SQLite": open(t, Options{DataDir: t.TempDir()}), "PostgreSQL": open(t, Options{URL: pgtest.Database(t)})} {
		t.Run(name, func(t *testing.T) {
			seen := 0
			for table, columns := range textColumns(t, s) {
				if slices.ContainsFunc(queueTables, func(p string) bool { return strings.HasPrefix(table, p) }) {
					continue
				}
				for _, c := range columns {
					seen++
					if !registered(table, c) {
						t.Errorf("%s.%s is neither in holdings nor in harmless", table, c)
					}
				}
			}
			if seen < 50 {
				t.Fatalf("only %d columns seen", seen)
			}
			for _, h := range holdings {
				for _, c := range h.personal {
					if !slices.Contains(textColumns(t, s)[h.table], c) {
						t.Errorf("the register names %s.%s, which is not there", h.table, c)
					}
				}
			}
		})
	}
}

func registered(table, column string) bool {
	if all := harmless[table]; slices.Contains(all, "*") || slices.Contains(all, column) {
		return true
	}
	return slices.ContainsFunc(holdings, func(h holding) bool { return h.table == table && slices.Contains(h.personal, column) })
}

// textColumns are the columns of each table that can hold texts, documents or bytes.
func textColumns(t *testing.T, s *Store) map[string][]string {
	t.Helper()
	query := `SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p
		WHERE m.type = 'table' AND lower(p.type) IN ('text', 'jsonb', 'json', 'blob', 'bytea', '')`
	if s.name() == river.Postgres {
		query = `SELECT table_name, column_name FROM information_schema.columns
			WHERE table_schema = 'public' AND data_type NOT IN ('bigint', 'integer', 'boolean', 'double precision', 'timestamp with time zone', 'smallint')`
	}
	rows, err := s.read.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	out := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		out[table] = append(out[table], column)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
