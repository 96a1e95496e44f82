package sqlstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/river"
	"github.com/parley-voice/parley/internal/store"
)

type erasureRow struct {
	bun.BaseModel `bun:"table:erasures,alias:er"`

	ID            string `bun:",pk"`
	EnvironmentID string
	AgentID       string
	CallerHash    string
	State         string
	Places        []parley.ErasurePlace `bun:"type:jsonb"`
	CreatedAt     time.Time
	CompletedAt   *time.Time
	Export        *parley.Export `bun:"type:jsonb"`
	ExportHash    string
}

func erasureToRow(e *parley.Erasure) *erasureRow {
	r := &erasureRow{
		ID: e.ID, EnvironmentID: e.EnvironmentID, AgentID: e.AgentID, CallerHash: e.CallerHash, State: e.State, Places: e.Places,
		CreatedAt: parley.Stamp(e.CreatedAt), CompletedAt: stampOrNil(e.CompletedAt), Export: e.Export, ExportHash: e.ExportHash,
	}
	if r.Places == nil {
		r.Places = []parley.ErasurePlace{}
	}
	return r
}

func (r *erasureRow) erasure() *parley.Erasure {
	return &parley.Erasure{
		ID: r.ID, EnvironmentID: r.EnvironmentID, AgentID: r.AgentID, CallerHash: r.CallerHash, State: r.State, Places: r.Places,
		CreatedAt: r.CreatedAt.UTC(), CompletedAt: stampOrNil(r.CompletedAt), Export: r.Export, ExportHash: r.ExportHash,
	}
}

// DeleteAgent deletes the agent's row; its trainings, actions, flow versions and number links go with it by cascade.
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

// ClaimCalls gives an erasure calls of env with a number on the other side: those that are finished, or that began before a time.
func (t *tx) ClaimCalls(ctx context.Context, env, phone, erasureID string, before time.Time) (int64, error) {
	q := t.NewUpdate().Model((*callRow)(nil)).Set("erasure_id = ?", erasureID).Where("c.environment_id = ?", env).
		Where("c.erasure_id IS NULL").Where(otherSide+" = ?", parley.Outbound, phone)
	if before.IsZero() {
		q = q.Where("NOT c." + openCall)
	} else {
		q = q.Where("c.created_at < ?", parley.Stamp(before))
	}
	return affected(q.Exec(ctx))
}

// HoldersOf returns the nodes that hold open calls of an agent, though it may be gone.
func (t *tx) HoldersOf(ctx context.Context, agentID string) (nodes []string, err error) {
	err = t.NewSelect().Model((*callRow)(nil)).Distinct().Column("c.node_id").Where("c.agent_id = ?", agentID).Where("c."+openCall).Scan(ctx, &nodes)
	return nodes, fault(err)
}

// CallersOf returns up to limit numbers of the other side of the calls of env that began before a time, after the number after, each once.
func (t *tx) CallersOf(ctx context.Context, env, after string, before time.Time, limit int) (phones []string, err error) {
	err = t.NewSelect().Model((*callRow)(nil)).Distinct().ColumnExpr(otherSide+" AS phone", parley.Outbound).Where("c.environment_id = ?", env).
		Where("c.erasure_id IS NULL").Where("c.created_at < ?", parley.Stamp(before)).Where(otherSide+" > ?", parley.Outbound, after).
		OrderExpr("phone").Limit(int64(limit)).Scan(ctx, &phones)
	return phones, fault(err)
}

// ListErasures returns a page of receipts, newest first, and the number of all matches.
func (t *tx) ListErasures(ctx context.Context, env string, f store.ErasureFilter) ([]*parley.Erasure, int, error) {
	var rows []*erasureRow
	q := t.NewSelect().Model(&rows).Where("er.environment_id = ?", env)
	for _, w := range []struct{ column, value string }{{"er.agent_id", f.AgentID}, {"er.caller_hash", f.CallerHash}, {"er.state", f.State}} {
		if w.value != "" {
			q = q.Where("? = ?", bun.Ident(w.column), w.value)
		}
	}
	total, err := q.Count(ctx)
	if err != nil {
		return nil, 0, fault(err)
	}
	if err := paged(q.Order("er.created_at DESC", "er.id DESC"), f.Page).Scan(ctx); err != nil {
		return nil, 0, fault(err)
	}
	list := make([]*parley.Erasure, len(rows))
	for i, r := range rows {
		list[i] = r.erasure()
	}
	return list, int(total), nil
}

// RecordingsOf returns up to limit blob keys of calls, after the key after.
func (t *tx) RecordingsOf(ctx context.Context, s store.Scope, after string, limit int) ([]string, error) {
	var keys []string
	err := t.NewSelect().Model((*callRow)(nil)).Column("c.recording").Where("?", of(s)).Where("c.recording <> ''").
		Where("c.recording > ?", after).Order("c.recording").Limit(int64(limit)).Scan(ctx, &keys)
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

// eraseCalls deletes calls with their snapshots, messages and idempotency keys. Turns that came to them after those were erased go too.
func (t *tx) eraseCalls(ctx context.Context, s store.Scope, limit int) (int64, error) {
	var ids []string
	err := t.NewSelect().Model((*callRow)(nil)).Column("c.id").Where("?", of(s)).Limit(int64(limit)).Scan(ctx, &ids)
	if err != nil || len(ids) == 0 {
		return 0, fault(err)
	}
	if _, err := t.NewDelete().Model((*keyRow)(nil)).Where("k.call_id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
		return 0, fault(err)
	}
	return affected(t.NewDelete().Model((*callRow)(nil)).Where("c.id IN (?)", bun.List(ids)).Exec(ctx))
}

// Walk returns up to limit ids of calls after a step, in the order of the index calls_agent.
func (t *tx) Walk(ctx context.Context, s store.Scope, after store.Step, limit int) (ids []string, next store.Step, err error) {
	var rows []struct {
		ID        string
		CreatedAt time.Time
	}
	q := t.NewSelect().Model((*callRow)(nil)).Column("c.id", "c.created_at").Where("?", of(s)).Order("c.created_at", "c.id").Limit(int64(limit))
	if after.ID != "" {
		q = q.Where("(c.created_at, c.id) > (?, ?)", parley.Stamp(after.At), after.ID)
	}
	if err := q.Scan(ctx, &rows); err != nil {
		return nil, after, fault(err)
	}
	for _, r := range rows {
		ids, next = append(ids, r.ID), store.Step{At: r.CreatedAt, ID: r.ID}
	}
	return ids, next, nil
}

// eraseJobs deletes finished and waiting jobs of the agent or of some calls. A running one cannot be deleted: it is reported as an error once
// nothing else is left, so that the place is looked at again.
func (t *tx) eraseJobs(ctx context.Context, s store.Scope, limit int) (n int64, err error) {
	whose := river.OfAgent(s.AgentID)
	if len(s.Calls) > 0 {
		whose = river.OfSubjects(s.Calls)
	}
	n, err = t.store.queue.Erase(ctx, t.Tx.Tx, whose, limit)
	return n, fault(err)
}
