package sqlstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/parley-voice/parley"
)

type webhookRow struct {
	bun.BaseModel `bun:"table:webhooks,alias:w"`

	ID            string `bun:",pk"`
	AgentID       string
	EnvironmentID string `bun:",scanonly"`
	Name          string
	URL           string         `bun:"url"`
	Events        []parley.Event `bun:"type:jsonb"`
	TimeoutMs     int64
	MaxRetries    int
	Enabled       bool
	Failing       bool
	Method        string
	Scheme        string
	SealedSecret  []byte
	SealedHeaders []byte
	Templates     *string
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

func webhookToRow(w *parley.Webhook) *webhookRow {
	return &webhookRow{
		ID: w.ID, AgentID: w.AgentID, Name: w.Name, URL: w.URL, Events: w.Events, TimeoutMs: w.Timeout.Milliseconds(), MaxRetries: w.MaxRetries,
		Enabled: w.Enabled, Failing: w.Failing, Method: w.Method, Scheme: w.Scheme, SealedSecret: w.SealedSecret, SealedHeaders: w.SealedHeaders,
		Templates: textOf(w.Templates), CreatedAt: parley.Stamp(w.CreatedAt), UpdatedAt: parley.Stamp(w.UpdatedAt),
	}
}

func (r *webhookRow) webhook() *parley.Webhook {
	return &parley.Webhook{
		ID: r.ID, AgentID: r.AgentID, EnvironmentID: r.EnvironmentID, Name: r.Name, URL: r.URL, Events: r.Events,
		Timeout: time.Duration(r.TimeoutMs) * time.Millisecond, MaxRetries: r.MaxRetries, Enabled: r.Enabled, Failing: r.Failing,
		Method: r.Method, Scheme: r.Scheme, SealedSecret: r.SealedSecret, SealedHeaders: r.SealedHeaders, Templates: jsonOf(r.Templates),
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

// webhooks selects webhooks with the environment of their agent.
func (t *tx) webhooks(model any) *bun.SelectQuery {
	return t.NewSelect().Model(model).Join("JOIN agents AS a ON a.id = w.agent_id").ColumnExpr("w.*").ColumnExpr("a.environment_id")
}

// WebhooksOf returns the webhooks of an agent, oldest first.
func (t *tx) WebhooksOf(ctx context.Context, agentID string) ([]*parley.Webhook, error) {
	var rows []*webhookRow
	if err := t.webhooks(&rows).Where("w.agent_id = ?", agentID).Order("w.created_at", "w.id").Scan(ctx); err != nil {
		return nil, fault(err)
	}
	list := make([]*parley.Webhook, len(rows))
	for i, r := range rows {
		list[i] = r.webhook()
	}
	return list, nil
}

// Webhook answers WebhookNotFound when the agent has none of that id; agentID empty reads any agent's.
func (t *tx) Webhook(ctx context.Context, agentID, id string) (*parley.Webhook, error) {
	r := new(webhookRow)
	q := t.webhooks(r).Where("w.id = ?", id)
	if agentID != "" {
		q = q.Where("w.agent_id = ?", agentID)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, found(err, parley.WebhookNotFound, id)
	}
	return r.webhook(), nil
}

// InsertWebhook adds a webhook; AgentNotFound when its agent is not there.
func (t *tx) InsertWebhook(ctx context.Context, w *parley.Webhook) error {
	_, err := t.NewInsert().Model(webhookToRow(w)).Exec(ctx)
	if isOrphan(err) {
		return parley.Errorf(parley.AgentNotFound, "no row with id %s", w.AgentID)
	}
	return fault(err)
}

// UpdateWebhook writes all but agent, creation and Failing.
func (t *tx) UpdateWebhook(ctx context.Context, w *parley.Webhook) error {
	r, err := t.NewUpdate().Model(webhookToRow(w)).ExcludeColumn("id", "agent_id", "created_at", "failing").
		Where("w.id = ?", w.ID).Where("w.agent_id = ?", w.AgentID).Exec(ctx)
	return changed(r, err, parley.WebhookNotFound, w.ID)
}

// SetWebhookFailing notes whether the last delivery used its retries up.
func (t *tx) SetWebhookFailing(ctx context.Context, id string, failing bool) error {
	return done(t.NewUpdate().Model((*webhookRow)(nil)).Set("failing = ?", failing).Where("w.id = ?", id).Where("w.failing <> ?", failing).Exec(ctx))
}

// DeleteWebhook deletes the row.
func (t *tx) DeleteWebhook(ctx context.Context, agentID, id string) error {
	r, err := t.NewDelete().Model((*webhookRow)(nil)).Where("w.id = ?", id).Where("w.agent_id = ?", agentID).Exec(ctx)
	return changed(r, err, parley.WebhookNotFound, id)
}

// holdWebhook says whether a webhook is there, and keeps it from being deleted before the transaction ends: who deletes what was
// delivered to it afterwards sees what is written now.
func (t *tx) holdWebhook(ctx context.Context, id string) (bool, error) {
	var held []string
	q := t.NewSelect().Model((*webhookRow)(nil)).Column("w.id").Where("w.id = ?", id)
	err := t.lock(q, "KEY SHARE").Scan(ctx, &held)
	return len(held) > 0, fault(err)
}
