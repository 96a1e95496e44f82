package sqlstore

import (
	"context"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// HoldAgent hides an agent for an export.
func (t *tx) HoldAgent(ctx context.Context, env, id, erasureID string) error {
	r, err := t.NewUpdate().Model((*agentRow)(nil)).Set("erasure_id = ?", erasureID).Where("a.id = ?", id).Where("a.environment_id = ?", env).
		Where(reachable).Exec(ctx)
	return changed(r, err, parley.AgentNotFound, id)
}

// LockHeld is LockAgent of one that an export holds, and says which erasure the export belongs to.
func (t *tx) LockHeld(ctx context.Context, id string) (a *parley.Agent, erasureID string, err error) {
	r := new(agentRow)
	q := t.NewSelect().Model(r).Where("a.id = ?", id).Where("a.erasure_id IS NOT NULL")
	if err := t.lock(q, "NO KEY UPDATE").Scan(ctx); err != nil {
		return nil, "", found(err, parley.AgentNotFound, id)
	}
	return r.agent(), *r.ErasureID, nil
}

// ReleaseAgent shows an agent again that an export held.
func (t *tx) ReleaseAgent(ctx context.Context, id string) error {
	return done(t.NewUpdate().Model((*agentRow)(nil)).Set("erasure_id = NULL").Where("a.id = ?", id).Exec(ctx))
}

// CallsBelow returns up to limit calls of an agent after a step, oldest first, without snapshots.
func (t *tx) CallsBelow(ctx context.Context, agentID string, after store.Step, limit int) ([]*parley.Call, error) {
	var rows []*callRow
	q := t.living(&rows).ExcludeColumn("snapshot").Where("c.agent_id = ?", agentID).Order("c.created_at", "c.id").Limit(int64(limit))
	if after.ID != "" {
		q = q.Where("(c.created_at, c.id) > (?, ?)", parley.Stamp(after.At), after.ID)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fault(err)
	}
	return calls(rows), nil
}

// UpdateExport writes what became of the export of an erasure.
func (t *tx) UpdateExport(ctx context.Context, e *parley.Erasure) error {
	r, err := t.NewUpdate().Model(erasureToRow(e)).Column("export").WherePK().Exec(ctx)
	return changed(r, err, parley.ErasureNotFound, e.ID)
}

// OpenExports returns the erasures of env that pack an archive or keep one.
func (t *tx) OpenExports(ctx context.Context, env string) (list []*parley.Erasure, err error) {
	var rows []*erasureRow
	err = t.NewSelect().Model(&rows).Where("er.environment_id = ?", env).Where("er.export IS NOT NULL").
		Where("er.state IN (?, ?)", parley.ErasureExporting, parley.ErasureRunning).Scan(ctx)
	for _, r := range rows {
		if e := r.erasure(); e.Export.Open() {
			list = append(list, e)
		}
	}
	return list, fault(err)
}
