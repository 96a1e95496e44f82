package rooms

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"reflect"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/envelope"
	"github.com/parley-voice/parley/internal/sqlstore"
	"github.com/parley-voice/parley/internal/sqlstore/pgtest"
	"github.com/parley-voice/parley/internal/store"
)

// planted stands in everything of a call that is sealed.
const planted = "rhinoceros"

// sealedHouse is a sealed store over a plain one that shows what lies in the database.
type sealedHouse struct {
	plain, sealed store.Store
	keys          *envelope.Keys
	agent, call   string
	delivery, log string
}

func newSealedHouse(t *testing.T, where sqlstore.Options) *sealedHouse {
	t.Helper()
	plain, err := sqlstore.Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = plain.Close() })
	keys := openKeys(t, t.TempDir())
	h := &sealedHouse{plain: plain, sealed: envelope.Seal(plain, keys, slog.New(slog.DiscardHandler)), keys: keys}
	h.agent, h.call = said(t, h.sealed)
	return h
}

func onEngines(t *testing.T, test func(t *testing.T, where sqlstore.Options)) {
	t.Run("SQLite", func(t *testing.T) { test(t, sqlstore.Options{DataDir: t.TempDir()}) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, sqlstore.Options{URL: pgtest.Database(t)}) })
}

// bring fills the call, and an event of it, with the planted word.
func (h *sealedHouse) bring(t *testing.T, s store.Store) {
	t.Helper()
	err := s.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
		c, err := tx.Call(ctx, "", h.call)
		if err != nil {
			return err
		}
		doc := json.RawMessage(`{"animal": "` + planted + `"}`)
		c.Payload, c.Context = doc, doc
		c.Messages = []parley.TakenMessage{{TakenAt: c.CreatedAt, Slots: map[string]string{"animal": planted, "name": ""}}}
		c.Transfers = []parley.Transfer{{To: planted, Mode: parley.TransferBridged, Outcome: "busy", StartedAt: c.CreatedAt}}
		if _, err := tx.UpdateCall(ctx, c); err != nil {
			return err
		}
		return h.deliver(ctx, tx, c)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (h *sealedHouse) deliver(ctx context.Context, tx store.Tx, c *parley.Call) error {
	w := &parley.Webhook{ID: parley.NewID(), AgentID: h.agent, Events: []parley.Event{}, Enabled: true, CreatedAt: c.CreatedAt, UpdatedAt: c.CreatedAt}
	if err := tx.InsertWebhook(ctx, w); err != nil {
		return err
	}
	lane := store.Lane{CallID: h.call, WebhookID: w.ID, AgentID: h.agent, At: c.CreatedAt}
	if _, err := tx.ExtendLane(ctx, &lane, 1); err != nil {
		return err
	}
	d := &parley.Delivery{
		ID: parley.NewID(), LaneID: lane.ID, WebhookID: w.ID, AgentID: h.agent, CallID: h.call, Sequence: 1, Event: parley.EventCallEnded,
		Body: []byte(planted), Status: parley.DeliveryPending, CreatedAt: c.CreatedAt,
	}
	if err := tx.InsertDeliveries(ctx, []*parley.Delivery{d}); err != nil {
		return err
	}
	l, err := tx.LastDeliveryLog(ctx, d.ID)
	if err != nil {
		return err
	}
	l.Status, l.Response, l.Error, l.ResponseHeaders = parley.DeliveryFailed, planted, planted, map[string]string{"X-Animal": planted}
	h.delivery, h.log = d.ID, l.ID
	return tx.PutDeliveryLog(ctx, l)
}

// seen is what a store shows of the call.
type seen struct {
	call     *parley.Call
	delivery *parley.Delivery
	log      *parley.DeliveryLog
}

func (h *sealedHouse) see(t *testing.T, s store.Store) (v seen, err error) {
	t.Helper()
	return v, s.View(t.Context(), func(ctx context.Context, tx store.Tx) (err error) {
		var errs [3]error
		v.call, errs[0] = tx.Call(ctx, "", h.call)
		v.log, errs[1] = tx.LastDeliveryLog(ctx, h.delivery)
		v.delivery, errs[2] = tx.Delivery(ctx, h.delivery)
		return errors.Join(errs[:]...)
	})
}

// texts are the sealed parts of what was seen.
func (v seen) texts() []string {
	return []string{
		string(v.call.Payload), string(v.call.Context), v.call.Messages[0].Slots["animal"], v.call.Transfers[0].To,
		v.log.Response, v.log.Error, v.log.ResponseHeaders["X-Animal"], string(v.log.Request), string(v.delivery.Body),
	}
}

func TestWhatNobodySearchesByIsSealed(t *testing.T) {
	onEngines(t, func(t *testing.T, where sqlstore.Options) {
		h := newSealedHouse(t, where)
		h.bring(t, h.sealed)
		v, err := h.see(t, h.sealed)
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range v.texts() {
			if !bytes.Contains([]byte(text), []byte(planted)) {
				t.Errorf("part %d was read as %q", i, text)
			}
		}
		raw, err := h.see(t, h.plain)
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range raw.texts() {
			if text == "" || bytes.Contains([]byte(text), []byte(planted)) {
				t.Errorf("part %d lies in the database as %q", i, text)
			}
		}
		if _, err := h.keys.Destroy(h.agent); err != nil {
			t.Fatal(err)
		}
		v, err = h.see(t, h.sealed)
		if !errors.Is(err, envelope.ErrNoKey) {
			t.Errorf("a body that cannot be opened was given to be sent: %v", err)
		}
		v.delivery = &parley.Delivery{}
		for i, text := range v.texts() {
			if text != "" {
				t.Errorf("part %d is read without the key as %q", i, text)
			}
		}
		if v.call.Payload != nil || v.log.Request != nil {
			t.Errorf("documents that are gone: %q, %q", v.call.Payload, v.log.Request)
		}
	})
}

func TestRowsFromBeforeTheSealAreReadAsTheyAre(t *testing.T) {
	h := newSealedHouse(t, sqlstore.Options{DataDir: t.TempDir()})
	h.bring(t, h.plain)
	want, err := h.see(t, h.plain)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := h.see(t, h.sealed); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

// A call that ends after its agent's key was lost is closed all the same.
func TestACallEndsWithoutAKey(t *testing.T) {
	h := newSealedHouse(t, sqlstore.Options{DataDir: t.TempDir()})
	h.bring(t, h.sealed)
	if _, err := h.keys.Destroy(h.agent); err != nil {
		t.Fatal(err)
	}
	err := h.sealed.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
		c, err := tx.Call(ctx, "", h.call)
		if err != nil {
			return err
		}
		now := parley.Stamp(time.Now())
		c.Status, c.EndedAt, c.Messages = parley.CallCompleted, &now, []parley.TakenMessage{{TakenAt: now, Slots: map[string]string{"animal": planted}}}
		if wrote, err := tx.UpdateCall(ctx, c); err != nil || !wrote {
			t.Errorf("%v, %v", wrote, err)
		}
		return tx.AmendCall(ctx, c)
	})
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := h.see(t, h.plain); err != nil || raw.call.Status != parley.CallCompleted || len(raw.call.Messages) > 0 {
		t.Errorf("%+v, %v", raw.call, err)
	}
}
