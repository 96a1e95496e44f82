package rooms

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/erasure"
	"github.com/parley-voice/parley/internal/ledger"
	"github.com/parley-voice/parley/internal/secrets"
	"github.com/parley-voice/parley/internal/store"
)

const caller = "+12025550199" // of the calls that newHouse makes

// call adds a call with one turn and returns it.
func (h *house) call(t *testing.T, from string, status parley.CallStatus) *parley.Call {
	t.Helper()
	now := parley.Stamp(time.Now())
	c := &parley.Call{ID: parley.NewID(), EnvironmentID: h.agent.EnvironmentID, AgentID: h.agent.ID, From: from, To: "+12025550143",
		Direction: parley.Inbound, Status: status, CreatedAt: now, UpdatedAt: now}
	h.update(t, func(ctx context.Context, tx store.Tx) error {
		if err := tx.InsertCall(ctx, c); err != nil {
			return err
		}
		return tx.PutTurns(ctx, []parley.Turn{{ID: parley.NewID(), CallID: c.ID, Who: parley.WhoCaller, StartedAt: now, EndedAt: now, Text: "hippopotamus"}})
	})
	return c
}

// reachable counts what the API would show of an environment's calls.
func (h *house) reachable(t *testing.T) (n int) {
	t.Helper()
	err := h.store.View(t.Context(), func(ctx context.Context, tx store.Tx) (err error) {
		_, n, err = tx.ListCalls(ctx, h.agent.EnvironmentID, store.CallFilter{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOneCallerIsErasedAcrossAgents(t *testing.T) {
	h := newHouse(t, 3, 2)
	kept := h.call(t, "+12025550111", parley.CallCompleted)
	e := newEraser(h.store, h.blobs)
	r, err := e.EraseCaller(t.Context(), h.actor, caller, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := h.reachable(t); n != 1 {
		t.Errorf("%d calls can be reached once the erasure has begun, want 1", n)
	}
	if err := e.Handle(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	r, err = e.Get(t.Context(), h.actor, r.ID)
	if err != nil || r.State != parley.ErasureComplete {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := counts(r); got["transcripts"] != 6 || got["recordings"] != 3 || got["calls"] != 3 {
		t.Errorf("counts %v", got)
	}
	text, _ := json.Marshal(r)
	if strings.Contains(string(text), "2025550199") || r.CallerHash == "" || r.AgentID != "" {
		t.Errorf("receipt %s", text)
	}
	if list, n, err := e.List(t.Context(), h.actor, store.ErasureFilter{}, caller); err != nil || n != 1 || list[0].ID != r.ID {
		t.Errorf("found by the number: %d, %v", n, err)
	}
	if _, n, err := e.List(t.Context(), h.actor, store.ErasureFilter{}, kept.From); err != nil || n != 0 {
		t.Errorf("another caller has %d erasures, %v", n, err)
	}
}

func TestACallerWhoTalksIsNotErased(t *testing.T) {
	h := newHouse(t, 1, 1)
	h.call(t, caller, parley.CallAnswered)
	e := newEraser(h.store, h.blobs)
	if _, err := e.EraseCaller(t.Context(), h.actor, caller, nil); parley.CodeOf(err) != parley.CallerHasActiveCalls {
		t.Errorf("got %v", err)
	}
	if n := h.reachable(t); n != 2 {
		t.Errorf("%d calls are left", n)
	}
	if _, err := e.EraseCaller(t.Context(), parley.Actor{EnvironmentID: h.agent.EnvironmentID}, caller, nil); parley.CodeOf(err) != parley.Unauthorized {
		t.Errorf("without the ability: %v", err)
	}
}

// A backup that is restored brings an agent back, and another the calls of a caller; the ledger erases both again before anything is open.
func TestTheLedgerErasesAgainWhatABackupBrings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	book, err := ledger.Open(path, "")
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t, 2, 1)
	restored := newHouse(t, 2, 1) // as it is before the erasures: it gets the same ids, and its database knows no ledger
	restored.become(t, h)
	e := eraserWith(h.store, h.blobs, book)
	if _, err := e.EraseCaller(t.Context(), h.actor, caller, nil); err != nil {
		t.Fatal(err)
	}
	r := h.begin(t, e)
	e.Enter(t.Context(), &parley.Erasure{ID: r, EnvironmentID: h.agent.EnvironmentID, AgentID: h.agent.ID})
	if book.Head() != 2 {
		t.Fatalf("%d entries", book.Head())
	}

	if n := restored.reachable(t); n != 2 {
		t.Fatalf("%d calls in the backup", n)
	}
	again := eraserWith(restored.store, restored.blobs, book)
	n, err := again.Reconcile(t.Context())
	if err != nil || n != 2 || restored.reachable(t) != 0 {
		t.Errorf("%d entries were erased again, %d calls are left, %v", n, restored.reachable(t), err)
	}
	err = restored.store.View(t.Context(), func(ctx context.Context, tx store.Tx) error {
		_, err := tx.Agent(ctx, "", h.agent.ID)
		return err
	})
	if parley.CodeOf(err) != parley.AgentNotFound {
		t.Errorf("the agent is there: %v", err)
	}
	if n, err := again.Reconcile(t.Context()); err != nil || n != 0 {
		t.Errorf("the next start erased %d again, %v", n, err)
	}
	empty, err := ledger.Open(filepath.Join(t.TempDir(), "other"), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := eraserWith(restored.store, restored.blobs, empty).Reconcile(t.Context()); err == nil {
		t.Error("a ledger that lacks what the database knows was taken")
	}
}

// become gives a house the environment and the agent of another.
func (h *house) become(t *testing.T, other *house) {
	t.Helper()
	own := h.agent
	h.agent, h.actor = other.agent, other.actor
	h.update(t, func(ctx context.Context, tx store.Tx) error {
		if err := tx.InsertAgent(ctx, h.agent); err != nil {
			return err
		}
		for range 2 {
			if err := h.addCall(ctx, tx, 1); err != nil {
				return err
			}
		}
		return tx.DeleteAgent(ctx, own.EnvironmentID, own.ID)
	})
}

func TestAReceiptProvesItselfElsewhere(t *testing.T) {
	h := newHouse(t, 1, 1)
	e := newEraser(h.store, h.blobs)
	id := h.begin(t, e)
	if err := e.Handle(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	r, err := e.Get(t.Context(), h.actor, id)
	if err != nil {
		t.Fatal(err)
	}
	statement, err := e.Attest(r)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := e.Attest(r); err != nil || again != statement {
		t.Error("a complete receipt is attested differently each time")
	}
	key, err := secrets.Parse(masterKey)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := key.PublicKeys()
	if err != nil {
		t.Fatal(err)
	}
	payload, err := secrets.Verify(statement, keys)
	if err != nil {
		t.Fatal(err)
	}
	var s erasure.Statement
	if err := json.Unmarshal(payload, &s); err != nil || s.ErasureID != id || s.AgentID != h.agent.ID || s.State != parley.ErasureComplete || len(s.Places) < 6 {
		t.Errorf("%s, %v", payload, err)
	}
	parts := strings.Split(statement, ".")
	for name, forged := range map[string]string{
		"another payload": parts[0] + "." + parts[1][:len(parts[1])-2] + "Q." + parts[2], "no signature": parts[0] + "." + parts[1] + ".", "no statement": "hello",
	} {
		if _, err := secrets.Verify(forged, keys); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	other, _ := secrets.Parse(strings.Repeat("ab", 32))
	foreign, _ := other.PublicKeys()
	if _, err := secrets.Verify(statement, foreign); err == nil {
		t.Error("another's key verifies it")
	}
}
