package sqlstore

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// orphanCall is the condition of a call that neither a living agent nor an erasure at work has to do with.
const orphanCall = `((c.erasure_id IS NULL AND NOT EXISTS (SELECT 1 FROM agents AS a WHERE a.id = c.agent_id)
	AND NOT EXISTS (SELECT 1 FROM erasures AS er WHERE er.agent_id = c.agent_id AND er.state = ?0))
	OR (c.erasure_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM erasures AS er WHERE er.id = c.erasure_id AND er.state = ?0)))`

// OrphanCalls looks at up to limit calls after an id.
func (t *tx) OrphanCalls(ctx context.Context, after string, before time.Time, limit int) (found []store.Orphan, last string, err error) {
	var rows []struct {
		ID, EnvironmentID string
		Orphan            bool
	}
	err = t.NewSelect().Model((*callRow)(nil)).Column("c.id", "c.environment_id").
		ColumnExpr("(c.created_at < ? AND ?) AS orphan", parley.Stamp(before), bun.SafeQuery(orphanCall, parley.ErasureRunning)).
		Where("c.id > ?", after).Order("c.id").Limit(int64(limit)).Scan(ctx, &rows)
	for _, r := range rows {
		if last = r.ID; r.Orphan {
			found = append(found, store.Orphan{CallID: r.ID, EnvironmentID: r.EnvironmentID})
		}
	}
	return found, last, fault(err)
}

// ClaimOrphans gives an erasure such calls.
func (t *tx) ClaimOrphans(ctx context.Context, erasureID string, calls []string) (int64, error) {
	if len(calls) == 0 {
		return 0, nil
	}
	return affected(t.NewUpdate().Model((*callRow)(nil)).Set("erasure_id = ?", erasureID).Where("c.id IN (?)", bun.List(calls)).
		Where(orphanCall, parley.ErasureRunning).Exec(ctx))
}

// OrphanRows looks at up to limit rows of a place after an id.
func (t *tx) OrphanRows(ctx context.Context, p store.Place, after string, limit int) (found []string, last string, err error) {
	h, err := holdingOf(p)
	if err != nil {
		return nil, "", err
	}
	var rows []struct {
		ID     string
		Orphan bool
	}
	err = t.NewRaw("SELECT x.id, NOT EXISTS (SELECT 1 FROM calls AS c WHERE c.id = x.?0) AS orphan FROM ?1 AS x WHERE x.id > ?2 ORDER BY x.id LIMIT ?3",
		bun.Ident(h.call), bun.Ident(h.table), after, limit).Scan(ctx, &rows)
	for _, r := range rows {
		if last = r.ID; r.Orphan {
			found = append(found, r.ID)
		}
	}
	return found, last, fault(err)
}

// EraseOrphanRows deletes rows of a place whose call is gone.
func (t *tx) EraseOrphanRows(ctx context.Context, p store.Place, ids []string) (int64, error) {
	h, err := holdingOf(p)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return affected(t.NewRaw("DELETE FROM ?0 WHERE id IN (?1) AND NOT EXISTS (SELECT 1 FROM calls AS c WHERE c.id = ?0.?2)",
		bun.Ident(h.table), bun.List(ids), bun.Ident(h.call)).Exec(ctx))
}

// Ownerless returns those of some agents that neither live nor are being erased.
func (t *tx) Ownerless(ctx context.Context, agentIDs []string) ([]string, error) {
	if len(agentIDs) == 0 {
		return nil, nil
	}
	var owned []string
	err := t.NewRaw("SELECT id FROM agents WHERE id IN (?0) UNION SELECT agent_id FROM erasures WHERE state = ?1 AND agent_id IN (?0)",
		bun.List(agentIDs), parley.ErasureRunning).Scan(ctx, &owned)
	return without(agentIDs, owned), fault(err)
}

// Unnamed returns those of some blob keys that no call names.
func (t *tx) Unnamed(ctx context.Context, keys []string) ([]string, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	var named []string
	err := t.NewSelect().Model((*callRow)(nil)).Column("c.recording").Where("c.recording <> ''").Where("c.recording IN (?)", bun.List(keys)).Scan(ctx, &named)
	return without(keys, named), fault(err)
}

// without returns what is in all and not in some.
func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(v string) bool { return slices.Contains(some, v) })
}
