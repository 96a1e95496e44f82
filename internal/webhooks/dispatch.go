package webhooks

import (
	"context"
	"errors"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/jobs"
	"github.com/parley-voice/parley/internal/store"
)

const (
	laneBatch    = 20               // deliveries of a lane that are read at once
	laneFor      = 30 * time.Second // a job gives its worker to others after so long
	recordWithin = 5 * time.Second  // for writing what came of an attempt, also when the server stops
	awayFor      = time.Second      // a job comes again when the database was away
)

// HandleLane is the job that makes the first attempts of a lane, in order, until nothing is pending. Only the job that holds the lane's
// ticket works on it, so that nothing overtakes: one that comes again after a crash finds its ticket void.
func (w *Webhooks) HandleLane(ctx context.Context, ticket string) error {
	for start := time.Now(); time.Since(start) < laneFor; {
		var ds []*parley.Delivery
		err := w.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
			ds, err = tx.PendingDeliveries(ctx, ticket, laneBatch)
			return err
		})
		if err != nil {
			return later(err)
		}
		if len(ds) == 0 {
			if rests, err := w.rest(ctx, ticket); err != nil || rests {
				return later(err)
			}
		}
		for _, d := range ds {
			if err := w.deliver(ctx, d); err != nil {
				return later(err)
			}
		}
	}
	return jobs.Again{}
}

func (w *Webhooks) rest(ctx context.Context, ticket string) (rests bool, err error) {
	err = w.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		rests, err = tx.RestLane(ctx, ticket)
		return err
	})
	return rests, err
}

// later asks for another round when the database was away: that is no failure of the job.
func later(err error) error {
	if errors.Is(err, store.ErrUnavailable) {
		return jobs.Again{After: awayFor}
	}
	return err
}

// HandleRetry is the job of a delivery whose next attempt is due.
func (w *Webhooks) HandleRetry(ctx context.Context, deliveryID string) error {
	var d *parley.Delivery
	err := w.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		d, err = tx.Delivery(ctx, deliveryID)
		return err
	})
	if parley.CodeOf(err) == parley.LogNotFound || err == nil && d.Status != parley.DeliveryRetrying {
		return nil // deleted, cancelled, or attempted by this job's earlier run
	}
	if err != nil {
		return later(err)
	}
	return later(w.deliver(ctx, d))
}

// deliver makes one attempt and writes down what came of it. jobs.Again says that the endpoint has no slot; nothing was sent then.
func (w *Webhooks) deliver(ctx context.Context, d *parley.Delivery) error {
	var hook *parley.Webhook
	err := w.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		hook, err = tx.Webhook(ctx, "", d.WebhookID)
		return err
	})
	if parley.CodeOf(err) == parley.WebhookNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	if !hook.Enabled {
		return w.record(ctx, hook, d, outcome{fault: errDisabled})
	}
	key := endpointOf(hook)
	wait, ok := w.endpoints.enter(ctx, key)
	if !ok {
		return jobs.Again{After: wait}
	}
	var took time.Duration
	answered := false
	defer func() { w.endpoints.leave(key, took, answered) }()
	o, err := w.attempt(ctx, hook, message{d.ID, d.Sequence, d.Body})
	if err != nil {
		w.deps.Log.Error("webhook cannot be used", "webhook", hook.ID, "error", err)
		o = outcome{fault: "The webhook's secrets cannot be opened"}
	}
	took, answered = o.took, o.status != 0
	if o.status == 0 && ctx.Err() != nil {
		return ctx.Err() // the server stops: this was no attempt
	}
	return w.record(ctx, hook, d, o)
}

// record writes the result of an attempt, and orders the next one.
func (w *Webhooks) record(ctx context.Context, hook *parley.Webhook, d *parley.Delivery, o outcome) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordWithin)
	defer cancel()
	return w.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		now, err := tx.Delivery(ctx, d.ID)
		if err != nil {
			if parley.CodeOf(err) == parley.LogNotFound {
				return nil // deleted meanwhile
			}
			return err
		}
		log, err := nextLog(ctx, tx, now)
		if err != nil {
			return err
		}
		now.Attempts = log.Attempt
		now.Status = w.verdict(hook, now, o)
		o.into(log, now.Status)
		if err := tx.PutDeliveryLog(ctx, log); err != nil {
			return err
		}
		if err := tx.UpdateDelivery(ctx, now); err != nil {
			return err
		}
		return w.follow(ctx, tx, hook, now)
	})
}

// verdict is the state of a delivery after an attempt (contract notes, 3.4). One that was cancelled meanwhile is not tried again.
func (w *Webhooks) verdict(hook *parley.Webhook, d *parley.Delivery, o outcome) parley.DeliveryStatus {
	open := d.Status == parley.DeliveryPending || d.Status == parley.DeliveryRetrying
	switch {
	case o.fault == "" || d.Status == parley.DeliverySuccess: // once is enough
		return parley.DeliverySuccess
	case open && hook.Enabled && d.Attempts <= hook.MaxRetries:
		return parley.DeliveryRetrying
	}
	return parley.DeliveryFailed
}

// follow does what the new state of a delivery brings with it.
func (w *Webhooks) follow(ctx context.Context, tx store.Tx, hook *parley.Webhook, d *parley.Delivery) error {
	switch {
	case d.Status == parley.DeliverySuccess && hook.Failing:
		return tx.SetWebhookFailing(ctx, d.WebhookID, false)
	case d.Status == parley.DeliverySuccess:
		return nil
	case d.Status == parley.DeliveryFailed && hook.Enabled:
		return tx.SetWebhookFailing(ctx, d.WebhookID, true)
	case d.Status == parley.DeliveryFailed:
		return nil
	}
	return tx.Enqueue(ctx, store.Job{Kind: jobs.RetryDelivery, Subject: d.ID, RunAt: time.Now().Add(w.deps.Delay(d.Attempts))})
}

// nextLog is the log of the attempt that was just made: one that was laid out for it, or a new one.
func nextLog(ctx context.Context, tx store.Tx, d *parley.Delivery) (*parley.DeliveryLog, error) {
	last, err := tx.LastDeliveryLog(ctx, d.ID)
	if err != nil || last.Status == parley.DeliveryPending {
		return last, err
	}
	return newLog(d, last.Attempt+1), nil
}

func newLog(d *parley.Delivery, attempt int) *parley.DeliveryLog {
	return &parley.DeliveryLog{
		ID: parley.NewID(), DeliveryID: d.ID, WebhookID: d.WebhookID, AgentID: d.AgentID, Event: d.Event, Attempt: attempt,
		Status: parley.DeliveryPending, CreatedAt: parley.Stamp(time.Now()),
	}
}

func (o outcome) into(l *parley.DeliveryLog, status parley.DeliveryStatus) {
	l.Status, l.HTTPStatus, l.Response, l.ResponseHeaders, l.Error, l.Took = status, o.status, o.response, o.headers, o.fault, o.took
	if o.fault == "" {
		now := parley.Stamp(time.Now())
		l.DeliveredAt = &now
	}
}
