package store

import (
	"context"
	"time"

	"github.com/parley-voice/parley"
)

// Webhooks are the receivers of agents' events.
type Webhooks interface {
	// WebhooksOf returns the webhooks of an agent, oldest first.
	WebhooksOf(ctx context.Context, agentID string) ([]*parley.Webhook, error)
	// Webhook answers WebhookNotFound when the agent has none of that id; agentID empty reads any agent's (for deliveries).
	Webhook(ctx context.Context, agentID, id string) (*parley.Webhook, error)
	// InsertWebhook answers AgentNotFound when the agent is gone.
	InsertWebhook(ctx context.Context, w *parley.Webhook) error
	// UpdateWebhook writes all but agent, creation and Failing.
	UpdateWebhook(ctx context.Context, w *parley.Webhook) error
	// SetWebhookFailing notes whether the last delivery used its retries up.
	SetWebhookFailing(ctx context.Context, id string, failing bool) error
	// DeleteWebhook deletes the row; what was delivered to it goes by EraseDeliveries.
	DeleteWebhook(ctx context.Context, agentID, id string) error
}

// Deliveries are events on their way to webhooks, and the logs of each attempt. Whatever is written for a webhook that is gone is
// dropped silently; so is what belongs to a deleted agent, since its webhooks go with it.
type Deliveries interface {
	// ExtendLane gives n more events of a call the next places in what a webhook hears of it. l comes with ids of call, webhook and
	// agent and the time, and is filled in; false when the webhook is gone.
	ExtendLane(ctx context.Context, l *Lane, n int) (bool, error)
	// InsertDeliveries adds deliveries, each with a pending log.
	InsertDeliveries(ctx context.Context, ds []*parley.Delivery) error
	// PendingDeliveries returns the first deliveries of a lane that were never attempted, in order. None for a ticket that is void.
	PendingDeliveries(ctx context.Context, ticket string, limit int) ([]*parley.Delivery, error)
	// RestLane voids a ticket, since no job works on the lane any more; false when something is pending, and then it stays good.
	RestLane(ctx context.Context, ticket string) (bool, error)
	// Delivery answers LogNotFound when there is none.
	Delivery(ctx context.Context, id string) (*parley.Delivery, error)
	// UpdateDelivery writes status and number of attempts.
	UpdateDelivery(ctx context.Context, d *parley.Delivery) error
	// CancelDeliveries fails what is open for a webhook, with a reason.
	CancelDeliveries(ctx context.Context, webhookID, reason string) error
	// ForgetDeliveries deletes up to limit logs, deliveries and lanes that f picks, and returns how many.
	ForgetDeliveries(ctx context.Context, f DeliveryFilter, limit int) (int64, error)
}

// Lane is what one webhook hears of one call: in it first attempts leave in order.
type Lane struct {
	ID                         string
	CallID, WebhookID, AgentID string
	At                         time.Time // of the new events
	Sequence                   int64     // of the last of them
	Ticket                     string    // of the one job that may work on it: a job that comes again late has an old one
	Wake                       bool      // no job worked on it; the caller enqueues one for the ticket
}

// DeliveryFilter picks what is to be forgotten; exactly one field is set.
type DeliveryFilter struct {
	WebhookID string
	Before    time.Time // not touched since
}

// DeliveryLogs tell of each attempt of a delivery.
type DeliveryLogs interface {
	// PutDeliveryLog inserts a log, or replaces the result in it. Earlier logs of the delivery that are retrying become failed.
	PutDeliveryLog(ctx context.Context, l *parley.DeliveryLog) error
	// DeliveryLogs returns a page of a webhook's logs, newest first, and the number of all.
	DeliveryLogs(ctx context.Context, webhookID string, p Page) ([]*parley.DeliveryLog, int, error)
	// DeliveryLog answers LogNotFound when the webhook has none of that id.
	DeliveryLog(ctx context.Context, webhookID, id string) (*parley.DeliveryLog, error)
	// LastDeliveryLog is that of the latest attempt.
	LastDeliveryLog(ctx context.Context, deliveryID string) (*parley.DeliveryLog, error)
}
