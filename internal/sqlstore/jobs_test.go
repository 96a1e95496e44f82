package sqlstore

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/jobs"
	"github.com/parley-voice/parley/internal/river"
	"github.com/parley-voice/parley/internal/sqlstore/pgtest"
	"github.com/parley-voice/parley/internal/store"
)

const patience = time.Minute // that a test has with the queue before it gives up

// eachEngine runs a test on both databases.
func eachEngine(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Run("sqlite", func(t *testing.T) { test(t, open(t, Options{DataDir: t.TempDir()})) })
	t.Run("postgres", func(t *testing.T) { test(t, open(t, Options{URL: pgtest.Database(t)})) })
}

func enqueue(t *testing.T, s *Store, js ...store.Job) {
	t.Helper()
	err := s.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
		for _, j := range js {
			if err := tx.Enqueue(ctx, j); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// work runs a set of jobs until the returned function is called or the test ends.
func work(t *testing.T, s *Store, set jobs.Set) (stop func()) {
	t.Helper()
	r, err := river.NewRunner(s.Queue(), set, "node-1")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	var once atomic.Bool
	stop = func() {
		cancel()
		if once.CompareAndSwap(false, true) {
			if err := <-ended; err != nil {
				t.Errorf("run: %v", err)
			}
		}
	}
	t.Cleanup(stop)
	return stop
}

func receive[T any](t *testing.T, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(patience):
		t.Fatal("nothing came of it")
	}
	return v
}

// rowsOf are the job rows as text, of a kind.
func rowsOf(t *testing.T, s *Store, kind string) string {
	t.Helper()
	columns := "kind, state, attempt, CAST(args AS text), CAST(errors AS text), CAST(metadata AS text), CAST(tags AS text)"
	if s.name() == river.SQLite {
		columns = "kind, state, attempt, json(args), json(errors), json(metadata), json(tags)"
	}
	rows, err := s.write.QueryContext(t.Context(), "SELECT "+columns+" FROM river_job WHERE kind = ? ORDER BY id", kind)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		cells := make([]*string, 7)
		if err := rows.Scan(&cells[0], &cells[1], &cells[2], &cells[3], &cells[4], &cells[5], &cells[6]); err != nil {
			t.Fatal(err)
		}
		for _, c := range cells {
			if c != nil {
				all = append(all, *c)
			}
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func TestJobIsDoneWithItsSubject(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *Store) {
		got := make(chan string, 10)
		work(t, s, jobs.Set{Handlers: map[string]jobs.Handler{
			"one": func(_ context.Context, subject string) error { got <- "one " + subject; return nil },
			"two": func(_ context.Context, subject string) error { got <- "two " + subject; return nil },
		}})
		enqueue(t, s, store.Job{Kind: "one", Subject: "a"})
		if g := receive(t, got); g != "one a" {
			t.Errorf("got %q", g)
		}
		enqueue(t, s, store.Job{Kind: "two", Subject: "b", RunAt: time.Now().Add(time.Millisecond)})
		if g := receive(t, got); g != "two b" {
			t.Errorf("got %q", g)
		}
	})
}

func TestAgainIsNoFailure(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *Store) {
		rounds, done := 0, make(chan struct{})
		work(t, s, jobs.Set{Handlers: map[string]jobs.Handler{"walk": func(context.Context, string) error {
			if rounds++; rounds < 4 {
				return jobs.Again{After: time.Millisecond}
			}
			close(done)
			return nil
		}}})
		enqueue(t, s, store.Job{Kind: "walk"})
		receive(t, done)
		if rows := rowsOf(t, s, "walk"); strings.Contains(rows, "error") || !strings.Contains(rows, `"snoozes"`) {
			t.Errorf("row: %s", rows)
		}
	})
}

func TestFailureLeavesNoTextInTheRow(t *testing.T) {
	for name, handle := range map[string]jobs.Handler{
		"an error": func(context.Context, string) error { return errors.New("caller said marzipan") },
		"a panic":  func(context.Context, string) error { panic("caller said marzipan") },
	} {
		t.Run(name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, s *Store) {
				tries := make(chan int, 10)
				n := 0
				stop := work(t, s, jobs.Set{Handlers: map[string]jobs.Handler{"bad": func(ctx context.Context, subject string) error {
					n++
					tries <- n
					if n == 2 {
						return nil
					}
					return handle(ctx, subject)
				}}})
				enqueue(t, s, store.Job{Kind: "bad"})
				receive(t, tries)
				receive(t, tries) // it was tried again
				stop()
				rows := rowsOf(t, s, "bad")
				if strings.Contains(rows, "marzipan") || !strings.Contains(rows, "job failed") {
					t.Errorf("row: %s", rows)
				}
			})
		})
	}
}

