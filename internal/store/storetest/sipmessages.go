package storetest

import (
	"context"
	"testing"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

var sipMessageRules = []rule{
	{"messages come back in their order, and no second time", func(t *testing.T, h *house) {
		c := h.call(t, h.agent(t))
		one, two := h.sipMessage(c, 1), h.sipMessage(c, 2)
		h.putSIP(t, two, one)
		h.putSIP(t, one)
		h.putSIP(t)
		want(t, "messages", h.sipMessagesOf(t, c.ID), []parley.SIPMessage{one, two})
		want(t, "messages of another call", len(h.sipMessagesOf(t, parley.NewID())), 0)
	}},
	{"messages of a deleted agent's call cannot be reached, nor be added to", func(t *testing.T, h *house) {
		a := h.agent(t)
		c := h.call(t, a)
		h.putSIP(t, h.sipMessage(c, 1))
		h.drop(t, a)
		h.putSIP(t, h.sipMessage(c, 2))
		want(t, "messages", len(h.sipMessagesOf(t, c.ID)), 0)
		h.erases(t, 1, func(ctx context.Context, tx store.Tx) (int64, error) {
			return tx.Erase(ctx, store.PlaceSIPMessages, store.Scope{AgentID: a.ID}, 10)
		})
	}},
	{"messages go in bounded batches, the neighbour's stay", func(t *testing.T, h *house) {
		a, b := h.agent(t), h.agent(t)
		for range 3 {
			c := h.call(t, a)
			h.putSIP(t, h.sipMessage(c, 1), h.sipMessage(c, 2))
		}
		kept := h.sipMessage(h.call(t, b), 1)
		h.putSIP(t, kept)
		h.drop(t, a)
		for _, n := range []int64{4, 2, 0} {
			h.erases(t, n, func(ctx context.Context, tx store.Tx) (int64, error) {
				return tx.Erase(ctx, store.PlaceSIPMessages, store.Scope{AgentID: a.ID}, 4)
			})
		}
		want(t, "the neighbour's", h.sipMessagesOf(t, kept.CallID), []parley.SIPMessage{kept})
	}},
}

func (h *house) sipMessage(c *parley.Call, seq int) parley.SIPMessage {
	return parley.SIPMessage{
		ID: parley.NewID(), CallID: c.ID, Seq: seq, At: h.tick(), Sent: seq%2 == 0, Transport: "udp", Peer: "192.0.2.1:5060",
		Raw: "INVITE sip:1@h SIP/2.0\r\n\r\né", Cut: seq%2 == 1,
	}
}

func (h *house) putSIP(t *testing.T, ms ...parley.SIPMessage) {
	t.Helper()
	update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.PutSIPMessages(ctx, ms) })
}

func (h *house) sipMessagesOf(t *testing.T, callID string) (ms []parley.SIPMessage) {
	t.Helper()
	view(t, h, func(ctx context.Context, tx store.Tx) (err error) {
		ms, err = tx.SIPMessagesOf(ctx, callID)
		return err
	})
	return ms
}

// sipMessageAgainstErasure writes a message while everything around it is erased, and then makes the same call again to look below it.
func sipMessageAgainstErasure(t *testing.T, h *house, n int) {
	for range n {
		a := h.agent(t)
		c := h.call(t, a)
		m := h.sipMessage(c, 1)
		write := func(ctx context.Context, tx store.Tx) error { return tx.PutSIPMessages(ctx, []parley.SIPMessage{m}) }
		wipe := func(ctx context.Context, tx store.Tx) error {
			if err := tx.DeleteAgent(ctx, h.env, a.ID); err != nil {
				return err
			}
			if _, err := tx.Erase(ctx, store.PlaceSIPMessages, store.Scope{AgentID: a.ID}, 10); err != nil {
				return err
			}
			_, err := tx.Erase(ctx, store.PlaceCalls, store.Scope{AgentID: a.ID}, 10)
			return err
		}
		if wrote, wiped := both(t, h, write, wipe); wrote != nil || wiped != nil {
			t.Fatalf("writing: %v; erasing: %v", wrote, wiped)
		}
		update(t, h, func(ctx context.Context, tx store.Tx) error {
			if err := tx.InsertAgent(ctx, a); err != nil {
				return err
			}
			return tx.InsertCall(ctx, c)
		})
		want(t, "messages below the erased call", len(h.sipMessagesOf(t, c.ID)), 0)
	}
}
