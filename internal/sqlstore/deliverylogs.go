package sqlstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

type logRow struct {
	bun.BaseModel `bun:"table:delivery_logs,alias:l"`

	ID              string `bun:",pk"`
	DeliveryID      string
	WebhookID       string
	AgentID         string
	CallID          string
	Event           parley.Event
	Attempt         int
	Status          parley.DeliveryStatus
	HTTPStatus      int     `bun:"http_status"`
	Body            *string `bun:",scanonly"`
	Response        string
	ResponseHeaders map[string]string `bun:"type:jsonb"`
	Error           string
	TookMs          int64
	DeliveredAt     *time.Time
	CreatedAt       time.Time
}

func logToRow(l *parley.DeliveryLog) *logRow {
	r := &logRow{
		ID: l.ID, DeliveryID: l.DeliveryID, WebhookID: l.WebhookID, AgentID: l.AgentID, CallID: l.CallID, Event: l.Event, Attempt: l.Attempt, Status: l.Status,
		HTTPStatus: l.HTTPStatus, Response: l.Response, ResponseHeaders: l.ResponseHeaders, Error: l.Error, TookMs: l.Took.Milliseconds(),
		DeliveredAt: stampOrNil(l.DeliveredAt), CreatedAt: parley.Stamp(l.CreatedAt),
	}
	if r.ResponseHeaders == nil {
		r.ResponseHeaders = map[string]string{}
	}
	return r
}

func (r *logRow) log() *parley.DeliveryLog {
	l := &parley.DeliveryLog{
		ID: r.ID, DeliveryID: r.DeliveryID, WebhookID: r.WebhookID, AgentID: r.AgentID, CallID: r.CallID, Event: r.Event, Attempt: r.Attempt, Status: r.Status,
		HTTPStatus: r.HTTPStatus, Request: jsonOf(r.Body), Response: r.Response, Error: r.Error, Took: time.Duration(r.TookMs) * time.Millisecond,
		DeliveredAt: stampOrNil(r.DeliveredAt), CreatedAt: r.CreatedAt.UTC(),
	}
	if len(r.ResponseHeaders) > 0 {
		l.ResponseHeaders = r.ResponseHeaders
	}
	return l
}

// logs selects logs of living webhooks with the bodies of their deliveries.
func (t *tx) logs(model any) *bun.SelectQuery {
	return t.NewSelect().Model(model).ColumnExpr("l.*").ColumnExpr("d.body").Join("JOIN webhooks AS w ON w.id = l.webhook_id").
		Join("LEFT JOIN deliveries AS d ON d.id = l.delivery_id")
}

// holdDelivery says whether a delivery is there, and keeps it from being deleted before the transaction ends: who deletes logs after
// deliveries sees what is written now.
func (t *tx) holdDelivery(ctx context.Context, id string) (bool, error) {
	var held []string
	q := t.NewSelect().Model((*deliveryRow)(nil)).Column("d.id").Join(livingWebhook).Where("d.id = ?", id)
	err := t.lock(q, "KEY SHARE OF d").Scan(ctx, &held)
	return len(held) > 0, fault(err)
}

// PutDeliveryLog inserts a log, or replaces the result in it.
func (t *tx) PutDeliveryLog(ctx context.Context, l *parley.DeliveryLog) error {
	if held, err := t.holdDelivery(ctx, l.DeliveryID); err != nil || !held {
		return err
	}
	if l.Attempt > 1 {
		_, err := t.NewUpdate().Model((*logRow)(nil)).Set("status = ?", parley.DeliveryFailed).Where("l.delivery_id = ?", l.DeliveryID).
			Where("l.status = ?", parley.DeliveryRetrying).Where("l.attempt < ?", l.Attempt).Exec(ctx)
		if err != nil {
			return fault(err)
		}
	}
	q := t.NewInsert().Model(logToRow(l)).On("CONFLICT (id) DO UPDATE")
	for _, c := range []string{"status", "http_status", "response", "response_headers", "error", "took_ms", "delivered_at"} {
		q = q.Set("? = EXCLUDED.?", bun.Ident(c), bun.Ident(c))
	}
	return done(q.Exec(ctx))
}

// DeliveryLogs returns a page of a webhook's logs, newest first, and the number of all.
func (t *tx) DeliveryLogs(ctx context.Context, webhookID string, p store.Page) ([]*parley.DeliveryLog, int, error) {
	total, err := t.NewSelect().Model((*logRow)(nil)).Where("l.webhook_id = ?", webhookID).Count(ctx)
	if err != nil {
		return nil, 0, fault(err)
	}
	var rows []*logRow
	q := t.logs(&rows).Where("l.webhook_id = ?", webhookID).Order("l.created_at DESC", "l.id DESC")
	if err := paged(q, p).Scan(ctx); err != nil {
		return nil, 0, fault(err)
	}
	list := make([]*parley.DeliveryLog, len(rows))
	for i, r := range rows {
		list[i] = r.log()
	}
	return list, int(total), nil
}

// DeliveryLog answers LogNotFound when the webhook has none of that id.
func (t *tx) DeliveryLog(ctx context.Context, webhookID, id string) (*parley.DeliveryLog, error) {
	r := new(logRow)
	if err := t.logs(r).Where("l.webhook_id = ?", webhookID).Where("l.id = ?", id).Scan(ctx); err != nil {
		return nil, found(err, parley.LogNotFound, id)
	}
	return r.log(), nil
}

// LastDeliveryLog is that of the latest attempt.
func (t *tx) LastDeliveryLog(ctx context.Context, deliveryID string) (*parley.DeliveryLog, error) {
	r := new(logRow)
	if err := t.logs(r).Where("l.delivery_id = ?", deliveryID).Order("l.attempt DESC").Limit(1).Scan(ctx); err != nil {
		return nil, found(err, parley.LogNotFound, deliveryID)
	}
	return r.log(), nil
}
