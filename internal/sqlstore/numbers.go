package sqlstore

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/parley-voice/parley"
)

type numberRow struct {
	bun.BaseModel `bun:"table:phone_numbers,alias:n"`

	ID            string `bun:",pk"`
	EnvironmentID string
	TrunkID       string
	Number        string
	CountryCode   string
	Status        string
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// linkRow attaches a number to an agent.
type linkRow struct {
	bun.BaseModel `bun:"table:agent_numbers,alias:an"`

	AgentID  string `bun:",pk"`
	NumberID string `bun:",pk"`
}

func numberToRow(n *parley.PhoneNumber) *numberRow {
	return &numberRow{
		ID: n.ID, EnvironmentID: n.EnvironmentID, TrunkID: n.TrunkID, Number: n.Number, CountryCode: n.CountryCode, Status: n.Status,
		CreatedAt: parley.Stamp(n.CreatedAt), UpdatedAt: parley.Stamp(n.UpdatedAt),
	}
}

func (r *numberRow) number() *parley.PhoneNumber {
	return &parley.PhoneNumber{
		ID: r.ID, EnvironmentID: r.EnvironmentID, TrunkID: r.TrunkID, Number: r.Number, CountryCode: r.CountryCode, Status: r.Status,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

// Number reads one.
func (t *tx) Number(ctx context.Context, env, id string) (*parley.PhoneNumber, error) {
	ns, err := t.numbers(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("n.id = ?", id).Where("n.environment_id = ?", env)
	})
	if err != nil {
		return nil, err
	}
	if len(ns) == 0 {
		return nil, parley.Errorf(parley.DIDNotFound, "no row with id %s", id)
	}
	return ns[0], nil
}

// ListNumbers returns all numbers of env, oldest first; of one trunk when trunkID is set.
func (t *tx) ListNumbers(ctx context.Context, env, trunkID string) ([]*parley.PhoneNumber, error) {
	return t.numbers(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		if trunkID != "" {
			q = q.Where("n.trunk_id = ?", trunkID)
		}
		return q.Where("n.environment_id = ?", env)
	})
}

// NumbersWithSuffix returns the numbers of every environment that end in digits.
func (t *tx) NumbersWithSuffix(ctx context.Context, digits string) ([]*parley.PhoneNumber, error) {
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return nil, nil
	}
	return t.numbers(ctx, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("n.number LIKE ?", "%"+digits) })
}

// NumbersOf returns the numbers attached to agents, by agent id, oldest first.
func (t *tx) NumbersOf(ctx context.Context, agentIDs ...string) (map[string][]*parley.PhoneNumber, error) {
	byAgent := make(map[string][]*parley.PhoneNumber, len(agentIDs))
	if len(agentIDs) == 0 {
		return byAgent, nil
	}
	attached := t.NewSelect().Model((*linkRow)(nil)).Column("number_id").Where("an.agent_id IN (?)", bun.List(agentIDs))
	ns, err := t.numbers(ctx, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("n.id IN (?)", attached) })
	if err != nil {
		return nil, err
	}
	for _, n := range ns {
		for _, agent := range n.AgentIDs {
			if slices.Contains(agentIDs, agent) {
				byAgent[agent] = append(byAgent[agent], n)
			}
		}
	}
	return byAgent, nil
}

// numbers reads numbers, oldest first, with the agents that they are attached to.
func (t *tx) numbers(ctx context.Context, narrow func(*bun.SelectQuery) *bun.SelectQuery) ([]*parley.PhoneNumber, error) {
	var rows []*numberRow
	if err := narrow(t.NewSelect().Model(&rows).Order("n.created_at", "n.id")).Scan(ctx); err != nil {
		return nil, fault(err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	ns := make([]*parley.PhoneNumber, len(rows))
	byID := make(map[string]*parley.PhoneNumber, len(rows))
	ids := make([]string, len(rows))
	for i, r := range rows {
		ns[i] = r.number()
		byID[r.ID], ids[i] = ns[i], r.ID
	}
	var links []linkRow
	if err := t.NewSelect().Model(&links).Where("an.number_id IN (?)", bun.List(ids)).Order("an.agent_id").Scan(ctx); err != nil {
		return nil, fault(err)
	}
	for _, l := range links {
		byID[l.NumberID].AgentIDs = append(byID[l.NumberID].AgentIDs, l.AgentID)
	}
	return ns, nil
}

// SetAgentNumbers replaces the set of numbers attached to an agent; DIDNotFound when one is not of the agent's environment.
func (t *tx) SetAgentNumbers(ctx context.Context, agentID string, numberIDs []string) error {
	if _, err := t.NewDelete().Model((*linkRow)(nil)).Where("an.agent_id = ?", agentID).Exec(ctx); err != nil {
		return fault(err)
	}
	ids := slices.Compact(slices.Sorted(slices.Values(numberIDs)))
	if len(ids) == 0 {
		return nil
	}
	n, err := affected(t.NewRaw(`INSERT INTO agent_numbers (agent_id, number_id)
		SELECT a.id, n.id FROM agents AS a JOIN phone_numbers AS n ON n.environment_id = a.environment_id
		WHERE a.id = ? AND n.id IN (?)`, agentID, bun.List(ids)).Exec(ctx))
	if err == nil && n != int64(len(ids)) {
		return parley.Errorf(parley.DIDNotFound, "of %d numbers for agent %s only %d exist in its environment", len(ids), agentID, n)
	}
	return err
}

// InsertNumber adds a number; store.ErrConflict when env has it already, TrunkNotFound without its trunk.
func (t *tx) InsertNumber(ctx context.Context, n *parley.PhoneNumber) error {
	_, err := t.NewInsert().Model(numberToRow(n)).Exec(ctx)
	if isOrphan(err) {
		return parley.Errorf(parley.TrunkNotFound, "no row with id %s", n.TrunkID)
	}
	return fault(err)
}

// DeleteNumber deletes a number; DIDInUse while it is attached to an agent.
func (t *tx) DeleteNumber(ctx context.Context, env, id string) error {
	r, err := t.NewDelete().Model((*numberRow)(nil)).Where("n.id = ?", id).Where("n.environment_id = ?", env).Exec(ctx)
	if isOrphan(err) {
		return parley.Errorf(parley.DIDInUse, "number %s is attached to an agent", id)
	}
	return changed(r, err, parley.DIDNotFound, id)
}
