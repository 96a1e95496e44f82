package envelope

import (
	"context"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// InsertCall makes the key of the call's agent, which lives and is held by this transaction: nobody else makes keys, so that what comes
// late to a deleted agent finds none.
func (t *tx) InsertCall(ctx context.Context, c *parley.Call) error {
	if _, err := t.LockAgent(ctx, c.EnvironmentID, c.AgentID); err != nil {
		return err
	}
	if err := t.s.keys.Make(c.AgentID); err != nil {
		return err
	}
	sealed, err := t.sealCall(c)
	if err != nil {
		return err
	}
	return t.Tx.InsertCall(ctx, sealed)
}

// UpdateCall seals what users brought to the call and what was taken down in it.
func (t *tx) UpdateCall(ctx context.Context, c *parley.Call) (bool, error) {
	sealed, err := t.sealCall(c)
	if err != nil {
		return false, err
	}
	return t.Tx.UpdateCall(ctx, sealed)
}

// AmendCall likewise.
func (t *tx) AmendCall(ctx context.Context, c *parley.Call) error {
	sealed, err := t.sealCall(c)
	if err != nil {
		return err
	}
	return t.Tx.AmendCall(ctx, sealed)
}

// sealCall is a copy of a call with everything sealed that nobody searches by. Without a key it keeps none of that.
func (t *tx) sealCall(c *parley.Call) (*parley.Call, error) {
	sealed := *c
	a, err := t.keyOf(c.AgentID)
	if err != nil {
		return nil, err
	}
	if a == nil {
		sealed.Payload, sealed.Context, sealed.Messages, sealed.Transfers = nil, nil, nil, nil
		return &sealed, nil
	}
	seal := func(part, plain string) (string, error) { return sealText(a, plain, callPlace(c, part)), nil }
	return &sealed, eachText(&sealed, seal)
}

// openCall opens what sealCall sealed, in the call itself; what no key opens any more is empty.
func (t *tx) openCall(c *parley.Call) error {
	a, err := t.keyOf(c.AgentID)
	if err != nil {
		return err
	}
	return eachText(c, func(part, stored string) (string, error) { return openText(a, stored, callPlace(c, part)) })
}

// eachText replaces every text of a call that is sealed. Times, names of slots, and outcomes stay as they are; slices are copied.
func eachText(c *parley.Call, replace func(part, text string) (string, error)) (err error) {
	text := func(part, from string) string {
		to, e := replace(part, from)
		err = errors.Join(err, e)
		return to
	}
	document := func(part string, from json.RawMessage) json.RawMessage {
		if from == nil {
			return nil
		}
		if to := text(part, string(from)); to != "" {
			return json.RawMessage(to)
		}
		return nil
	}
	c.Payload, c.Context = document("payload", c.Payload), document("context", c.Context)
	if c.Messages != nil {
		messages := make([]parley.TakenMessage, len(c.Messages))
		for i, m := range c.Messages {
			messages[i] = parley.TakenMessage{TakenAt: m.TakenAt, Slots: make(map[string]string, len(m.Slots))}
			for name, value := range m.Slots {
				messages[i].Slots[name] = text("slot:"+name, value)
			}
		}
		c.Messages = messages
	}
	if c.Transfers != nil {
		transfers := append([]parley.Transfer{}, c.Transfers...)
		for i := range transfers {
			transfers[i].To = text("transfer", transfers[i].To)
		}
		c.Transfers = transfers
	}
	return err
}

func callPlace(c *parley.Call, part string) string { return "call:" + c.ID + ":" + part }

// keyOf is an agent's key; nil when it is gone, and of no agent.
func (t *tx) keyOf(agentID string) (cipher.AEAD, error) {
	if agentID == "" {
		return nil, nil
	}
	a, err := t.s.keys.of(agentID)
	if errors.Is(err, ErrNoKey) {
		return nil, nil
	}
	return a, err
}

func (t *tx) opened(c *parley.Call, err error) (*parley.Call, error) {
	if err != nil {
		return nil, err
	}
	return c, t.openCall(c)
}

func (t *tx) allOpened(cs []*parley.Call, err error) ([]*parley.Call, error) {
	for _, c := range cs {
		err = errors.Join(err, t.openCall(c))
	}
	return cs, err
}

// Call opens what is sealed of a call, and so do the other reads.
func (t *tx) Call(ctx context.Context, env, id string) (*parley.Call, error) {
	return t.opened(t.Tx.Call(ctx, env, id))
}

// CallByRef likewise.
func (t *tx) CallByRef(ctx context.Context, env, agentID, ref string) (*parley.Call, error) {
	return t.opened(t.Tx.CallByRef(ctx, env, agentID, ref))
}

// ListCalls likewise.
func (t *tx) ListCalls(ctx context.Context, env string, f store.CallFilter) ([]*parley.Call, int, error) {
	cs, total, err := t.Tx.ListCalls(ctx, env, f)
	cs, err = t.allOpened(cs, err)
	return cs, total, err
}

// OpenCalls likewise.
func (t *tx) OpenCalls(ctx context.Context, f store.OpenFilter) ([]*parley.Call, error) {
	return t.allOpened(t.Tx.OpenCalls(ctx, f))
}

// LostCalls likewise.
func (t *tx) LostCalls(ctx context.Context, deadline time.Time, limit int) ([]*parley.Call, error) {
	return t.allOpened(t.Tx.LostCalls(ctx, deadline, limit))
}

// CallToReturn likewise.
func (t *tx) CallToReturn(ctx context.Context, env, agentID, phone string, since time.Time) (*parley.Call, error) {
	c, err := t.Tx.CallToReturn(ctx, env, agentID, phone, since)
	if c == nil {
		return nil, err
	}
	return t.opened(c, err)
}

// CallsBelow likewise.
func (t *tx) CallsBelow(ctx context.Context, agentID string, after store.Step, limit int) ([]*parley.Call, error) {
	return t.allOpened(t.Tx.CallsBelow(ctx, agentID, after, limit))
}
