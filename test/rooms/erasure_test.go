package rooms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/archive"
	"github.com/parley-voice/parley/internal/blobs"
	"github.com/parley-voice/parley/internal/erasure"
	"github.com/parley-voice/parley/internal/jobs"
	"github.com/parley-voice/parley/internal/secrets"
	"github.com/parley-voice/parley/internal/sqlstore"
	"github.com/parley-voice/parley/internal/store"
)

// house is a database and a place for recordings, with one agent that had calls.
type house struct {
	store store.Store
	blobs store.Blobs
	agent *parley.Agent
	actor parley.Actor
}

func newHouse(t *testing.T, calls, turns int) *house {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Options{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	b, err := blobs.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	h := &house{store: s, blobs: b}
	h.update(t, func(ctx context.Context, tx store.Tx) error {
		env, err := tx.EnsureEnvironment(ctx, "test")
		if err != nil {
			return err
		}
		now := parley.Stamp(time.Now())
		h.actor = parley.Actor{EnvironmentID: env.ID, Abilities: []string{parley.AllAbilities}}
		h.agent = &parley.Agent{ID: parley.NewID(), EnvironmentID: env.ID, Name: "Rose", Status: parley.Draft, Direction: parley.Inbound, CreatedAt: now, UpdatedAt: now}
		if err := tx.InsertAgent(ctx, h.agent); err != nil {
			return err
		}
		for range calls {
			if err := h.addCall(ctx, tx, turns); err != nil {
				return err
			}
		}
		return nil
	})
	return h
}

func (h *house) addCall(ctx context.Context, tx store.Tx, turns int) error {
	now := parley.Stamp(time.Now())
	c := &parley.Call{ID: parley.NewID(), EnvironmentID: h.agent.EnvironmentID, AgentID: h.agent.ID, From: "+12025550199", To: "+12025550143",
		Direction: parley.Inbound, Status: parley.CallCompleted, CreatedAt: now, UpdatedAt: now}
	c.SID, c.Recording = c.ID, "calls/"+c.ID+".wav"
	f, err := h.blobs.Create(ctx, c.Recording)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := tx.InsertCall(ctx, c); err != nil {
		return err
	}
	for i := range turns {
		t := parley.Turn{ID: parley.NewID(), CallID: c.ID, Who: parley.WhoCaller, StartedAt: now, EndedAt: now, Text: fmt.Sprintf("rhinoceros %d", i)}
		if err := tx.PutTurns(ctx, []parley.Turn{t}); err != nil {
			return err
		}
	}
	return nil
}

func (h *house) update(t *testing.T, fn func(context.Context, store.Tx) error) {
	t.Helper()
	if err := h.store.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

const masterKey = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

// paper is a ledger in memory.
type paper struct{ entries []erasure.Entry }

func (*paper) ID() string                                 { return "paper" }
func (p *paper) Head() int64                              { return int64(len(p.entries)) }
func (p *paper) After(seq int64) ([]erasure.Entry, error) { return p.entries[seq:], nil }
func (p *paper) Append(e erasure.Entry) (int64, error) {
	if i := slices.IndexFunc(p.entries, func(o erasure.Entry) bool { return o.ErasureID == e.ErasureID }); i >= 0 {
		return int64(i) + 1, nil
	}
	e.Seq = p.Head() + 1
	p.entries = append(p.entries, e)
	return e.Seq, nil
}

// noKeys are those of a house that seals nothing.
type noKeys struct{}

func (noKeys) Destroy(string) (bool, error)    { return false, nil }
func (noKeys) Old(time.Time) ([]string, error) { return nil, nil }

// noArchives are those of a house that exports nothing.
type noArchives struct{ *archive.Archives }

func (noArchives) Remove(context.Context, string) (bool, error) { return false, nil }

func newEraser(s store.Store, b store.Blobs, more ...erasure.Place) *erasure.Eraser {
	return eraserWith(s, b, &paper{}, more...)
}

func eraserWith(s store.Store, b store.Blobs, l erasure.Ledger, more ...erasure.Place) *erasure.Eraser {
	key, err := secrets.Parse(masterKey)
	if err != nil {
		panic(err) // a constant
	}
	return erasure.New(erasure.Deps{
		Store: s, Blobs: b, Ledger: l, Node: "node", Signer: key, HangUp: func(string) int { return 0 }, Keys: noKeys{}, Archives: noArchives{},
		Log: slog.New(slog.DiscardHandler), More: more,
	})
}

func (h *house) begin(t *testing.T, e *erasure.Eraser) string {
	t.Helper()
	var r *parley.Erasure
	h.update(t, func(ctx context.Context, tx store.Tx) (err error) {
		r, err = e.Begin(ctx, tx, h.agent)
		return err
	})
	return r.ID
}

func counts(r *parley.Erasure) map[string]int64 {
	m := map[string]int64{}
	for _, p := range r.Places {
		m[p.Name] = p.Count
	}
	return m
}

func TestErasureEmptiesEveryPlaceAndCounts(t *testing.T) {
	h := newHouse(t, 3, 150)
	e := newEraser(h.store, h.blobs)
	id := h.begin(t, e)
	if r, err := e.Get(t.Context(), h.actor, id); err != nil || r.State != parley.ErasureRunning {
		t.Fatalf("before the job: %+v, %v", r, err)
	}
	if err := e.Handle(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	r, err := e.Get(t.Context(), h.actor, id)
	if err != nil || r.State != parley.ErasureComplete || r.CompletedAt == nil {
		t.Fatalf("after the job: %+v, %v", r, err)
	}
	if got := counts(r); got["agent"] != 1 || got["transcripts"] != 450 || got["recordings"] != 3 || got["calls"] != 3 {
		t.Errorf("counts %v", got)
	}
	if keys, err := h.blobs.List(t.Context(), ""); err != nil || len(keys) > 0 {
		t.Errorf("recordings left: %v, %v", keys, err)
	}
	text, _ := json.Marshal(r)
	for _, word := range []string{"2025550199", "rhinoceros", "Rose"} {
		if strings.Contains(string(text), word) {
			t.Errorf("the receipt holds %q", word)
		}
	}
	if err := e.Handle(t.Context(), id); err != nil {
		t.Errorf("the job of a complete erasure, run again: %v", err)
	}
}

func TestAPlaceThatFailsIsShownAndTriedAgain(t *testing.T) {
	h := newHouse(t, 1, 1)
	failing := true
	e := newEraser(h.store, h.blobs, erasure.Place{Name: "elsewhere",
		Empty: func(context.Context, *parley.Erasure) (int64, bool, string, error) {
			if failing {
				return 0, false, "", errors.New("cannot be reached")
			}
			return 7, true, "", nil
		}})
	id := h.begin(t, e)
	if _, ok := errors.AsType[jobs.Again](e.Handle(t.Context(), id)); !ok {
		t.Fatal("the job does not ask to come again")
	}
	r, err := e.Get(t.Context(), h.actor, id)
	if err != nil || r.State != parley.ErasureRunning || r.Place("elsewhere").State != parley.ErasureRunning || r.Place("transcripts").State != parley.ErasureComplete {
		t.Errorf("%+v, %v", r, err)
	}
	failing = false
	if err := e.Handle(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if r, _ = e.Get(t.Context(), h.actor, id); r.State != parley.ErasureComplete || r.Place("elsewhere").Count != 7 {
		t.Errorf("%+v", r)
	}
}

func TestReceiptsStayInTheirEnvironment(t *testing.T) {
	h := newHouse(t, 0, 0)
	e := newEraser(h.store, h.blobs)
	id := h.begin(t, e)
	stranger := parley.Actor{EnvironmentID: "other", Abilities: []string{parley.AllAbilities}}
	if _, err := e.Get(t.Context(), stranger, id); parley.CodeOf(err) != parley.ErasureNotFound {
		t.Errorf("a stranger got %v", err)
	}
	if _, err := e.Get(t.Context(), parley.Actor{EnvironmentID: h.actor.EnvironmentID}, id); parley.CodeOf(err) != parley.Unauthorized {
		t.Errorf("without the ability: %v", err)
	}
}
