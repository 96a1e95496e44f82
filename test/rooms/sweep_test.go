package rooms

import (
	"context"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/blobs"
	"github.com/parley-voice/parley/internal/envelope"
	"github.com/parley-voice/parley/internal/erasure"
	"github.com/parley-voice/parley/internal/sqlstore"
	"github.com/parley-voice/parley/internal/store"
)

// attic is a house in which things lie about: files and rows can be made old.
type attic struct {
	*house
	eraser    *erasure.Eraser
	keys      *envelope.Keys
	files     string // of recordings
	keysFiles string
	hook      *parley.Webhook
}

const day = 24 * time.Hour

func newAttic(t *testing.T, where sqlstore.Options) *attic {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	a := &attic{house: &house{store: db}, files: t.TempDir(), keysFiles: t.TempDir()}
	d, err := blobs.Open(a.files)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	a.keys = openKeys(t, a.keysFiles)
	a.store, a.blobs = envelope.Seal(db, a.keys, slog.New(slog.DiscardHandler)), d
	a.eraser = erasure.New(erasure.Deps{
		Store: a.store, Blobs: d, Ledger: &paper{}, Node: "node", Signer: master(t, "ab"), HangUp: func(string) int { return 0 }, Keys: a.keys,
		Log: slog.New(slog.DiscardHandler), Archives: newCrate(t, a.store, d).archives,
	})
	a.update(t, func(ctx context.Context, tx store.Tx) error {
		env, err := tx.EnsureEnvironment(ctx, "test")
		a.actor = parley.Actor{EnvironmentID: env.ID, Abilities: []string{parley.AllAbilities}}
		return err
	})
	return a
}

// add makes an agent with a call that began some time ago and has a turn, an event and a recording.
func (a *attic) add(t *testing.T, ago time.Duration) (*parley.Agent, *parley.Call) {
	t.Helper()
	at := parley.Stamp(time.Now().Add(-ago))
	agent := &parley.Agent{ID: parley.NewID(), EnvironmentID: a.actor.EnvironmentID, Name: "Rose", Status: parley.Draft, Direction: parley.Inbound, CreatedAt: at, UpdatedAt: at}
	a.hook = &parley.Webhook{ID: parley.NewID(), AgentID: agent.ID, Name: "crm", URL: "https://crm.example", CreatedAt: at, UpdatedAt: at}
	c := &parley.Call{ID: parley.NewID(), EnvironmentID: agent.EnvironmentID, AgentID: agent.ID, From: caller, To: "+12025550143",
		Direction: parley.Inbound, Status: parley.CallCompleted, CreatedAt: at, UpdatedAt: at}
	c.SID, c.Recording = c.ID, agent.ID+"/"+c.ID+".wav"
	a.update(t, func(ctx context.Context, tx store.Tx) error {
		if err := tx.InsertAgent(ctx, agent); err != nil {
			return err
		}
		if err := tx.InsertWebhook(ctx, a.hook); err != nil {
			return err
		}
		if err := tx.InsertCall(ctx, c); err != nil {
			return err
		}
		lane := store.Lane{CallID: c.ID, WebhookID: a.hook.ID, AgentID: agent.ID, At: at}
		if _, err := tx.ExtendLane(ctx, &lane, 1); err != nil {
			return err
		}
		err := tx.InsertDeliveries(ctx, []*parley.Delivery{{
			ID: parley.NewID(), LaneID: lane.ID, WebhookID: a.hook.ID, AgentID: agent.ID, CallID: c.ID, Body: []byte("{}"), CreatedAt: at,
		}})
		if err != nil {
			return err
		}
		return tx.PutTurns(ctx, []parley.Turn{{ID: parley.NewID(), CallID: c.ID, Who: parley.WhoCaller, StartedAt: at, EndedAt: at, Text: "rhinoceros"}})
	})
	a.file(t, filepath.Join(a.files, c.Recording), ago)
	a.date(t, filepath.Join(a.keysFiles, agent.ID+".key"), ago)
	return agent, c
}

func (a *attic) file(t *testing.T, path string, ago time.Duration) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("sound"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.date(t, path, ago)
}

func (a *attic) date(t *testing.T, path string, ago time.Duration) {
	t.Helper()
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(-ago)); err != nil {
		t.Fatal(err)
	}
}

// met says how long ago the database first met its ledger.
func (a *attic) met(t *testing.T, ago time.Duration) {
	t.Helper()
	a.update(t, func(ctx context.Context, tx store.Tx) error {
		return tx.SetMeta(ctx, "erasure_met:paper", time.Now().Add(-ago).UTC().Format(time.RFC3339Nano))
	})
}

func (a *attic) lose(t *testing.T, agent *parley.Agent) {
	t.Helper()
	a.update(t, func(ctx context.Context, tx store.Tx) error {
		return tx.DeleteAgent(ctx, agent.EnvironmentID, agent.ID)
	})
}

// sweep wants a sweep to find what is named, and returns how many files it left as strange.
func (a *attic) sweep(t *testing.T, dry bool, want map[string]int64) int64 {
	t.Helper()
	s, err := a.eraser.NewSweep(t.Context(), dry)
	if err != nil {
		t.Fatal(err)
	}
	if done, err := s.Run(t.Context(), time.Hour); err != nil || !done {
		t.Fatal(done, err)
	}
	if !maps.Equal(s.Found, want) {
		t.Errorf("found %v, want %v", s.Found, want)
	}
	return s.Strange
}

func (a *attic) there(t *testing.T, path string, want bool) {
	t.Helper()
	if _, err := os.Stat(path); (err == nil) != want {
		t.Errorf("%s is there: %v", path, err == nil)
	}
}

