package sqlstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// openCall is the condition of a call that is not final, in the words of the partial index calls_open.
const openCall = "status IN ('initiated', 'ringing', 'answered')"

// livingAgent joins the agent that lives, of a call that no erasure has claimed.
const livingAgent = "JOIN agents AS a ON a.id = c.agent_id AND c.erasure_id IS NULL"

// otherSide is the number that is not ours.
const otherSide = "CASE c.direction WHEN ? THEN c.to_number ELSE c.from_number END"

// InsertCall adds a call; AgentNotFound when its agent is not there. Who decides that an agent may take a call holds LockAgent.
func (t *tx) InsertCall(ctx context.Context, c *parley.Call) error {
	agent := t.NewSelect().Model((*agentRow)(nil)).Column("a.id").Where("a.id = ?", c.AgentID).Where("a.environment_id = ?", c.EnvironmentID).
		Where(reachable)
	var id string
	if err := t.lock(agent, "KEY SHARE").Scan(ctx, &id); err != nil {
		return found(err, parley.AgentNotFound, c.AgentID)
	}
	return done(t.NewInsert().Model(callToRow(c)).Exec(ctx))
}

// UpdateCall writes a call whose stored row is not final yet; it returns false and changes nothing when it is. A call that comes
// without snapshot, recording, its note, messages, transfers or quality keeps the stored ones, so that who knows less of it takes nothing away.
func (t *tx) UpdateCall(ctx context.Context, c *parley.Call) (bool, error) {
	if err := t.holdCall(ctx, c.ID); err != nil {
		return false, err
	}
	kept := []string{"id", "environment_id", "agent_id", "created_at", "erasure_id", "callback_source", "callback_call"}
	for column, missing := range map[string]bool{
		"snapshot": c.Snapshot == nil, "recording": c.Recording == "", "recording_note": c.RecordingNote == "", "messages": c.Messages == nil,
		"quality": c.Quality == nil, "transfers": c.Transfers == nil,
	} {
		if missing {
			kept = append(kept, column)
		}
	}
	q := t.NewUpdate().Model(callToRow(c)).ExcludeColumn(kept...).Where("c.id = ?", c.ID).Where(openCall)
	n, err := affected(q.Exec(ctx))
	return n == 1, err
}

// AmendCall writes recording, recording note, messages and transfers of a call, final or not.
func (t *tx) AmendCall(ctx context.Context, c *parley.Call) error {
	if err := t.holdCall(ctx, c.ID); err != nil {
		return err
	}
	return done(t.NewUpdate().Model(callToRow(c)).Column("recording", "recording_note", "messages", "transfers").Where("c.id = ?", c.ID).Exec(ctx))
}

// holdCall checks that a call and its agent are there, and keeps the agent from being deleted before the transaction ends: an
// erasure that begins afterwards sees what is written to the call.
func (t *tx) holdCall(ctx context.Context, id string) error {
	q := t.NewSelect().Model((*callRow)(nil)).Column("c.id").Join(livingAgent).Where("c.id = ?", id)
	return found(t.lock(q, "KEY SHARE OF a").Scan(ctx, &id), parley.CallNotFound, id)
}

// living selects calls whose agent lives.
func (t *tx) living(model any) *bun.SelectQuery {
	return t.NewSelect().Model(model).Join(livingAgent)
}

// Call reads one; env empty reads any environment's.
func (t *tx) Call(ctx context.Context, env, id string) (*parley.Call, error) {
	r := new(callRow)
	q := t.living(r).Where("c.id = ?", id)
	if env != "" {
		q = q.Where("c.environment_id = ?", env).Where(reachable)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, found(err, parley.CallNotFound, id)
	}
	return r.call(), nil
}

// AgentsOfCalls returns the living agents of calls, by call id.
func (t *tx) AgentsOfCalls(ctx context.Context, ids ...string) (map[string]string, error) {
	agents := make(map[string]string, len(ids))
	if len(ids) == 0 {
		return agents, nil
	}
	var rows []struct{ ID, AgentID string }
	if err := t.living((*callRow)(nil)).Column("c.id", "c.agent_id").Where("c.id IN (?)", bun.List(ids)).Scan(ctx, &rows); err != nil {
		return nil, fault(err)
	}
	for _, r := range rows {
		agents[r.ID] = r.AgentID
	}
	return agents, nil
}

// CallByRef finds a call of an agent by id or sid, the newest first.
func (t *tx) CallByRef(ctx context.Context, env, agentID, ref string) (*parley.Call, error) {
	r := new(callRow)
	err := t.living(r).Where(reachable).Where("c.environment_id = ?", env).Where("c.agent_id = ?", agentID).Where("(c.id = ? OR c.sid = ?)", ref, ref).
		Order("c.created_at DESC", "c.id DESC").Limit(1).Scan(ctx)
	if err != nil {
		return nil, found(err, parley.CallNotFound, ref)
	}
	return r.call(), nil
}

