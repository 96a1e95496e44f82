package storetest

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

var callActionRules = []rule{
	{"actions come back in the order of their beginning, settled ones as they were settled", func(t *testing.T, h *house) {
		c := h.call(t, h.agent(t))
		one, two := h.callAction(c), h.callAction(c)
		want(t, "second", h.putAction(t, two), true)
		want(t, "first", h.putAction(t, one), true)
		one.Attempts = 2
		one.Settle(true, json.RawMessage(`{"ok": true}`))
		want(t, "outcome", h.putAction(t, one), true)
		other := *one
		other.Settle(false, json.RawMessage(`{"ok": false}`))
		want(t, "a second outcome", h.putAction(t, &other), false)
		want(t, "actions", h.actionsOf(t, c.ID), []*parley.CallAction{one, two})
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			return same("first", one)(tx.CallAction(ctx, c.ID, one.ID))
		})
	}},
	{"an action is that of its call alone", func(t *testing.T, h *house) {
		a := h.agent(t)
		c, other := h.call(t, a), h.call(t, a)
		x := h.callAction(c)
		h.putAction(t, x)
		refused(t, h, parley.ActionNotFound, func(ctx context.Context, tx store.Tx) error { _, err := tx.CallAction(ctx, other.ID, x.ID); return err })
		want(t, "of another call", len(h.actionsOf(t, other.ID)), 0)
	}},
	{"of many who settle an action one wins", func(t *testing.T, h *house) {
		c := h.call(t, h.agent(t))
		x := h.callAction(c)
		h.putAction(t, x)
		won := make(chan bool)
		for range 10 {
			go func() {
				mine, ok := *x, false
				mine.Settle(true, nil)
				err := h.Update(t.Context(), func(ctx context.Context, tx store.Tx) (err error) {
					ok, err = tx.PutCallAction(ctx, &mine)
					return err
				})
				won <- ok && err == nil
			}()
		}
		n := 0
		for range 10 {
			if <-won {
				n++
			}
		}
		want(t, "winners", n, 1)
	}},
	{"actions of a deleted agent's call cannot be reached, nor be added to", func(t *testing.T, h *house) {
		a := h.agent(t)
		c := h.call(t, a)
		x := h.callAction(c)
		h.putAction(t, x)
		h.drop(t, a)
		want(t, "written", h.putAction(t, h.callAction(c)), false)
		want(t, "settled", h.putAction(t, x), false)
		want(t, "actions", len(h.actionsOf(t, c.ID)), 0)
		refused(t, h, parley.ActionNotFound, func(ctx context.Context, tx store.Tx) error { _, err := tx.CallAction(ctx, c.ID, x.ID); return err })
		h.erases(t, 1, func(ctx context.Context, tx store.Tx) (int64, error) {
			return tx.Erase(ctx, store.PlaceCallActions, store.Scope{AgentID: a.ID}, 10)
		})
	}},
}

func (h *house) callAction(c *parley.Call) *parley.CallAction {
	at := h.tick()
	return &parley.CallAction{
		ID: parley.NewID(), CallID: c.ID, ActionID: "a", Type: parley.ActionExternal, Mode: parley.DuringCall, Name: "Ask the desk é",
		Status: parley.ActionRequested, Input: json.RawMessage(`{"day": "2026-01-02"}`), CreatedAt: at, DueAt: new(at.Add(time.Minute)),
	}
}

func (h *house) putAction(t *testing.T, a *parley.CallAction) (ok bool) {
	t.Helper()
	update(t, h, func(ctx context.Context, tx store.Tx) (err error) {
		ok, err = tx.PutCallAction(ctx, a)
		return err
	})
	return ok
}

func (h *house) actionsOf(t *testing.T, callID string) (list []*parley.CallAction) {
	t.Helper()
	view(t, h, func(ctx context.Context, tx store.Tx) (err error) {
		list, err = tx.CallActionsOf(ctx, callID)
		return err
	})
	return list
}
