package sqlstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

type laneRow struct {
	bun.BaseModel `bun:"table:delivery_lanes,alias:dl"`

	ID        string `bun:",pk"`
	CallID    string
	WebhookID string
	AgentID   string
	Ticket    string
	Sequence  int64
	Busy      bool
	WasBusy   bool
	UpdatedAt time.Time
}

type deliveryRow struct {
	bun.BaseModel `bun:"table:deliveries,alias:d"`

	ID        string `bun:",pk"`
	LaneID    string
	WebhookID string
	AgentID   string
	CallID    string
	Sequence  int64
	Event     parley.Event
	Body      string // text: it is signed, and sent to the letter
	Status    parley.DeliveryStatus
	Attempts  int
	CreatedAt time.Time
}

func deliveryToRow(d *parley.Delivery) *deliveryRow {
	return &deliveryRow{
		ID: d.ID, LaneID: d.LaneID, WebhookID: d.WebhookID, AgentID: d.AgentID, CallID: d.CallID, Sequence: d.Sequence, Event: d.Event,
		Body: string(d.Body), Status: d.Status, Attempts: d.Attempts, CreatedAt: parley.Stamp(d.CreatedAt),
	}
}

func (r *deliveryRow) delivery() *parley.Delivery {
	return &parley.Delivery{
		ID: r.ID, LaneID: r.LaneID, WebhookID: r.WebhookID, AgentID: r.AgentID, CallID: r.CallID, Sequence: r.Sequence, Event: r.Event,
		Body: []byte(r.Body), Status: r.Status, Attempts: r.Attempts, CreatedAt: r.CreatedAt.UTC(),
	}
}

const livingWebhook = "JOIN webhooks AS w ON w.id = d.webhook_id"

// ExtendLane gives n more events of a call the next places in a lane. Its row is locked from then on, so that a job which looks whether it
// may rest comes before or after.
func (t *tx) ExtendLane(ctx context.Context, l *store.Lane, n int) (bool, error) {
	if held, err := t.holdWebhook(ctx, l.WebhookID); err != nil || !held {
		return false, err
	}
	r := &laneRow{
		ID: parley.NewID(), CallID: l.CallID, WebhookID: l.WebhookID, AgentID: l.AgentID, Ticket: parley.NewID(), Sequence: int64(n),
		Busy: true, UpdatedAt: parley.Stamp(l.At),
	}
	err := t.NewInsert().Model(r).On("CONFLICT (call_id, webhook_id) DO UPDATE").
		Set("sequence = dl.sequence + EXCLUDED.sequence").Set("was_busy = dl.busy").Set("busy = EXCLUDED.busy").
		Set("ticket = CASE WHEN dl.busy THEN dl.ticket ELSE EXCLUDED.ticket END").Set("updated_at = EXCLUDED.updated_at").
		Returning("id, ticket, sequence, was_busy").Scan(ctx)
	l.ID, l.Ticket, l.Sequence, l.Wake = r.ID, r.Ticket, r.Sequence, !r.WasBusy
	return err == nil, fault(err)
}

// InsertDeliveries adds deliveries, each with a pending log.
func (t *tx) InsertDeliveries(ctx context.Context, ds []*parley.Delivery) error {
	if len(ds) == 0 {
		return nil
	}
	rows, logs := make([]*deliveryRow, len(ds)), make([]*logRow, len(ds))
	for i, d := range ds {
		rows[i] = deliveryToRow(d)
		logs[i] = logToRow(&parley.DeliveryLog{
			ID: parley.NewID(), DeliveryID: d.ID, WebhookID: d.WebhookID, AgentID: d.AgentID, CallID: d.CallID, Event: d.Event,
			Attempt: 1, Status: parley.DeliveryPending, CreatedAt: d.CreatedAt,
		})
	}
	if _, err := t.NewInsert().Model(&rows).Exec(ctx); err != nil {
		return fault(err)
	}
	return done(t.NewInsert().Model(&logs).Exec(ctx))
}