func TestASweepRemovesWhatHasNoOwner(t *testing.T) {
	onEngines(t, func(t *testing.T, where sqlstore.Options) {
		a := newAttic(t, where)
		a.met(t, 30*day)
		_, kept := a.add(t, 2*day)
		lost, call := a.add(t, 2*day)
		a.lose(t, lost) // without the erasure that belongs to it
		stray, fresh := filepath.Join(a.files, "x", parley.NewID()+".wav"), filepath.Join(a.files, "x", parley.NewID()+".wav")
		a.file(t, stray, 2*day)
		a.file(t, fresh, day/2) // a call may still write to it
		a.file(t, filepath.Join(a.files, "x", "readme.txt"), 2*day)
		found := map[string]int64{"calls": 1, "recordings": 1, "keys": 1}
		a.sweep(t, true, found)
		a.there(t, stray, true)
		a.sweep(t, false, found)
		a.there(t, stray, false)
		a.there(t, fresh, true)
		a.there(t, filepath.Join(a.files, "x", "readme.txt"), true)
		a.there(t, filepath.Join(a.files, kept.Recording), true)
		a.there(t, filepath.Join(a.keysFiles, kept.AgentID+".key"), true)
		a.there(t, filepath.Join(a.keysFiles, lost.ID+".key"), false)
		list, n, err := a.eraser.List(t.Context(), a.actor, store.ErasureFilter{}, "")
		if err != nil || n != 1 {
			t.Fatalf("%d receipts, %v", n, err)
		}
		a.sweep(t, false, map[string]int64{}) // the calls have their erasure now
		if err := a.eraser.Handle(t.Context(), list[0].ID); err != nil {
			t.Fatal(err)
		}
		r, err := a.eraser.Get(t.Context(), a.actor, list[0].ID)
		if err != nil || r.State != parley.ErasureComplete {
			t.Fatalf("%+v, %v", r, err)
		}
		if got := counts(r); got["calls"] != 1 || got["transcripts"] != 1 || got["recordings"] != 1 || got["webhook_deliveries"] != 2 || got["webhook_logs"] != 1 {
			t.Errorf("counts %v", got)
		}
		a.there(t, filepath.Join(a.files, call.Recording), false)
		a.sweep(t, false, map[string]int64{})
	})
}

func TestASweepFindsRowsBelowCallsThatAreGone(t *testing.T) {
	onEngines(t, func(t *testing.T, where sqlstore.Options) {
		a := newAttic(t, where)
		a.met(t, 30*day)
		a.add(t, 2*day)
		agent, _ := a.add(t, 2*day)
		a.update(t, func(ctx context.Context, tx store.Tx) error {
			_, err := tx.Erase(ctx, store.PlaceCalls, store.Scope{AgentID: agent.ID}, 10)
			return err
		})
		found := map[string]int64{"webhook_deliveries": 1, "webhook_lanes": 1, "webhook_logs": 1, "recordings": 1}
		a.sweep(t, true, found)
		a.sweep(t, false, found)
		a.sweep(t, false, map[string]int64{})
	})
}

func TestASweepSparesWhatIsAtWorkOrYoungOrNotOurs(t *testing.T) {
	a := newAttic(t, sqlstore.Options{DataDir: t.TempDir()})
	a.met(t, 30*day)
	young, _ := a.add(t, day/2)
	a.lose(t, young)
	a.sweep(t, false, map[string]int64{})
	a.agent, _ = a.add(t, 2*day)
	a.begin(t, a.eraser) // it has not come to the calls yet
	a.sweep(t, false, map[string]int64{})
	gone, _ := a.add(t, 40*day) // before this database knew the directory
	a.update(t, func(ctx context.Context, tx store.Tx) error {
		_, err := tx.Erase(ctx, store.PlaceCalls, store.Scope{AgentID: gone.ID}, 10)
		return err
	})
	a.lose(t, gone)
	rows := map[string]int64{"webhook_deliveries": 1, "webhook_lanes": 1, "webhook_logs": 1}
	if n := a.sweep(t, false, rows); n != 2 {
		t.Errorf("%d files are strange, want the recording and the key", n)
	}
}

func TestASweepGoesOnWhereItWas(t *testing.T) {
	a := newAttic(t, sqlstore.Options{DataDir: t.TempDir()})
	a.met(t, 30*day)
	const strays = 1200 // more than are looked at in one step
	for i := range strays {
		a.file(t, filepath.Join(a.files, "agent"+strconv.Itoa(i%3), parley.NewID()+".wav"), 2*day)
	}
	s, err := a.eraser.NewSweep(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	runs := 1
	for done := false; !done; runs++ {
		if done, err = s.Run(t.Context(), -1); err != nil {
			t.Fatal(err)
		}
	}
	if s.Found["recordings"] != strays || runs < 5 {
		t.Errorf("%v in %d runs", s.Found, runs)
	}
	if left, err := a.blobs.List(t.Context(), ""); err != nil || len(left) > 0 {
		t.Errorf("left: %d, %v", len(left), err)
	}
}

// The day on which a database and a ledger meet is noted once.
func TestTheFirstMeetingIsKept(t *testing.T) {
	a := newAttic(t, sqlstore.Options{DataDir: t.TempDir()})
	read := func() (v string) {
		a.update(t, func(ctx context.Context, tx store.Tx) (err error) {
			v, err = tx.Meta(ctx, "erasure_met:paper")
			return err
		})
		return v
	}
	for range 2 {
		first := read()
		if _, err := a.eraser.Reconcile(t.Context()); err != nil {
			t.Fatal(err)
		}
		if now := read(); now == "" || first != "" && now != first {
			t.Errorf("met %q, then %q", first, now)
		}
	}
}
