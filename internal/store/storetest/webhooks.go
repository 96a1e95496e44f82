package storetest

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

var webhookRules = []rule{
	{"a webhook comes back as it was, through its agent only", func(t *testing.T, h *house) {
		a, b := h.agent(t), h.agent(t)
		w, v := h.webhook(t, a), h.webhook(t, a)
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			if err := same("list", []*parley.Webhook{w, v})(tx.WebhooksOf(ctx, a.ID)); err != nil {
				return err
			}
			if err := same("any agent's", w)(tx.Webhook(ctx, "", w.ID)); err != nil {
				return err
			}
			return same("one", w)(tx.Webhook(ctx, a.ID, w.ID))
		})
		refused(t, h, parley.WebhookNotFound, func(ctx context.Context, tx store.Tx) error { _, err := tx.Webhook(ctx, b.ID, w.ID); return err })
		refused(t, h, parley.WebhookNotFound, func(ctx context.Context, tx store.Tx) error { return tx.DeleteWebhook(ctx, b.ID, w.ID) })
		refused(t, h, parley.AgentNotFound, func(ctx context.Context, tx store.Tx) error {
			return tx.InsertWebhook(ctx, &parley.Webhook{ID: parley.NewID(), AgentID: "none", CreatedAt: h.tick(), UpdatedAt: h.tick()})
		})
	}},
	{"an update leaves it failing, which is set alone", func(t *testing.T, h *house) {
		w := h.webhook(t, h.agent(t))
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.SetWebhookFailing(ctx, w.ID, true) })
		w.Name, w.Enabled, w.SealedSecret, w.Templates, w.UpdatedAt = "night", false, nil, nil, h.tick()
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.UpdateWebhook(ctx, w) })
		w.Failing = true
		view(t, h, func(ctx context.Context, tx store.Tx) error { return same("one", w)(tx.Webhook(ctx, w.AgentID, w.ID)) })
	}},
	{"webhooks go with their agent", func(t *testing.T, h *house) {
		a := h.agent(t)
		w := h.webhook(t, a)
		h.drop(t, a)
		refused(t, h, parley.WebhookNotFound, func(ctx context.Context, tx store.Tx) error { _, err := tx.Webhook(ctx, a.ID, w.ID); return err })
	}},
	{"events of a call are numbered by webhook, and wake one job", func(t *testing.T, h *house) {
		a := h.agent(t)
		c, w, v := h.call(t, a), h.webhook(t, a), h.webhook(t, a)
		ticket, first := h.queue(t, w, c.ID, 2, true)
		_, second := h.queue(t, w, c.ID, 1, false)
		otherTicket, other := h.queue(t, v, c.ID, 1, true)
		want(t, "sequences", []int64{first[0].Sequence, first[1].Sequence, second[0].Sequence, other[0].Sequence}, []int64{1, 2, 3, 1})
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			if err := same("pending", []*parley.Delivery{first[0], first[1]})(tx.PendingDeliveries(ctx, ticket, 2)); err != nil {
				return err
			}
			return same("other", other)(tx.PendingDeliveries(ctx, otherTicket, 9))
		})
	}},
	{"a lane rests only when nothing is pending", func(t *testing.T, h *house) {
		a := h.agent(t)
		c, w := h.call(t, a), h.webhook(t, a)
		ticket, ds := h.queue(t, w, c.ID, 1, true)
		d := ds[0]
		rests := func(wanted bool) {
			t.Helper()
			update(t, h, func(ctx context.Context, tx store.Tx) error { return same("rests", wanted)(tx.RestLane(ctx, ticket)) })
		}
		rests(false)
		h.queue(t, w, c.ID, 0, false)
		d.Status, d.Attempts = parley.DeliverySuccess, 1
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.UpdateDelivery(ctx, d) })
		view(t, h, func(ctx context.Context, tx store.Tx) error { return same("delivery", d)(tx.Delivery(ctx, d.ID)) })
		rests(true)
		fresh, ds := h.queue(t, w, c.ID, 1, true)
		want(t, "sequence", ds[0].Sequence, int64(2))
		rests(true) // a void ticket is good for nothing
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			if err := same("of the old ticket", []*parley.Delivery{})(tx.PendingDeliveries(ctx, ticket, 9)); err != nil {
				return err
			}
			return same("of the new one", ds)(tx.PendingDeliveries(ctx, fresh, 9))
		})
	}},
	{"each attempt has a log, newest first, with the body that was sent", deliveryLogs},
	{"what is open is cancelled with a reason", func(t *testing.T, h *house) {
		a := h.agent(t)
		w := h.webhook(t, a)
		_, ds := h.queue(t, w, h.call(t, a).ID, 2, true)
		ds[0].Status = parley.DeliverySuccess
		update(t, h, func(ctx context.Context, tx store.Tx) error {
			if err := tx.UpdateDelivery(ctx, ds[0]); err != nil {
				return err
			}
			return tx.CancelDeliveries(ctx, w.ID, "disabled")
		})
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			l, err := tx.LastDeliveryLog(ctx, ds[1].ID)
			if err != nil {
				return err
			}
			want(t, "log", []any{l.Status, l.Error}, []any{parley.DeliveryFailed, "disabled"})
			d, err := tx.Delivery(ctx, ds[0].ID)
			want(t, "delivered before", d.Status, parley.DeliverySuccess)
			return err
		})
	}},
	{"what is old is forgotten in bounded batches, what is new stays", func(t *testing.T, h *house) {
		a := h.agent(t)
		w := h.webhook(t, a)
		for n := int64(1); n > 0; { // of other tests
			update(t, h, func(ctx context.Context, tx store.Tx) (err error) {
				n, err = tx.ForgetDeliveries(ctx, store.DeliveryFilter{Before: h.clock.Add(time.Hour)}, 100)
				return err
			})
		}
		h.queue(t, w, h.call(t, a).ID, 2, true)
		cut := h.tick()
		h.queue(t, w, h.call(t, a).ID, 1, true)
		h.forgets(t, store.DeliveryFilter{Before: cut}, 5)
		h.forgets(t, store.DeliveryFilter{WebhookID: w.ID}, 3)
	}},
	{"nothing is queued for a webhook that is gone", func(t *testing.T, h *house) {
		a := h.agent(t)
		w := h.webhook(t, a)
		c := h.call(t, a)
		ticket, _ := h.queue(t, w, c.ID, 1, true)
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.DeleteWebhook(ctx, a.ID, w.ID) })
		_, none := h.queue(t, w, c.ID, 1, false)
		want(t, "queued", len(none), 0)
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			return same("pending", []*parley.Delivery{})(tx.PendingDeliveries(ctx, ticket, 9))
		})
		h.erasesPlace(t, a, store.PlaceDeliveries, 1, 1, 0)
	}},
	{"an agent's deliveries are erased in bounded batches, with their jobs", func(t *testing.T, h *house) {
		a, b := h.agent(t), h.agent(t)
		ticket, ds := h.queue(t, h.webhook(t, a), h.call(t, a).ID, 3, true)
		h.queue(t, h.webhook(t, b), h.call(t, b).ID, 1, true)
		update(t, h, func(ctx context.Context, tx store.Tx) error {
			for _, subject := range []string{ticket, ds[1].ID, ds[0].WebhookID} {
				if err := tx.Enqueue(ctx, store.Job{Kind: "test", Subject: subject, RunAt: h.clock.Add(time.Hour)}); err != nil {
					return err
				}
			}
			return nil
		})
		h.drop(t, a)
		h.erasesPlace(t, a, store.PlaceDeliveries, 2, 1, 1, 0) // the lane last
		h.erasesPlace(t, a, store.PlaceHookLogs, 2, 1, 0)
		h.erasesJobs(t, a, 3)
		h.erasesPlace(t, b, store.PlaceHookLogs, 1, 0)
	}},
}

