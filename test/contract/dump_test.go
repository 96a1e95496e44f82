package contract

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the database/sql driver "pgx"
	_ "modernc.org/sqlite"             // and "sqlite"
)

// dump is every row of every table of a house's database, one a line and in order, without the stamps of tokens that were used.
func dump(h *house) (lines []string) {
	h.t.Helper()
	driver, source, tables := "pgx", h.where.URL, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
	if source == "" {
		driver, source = "sqlite", filepath.Join(h.where.DataDir, "parley.db")
		tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, row := range query(h, db, tables) {
		table := strings.TrimPrefix(strings.Trim(row, "[]"), "name=")
		table = strings.TrimPrefix(table, "table_name=")
		for _, row := range query(h, db, `SELECT * FROM "`+table+`"`) {
			lines = append(lines, table+" "+row)
		}
	}
	slices.Sort(lines)
	return lines
}

// query are the rows of a question.
func query(h *house, db *sql.DB, question string) (rows []string) {
	h.t.Helper()
	found, err := db.QueryContext(h.t.Context(), question)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = found.Close() }()
	columns, err := found.Columns()
	if err != nil {
		h.t.Fatal(err)
	}
	for found.Next() {
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := found.Scan(targets...); err != nil {
			h.t.Fatal(err)
		}
		var cells []string
		for i, c := range columns {
			if c != "last_used_at" {
				cells = append(cells, fmt.Sprintf("%s=%s", c, cell(values[i])))
			}
		}
		rows = append(rows, fmt.Sprint(cells))
	}
	if err := found.Err(); err != nil {
		h.t.Fatal(err)
	}
	return rows
}

func cell(v any) string {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(v)
}

// changes are the lines that only one of two dumps has.
func changes(before, after []string) (lines []string) {
	for _, l := range before {
		if _, there := slices.BinarySearch(after, l); !there {
			lines = append(lines, "gone: "+l)
		}
	}
	for _, l := range after {
		if _, there := slices.BinarySearch(before, l); !there {
			lines = append(lines, "new: "+l)
		}
	}
	return lines
}
