package sqlstore

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

type agentRow struct {
	bun.BaseModel `bun:"table:agents,alias:a"`

	ID            string `bun:",pk"`
	EnvironmentID string
	Name          string
	Label         string
	Folded        string
	Direction     parley.Direction
	Status        parley.AgentStatus
	Mode          parley.ConversationMode
	Settings      parley.AgentSettings `bun:"type:jsonb"`
	CreatedAt     time.Time
	UpdatedAt     time.Time
	ErasureID     *string // set by a hold alone
}

// reachable is the condition of an agent that no export holds.
const reachable = "a.erasure_id IS NULL"

func agentToRow(a *parley.Agent) *agentRow {
	mode := a.Mode
	if mode == "" {
		mode = parley.LLMDriven
	}
	return &agentRow{
		ID: a.ID, EnvironmentID: a.EnvironmentID, Name: a.Name, Label: a.Label, Folded: strings.ToLower(a.Name + "\n" + a.Label),
		Direction: a.Direction, Status: a.Status, Mode: mode, Settings: a.AgentSettings,
		CreatedAt: parley.Stamp(a.CreatedAt), UpdatedAt: parley.Stamp(a.UpdatedAt),
	}
}

func (r *agentRow) agent() *parley.Agent {
	return &parley.Agent{
		ID: r.ID, EnvironmentID: r.EnvironmentID, Name: r.Name, Label: r.Label, Direction: r.Direction, Status: r.Status, Mode: r.Mode,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), AgentSettings: r.Settings,
	}
}

// LockAgent reads an agent and keeps every other LockAgent of it waiting until the end of the transaction. The lock is the weaker
// NO KEY UPDATE, which turns and trainings being written do not wait for; the deletion of the row waits for them, and they for it.
func (t *tx) LockAgent(ctx context.Context, env, id string) (*parley.Agent, error) {
	r := new(agentRow)
	q := t.NewSelect().Model(r).Where("a.id = ?", id).Where("a.environment_id = ?", env).Where(reachable)
	if err := t.lock(q, "NO KEY UPDATE").Scan(ctx); err != nil {
		return nil, found(err, parley.AgentNotFound, id)
	}
	return r.agent(), nil
}

// Agent reads one; env empty reads any environment's.
func (t *tx) Agent(ctx context.Context, env, id string) (*parley.Agent, error) {
	r := new(agentRow)
	q := t.NewSelect().Model(r).Where("a.id = ?", id).Where(reachable)
	if env != "" {
		q = q.Where("a.environment_id = ?", env)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, found(err, parley.AgentNotFound, id)
	}
	return r.agent(), nil
}

// AgentsByID returns those of ids that exist in env.
func (t *tx) AgentsByID(ctx context.Context, env string, ids []string) (map[string]*parley.Agent, error) {
	byID := make(map[string]*parley.Agent, len(ids))
	if len(ids) == 0 {
		return byID, nil
	}
	var rows []*agentRow
	if err := t.NewSelect().Model(&rows).Where("a.environment_id = ?", env).Where("a.id IN (?)", bun.List(ids)).Where(reachable).Scan(ctx); err != nil {
		return nil, fault(err)
	}
	for _, r := range rows {
		byID[r.ID] = r.agent()
	}
	return byID, nil
}

// ListAgents returns a page, newest first, and the number of all matches.
func (t *tx) ListAgents(ctx context.Context, env string, f store.AgentFilter) ([]*parley.Agent, int, error) {
	var rows []*agentRow
	q := t.NewSelect().Model(&rows).Where("a.environment_id = ?", env).Where(reachable)
	if f.Status != "" {
		q = q.Where("a.status = ?", f.Status)
	}
	if f.Direction != "" {
		q = q.Where("a.direction = ?", f.Direction)
	}
	if f.Callback {
		q = q.Where("a.id IN (SELECT agent_id FROM callback_roles)")
	}
	if f.Search != "" {
		q = q.Where("?", t.contains("a.folded", strings.ToLower(f.Search)))
	}
	total, err := q.Count(ctx)
	if err != nil {
		return nil, 0, fault(err)
	}
	if err := paged(q.Order("a.created_at DESC", "a.id DESC"), f.Page).Scan(ctx); err != nil {
		return nil, 0, fault(err)
	}
	agents := make([]*parley.Agent, len(rows))
	for i, r := range rows {
		agents[i] = r.agent()
	}
	return agents, int(total), nil
}

// CountAgents counts the agents of env, with those that an export holds: they may come back.
func (t *tx) CountAgents(ctx context.Context, env string) (int, error) {
	n, err := t.NewSelect().Model((*agentRow)(nil)).Where("a.environment_id = ?", env).Count(ctx)
	return int(n), fault(err)
}

// InsertAgent adds an agent.
func (t *tx) InsertAgent(ctx context.Context, a *parley.Agent) error {
	return done(t.NewInsert().Model(agentToRow(a)).Exec(ctx))
}

// UpdateAgent writes all of an agent but its creation.
func (t *tx) UpdateAgent(ctx context.Context, a *parley.Agent) error {
	r, err := t.NewUpdate().Model(agentToRow(a)).ExcludeColumn("id", "environment_id", "created_at", "erasure_id").
		Where("a.id = ?", a.ID).Where("a.environment_id = ?", a.EnvironmentID).Exec(ctx)
	return changed(r, err, parley.AgentNotFound, a.ID)
}
