package sqlstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/parley-voice/parley"
)

type sipMessageRow struct {
	bun.BaseModel `bun:"table:sip_messages,alias:sm"`

	ID        string `bun:",pk"`
	CallID    string
	Seq       int64
	At        time.Time
	Sent      bool
	Transport string
	Peer      string
	Raw       string
	Cut       bool
}

// PutSIPMessages inserts messages. Those of a call that does not exist (any more) are dropped, and those that are there already left.
func (t *tx) PutSIPMessages(ctx context.Context, ms []parley.SIPMessage) error {
	ids := make([]string, len(ms))
	for i := range ms {
		ids[i] = ms[i].CallID
	}
	living, err := t.livingCalls(ctx, ids)
	if err != nil {
		return err
	}
	var rows []*sipMessageRow
	for i := range ms {
		if m := &ms[i]; living[m.CallID] {
			rows = append(rows, &sipMessageRow{
				ID: m.ID, CallID: m.CallID, Seq: int64(m.Seq), At: parley.Stamp(m.At), Sent: m.Sent, Transport: m.Transport, Peer: m.Peer,
				Raw: m.Raw, Cut: m.Cut,
			})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return done(t.NewInsert().Model(&rows).On("CONFLICT (id) DO NOTHING").Exec(ctx))
}

// SIPMessagesOf returns the messages of a call in their order.
func (t *tx) SIPMessagesOf(ctx context.Context, callID string) ([]parley.SIPMessage, error) {
	var rows []*sipMessageRow
	err := t.NewSelect().Model(&rows).Join("JOIN calls AS c ON c.id = sm.call_id").Join(livingAgent).
		Where("sm.call_id = ?", callID).Order("sm.seq", "sm.id").Scan(ctx)
	if err != nil {
		return nil, fault(err)
	}
	out := make([]parley.SIPMessage, len(rows))
	for i, r := range rows {
		out[i] = parley.SIPMessage{
			ID: r.ID, CallID: r.CallID, Seq: int(r.Seq), At: r.At.UTC(), Sent: r.Sent, Transport: r.Transport, Peer: r.Peer, Raw: r.Raw, Cut: r.Cut,
		}
	}
	return out, nil
}
