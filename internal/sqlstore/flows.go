package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/parley-voice/parley"
)

type flowRow struct {
	bun.BaseModel `bun:"table:flow_versions,alias:fv"`

	ID        string `bun:",pk"`
	AgentID   string
	Number    int
	Version   string
	Mode      parley.ConversationMode
	Config    *string // text: it is echoed to the letter
	IsCurrent bool
	CreatedAt time.Time
}

func flowToRow(v *parley.FlowVersion) *flowRow {
	r := &flowRow{
		ID: v.ID, AgentID: v.AgentID, Number: v.Number, Version: v.Version, Mode: v.Mode, IsCurrent: v.Current, CreatedAt: parley.Stamp(v.CreatedAt),
	}
	if v.Config != "" {
		r.Config = &v.Config
	}
	return r
}

func (r *flowRow) version() parley.FlowVersion {
	v := parley.FlowVersion{
		ID: r.ID, AgentID: r.AgentID, Number: r.Number, Version: r.Version, Mode: r.Mode, Current: r.IsCurrent, CreatedAt: r.CreatedAt.UTC(),
	}
	if r.Config != nil {
		v.Config = *r.Config
	}
	return v
}

// CurrentFlow returns the current version of an agent, nil when none was saved.
func (t *tx) CurrentFlow(ctx context.Context, agentID string) (*parley.FlowVersion, error) {
	r := new(flowRow)
	err := t.NewSelect().Model(r).Where("fv.agent_id = ?", agentID).Where("fv.is_current").Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fault(err)
	}
	v := r.version()
	return &v, nil
}

// FlowVersions returns those that are kept of an agent, newest first.
func (t *tx) FlowVersions(ctx context.Context, agentID string) ([]parley.FlowVersion, error) {
	var rows []*flowRow
	if err := t.NewSelect().Model(&rows).Where("fv.agent_id = ?", agentID).Order("fv.number DESC").Scan(ctx); err != nil {
		return nil, fault(err)
	}
	versions := make([]parley.FlowVersion, len(rows))
	for i, r := range rows {
		versions[i] = r.version()
	}
	return versions, nil
}

// AddFlowVersion makes a version the current one of its agent and forgets all but the newest keep; AgentNotFound when its agent is not
// there.
func (t *tx) AddFlowVersion(ctx context.Context, v *parley.FlowVersion, keep int) error {
	of := func(q bun.QueryBuilder) bun.QueryBuilder { return q.Where("fv.agent_id = ?", v.AgentID) }
	_, err := t.NewUpdate().Model((*flowRow)(nil)).Set("is_current = ?", false).ApplyQueryBuilder(of).Where("fv.is_current").Exec(ctx)
	if err != nil {
		return fault(err)
	}
	v.Current = true
	_, err = t.NewInsert().Model(flowToRow(v)).Exec(ctx)
	if isOrphan(err) {
		return parley.Errorf(parley.AgentNotFound, "no row with id %s", v.AgentID)
	}
	if err != nil {
		return fault(err)
	}
	newest := t.NewSelect().TableExpr("flow_versions AS n").Column("n.id").Where("n.agent_id = ?", v.AgentID).Order("n.number DESC").Limit(int64(keep))
	return done(t.NewDelete().Model((*flowRow)(nil)).ApplyQueryBuilder(of).Where("fv.id NOT IN (?)", newest).Exec(ctx))
}
