package sqlstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/river"
	"github.com/parley-voice/parley/internal/store"
)

type tallyRow struct {
	Hour   int64
	Status parley.CallStatus
	Calls  int
	Talk   float64
	Cost   float64
}

// TallyCalls sums calls that are no tests by the hour of their creation (UTC) and their status, in order of the hour.
func (t *tx) TallyCalls(ctx context.Context, env string, f store.TallyFilter) ([]store.Tally, error) {
	var rows []tallyRow
	q := t.narrow(t.living((*callRow)(nil)), store.CallFilter{AgentID: f.AgentID, Direction: f.Direction, From: f.From, Before: f.Before})
	err := q.Where("c.environment_id = ?", env).Where(reachable).Where("NOT c.testing").
		ColumnExpr("? AS hour", t.hour("c.created_at")).ColumnExpr("c.status AS status").ColumnExpr("count(*) AS calls").
		ColumnExpr("coalesce(sum(round(?)), 0.0) AS talk", t.between("c.answered_at", "c.ended_at")).ColumnExpr("sum(c.cost) AS cost").
		GroupExpr("1, 2").OrderExpr("1, 2").Scan(ctx, &rows)
	if err != nil {
		return nil, fault(err)
	}
	list := make([]store.Tally, len(rows))
	for i, r := range rows {
		list[i] = store.Tally{
			Hour: time.Unix(r.Hour*3600, 0).UTC(), Status: r.Status, Calls: r.Calls, Talk: time.Duration(r.Talk) * time.Second, Cost: r.Cost,
		}
	}
	return list, nil
}

// hour is the number of whole hours from 1970 to a time.
func (t *tx) hour(column string) schema.QueryWithArgs {
	if t.store.name() == river.Postgres {
		return bun.SafeQuery("floor(extract(epoch from ?) / 3600)::bigint", bun.Ident(column))
	}
	return bun.SafeQuery("unixepoch(?) / 3600", bun.Ident(column))
}

// between is the time from a to b in seconds; null while one of them is.
func (t *tx) between(a, b string) schema.QueryWithArgs {
	if t.store.name() == river.Postgres {
		return bun.SafeQuery("extract(epoch from ? - ?)", bun.Ident(b), bun.Ident(a))
	}
	return bun.SafeQuery("(julianday(?) - julianday(?)) * 86400", bun.Ident(b), bun.Ident(a))
}