func (h *house) webhook(t *testing.T, a *parley.Agent) *parley.Webhook {
	t.Helper()
	now := h.tick()
	w := &parley.Webhook{
		ID: parley.NewID(), AgentID: a.ID, EnvironmentID: a.EnvironmentID, Name: "CRM", URL: "https://crm.example.com/hook",
		Events: []parley.Event{parley.EventCallEnded, parley.EventRecording}, Timeout: 5 * time.Second, MaxRetries: 2, Enabled: true, Method: "PUT",
		Scheme: "bearer", SealedSecret: []byte{0, 1}, SealedHeaders: []byte{2, 255}, Templates: json.RawMessage(`{"event_recording": {"b": 1, "a": "{{x}}"}}`),
		CreatedAt: now, UpdatedAt: now,
	}
	update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.InsertWebhook(ctx, w) })
	return w
}

// queue puts n events of a call on their way.
func (h *house) queue(t *testing.T, w *parley.Webhook, callID string, n int, wake bool) (ticket string, ds []*parley.Delivery) {
	t.Helper()
	update(t, h, func(ctx context.Context, tx store.Tx) error {
		l := store.Lane{CallID: callID, WebhookID: w.ID, AgentID: w.AgentID, At: h.tick()}
		if ok, err := tx.ExtendLane(ctx, &l, n); err != nil || !ok {
			return err
		}
		want(t, "wake", l.Wake, wake)
		ticket = l.Ticket
		for i := range n {
			ds = append(ds, &parley.Delivery{
				ID: parley.NewID(), LaneID: l.ID, WebhookID: w.ID, AgentID: w.AgentID, CallID: callID, Event: parley.EventRecording,
				Sequence: l.Sequence - int64(n-1-i), Body: []byte(`{"b": 1,  "a": "é"}`), Status: parley.DeliveryPending, CreatedAt: h.tick(),
			})
		}
		return tx.InsertDeliveries(ctx, ds)
	})
	return ticket, ds
}

