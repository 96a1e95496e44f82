package sqlstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/jobs"
	"github.com/parley-voice/parley/internal/sqlstore/pgtest"
	"github.com/parley-voice/parley/internal/store"
)

// markers stand in everything that is written about one agent and its callers.
var markers = []string{"quillmarsh", "0700900123"}

const markedEnv = "env"

// hits counts the markers in all files below dir.
func hits(t *testing.T, dir string, words ...string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, w := range words {
			n += bytes.Count(b, []byte(w))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// fill writes an agent with everything that lies below one, marked: long texts too, which go to overflow pages and to TOAST.
func fill(t *testing.T, s *Store) *parley.Agent {
	t.Helper()
	word, phone := markers[0], "+"+markers[1]
	long := strings.Repeat("I live in "+word+". ", 2000)
	now := parley.Stamp(time.Now())
	a := &parley.Agent{
		ID: parley.NewID(), EnvironmentID: markedEnv, Name: word, Label: word, CreatedAt: now, UpdatedAt: now,
		AgentSettings: parley.AgentSettings{Description: &long},
	}
	tr := parley.Training{ID: parley.NewID(), AgentID: a.ID, Subject: word, Instructions: long, CreatedAt: now, UpdatedAt: now}
	act := parley.Action{
		ID: parley.NewID(), AgentID: a.ID, NodeID: word, Name: word, Description: long, URL: &word, CreatedAt: now, UpdatedAt: now,
		Inputs: []parley.ActionInput{{Name: word, Description: long}},
	}
	flow := &parley.FlowVersion{
		ID: parley.NewID(), AgentID: a.ID, Number: 1, Version: word, Mode: parley.FlowDriven, Config: `{"nodes":"` + long + `"}`, CreatedAt: now,
	}
	w := &parley.Webhook{
		ID: parley.NewID(), AgentID: a.ID, Name: word, URL: "https://" + word + ".example", Events: []parley.Event{}, CreatedAt: now, UpdatedAt: now,
	}
	err := s.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
		if err := tx.InsertAgent(ctx, a); err != nil {
			return err
		}
		return errors.Join(tx.InsertTraining(ctx, &tr), tx.InsertAction(ctx, &act), tx.InsertWebhook(ctx, w), tx.AddFlowVersion(ctx, flow, 10))
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 40 {
		c := &parley.Call{
			ID: parley.NewID(), EnvironmentID: markedEnv, AgentID: a.ID, SID: word + parley.NewID(), To: phone, From: phone,
			Status: parley.CallCompleted, EndedReason: parley.EndedByCaller,
			Snapshot: &parley.Snapshot{Agent: *a, Trainings: []parley.Training{tr}, Actions: []parley.Action{act}, Flow: flow},
			Payload:  json.RawMessage(`{"name":"` + word + `"}`), Context: json.RawMessage(`{"name":"` + word + `"}`),
			Messages: []parley.TakenMessage{{TakenAt: now, Slots: map[string]string{"phone": phone}}}, CreatedAt: now, UpdatedAt: now,
		}
		turns := []parley.Turn{
			{ID: parley.NewID(), CallID: c.ID, Text: long, Heard: &long, StartedAt: now, EndedAt: now},
			{ID: parley.NewID(), CallID: c.ID, Text: word, StartedAt: now, EndedAt: now},
		}
		err := s.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
			if err := tx.InsertCall(ctx, c); err != nil {
				return err
			}
			return errors.Join(tx.PutTurns(ctx, turns), deliver(ctx, tx, w, c.ID, long), tx.PutSIPMessages(ctx, []parley.SIPMessage{{
				ID: parley.NewID(), CallID: c.ID, At: now, Peer: phone, Raw: "INVITE sip:" + phone + "@" + word + long,
			}}))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// deliver writes an event that was delivered, and the receiver's answer.
func deliver(ctx context.Context, tx store.Tx, w *parley.Webhook, callID, text string) error {
	lane := store.Lane{CallID: callID, WebhookID: w.ID, AgentID: w.AgentID, At: w.CreatedAt}
	if _, err := tx.ExtendLane(ctx, &lane, 1); err != nil {
		return err
	}
	d := &parley.Delivery{
		ID: parley.NewID(), LaneID: lane.ID, WebhookID: w.ID, AgentID: w.AgentID, CallID: callID, Body: []byte(text), CreatedAt: w.CreatedAt,
	}
	if err := tx.InsertDeliveries(ctx, []*parley.Delivery{d}); err != nil {
		return err
	}
	l, err := tx.LastDeliveryLog(ctx, d.ID)
	if err != nil {
		return err
	}
	l.Response, l.Error, l.ResponseHeaders = text, text, map[string]string{"X": text}
	return tx.PutDeliveryLog(ctx, l)
}

// eraseAll does what the erasure job does to the database.
func eraseAll(t *testing.T, s *Store, agentID string) {
	t.Helper()
	err := s.Update(t.Context(), func(ctx context.Context, tx store.Tx) error { return tx.DeleteAgent(ctx, markedEnv, agentID) })
	if err != nil {
		t.Fatal(err)
	}
	for _, place := range []store.Place{store.PlaceTranscripts, store.PlaceSIPMessages, store.PlaceDeliveries, store.PlaceHookLogs, store.PlaceCalls, store.PlaceJobs} {
		for n := int64(1); n > 0; {
			err := s.Update(t.Context(), func(ctx context.Context, tx store.Tx) (err error) {
				n, err = tx.Erase(ctx, place, store.Scope{AgentID: agentID}, 25)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func scrubbed(t *testing.T, s *Store) (note string) {
	t.Helper()
	done, note, err := s.Scrub(t.Context())
	if err != nil || !done {
		t.Fatalf("scrub: %v, %v", done, err)
	}
	return note
}

func TestSQLiteKeepsNoDeletedBytes(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{DataDir: dir})
	neighbour := fill(t, s)
	eraseAll(t, s, neighbour.ID) // so that there are free pages when the second comes
	a := fill(t, s)
	if n := hits(t, dir, markers...); n < 1000 {
		t.Fatalf("only %d hits before the deletion: the test looks in the wrong place", n)
	}
	eraseAll(t, s, a.ID)
	if note := scrubbed(t, s); note != "" {
		t.Errorf("note %q", note)
	}
	if n := hits(t, dir, markers...); n != 0 {
		t.Errorf("%d hits after the deletion", n)
	}
}

// Job rows hold ids only; their bytes go as well.
func TestSQLiteKeepsNoDeletedJobs(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{DataDir: dir})
	a := fill(t, s)
	done := make(chan struct{}, 100)
	stop := work(t, s, jobs.Set{Handlers: map[string]jobs.Handler{"dial": func(context.Context, string) error { done <- struct{}{}; return nil }}})
	for range 30 {
		enqueue(t, s, store.Job{Kind: "dial", Subject: a.ID}, store.Job{Kind: "dial", Subject: a.ID, RunAt: time.Now().Add(time.Hour)})
	}
	for range 30 {
		receive(t, done)
	}
	stop()
	eraseAll(t, s, a.ID)
	scrubbed(t, s)
	if n := hits(t, dir, a.ID); n != 0 {
		t.Errorf("%d hits of the agent's id after the deletion", n)
	}
}

func TestScrubSeesAReaderInTheWay(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{DataDir: dir})
	err := s.View(t.Context(), func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.Meta(ctx, "x"); err != nil { // from here on the reader holds its state of the database
			return err
		}
		if err := s.Update(ctx, func(ctx context.Context, tx store.Tx) error { return tx.SetMeta(ctx, "x", "y") }); err != nil {
			return err
		}
		if done, _, err := s.Scrub(ctx); done || err != nil {
			t.Errorf("with a reader: %v, %v", done, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	scrubbed(t, s)
	if info, err := os.Stat(filepath.Join(dir, sqliteFile+"-wal")); err != nil || info.Size() != 0 {
		t.Errorf("write-ahead log: %v, %v", info, err)
	}
}

func TestPostgresKeepsNoDeletedRowsAndSaysWhatItKeeps(t *testing.T) {
	s := open(t, Options{URL: pgtest.Database(t)})
	a := fill(t, s)
	if _, err := s.write.ExecContext(t.Context(), "ANALYZE"); err != nil {
		t.Fatal(err)
	}
	var sampled int
	err := s.write.NewRaw("SELECT count(*) FROM pg_stats WHERE schemaname = 'public' AND (most_common_vals::text ~ ? OR histogram_bounds::text ~ ?)",
		strings.Join(markers, "|"), strings.Join(markers, "|")).Scan(t.Context(), &sampled)
	if err != nil || sampled != 0 {
		t.Errorf("%d columns keep samples of what was said (%v)", sampled, err)
	}
	eraseAll(t, s, a.ID)
	if note := scrubbed(t, s); !strings.Contains(note, "write-ahead log") {
		t.Errorf("note %q", note)
	}
	var dead, rows int
	err = s.write.NewRaw("SELECT (SELECT count(*) FROM turns) + (SELECT count(*) FROM sip_messages) + "+
		"(SELECT count(*) FROM calls) + (SELECT count(*) FROM agents) + (SELECT count(*) FROM trainings) + "+
		"(SELECT count(*) FROM actions) + (SELECT count(*) FROM flow_versions) + "+
		"(SELECT count(*) FROM deliveries) + (SELECT count(*) FROM delivery_logs) + (SELECT count(*) FROM delivery_lanes) + (SELECT count(*) FROM webhooks)").
		Scan(t.Context(), &rows)
	if err != nil || rows != 0 {
		t.Errorf("%d rows are left (%v)", rows, err)
	}
	err = s.write.NewRaw("SELECT coalesce(sum(pg_relation_size(oid)), 0) FROM pg_class WHERE relname IN ('turns', 'calls', 'sip_messages', 'deliveries', 'delivery_logs')").
		Scan(t.Context(), &dead)
	if err != nil || dead != 0 {
		t.Errorf("%d bytes of emptied tables are left (%v)", dead, err)
	}
}
