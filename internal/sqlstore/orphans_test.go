package sqlstore

import (
	"context"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/river"
	"github.com/parley-voice/parley/internal/sqlstore/pgtest"
	"github.com/parley-voice/parley/internal/store"
)

// The databases' own rules keep turns and SIP messages from outliving their call; a restored part of a backup does not.
func TestTurnsAndMessagesOfNoCallAreFound(t *testing.T) {
	for name, o := range map[string]func(t *testing.T) Options{
		"SQLite":     func(t *testing.T) Options { return Options{DataDir: t.TempDir()} },
		"PostgreSQL": func(t *testing.T) Options { return Options{URL: pgtest.Database(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, o(t))
			a := fill(t, s)
			lawless(t, s, "DELETE FROM calls WHERE id = (SELECT min(id) FROM calls)")
			for p, want := range map[store.Place]int{store.PlaceTranscripts: 2, store.PlaceSIPMessages: 1} {
				if n := orphansIn(t, s, p); n != want {
					t.Errorf("%d orphans in %s, want %d", n, p, want)
				}
				if n := orphansIn(t, s, p); n != 0 {
					t.Errorf("%d are left in %s", n, p)
				}
			}
			_ = s.View(t.Context(), func(ctx context.Context, tx store.Tx) error {
				if n, _, err := tx.Measure(ctx, store.PlaceTranscripts, store.Scope{AgentID: a.ID}); n != 78 {
					t.Errorf("%d turns of the other calls are there, %v", n, err)
				}
				return nil
			})
		})
	}
}

// lawless runs a statement without the rules of foreign keys.
func lawless(t *testing.T, s *Store, statement string) {
	t.Helper()
	off, on := "PRAGMA foreign_keys=0", "PRAGMA foreign_keys=1"
	if s.name() == river.Postgres {
		off, on = "SET session_replication_role = replica", "SET session_replication_role = DEFAULT"
	}
	conn, err := s.write.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, q := range []string{off, statement, on} {
		if _, err := conn.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

// orphansIn goes through a place in small pages and deletes what it finds.
func orphansIn(t *testing.T, s *Store, p store.Place) (n int) {
	t.Helper()
	for after, first := "", true; first || after != ""; first = false {
		err := s.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
			found, last, err := tx.OrphanRows(ctx, p, after, 7)
			if err != nil {
				return err
			}
			gone, err := tx.EraseOrphanRows(ctx, p, found)
			after, n = last, n+int(gone)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return n
}

func TestCallsOfYoungOrBusyErasuresAreNoOrphans(t *testing.T) {
	s := open(t, Options{DataDir: t.TempDir()})
	a := fill(t, s)
	look := func(before time.Time) (n int) {
		err := s.View(t.Context(), func(ctx context.Context, tx store.Tx) error {
			found, _, err := tx.OrphanCalls(ctx, "", before, 100)
			n = len(found)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	soon := time.Now().Add(time.Hour)
	if n := look(soon); n != 0 {
		t.Errorf("%d calls of a living agent", n)
	}
	r := &parley.Erasure{ID: parley.NewID(), EnvironmentID: markedEnv, AgentID: a.ID, State: parley.ErasureRunning, CreatedAt: time.Now()}
	change := func(fn func(ctx context.Context, tx store.Tx) error) {
		if err := s.Update(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
	}
	change(func(ctx context.Context, tx store.Tx) error { return tx.DeleteAgent(ctx, markedEnv, a.ID) })
	if n := look(soon); n != 40 {
		t.Errorf("%d calls whose agent is gone", n)
	}
	if n := look(time.Now().Add(-time.Hour)); n != 0 {
		t.Errorf("%d of them are an hour old", n)
	}
	change(func(ctx context.Context, tx store.Tx) error { return tx.InsertErasure(ctx, r) })
	if n := look(soon); n != 0 {
		t.Errorf("%d calls while their erasure is at work", n)
	}
	r.State = parley.ErasureComplete
	change(func(ctx context.Context, tx store.Tx) error { return tx.UpdateErasure(ctx, r) })
	if n := look(soon); n != 40 {
		t.Errorf("%d calls after an erasure that missed them", n)
	}
}