// ListCalls returns a page, newest first, and the number of all matches. Snapshots are left out.
func (t *tx) ListCalls(ctx context.Context, env string, f store.CallFilter) ([]*parley.Call, int, error) {
	var rows []*callRow
	q := t.narrow(t.living(&rows).Where("c.environment_id = ?", env).Where(reachable), f)
	total, err := q.Count(ctx)
	if err != nil {
		return nil, 0, fault(err)
	}
	q = paged(q.ExcludeColumn("snapshot").Order("c.created_at DESC", "c.id DESC"), f.Page)
	if err := q.Scan(ctx); err != nil {
		return nil, 0, fault(err)
	}
	return calls(rows), int(total), nil
}

func (t *tx) narrow(q *bun.SelectQuery, f store.CallFilter) *bun.SelectQuery {
	if f.AgentID != "" {
		q = q.Where("c.agent_id = ?", f.AgentID)
	}
	if len(f.Statuses) > 0 {
		q = q.Where("c.status IN (?)", bun.List(f.Statuses))
	}
	if f.Direction != "" {
		q = q.Where("c.direction = ?", f.Direction)
	}
	if !f.From.IsZero() {
		q = q.Where("c.created_at >= ?", parley.Stamp(f.From))
	}
	if !f.Before.IsZero() {
		q = q.Where("c.created_at < ?", parley.Stamp(f.Before))
	}
	if f.To != "" {
		q = q.Where("c.to_number = ?", f.To)
	}
	if f.Search != "" {
		q = q.Where("(? OR ? OR ?)", t.contains("c.to_number", f.Search), t.contains("c.from_number", f.Search), t.contains("c.sid", f.Search))
	}
	return q
}

// open selects open calls.
func (t *tx) open(model any, f store.OpenFilter) *bun.SelectQuery {
	q := t.living(model).Where("c." + openCall)
	for _, w := range []struct{ column, value string }{
		{"c.environment_id", f.EnvironmentID}, {"c.agent_id", f.AgentID}, {"c.trunk_id", f.TrunkID}, {"c.node_id", f.NodeID},
	} {
		if w.value != "" {
			q = q.Where("? = ?", bun.Ident(w.column), w.value)
		}
	}
	if f.Phone != "" {
		q = q.Where(otherSide+" = ?", parley.Outbound, f.Phone)
	}
	return q
}

// OpenCalls returns the calls that are not final, oldest first.
func (t *tx) OpenCalls(ctx context.Context, f store.OpenFilter) ([]*parley.Call, error) {
	var rows []*callRow
	if err := t.open(&rows, f).Order("c.created_at", "c.id").Scan(ctx); err != nil {
		return nil, fault(err)
	}
	return calls(rows), nil
}

// CountOpenCalls counts them.
func (t *tx) CountOpenCalls(ctx context.Context, f store.OpenFilter) (int, error) {
	n, err := t.open((*callRow)(nil), f).Count(ctx)
	return int(n), fault(err)
}

// RenewLeases moves the lease of all open calls of a node.
func (t *tx) RenewLeases(ctx context.Context, nodeID string, until time.Time) error {
	return done(t.NewUpdate().Model((*callRow)(nil)).Set("lease_until = ?", parley.Stamp(until)).
		Where("c.node_id = ?", nodeID).Where("c." + openCall).Exec(ctx))
}

// AskEnd leaves word for the node that holds a call; no other write to the call touches it.
func (t *tx) AskEnd(ctx context.Context, callID, reason string) error {
	return done(t.NewUpdate().Model((*callRow)(nil)).Set("end_asked = ?", reason).
		Where("c.id = ?", callID).Where("c.end_asked = ''").Where("c." + openCall).Exec(ctx))
}

// AskedToEnd reads what AskEnd has left for a node.
func (t *tx) AskedToEnd(ctx context.Context, nodeID string) (map[string]string, error) {
	var rows []struct{ ID, EndAsked string }
	q := t.NewSelect().Model((*callRow)(nil)).Column("c.id", "c.end_asked").
		Where("c.node_id = ?", nodeID).Where("c.end_asked <> ''").Where("c." + openCall)
	if err := q.Scan(ctx, &rows); err != nil {
		return nil, fault(err)
	}
	asked := make(map[string]string, len(rows))
	for _, r := range rows {
		asked[r.ID] = r.EndAsked
	}
	return asked, nil
}

// LostCalls returns open calls that a node held and whose lease ran out before deadline. In an Update they are locked: a node that
// renews its leases at this moment comes before or after, and of two that look for lost calls only one gets each.
func (t *tx) LostCalls(ctx context.Context, deadline time.Time, limit int) ([]*parley.Call, error) {
	var rows []*callRow
	q := t.open(&rows, store.OpenFilter{}).Where("c.node_id <> ''").Where("c.lease_until < ?", parley.Stamp(deadline)).
		Order("c.lease_until", "c.id").Limit(int64(limit))
	if err := t.lock(q, "UPDATE OF c SKIP LOCKED").Scan(ctx); err != nil {
		return nil, fault(err)
	}
	return calls(rows), nil
}
