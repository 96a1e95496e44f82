package sqlstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/parley-voice/parley"
)

type callActionRow struct {
	bun.BaseModel `bun:"table:call_actions,alias:ca"`

	ID        string `bun:",pk"`
	CallID    string
	ActionID  string
	Type      parley.ActionType
	Mode      parley.ExecutionMode
	Name      string
	Status    parley.ActionStatus
	Input     *string // text: it is sealed
	Output    *string
	Attempts  int
	DueAt     *time.Time
	CreatedAt time.Time
	SettledAt *time.Time
}

func (r *callActionRow) action() *parley.CallAction {
	return &parley.CallAction{
		ID: r.ID, CallID: r.CallID, ActionID: r.ActionID, Type: r.Type, Mode: r.Mode, Name: r.Name, Status: r.Status,
		Input: jsonOf(r.Input), Output: jsonOf(r.Output), Attempts: r.Attempts, DueAt: stampOrNil(r.DueAt), CreatedAt: r.CreatedAt.UTC(),
		SettledAt: stampOrNil(r.SettledAt),
	}
}

// PutCallAction inserts an action, or replaces the one of the same id while that is open.
func (t *tx) PutCallAction(ctx context.Context, a *parley.CallAction) (bool, error) {
	living, err := t.livingCalls(ctx, []string{a.CallID})
	if err != nil || !living[a.CallID] {
		return false, err
	}
	r := &callActionRow{
		ID: a.ID, CallID: a.CallID, ActionID: a.ActionID, Type: a.Type, Mode: a.Mode, Name: a.Name, Status: a.Status,
		Input: textOf(a.Input), Output: textOf(a.Output), Attempts: a.Attempts, DueAt: stampOrNil(a.DueAt),
		CreatedAt: parley.Stamp(a.CreatedAt), SettledAt: stampOrNil(a.SettledAt),
	}
	q := t.NewInsert().Model(r).On("CONFLICT (id) DO UPDATE")
	for _, c := range []string{"status", "input", "output", "attempts", "due_at", "settled_at"} {
		q = q.Set("? = EXCLUDED.?", bun.Ident(c), bun.Ident(c))
	}
	n, err := affected(q.Where("ca.status IN (?, ?)", parley.ActionQueued, parley.ActionRequested).Exec(ctx))
	return n == 1, err
}

// CallAction answers ActionNotFound when the call has none of that id.
func (t *tx) CallAction(ctx context.Context, callID, id string) (*parley.CallAction, error) {
	r := new(callActionRow)
	err := t.callActions(r, callID).Where("ca.id = ?", id).Scan(ctx)
	if err != nil {
		return nil, found(err, parley.ActionNotFound, id)
	}
	return r.action(), nil
}

// CallActionsOf returns the actions of a call in order of their beginning.
func (t *tx) CallActionsOf(ctx context.Context, callID string) ([]*parley.CallAction, error) {
	var rows []*callActionRow
	if err := t.callActions(&rows, callID).Order("ca.created_at", "ca.id").Scan(ctx); err != nil {
		return nil, fault(err)
	}
	list := make([]*parley.CallAction, len(rows))
	for i, r := range rows {
		list[i] = r.action()
	}
	return list, nil
}

func (t *tx) callActions(model any, callID string) *bun.SelectQuery {
	return t.NewSelect().Model(model).Join("JOIN calls AS c ON c.id = ca.call_id").Join(livingAgent).Where("ca.call_id = ?", callID)
}