// erasesPlace empties a place in batches of two.
func (h *house) erasesPlace(t *testing.T, a *parley.Agent, p store.Place, batches ...int64) {
	t.Helper()
	for _, n := range batches {
		h.erases(t, n, func(ctx context.Context, tx store.Tx) (int64, error) {
			return tx.Erase(ctx, p, store.Scope{AgentID: a.ID}, 2)
		})
	}
}

// forgets counts what goes, in batches of two.
func (h *house) forgets(t *testing.T, f store.DeliveryFilter, total int64) {
	t.Helper()
	var sum int64
	for n := int64(1); n > 0; sum += n {
		update(t, h, func(ctx context.Context, tx store.Tx) (err error) {
			n, err = tx.ForgetDeliveries(ctx, f, 2)
			return err
		})
		if n > 2 {
			t.Errorf("%d in a batch of 2", n)
		}
	}
	want(t, "forgotten", sum, total)
}

func deliveryLogs(t *testing.T, h *house) {
	a := h.agent(t)
	w, v := h.webhook(t, a), h.webhook(t, a)
	_, ds := h.queue(t, w, h.call(t, a).ID, 1, true)
	d := ds[0]
	var first *parley.DeliveryLog
	view(t, h, func(ctx context.Context, tx store.Tx) (err error) {
		first, err = tx.LastDeliveryLog(ctx, d.ID)
		return err
	})
	want(t, "pending log", []any{first.Status, first.Attempt, string(first.Request)}, []any{parley.DeliveryPending, 1, string(d.Body)})
	first.Status, first.HTTPStatus, first.Response, first.Error, first.Took = parley.DeliveryRetrying, 500, "no", "HTTP 500", 12*time.Millisecond
	first.ResponseHeaders = map[string]string{"Server": "x"}
	second := *first
	second.ID, second.Attempt, second.Status, second.DeliveredAt, second.CreatedAt = parley.NewID(), 2, parley.DeliverySuccess, new(h.tick()), h.tick()
	update(t, h, func(ctx context.Context, tx store.Tx) error {
		if err := tx.PutDeliveryLog(ctx, first); err != nil {
			return err
		}
		return tx.PutDeliveryLog(ctx, &second)
	})
	first.Status = parley.DeliveryFailed // a further attempt was made
	view(t, h, func(ctx context.Context, tx store.Tx) error {
		page, total, err := tx.DeliveryLogs(ctx, w.ID, store.Page{Number: 1, Size: 9})
		want(t, "logs", page, []*parley.DeliveryLog{&second, first})
		want(t, "total", total, 2)
		if err != nil {
			return err
		}
		return same("one", first)(tx.DeliveryLog(ctx, w.ID, first.ID))
	})
	refused(t, h, parley.LogNotFound, func(ctx context.Context, tx store.Tx) error {
		_, err := tx.DeliveryLog(ctx, v.ID, first.ID)
		return err
	})
}
