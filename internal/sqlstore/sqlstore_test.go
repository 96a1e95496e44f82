package sqlstore

import (
	"os"
	"testing"

	"github.com/parley-voice/parley/internal/sqlstore/pgtest"
	"github.com/parley-voice/parley/internal/store"
	"github.com/parley-voice/parley/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func open(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestContractOnSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, Options{DataDir: t.TempDir()}) })
}

func TestContractOnPostgres(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, Options{URL: pgtest.Database(t)}) })
}
