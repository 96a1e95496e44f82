package sqlstore

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// answered says that an error is an answer of ours already, so that nothing about the connection can replace it.
func answered(err error) bool {
	return parley.CodeOf(err) != "" || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrUnavailable)
}

// fault translates what a driver reports: taken unique values into store.ErrConflict, a server that is away, a full disk or a lost
// lock into store.ErrUnavailable. All else stays as it is.
func fault(err error) error {
	switch {
	case err == nil || answered(err):
		return err
	case isConflict(err):
		return fmt.Errorf("%w: %w", store.ErrConflict, err)
	case isAway(err):
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return err
}

func isConflict(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "23505"
}

// isOrphan says that a row was refused because what it refers to is not there, or because something still refers to it.
func isOrphan(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY || e.Code() == sqlite3.SQLITE_CONSTRAINT_TRIGGER
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "23503"
}

func isAway(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return sqliteAway(e.Code() & 0xff)
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return postgresAway(e.Code)
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	for _, e := range []error{driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(err, e) {
			return true
		}
	}
	return pgconn.SafeToRetry(err)
}

// sqliteAway judges a primary result code: the file cannot be reached, locked or written.
func sqliteAway(code int) bool {
	switch code {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY:
		return true
	}
	return false
}

// postgresAway judges an SQLSTATE (PostgreSQL, appendix A): 08 connection, 53 resources, 57P operator intervention, 40 lost locks.
func postgresAway(state string) bool {
	switch state[:min(2, len(state))] {
	case "08", "53", "40":
		return true
	}
	return len(state) == 5 && state[:3] == "57P"
}
