package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

type callbackRow struct {
	bun.BaseModel `bun:"table:callback_roles,alias:cr"`

	AgentID  string               `bun:",pk"`
	Triggers []parley.CallOutcome `bun:"type:jsonb"`
}

// sourceRow is an entry of a callback agent's list of sources.
type sourceRow struct {
	bun.BaseModel `bun:"table:callback_sources,alias:cs"`

	AgentID  string `bun:",pk"`
	SourceID string `bun:",pk"`
	Position int
}

// CallbackRolesOf returns the roles of those agents that have one, by agent id.
func (t *tx) CallbackRolesOf(ctx context.Context, agentIDs ...string) (map[string]*parley.CallbackRole, error) {
	roles := map[string]*parley.CallbackRole{}
	if len(agentIDs) == 0 {
		return roles, nil
	}
	var rows []callbackRow
	if err := t.NewSelect().Model(&rows).Where("cr.agent_id IN (?)", bun.List(agentIDs)).Scan(ctx); err != nil || len(rows) == 0 {
		return roles, fault(err)
	}
	for _, r := range rows {
		role := &parley.CallbackRole{SourceIDs: []string{}}
		if len(r.Triggers) > 0 {
			role.Triggers = r.Triggers
		}
		roles[r.AgentID] = role
	}
	var sources []sourceRow
	err := t.NewSelect().Model(&sources).Where("cs.agent_id IN (?)", bun.List(agentIDs)).Order("cs.agent_id", "cs.position").Scan(ctx)
	for _, s := range sources {
		roles[s.AgentID].SourceIDs = append(roles[s.AgentID].SourceIDs, s.SourceID)
	}
	return roles, fault(err)
}

// CallbackAgentsFrom returns the agents that have an agent among their sources, oldest first.
func (t *tx) CallbackAgentsFrom(ctx context.Context, sourceID string) ([]*parley.Agent, error) {
	var rows []*agentRow
	err := t.NewSelect().Model(&rows).Join("JOIN callback_sources AS cs ON cs.agent_id = a.id").Where("cs.source_id = ?", sourceID).Where(reachable).
		Order("a.created_at", "a.id").Scan(ctx)
	agents := make([]*parley.Agent, len(rows))
	for i, r := range rows {
		agents[i] = r.agent()
	}
	return agents, fault(err)
}

// SetCallbackRole gives an agent a role, or replaces the one it has. The sources are held first: a deletion of one comes before or after.
func (t *tx) SetCallbackRole(ctx context.Context, agentID string, role *parley.CallbackRole) error {
	var held []string
	q := t.NewSelect().Model((*agentRow)(nil)).Column("a.id").Where("a.id IN (?)", bun.List(append([]string{agentID}, role.SourceIDs...))).
		Where(reachable).Order("a.id")
	if err := t.lock(q, "KEY SHARE").Scan(ctx, &held); err != nil {
		return fault(err)
	}
	rows := make([]sourceRow, len(role.SourceIDs))
	for i, id := range role.SourceIDs {
		rows[i] = sourceRow{AgentID: agentID, SourceID: id, Position: i}
	}
	for _, id := range append([]string{agentID}, role.SourceIDs...) {
		if !slices.Contains(held, id) {
			return parley.Errorf(parley.AgentNotFound, "no row with id %s", id)
		}
	}
	if _, err := t.NewDelete().Model((*callbackRow)(nil)).Where("cr.agent_id = ?", agentID).Exec(ctx); err != nil {
		return fault(err)
	}
	row := &callbackRow{AgentID: agentID, Triggers: role.Triggers}
	if row.Triggers == nil {
		row.Triggers = []parley.CallOutcome{}
	}
	if _, err := t.NewInsert().Model(row).Exec(ctx); err != nil || len(rows) == 0 {
		return fault(err)
	}
	return done(t.NewInsert().Model(&rows).Exec(ctx))
}

// DeleteCallbackRole takes the role from an agent.
func (t *tx) DeleteCallbackRole(ctx context.Context, agentID string) error {
	r, err := t.NewDelete().Model((*callbackRow)(nil)).Where("cr.agent_id = ?", agentID).Exec(ctx)
	return changed(r, err, parley.NotACallbackAgent, agentID)
}

// outcome is what a finished call came to, in the folded spelling.
const outcome = "CASE WHEN c.voicemail THEN 'voicemail' WHEN c.status = 'no-answer' THEN 'no_answer' ELSE c.status END"

// toReturn selects calls to a number in the words of the partial index calls_called, the last first.
func (t *tx) toReturn(r *callRow, env, agentID, phone string, since time.Time) *bun.SelectQuery {
	return t.living(r).ExcludeColumn("snapshot").Where(reachable).Where("c.environment_id = ?", env).Where("c.to_number = ?", phone).
		Where("c.direction = 'outbound'").Where("c.created_at >= ?", parley.Stamp(since)).Where("NOT c."+openCall).
		Where("EXISTS (SELECT 1 FROM callback_sources AS cs WHERE cs.agent_id = ? AND cs.source_id = c.agent_id)", agentID).
		Order("c.created_at DESC", "c.id DESC").Limit(1)
}

// CallToReturn finds the last call to a number that a source of an agent has placed and that came to one of the outcomes of its role.
func (t *tx) CallToReturn(ctx context.Context, env, agentID, phone string, since time.Time) (*parley.Call, error) {
	role := new(callbackRow)
	if err := t.NewSelect().Model(role).Where("cr.agent_id = ?", agentID).Scan(ctx); err != nil {
		return nil, ignoreNone(err)
	}
	r := new(callRow)
	q := t.toReturn(r, env, agentID, phone, since)
	if len(role.Triggers) > 0 {
		folded := make([]parley.CallOutcome, len(role.Triggers))
		for i, o := range role.Triggers {
			folded[i] = o.Folded()
		}
		q = q.Where(outcome+" IN (?)", bun.List(folded))
	}
	if err := q.Scan(ctx); err != nil {
		return nil, ignoreNone(err)
	}
	return r.call(), nil
}

func ignoreNone(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return fault(err)
}

// TallyCallbacks sums the calls on numbers of callback agents by the agent whose call they return.
func (t *tx) TallyCallbacks(ctx context.Context, env string, f store.TallyFilter) ([]store.CallbackTally, error) {
	list := []store.CallbackTally{}
	q := t.narrow(t.living((*callRow)(nil)), store.CallFilter{AgentID: f.AgentID, Direction: f.Direction, From: f.From, Before: f.Before})
	err := q.Where("c.environment_id = ?", env).Where(reachable).Where("c.callback_source IS NOT NULL").ColumnExpr("c.callback_source AS source_id").
		ColumnExpr("count(*) AS calls").ColumnExpr("count(c.answered_at) AS answered").GroupExpr("1").OrderExpr("1").Scan(ctx, &list)
	return list, fault(err)
}