// PendingDeliveries returns the first deliveries of a lane that were never attempted, in order; none for a ticket that is void.
func (t *tx) PendingDeliveries(ctx context.Context, ticket string, limit int) ([]*parley.Delivery, error) {
	var rows []*deliveryRow
	err := t.NewSelect().Model(&rows).Join(livingWebhook).Join("JOIN delivery_lanes AS dl ON dl.id = d.lane_id").
		Where("dl.ticket = ?", ticket).Where("dl.busy").Where("d.status = 'pending'").
		Order("d.sequence").Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, fault(err)
	}
	list := make([]*parley.Delivery, len(rows))
	for i, r := range rows {
		list[i] = r.delivery()
	}
	return list, nil
}

// RestLane voids a ticket; false when something is pending.
func (t *tx) RestLane(ctx context.Context, ticket string) (bool, error) {
	// The lock first: what was queued before it is seen by the query after it.
	own := t.NewSelect().Model((*laneRow)(nil)).Column("dl.id").Where("dl.ticket = ?", ticket).Where("dl.busy")
	var lane []string
	if err := t.lock(own, "UPDATE").Scan(ctx, &lane); err != nil || len(lane) == 0 {
		return err == nil, fault(err)
	}
	waiting, err := t.PendingDeliveries(ctx, ticket, 1)
	if err != nil || len(waiting) > 0 {
		return false, err
	}
	return true, done(t.NewUpdate().Model((*laneRow)(nil)).Set("busy = ?", false).Where("dl.ticket = ?", ticket).Exec(ctx))
}

// Delivery answers LogNotFound when there is none.
func (t *tx) Delivery(ctx context.Context, id string) (*parley.Delivery, error) {
	r := new(deliveryRow)
	if err := t.NewSelect().Model(r).Join(livingWebhook).Where("d.id = ?", id).Scan(ctx); err != nil {
		return nil, found(err, parley.LogNotFound, id)
	}
	return r.delivery(), nil
}

// UpdateDelivery writes status and number of attempts.
func (t *tx) UpdateDelivery(ctx context.Context, d *parley.Delivery) error {
	return done(t.NewUpdate().Model(deliveryToRow(d)).Column("status", "attempts").Where("d.id = ?", d.ID).Exec(ctx))
}

// CancelDeliveries fails what is open for a webhook, with a reason.
func (t *tx) CancelDeliveries(ctx context.Context, webhookID, reason string) error {
	open := t.NewSelect().Model((*deliveryRow)(nil)).Column("d.id").Where("d.webhook_id = ?", webhookID).Where("d.status IN ('pending', 'retrying')")
	_, err := t.NewUpdate().Model((*logRow)(nil)).Set("status = ?", parley.DeliveryFailed).
		Set("error = CASE WHEN status = 'pending' THEN ? ELSE error END", reason).
		Where("l.delivery_id IN (?)", open).Where("l.status IN ('pending', 'retrying')").Exec(ctx)
	if err != nil {
		return fault(err)
	}
	return done(t.NewUpdate().Model((*deliveryRow)(nil)).Set("status = ?", parley.DeliveryFailed).
		Where("d.webhook_id = ?", webhookID).Where("d.status IN ('pending', 'retrying')").Exec(ctx))
}

// ForgetDeliveries deletes up to limit logs, deliveries or lanes that f picks.
func (t *tx) ForgetDeliveries(ctx context.Context, f store.DeliveryFilter, limit int) (int64, error) {
	if f.WebhookID != "" {
		of := bun.SafeQuery("webhook_id = ?", f.WebhookID)
		return t.dropDeliveries(ctx, of, of, limit)
	}
	at := parley.Stamp(f.Before)
	return t.dropDeliveries(ctx, bun.SafeQuery("created_at < ?", at), bun.SafeQuery("updated_at < ?", at), limit)
}

// dropDeliveries deletes up to limit rows that a condition picks: deliveries first, then logs, then lanes.
func (t *tx) dropDeliveries(ctx context.Context, old, oldLane schema.QueryWithArgs, limit int) (int64, error) {
	for _, place := range []struct {
		table string
		which schema.QueryWithArgs
	}{{"deliveries", old}, {"delivery_logs", old}, {"delivery_lanes", oldLane}} {
		n, err := affected(t.NewRaw("DELETE FROM ?0 WHERE id IN (SELECT id FROM ?0 WHERE ?1 LIMIT ?2)",
			bun.Ident(place.table), place.which, limit).Exec(ctx))
		if err != nil || n > 0 {
			return n, err
		}
	}
	return 0, nil
}
