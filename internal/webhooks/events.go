package webhooks

import (
	"context"
	"slices"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/jobs"
	"github.com/parley-voice/parley/internal/store"
)

// Put writes events of a call for the webhooks that listen to them, in the transaction of their fact, and wakes the jobs that send them.
func (w *Webhooks) Put(ctx context.Context, tx store.Tx, c *parley.Call, events ...parley.CallEvent) error {
	if len(events) == 0 {
		return nil
	}
	hooks, err := tx.WebhooksOf(ctx, c.AgentID)
	if err != nil {
		return err
	}
	for _, hook := range hooks {
		if !hook.Enabled {
			continue
		}
		heard := slices.DeleteFunc(slices.Clone(events), func(e parley.CallEvent) bool { return !slices.Contains(hook.Events, e.Event) })
		if err := w.queue(ctx, tx, hook, c, heard); err != nil {
			return err
		}
	}
	return nil
}

// queue puts what one webhook hears into its lane.
func (w *Webhooks) queue(ctx context.Context, tx store.Tx, hook *parley.Webhook, c *parley.Call, events []parley.CallEvent) error {
	if len(events) == 0 {
		return nil
	}
	now := parley.Stamp(time.Now())
	lane := store.Lane{CallID: c.ID, WebhookID: hook.ID, AgentID: c.AgentID, At: now}
	if ok, err := tx.ExtendLane(ctx, &lane, len(events)); err != nil || !ok {
		return err
	}
	ds := make([]*parley.Delivery, len(events))
	for i, e := range events {
		d := &parley.Delivery{
			ID: parley.NewID(), LaneID: lane.ID, WebhookID: hook.ID, AgentID: c.AgentID, CallID: c.ID, Event: e.Event,
			Sequence: lane.Sequence - int64(len(events)-1-i), Status: parley.DeliveryPending, CreatedAt: now,
		}
		var err error
		if d.Body, err = body(w.payload(d, c, e), hook.Templates); err != nil {
			return err
		}
		ds[i] = d
	}
	if err := tx.InsertDeliveries(ctx, ds); err != nil || !lane.Wake {
		return err
	}
	return tx.Enqueue(ctx, store.Job{Kind: jobs.DeliverEvents, Subject: lane.Ticket})
}

func (w *Webhooks) payload(d *parley.Delivery, c *parley.Call, e parley.CallEvent) payload {
	p := payload{
		ID: d.ID, Event: d.Event, AgentID: d.AgentID, WebhookID: d.WebhookID, Timestamp: micros(e.At), Sequence: d.Sequence, CallID: c.ID,
		Duration: seconds(c), Call: showCall(c), Context: c.Context, Data: map[string]any{},
	}
	for k, v := range e.Data {
		p.Data[k] = v
	}
	for k, path := range e.Paths {
		p.Data[k] = w.deps.PublicURL + path
	}
	if e.Event == parley.EventRecording {
		p.Data["recording_url"] = w.deps.PublicURL + "/api/v1/calls/" + c.ID + "/recording"
	}
	return p
}
