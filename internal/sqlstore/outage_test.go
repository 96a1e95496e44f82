package sqlstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/parley-voice/parley/internal/jobs"
	"github.com/parley-voice/parley/internal/sqlstore/pgtest"
	"github.com/parley-voice/parley/internal/store"
)

func setMeta(ctx context.Context, s *Store, value string) error {
	return s.Update(ctx, func(ctx context.Context, tx store.Tx) error { return tx.SetMeta(ctx, "key", value) })
}

func TestPostgresGoesAwayAndComesBack(t *testing.T) {
	server := pgtest.Start(t)
	s := open(t, Options{URL: server.Database(t)})
	did := make(chan string, 10)
	ring := func(_ context.Context, subject string) error { did <- subject; return nil }
	work(t, s, jobs.Set{Handlers: map[string]jobs.Handler{"ring": ring, jobs.RetryDelivery: ring}})
	enqueue(t, s, store.Job{Kind: "ring", Subject: "before"}, store.Job{Kind: jobs.RetryDelivery, Subject: "before, in the other queue"})
	receive(t, did)
	receive(t, did)

	err := s.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
		server.Stop(t) // in the middle of a transaction
		return tx.SetMeta(ctx, "key", "lost")
	})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("in the middle: %v", err)
	}
	for range 3 {
		if err := setMeta(t.Context(), s, "lost"); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("update while away: %v", err)
		}
		err := s.View(t.Context(), func(ctx context.Context, tx store.Tx) error { _, err := tx.Meta(ctx, "key"); return err })
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("view while away: %v", err)
		}
		if err := s.Ping(t.Context()); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("ping while away: %v", err)
		}
	}

	server.Up(t)
	if err := setMeta(t.Context(), s, "back"); err != nil {
		t.Errorf("update after the return: %v", err)
	}
	enqueue(t, s, store.Job{Kind: "ring", Subject: "after"})
	if subject := receive(t, did); subject != "after" {
		t.Errorf("got %q", subject)
	}
}

func TestServerThatDoesNotAnswerIsUnavailableAtOpen(t *testing.T) {
	_, err := Open(t.Context(), Options{URL: "postgres://u:secret@127.0.0.1:1/db"})
	if !errors.Is(err, store.ErrUnavailable) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestStrangeDatabaseURLIsRefusedWithoutItsPassword(t *testing.T) {
	for _, url := range []string{"mysql://u:secret@h/db", "postgres://u:secret@h:port/db"} {
		if _, err := Open(t.Context(), Options{URL: url}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestFullDiskIsUnavailableUntilThereIsRoom(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("mounting a small disk needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s := open(t, Options{DataDir: dir})
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 4<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	if err := setMeta(t.Context(), s, strings.Repeat("x", 1<<18)); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("on a full disk: %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := setMeta(t.Context(), s, strings.Repeat("x", 1<<18)); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

func TestSecondServerOfADataDirectoryIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	release, err := LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LockDir(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("the second: %v", err)
	}
	release()
	release, err = LockDir(dir)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	release()
}

// A command such as token create opens the database that a server is using, or makes it at the same moment.
func TestManyOpenOneDatabaseAtOnce(t *testing.T) {
	dir := t.TempDir()
	release, err := LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for name, o := range map[string]Options{"sqlite": {DataDir: dir}, "postgres": {}} {
		t.Run(name, func(t *testing.T) {
			if name == "postgres" {
				o.URL = pgtest.Database(t)
			}
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					s, err := Open(t.Context(), o)
					if err != nil {
						t.Error(err)
						return
					}
					for range 20 {
						if err := setMeta(t.Context(), s, "value"); err != nil {
							t.Error(err)
						}
					}
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestDatabaseIsReadableByItsOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, Options{DataDir: dir})
	if err := setMeta(t.Context(), s, "x"); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v, %v", info.Mode(), err)
	}
}
