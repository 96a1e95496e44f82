package sqlstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/parley-voice/parley"
)

type turnRow struct {
	bun.BaseModel `bun:"table:turns,alias:t"`

	ID          string `bun:",pk"`
	CallID      string
	Who         string
	StartedAt   time.Time
	EndedAt     time.Time
	Text        string
	Heard       *string
	Interrupted bool
	ReplyTo     *string
	Timing      turnNotes `bun:"type:jsonb"`
}

// turnNotes is what nobody searches a turn by.
type turnNotes struct {
	parley.TurnTiming
	Nodes []string `json:"nodes,omitempty"`
}

func turnToRow(t *parley.Turn) *turnRow {
	return &turnRow{
		ID: t.ID, CallID: t.CallID, Who: t.Who, StartedAt: parley.Stamp(t.StartedAt), EndedAt: parley.Stamp(t.EndedAt), Text: t.Text,
		Heard: t.Heard, Interrupted: t.Interrupted, ReplyTo: t.ReplyTo, Timing: turnNotes{t.Timing, t.Nodes},
	}
}

func (r *turnRow) turn() parley.Turn {
	return parley.Turn{
		ID: r.ID, CallID: r.CallID, Who: r.Who, StartedAt: r.StartedAt.UTC(), EndedAt: r.EndedAt.UTC(), Text: r.Text,
		Heard: r.Heard, Interrupted: r.Interrupted, ReplyTo: r.ReplyTo, Timing: r.Timing.TurnTiming, Nodes: r.Timing.Nodes,
	}
}

// PutTurns inserts turns, or replaces those with the same ids. Turns of a call that does not exist (any more) are dropped.
func (t *tx) PutTurns(ctx context.Context, ts []parley.Turn) error {
	ids := make([]string, len(ts))
	for i := range ts {
		ids[i] = ts[i].CallID
	}
	living, err := t.livingCalls(ctx, ids)
	if err != nil {
		return err
	}
	var rows []*turnRow
	at := make(map[string]int, len(ts)) // a statement may not write a row twice: the last one counts
	for i := range ts {
		r := turnToRow(&ts[i])
		if !living[r.CallID] {
			continue
		}
		if j, ok := at[r.ID]; ok {
			rows[j] = r
			continue
		}
		at[r.ID] = len(rows)
		rows = append(rows, r)
	}
	if len(rows) == 0 {
		return nil
	}
	q := t.NewInsert().Model(&rows).On("CONFLICT (id) DO UPDATE")
	for _, c := range []string{"who", "started_at", "ended_at", "text", "heard", "interrupted", "reply_to", "timing"} {
		q = q.Set("? = EXCLUDED.?", bun.Ident(c), bun.Ident(c))
	}
	return done(q.Exec(ctx))
}

// livingCalls says which calls can be written to, and keeps their agents from being deleted meanwhile: an erasure that begins
// afterwards sees what is written.
func (t *tx) livingCalls(ctx context.Context, ids []string) (map[string]bool, error) {
	living := make(map[string]bool)
	if len(ids) == 0 {
		return living, nil
	}
	var found []string
	q := t.living((*callRow)(nil)).Column("c.id").Where("c.id IN (?)", bun.List(ids)).Order("a.id", "c.id")
	if err := t.lock(q, "KEY SHARE OF a").Scan(ctx, &found); err != nil {
		return nil, fault(err)
	}
	for _, id := range found {
		living[id] = true
	}
	return living, nil
}

// TurnsOf returns the turns of a call in order of their start.
func (t *tx) TurnsOf(ctx context.Context, callID string) ([]parley.Turn, error) {
	var rows []*turnRow
	err := t.NewSelect().Model(&rows).Join("JOIN calls AS c ON c.id = t.call_id").Join(livingAgent).
		Where("t.call_id = ?", callID).Order("t.started_at", "t.id").Scan(ctx)
	if err != nil {
		return nil, fault(err)
	}
	turns := make([]parley.Turn, len(rows))
	for i, r := range rows {
		turns[i] = r.turn()
	}
	return turns, nil
}
