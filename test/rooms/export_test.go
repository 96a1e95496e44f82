package rooms

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/erasure"
	"github.com/parley-voice/parley/internal/jobs"
	"github.com/parley-voice/parley/internal/sqlstore"
	"github.com/parley-voice/parley/internal/store"
)

func (m *mover) order(t *testing.T) (r *parley.Erasure, token string) {
	t.Helper()
	m.update(t, func(ctx context.Context, tx store.Tx) (err error) {
		r, token, err = m.eraser.BeginExport(ctx, tx, m.agent)
		return err
	})
	return r, token
}

func (m *mover) receipt(t *testing.T, id string) *parley.Erasure {
	t.Helper()
	r, err := m.eraser.Get(t.Context(), m.actor, id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// there says whether the API would find the agent and how many of its calls.
func (m *mover) there(t *testing.T) (agent bool, calls int) {
	t.Helper()
	err := m.store.View(t.Context(), func(ctx context.Context, tx store.Tx) error {
		_, err := tx.Agent(ctx, m.agent.EnvironmentID, m.agent.ID)
		if agent = err == nil; !agent && parley.CodeOf(err) != parley.AgentNotFound {
			return err
		}
		_, calls, err = tx.ListCalls(ctx, m.agent.EnvironmentID, store.CallFilter{AgentID: m.agent.ID})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return agent, calls
}

func TestAnExportIsPackedBeforeAnythingIsErased(t *testing.T) { onBothStores(t, exported) }

func exported(t *testing.T, m *mover) {
	r, token := m.order(t)
	if agent, calls := m.there(t); agent || calls != 0 {
		t.Errorf("before it is packed the agent is there: %v, and %d calls", agent, calls)
	}
	if len(m.ledger().entries) != 0 {
		t.Error("an export is in the ledger before the erasure has begun")
	}
	if _, _, err := m.eraser.OpenExport(t.Context(), r.ID, token); parley.CodeOf(err) != parley.ExportNotReady {
		t.Errorf("before it is packed: %v", err)
	}
	if err := m.eraser.Handle(t.Context(), r.ID); err != nil || m.receipt(t, r.ID).State != parley.ErasureExporting {
		t.Errorf("the erasure's job does not wait for the archive: %v", err)
	}
	if err := m.eraser.HandleExport(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if len(m.ledger().entries) != 1 {
		t.Error("the erasure is not in the ledger")
	}
	if _, ok := errors.AsType[jobs.Again](m.eraser.Handle(t.Context(), r.ID)); !ok {
		t.Error("the erasure does not wait for the end of the archive")
	}
	r = m.receipt(t, r.ID)
	place := r.Place("exports")
	if r.State != parley.ErasureRunning || place.State != parley.ErasureRunning || !strings.Contains(place.Note, "until 20") ||
		r.Place("transcripts").Count != 4 || r.Place("database_files").State != parley.ErasureComplete {
		t.Errorf("receipt %+v", r)
	}
	m.check(t, r, token)
	m.fetchedByNobodyElse(t, r)
	if err := m.eraser.EndExport(t.Context(), m.actor, r.ID); err != nil {
		t.Fatal(err)
	}
	if left := m.left(t); len(left) > 0 {
		t.Errorf("left of the archive: %v", left)
	}
	if _, _, err := m.eraser.OpenExport(t.Context(), r.ID, token); parley.CodeOf(err) != parley.ExportGone {
		t.Errorf("after its end: %v", err)
	}
	if err := m.eraser.Handle(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if r = m.receipt(t, r.ID); r.State != parley.ErasureComplete || r.Place("exports").Count != 1 || r.Place("exports").Note != "" {
		t.Errorf("receipt %+v", r)
	}
}

func (m *mover) ledger() *paper { return m.eraser.Ledger.(*paper) }

// check holds the archive against what the agent had.
func (m *mover) check(t *testing.T, r *parley.Erasure, token string) {
	t.Helper()
	f, x, err := m.eraser.OpenExport(t.Context(), r.ID, token)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	files, sum := unpack(t, f)
	if x.SHA256 != sum || x.Calls != 4 || x.Recordings != 4 || x.Bytes == 0 {
		t.Errorf("export %+v of an archive with the sum %s", x, sum)
	}
	var agent struct {
		ID, Name string
		Webhooks []struct{ Name string }
	}
	if err := json.Unmarshal(files["agent.json"], &agent); err != nil || agent.ID != m.agent.ID || agent.Name != "Rose" || len(agent.Webhooks) != 1 {
		t.Errorf("agent %+v, %v", agent, err)
	}
	for _, c := range m.calls {
		var got struct {
			From    string
			Turns   []parley.Turn
			Payload struct{ Name string }
		}
		if err := json.Unmarshal(files["calls/"+c.ID+".json"], &got); err != nil || got.From != caller || len(got.Turns) != 1 || got.Turns[0].Text != whisper ||
			got.Payload.Name != "Ann" {
			t.Errorf("call %+v, %v", got, err)
		}
		if sound := files["recordings/"+c.ID+".wav"]; string(sound) != strings.Repeat(whisper, 1000) {
			t.Errorf("recording of %d bytes", len(sound))
		}
	}
	sealed, err := os.ReadFile(filepath.Join(m.dir, r.ID, "archive.tar"))
	if err != nil || bytes.Contains(sealed, []byte(whisper)) || bytes.Contains(sealed, []byte(caller)) {
		t.Errorf("the archive lies in the clear, or not there: %v", err)
	}
}

func (m *mover) fetchedByNobodyElse(t *testing.T, r *parley.Erasure) {
	t.Helper()
	for _, c := range []struct{ id, token string }{{r.ID, "another"}, {r.ID, ""}, {"nothing", "open sesame"}} {
		if _, _, err := m.eraser.OpenExport(t.Context(), c.id, c.token); parley.CodeOf(err) != parley.ExportNotFound {
			t.Errorf("%s by %q: %v", c.id, c.token, err)
		}
	}
	weak := parley.Actor{EnvironmentID: m.actor.EnvironmentID, Abilities: []string{parley.ReadErasures}}
	if err := m.eraser.EndExport(t.Context(), weak, r.ID); parley.CodeOf(err) != parley.Unauthorized {
		t.Errorf("ended without the ability: %v", err)
	}
	stranger := parley.Actor{EnvironmentID: "other", Abilities: []string{parley.AllAbilities}}
	if err := m.eraser.EndExport(t.Context(), stranger, r.ID); parley.CodeOf(err) != parley.ErasureNotFound {
		t.Errorf("ended by a stranger: %v", err)
	}
}

func TestAnExportThatFailsErasesNothing(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, m *mover)
		says  string
	}{
		{"the disk is full", func(_ *testing.T, m *mover) { m.disk.left, m.disk.then = 12, func() error { return syscall.ENOSPC } }, "not enough room"},
		{"there is not enough room to begin with", func(_ *testing.T, m *mover) { m.room = 1000 }, "not enough room"},
		{"the disk is broken", func(_ *testing.T, m *mover) { m.disk.left, m.disk.then = 12, func() error { return syscall.EIO } }, "log says why"},
		{"a recording is damaged", func(t *testing.T, m *mover) {
			path := filepath.Join(m.attic.files, m.calls[1].Recording)
			raw, err := os.ReadFile(path)
			if err == nil {
				raw[9000]++
				err = os.WriteFile(path, raw, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, "log says why"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBothStores(t, func(t *testing.T, m *mover) {
				c.spoil(t, m)
				r, token := m.order(t)
				if err := m.eraser.HandleExport(t.Context(), r.ID); err != nil {
					t.Fatal(err)
				}
				m.unharmed(t, r.ID, c.says)
				if _, _, err := m.eraser.OpenExport(t.Context(), r.ID, token); parley.CodeOf(err) != parley.ExportNotFound {
					t.Errorf("an archive that failed: %v", err)
				}
				if err := m.eraser.HandleExport(t.Context(), r.ID); err != nil || m.receipt(t, r.ID).State != parley.ErasureFailed {
					t.Errorf("it is tried again: %v", err)
				}
				m.disk.left, m.room = -1, 1<<30
				if again := m.begin(t, m.eraser); m.eraser.Handle(t.Context(), again) != nil || m.receipt(t, again).State != parley.ErasureComplete {
					t.Error("it cannot be deleted any more")
				}
			})
		})
	}
}

// unharmed checks that a failed export has left everything as it was.
func (m *mover) unharmed(t *testing.T, id, says string) {
	t.Helper()
	r := m.receipt(t, id)
	if r.State != parley.ErasureFailed || len(r.Places) != 0 || r.Export.State != parley.ExportFailed || !strings.Contains(r.Export.Fault, says) {
		t.Errorf("receipt %+v, export %+v", r, r.Export)
	}
	if agent, calls := m.there(t); !agent || calls != 4 {
		t.Errorf("the agent is there: %v, and %d calls", agent, calls)
	}
	if len(m.ledger().entries) != 0 {
		t.Error("a failed export is in the ledger")
	}
	if left := m.left(t); len(left) > 0 {
		t.Errorf("left of the archive: %v", left)
	}
	err := m.store.View(t.Context(), func(ctx context.Context, tx store.Tx) error {
		a, err := tx.Agent(ctx, m.agent.EnvironmentID, m.agent.ID)
		if err == nil && a.Status != parley.Published {
			err = fmt.Errorf("it is %s", a.Status)
		}
		turns, err2 := tx.TurnsOf(ctx, m.calls[0].ID)
		if err2 == nil && (len(turns) != 1 || turns[0].Text != whisper) {
			err2 = fmt.Errorf("turns %v", turns)
		}
		return errors.Join(err, err2)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAnExportThatWasCutOffIsPackedAnew(t *testing.T) {
	onBothStores(t, func(t *testing.T, m *mover) {
		r, token := m.order(t)
		for cut := 1; cut < 40; cut += 6 { // as a server that stops
			ctx, stop := context.WithCancel(t.Context())
			m.disk.left, m.disk.then = cut, func() error { stop(); return nil }
			err := m.eraser.HandleExport(ctx, r.ID)
			stop()
			if err == nil {
				break // it was stopped after the last write
			}
			if got := m.receipt(t, r.ID); got.State != parley.ErasureExporting {
				t.Fatalf("cut off at write %d it is %s", cut, got.State)
			}
		}
		m.disk.left = -1
		if err := m.eraser.HandleExport(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		m.check(t, m.receipt(t, r.ID), token)
	})
}

func TestAnArchiveExpires(t *testing.T) {
	m := newMover(t, sqlstore.Options{DataDir: t.TempDir()}, time.Nanosecond)
	r, token := m.order(t)
	if err := m.eraser.HandleExport(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := m.eraser.OpenExport(t.Context(), r.ID, token); parley.CodeOf(err) != parley.ExportGone {
		t.Errorf("past its time: %v", err)
	}
	if len(m.left(t)) == 0 {
		t.Error("it was gone before the job")
	}
	if err := m.eraser.Handle(t.Context(), r.ID); err != nil || m.receipt(t, r.ID).State != parley.ErasureComplete {
		t.Errorf("%v, receipt %+v", err, m.receipt(t, r.ID))
	}
	if left := m.left(t); len(left) > 0 {
		t.Errorf("left of the archive: %v", left)
	}
}

func TestTheErasureOfACallerWaitsForArchivesThatMayHoldHim(t *testing.T) {
	onBothStores(t, func(t *testing.T, m *mover) {
		r, _ := m.order(t)
		c, err := m.eraser.EraseCaller(t.Context(), m.actor, caller, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.eraser.HandleExport(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		if _, ok := errors.AsType[jobs.Again](m.eraser.Handle(t.Context(), c.ID)); !ok {
			t.Error("it does not wait")
		}
		if got := m.receipt(t, c.ID); got.Place("exports").State != parley.ErasureRunning || got.Place("transcripts").State != parley.ErasureComplete {
			t.Errorf("receipt %+v", got)
		}
		if err := m.eraser.EndExport(t.Context(), m.actor, r.ID); err != nil {
			t.Fatal(err)
		}
		if err := m.eraser.Handle(t.Context(), c.ID); err != nil || m.receipt(t, c.ID).State != parley.ErasureComplete {
			t.Errorf("%v, receipt %+v", err, m.receipt(t, c.ID))
		}
	})
}

func TestARestoredBackupIsErasedWithoutAnotherExport(t *testing.T) {
	onBothStores(t, func(t *testing.T, m *mover) {
		r, token := m.order(t) // the backup is made here
		book := m.ledger()
		book.entries = append(book.entries, erasure.Entry{Seq: 1, ErasureID: r.ID, EnvironmentID: r.EnvironmentID, AgentID: r.AgentID})
		if n, err := m.eraser.Reconcile(t.Context()); n != 1 || err != nil {
			t.Fatalf("%d begun again, %v", n, err)
		}
		if err := m.eraser.HandleExport(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		if err := m.eraser.Handle(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		if got := m.receipt(t, r.ID); got.State != parley.ErasureComplete || got.Place("transcripts").Count != 4 {
			t.Errorf("receipt %+v", got)
		}
		if _, _, err := m.eraser.OpenExport(t.Context(), r.ID, token); parley.CodeOf(err) != parley.ExportGone {
			t.Errorf("an archive: %v", err)
		}
		if left := m.left(t); len(left) > 0 || len(book.entries) != 1 {
			t.Errorf("left %v, ledger %v", left, book.entries)
		}
	})
}

func TestAnArchiveGoesWithItsReceiptWhenABackupIsRestored(t *testing.T) {
	m := newMover(t, sqlstore.Options{DataDir: t.TempDir()}, 24*time.Hour)
	book := m.ledger()
	book.entries = append(book.entries, erasure.Entry{Seq: 1, ErasureID: "lost", EnvironmentID: m.actor.EnvironmentID, AgentID: m.agent.ID})
	if _, err := m.archives.Pack(t.Context(), "lost", m.agent, func(parley.Export) {}); err != nil {
		t.Fatal(err)
	}
	if n, err := m.eraser.Reconcile(t.Context()); n != 1 || err != nil {
		t.Fatalf("%d begun again, %v", n, err)
	}
	if left := m.left(t); len(left) > 0 {
		t.Errorf("left of the archive: %v", left)
	}
}

func TestASweepRemovesArchivesThatNoReceiptKnows(t *testing.T) {
	m := newMover(t, sqlstore.Options{DataDir: t.TempDir()}, 100*time.Hour)
	r, _ := m.order(t)
	if err := m.eraser.HandleExport(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := m.archives.Pack(t.Context(), "stray", m.agent, func(parley.Export) {}); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * day)
	for _, f := range m.left(t) {
		if err := os.Chtimes(f, old, old); err != nil {
			t.Fatal(err)
		}
	}
	m.update(t, func(ctx context.Context, tx store.Tx) error {
		return tx.SetMeta(ctx, "erasure_met:paper", old.Add(-day).UTC().Format(time.RFC3339Nano))
	})
	s, err := m.eraser.NewSweep(t.Context(), false)
	if err == nil {
		_, err = s.Run(t.Context(), time.Minute)
	}
	if err != nil || s.Found[erasure.OrphanExports] != 1 {
		t.Errorf("found %v, %v", s.Found, err)
	}
	left := m.left(t)
	if slices.ContainsFunc(left, func(f string) bool { return !strings.Contains(f, r.ID) }) || len(left) != 2 {
		t.Errorf("left %v", left)
	}
}