func TestPeriodicJobComesAtTheStart(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *Store) {
		came := make(chan struct{}, 10)
		work(t, s, jobs.Set{
			Handlers: map[string]jobs.Handler{"sweep": func(context.Context, string) error { came <- struct{}{}; return nil }},
			Periodic: []jobs.Periodic{{Kind: "sweep", Every: time.Second}},
		})
		receive(t, came)
		receive(t, came)
	})
}

func TestJobsOfAKilledProcessGoOn(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *Store) {
		enqueue(t, s, store.Job{Kind: "erase", Subject: "x"})
		own := `jsonb('["node-0","node-1"]')`
		if s.name() == river.Postgres {
			own = "ARRAY['node-0','node-1']"
		}
		// This is what a process leaves that was killed while it was at work and led the queue.
		left := []string{
			"UPDATE river_job SET state = 'running', attempt = 1, attempted_at = CURRENT_TIMESTAMP, attempted_by = " + own,
			"INSERT INTO river_leader (leader_id, name, elected_at, expires_at) VALUES ('node-1', 'default', CURRENT_TIMESTAMP, '2999-01-01 00:00:00')",
		}
		for _, q := range left {
			if _, err := s.write.ExecContext(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		got, swept := make(chan string, 1), make(chan struct{}, 10)
		work(t, s, jobs.Set{
			Handlers: map[string]jobs.Handler{
				"erase": func(_ context.Context, subject string) error { got <- subject; return nil },
				"sweep": func(context.Context, string) error { swept <- struct{}{}; return nil },
			},
			Periodic: []jobs.Periodic{{Kind: "sweep", Every: time.Hour}},
		})
		if g := receive(t, got); g != "x" {
			t.Errorf("got %q", g)
		}
		receive(t, swept) // the leadership was taken over
	})
}

func TestStopCancelsWhatRunsAndKeepsIt(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *Store) {
		before := goleak.IgnoreCurrent()
		begun := make(chan struct{})
		stop := work(t, s, jobs.Set{Handlers: map[string]jobs.Handler{"long": func(ctx context.Context, _ string) error {
			close(begun)
			<-ctx.Done()
			return ctx.Err()
		}}})
		enqueue(t, s, store.Job{Kind: "long"})
		receive(t, begun)
		stop()
		if rows := rowsOf(t, s, "long"); !strings.Contains(rows, "available 0") {
			t.Errorf("row: %s", rows)
		}
		goleak.VerifyNone(t, before, goleak.IgnoreAnyFunction("database/sql.(*DB).connectionOpener"),
			goleak.IgnoreAnyFunction("github.com/jackc/pgx/v5/pgxpool.(*Pool).backgroundHealthCheck"))
	})
}

func TestErasingJobsWaitsForTheRunningOne(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *Store) {
		now := parley.Stamp(time.Now())
		a := &parley.Agent{ID: parley.NewID(), EnvironmentID: "e", CreatedAt: now, UpdatedAt: now}
		if err := s.Update(t.Context(), func(ctx context.Context, tx store.Tx) error { return tx.InsertAgent(ctx, a) }); err != nil {
			t.Fatal(err)
		}
		begun, end := make(chan struct{}), make(chan struct{})
		stop := work(t, s, jobs.Set{Handlers: map[string]jobs.Handler{"dial": func(context.Context, string) error {
			close(begun)
			<-end
			return nil
		}}})
		enqueue(t, s, store.Job{Kind: "dial", Subject: a.ID}, store.Job{Kind: "dial", Subject: a.ID, RunAt: time.Now().Add(time.Hour)})
		receive(t, begun)
		erase := func() (n int64, err error) {
			err = s.Update(t.Context(), func(ctx context.Context, tx store.Tx) (err error) {
				n, err = tx.Erase(ctx, store.PlaceJobs, store.Scope{AgentID: a.ID}, 100)
				return err
			})
			return n, err
		}
		if n, err := erase(); n != 1 || err != nil {
			t.Errorf("the waiting one: %d, %v", n, err)
		}
		if n, err := erase(); n != 0 || !errors.Is(err, river.ErrRunning) {
			t.Errorf("the running one: %d, %v", n, err)
		}
		close(end)
		stop()
		if n, err := erase(); n != 1 || err != nil {
			t.Errorf("the finished one: %d, %v", n, err)
		}
		if n, err := erase(); n != 0 || err != nil {
			t.Errorf("at the end: %d, %v", n, err)
		}
	})
}

func TestRunnerRefusesAKindWithoutHandler(t *testing.T) {
	s := open(t, Options{DataDir: t.TempDir()})
	if _, err := river.NewRunner(s.Queue(), jobs.Set{Handlers: map[string]jobs.Handler{"x": nil}}, "node"); err == nil {
		t.Error("it was taken")
	}
}
