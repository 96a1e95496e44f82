package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/river"
	"github.com/parley-voice/parley/internal/store"
)

const defaultPage = 20

var _ store.Tx = (*tx)(nil)

// tx is a transaction; its methods stand in one file a noun. Every read of calls and turns goes through a living agent: it joins
// agents, so that nothing below a deleted one can be reached before the erasure job has come to it.
type tx struct {
	bun.Tx
	store *Store
	locks bool // whether rows are to be locked by name; SQLite's single writer holds all
}

// lock adds a row lock to a query where the engine knows such a thing.
func (t *tx) lock(q *bun.SelectQuery, kind string) *bun.SelectQuery {
	if !t.locks {
		return q
	}
	return q.For(kind)
}

// found translates the end of a query for one row: code when there is none.
func found(err error, code parley.Code, id string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return parley.Errorf(code, "no row with id %s", id)
	}
	return fault(err)
}

// changed is found for a statement that was to change one row.
func changed(r sql.Result, err error, code parley.Code, id string) error {
	if err != nil {
		return fault(err)
	}
	n, err := r.RowsAffected()
	if err == nil && n == 0 {
		err = sql.ErrNoRows
	}
	return found(err, code, id)
}

// affected counts the rows that a statement changed.
func affected(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, fault(err)
	}
	n, err := r.RowsAffected()
	return n, fault(err)
}

func done(_ sql.Result, err error) error { return fault(err) }

// paged cuts a page out of a query.
func paged(q *bun.SelectQuery, p store.Page) *bun.SelectQuery {
	size := int64(p.Size)
	if size < 1 {
		size = defaultPage
	}
	return q.Limit(size).Offset(int64(max(p.Number, 1)-1) * size)
}

// contains is a condition: column holds part, letter for letter.
func (t *tx) contains(column, part string) schema.QueryWithArgs {
	if t.store.name() == river.Postgres {
		return bun.SafeQuery("strpos(?, ?) > 0", bun.Ident(column), part)
	}
	return bun.SafeQuery("instr(?, ?) > 0", bun.Ident(column), part)
}

// Enqueue adds a job that exists if and only if the transaction commits. The job also names the agent that its subject belongs to,
// so that an erasure finds it after the subject itself is gone.
func (t *tx) Enqueue(ctx context.Context, j store.Job) error {
	agent, err := t.ownerOf(ctx, j.Subject)
	if err != nil {
		return err
	}
	return fault(t.store.queue.Enqueue(ctx, t.Tx.Tx, river.Job{Kind: j.Kind, Subject: j.Subject, Agent: agent, RunAt: j.RunAt}))
}

// ownerOf finds the agent of a job's subject, empty when that is neither an agent nor anything that belongs to one.
func (t *tx) ownerOf(ctx context.Context, subject string) (string, error) {
	if subject == "" {
		return "", nil
	}
	var agent []string
	err := t.NewRaw(`SELECT agent_id FROM calls WHERE id = ?0 UNION ALL SELECT id FROM agents WHERE id = ?0
		UNION ALL SELECT agent_id FROM delivery_lanes WHERE ticket = ?0 UNION ALL SELECT agent_id FROM deliveries WHERE id = ?0
		UNION ALL SELECT agent_id FROM webhooks WHERE id = ?0`, subject).Scan(ctx, &agent)
	if err != nil || len(agent) == 0 {
		return "", fault(err)
	}
	return agent[0], nil
}
