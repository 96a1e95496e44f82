package sqlstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/parley-voice/parley"
)

type erasureRow struct {
	bun.BaseModel `bun:"table:erasures,alias:er"`

	ID            string `bun:",pk"`
	EnvironmentID string
	AgentID       string
	State         string
	Places        []parley.ErasurePlace `bun:"type:jsonb"`
	CreatedAt     time.Time
	CompletedAt   *time.Time
}

func erasureToRow(e *parley.Erasure) *erasureRow {
	r := &erasureRow{
		ID: e.ID, EnvironmentID: e.EnvironmentID, AgentID: e.AgentID, State: e.State, Places: e.Places,
		CreatedAt: parley.Stamp(e.CreatedAt), CompletedAt: stampOrNil(e.CompletedAt),
	}
	if r.Places == nil {
		r.Places = []parley.ErasurePlace{}
	}
	return r
}

func (r *erasureRow) erasure() *parley.Erasure {
	return &parley.Erasure{
		ID: r.ID, EnvironmentID: r.EnvironmentID, AgentID: r.AgentID, State: r.State, Places: r.Places,
		CreatedAt: r.CreatedAt.UTC(), CompletedAt: stampOrNil(r.CompletedAt),
	}
}

// DeleteAgent deletes the agent's row; its trainings and number links go with it by cascade.
func (t *tx) DeleteAgent(ctx context.Context, env, id string) error {
	r, err := t.NewDelete().Model((*agentRow)(nil)).Where("a.id = ?", id).Where("a.environment_id = ?", env).Exec(ctx)
	return changed(r, err, parley.AgentNotFound, id)
}

// InsertErasure adds a receipt.
func (t *tx) InsertErasure(ctx context.Context, e *parley.Erasure) error {
	return done(t.NewInsert().Model(erasureToRow(e)).Exec(ctx))
}

// UpdateErasure writes state, places and completion of a receipt.
func (t *tx) UpdateErasure(ctx context.Context, e *parley.Erasure) error {
	r, err := t.NewUpdate().Model(erasureToRow(e)).Column("state", "places", "completed_at").WherePK().Exec(ctx)
	return changed(r, err, parley.ErasureNotFound, e.ID)
}

// Erasure reads a receipt of env.
func (t *tx) Erasure(ctx context.Context, env, id string) (*parley.Erasure, error) {
	e, err := t.ErasureByID(ctx, id)
	if err == nil && e.EnvironmentID != env {
		return nil, parley.Errorf(parley.ErasureNotFound, "no row with id %s", id)
	}
	return e, err
}

// ErasureByID reads a receipt of any environment.
func (t *tx) ErasureByID(ctx context.Context, id string) (*parley.Erasure, error) {
	r := new(erasureRow)
	if err := t.NewSelect().Model(r).Where("er.id = ?", id).Scan(ctx); err != nil {
		return nil, found(err, parley.ErasureNotFound, id)
	}
	return r.erasure(), nil
}

// EraseTurns deletes up to limit turns of an agent's calls.
func (t *tx) EraseTurns(ctx context.Context, agentID string, limit int) (int64, error) {
	some := t.NewSelect().Model((*turnRow)(nil)).Column("t.id").Join("JOIN calls AS c ON c.id = t.call_id").
		Where("c.agent_id = ?", agentID).Limit(int64(limit))
	return affected(t.NewDelete().Model((*turnRow)(nil)).Where("t.id IN (?)", some).Exec(ctx))
}

// EraseSIPMessages deletes up to limit SIP messages of an agent's calls.
func (t *tx) EraseSIPMessages(ctx context.Context, agentID string, limit int) (int64, error) {
	some := t.NewSelect().Model((*sipMessageRow)(nil)).Column("sm.id").Join("JOIN calls AS c ON c.id = sm.call_id").
		Where("c.agent_id = ?", agentID).Limit(int64(limit))
	return affected(t.NewDelete().Model((*sipMessageRow)(nil)).Where("sm.id IN (?)", some).Exec(ctx))
}

// RecordingsOf returns up to limit blob keys of an agent's calls.
func (t *tx) RecordingsOf(ctx context.Context, agentID string, limit int) ([]string, error) {
	var keys []string
	err := t.NewSelect().Model((*callRow)(nil)).Column("c.recording").Where("c.agent_id = ?", agentID).Where("c.recording <> ''").
		Order("c.id").Limit(int64(limit)).Scan(ctx, &keys)
	return keys, fault(err)
}

// ForgetRecordings clears blob keys after the blobs are gone.
func (t *tx) ForgetRecordings(ctx context.Context, keys []string) (int64, error) {
	if len(keys) == 0 {
		return 0, nil
	}
	return affected(t.NewUpdate().Model((*callRow)(nil)).Set("recording = ''").
		Where("c.recording <> ''").Where("c.recording IN (?)", bun.List(keys)).Exec(ctx))
}

// EraseCalls deletes up to limit calls of an agent, with their snapshots, messages and idempotency keys. Turns that came to them
// after EraseTurns go too.
func (t *tx) EraseCalls(ctx context.Context, agentID string, limit int) (int64, error) {
	var ids []string
	err := t.NewSelect().Model((*callRow)(nil)).Column("c.id").Where("c.agent_id = ?", agentID).Order("c.id").Limit(int64(limit)).Scan(ctx, &ids)
	if err != nil || len(ids) == 0 {
		return 0, fault(err)
	}
	if _, err := t.NewDelete().Model((*keyRow)(nil)).Where("k.call_id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
		return 0, fault(err)
	}
	return affected(t.NewDelete().Model((*callRow)(nil)).Where("c.id IN (?)", bun.List(ids)).Exec(ctx))
}

// EraseJobs deletes up to limit finished and waiting jobs of the agent or one of its calls. A running one cannot be deleted: it is
// reported as an error once nothing else is left, so that the place is looked at again.
func (t *tx) EraseJobs(ctx context.Context, agentID string, limit int) (int64, error) {
	n, err := t.store.queue.Erase(ctx, t.Tx.Tx, agentID, limit)
	return n, fault(err)
}
