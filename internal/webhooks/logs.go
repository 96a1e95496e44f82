package webhooks

import (
	"context"
	"encoding/json"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/jobs"
	"github.com/parley-voice/parley/internal/store"
)

const (
	retention   = 30 * 24 * time.Hour
	forgetBatch = 500
)

// Logs returns a page of a webhook's attempts, newest first, and the number of all.
func (w *Webhooks) Logs(ctx context.Context, actor parley.Actor, agentID, id string, p store.Page, faults parley.Faults) (
	rows []*parley.DeliveryLog, total int, err error,
) {
	if err := actor.Require(parley.ReadAgents); err != nil {
		return nil, 0, err
	}
	err = w.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		if _, err = find(ctx, tx, actor, agentID, id); err != nil {
			return err
		}
		if err = faults.Err(); err != nil {
			return err
		}
		rows, total, err = tx.DeliveryLogs(ctx, id, p)
		return err
	})
	return rows, total, err
}

// Retry orders one more attempt of a delivery that failed, with the webhook as it is now, and returns its log.
func (w *Webhooks) Retry(ctx context.Context, actor parley.Actor, agentID, id, logID string) (log *parley.DeliveryLog, err error) {
	if err := actor.Require(parley.WriteAgents); err != nil {
		return nil, err
	}
	err = w.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		hook, err := find(ctx, tx, actor, agentID, id)
		if err != nil {
			return err
		}
		old, err := tx.DeliveryLog(ctx, id, logID)
		if err != nil {
			return err
		}
		d, err := tx.Delivery(ctx, old.DeliveryID)
		if parley.CodeOf(err) == parley.LogNotFound || err == nil && !retriable(hook, old, d) {
			return parley.Errorf(parley.LogNotRetriable, "log %s is %s", logID, old.Status)
		}
		if err != nil {
			return err
		}
		log = newLog(d, d.Attempts+1)
		d.Status = parley.DeliveryRetrying
		if err := tx.UpdateDelivery(ctx, d); err != nil {
			return err
		}
		if err := tx.PutDeliveryLog(ctx, log); err != nil {
			return err
		}
		return tx.Enqueue(ctx, store.Job{Kind: jobs.RetryDelivery, Subject: d.ID})
	})
	return log, err
}

// retriable says whether a log's delivery failed for good, lately, to a webhook that still listens.
func retriable(hook *parley.Webhook, l *parley.DeliveryLog, d *parley.Delivery) bool {
	return hook.Enabled && l.Status == parley.DeliveryFailed && d.Status == parley.DeliveryFailed && time.Since(l.CreatedAt) < retention
}

// testPayload is the body of a test delivery.
type testPayload struct {
	Event       parley.Event `json:"event"`
	AgentID     string       `json:"agent_id"`
	AgentName   string       `json:"agent_name"`
	WebhookID   string       `json:"webhook_id"`
	WebhookName string       `json:"webhook_name"`
	Timestamp   string       `json:"timestamp"`
	Test        bool         `json:"test"`
}

// Test sends one test delivery and waits for the answer; WebhookTestFailed names the reason of a failure. It leaves no log.
func (w *Webhooks) Test(ctx context.Context, actor parley.Actor, agentID, id string) (status int, took time.Duration, err error) {
	if err := actor.Require(parley.WriteAgents); err != nil {
		return 0, 0, err
	}
	var hook *parley.Webhook
	var agent *parley.Agent
	err = w.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		if agent, err = tx.Agent(ctx, actor.EnvironmentID, agentID); err == nil {
			hook, err = tx.Webhook(ctx, agentID, id)
		}
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	b, err := json.Marshal(testPayload{
		Event: parley.EventTest, AgentID: agentID, AgentName: agent.Name, WebhookID: id, WebhookName: hook.Name,
		Timestamp: time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), Test: true,
	})
	if err != nil {
		return 0, 0, err
	}
	o, err := w.attempt(ctx, hook, message{id: parley.NewID(), body: b})
	if err == nil && o.fault != "" {
		err = parley.Errorf(parley.WebhookTestFailed, "%s", o.fault)
	}
	return o.status, o.took, err
}

// HandleForget is the periodic job that drops what is older than the retention.
func (w *Webhooks) HandleForget(ctx context.Context, _ string) error {
	return w.forget(ctx, store.DeliveryFilter{Before: parley.Stamp(time.Now().Add(-retention))})
}

// HandleDrop is the job that drops what was delivered to a webhook that was deleted.
func (w *Webhooks) HandleDrop(ctx context.Context, webhookID string) error {
	return w.forget(ctx, store.DeliveryFilter{WebhookID: webhookID})
}

func (w *Webhooks) forget(ctx context.Context, f store.DeliveryFilter) error {
	for n := int64(1); n > 0; {
		err := w.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) (err error) {
			n, err = tx.ForgetDeliveries(ctx, f, forgetBatch)
			return err
		})
		if err != nil {
			return later(err)
		}
	}
	return nil
}
