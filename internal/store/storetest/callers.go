package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// callerRules are those of the erasure of one caller.
var callerRules = []rule{
	{"a caller's finished calls are claimed, in either direction, and open ones stay", func(t *testing.T, h *house) {
		const caller = "+12025550171"
		a := h.agent(t)
		in, out := h.withCaller(t, a, caller), h.withCaller(t, a, caller, func(c *parley.Call) { c.Direction, c.To, c.From = parley.Outbound, c.From, c.To })
		open := h.withCaller(t, a, caller, func(c *parley.Call) { c.Status, c.EndedAt = parley.CallAnswered, nil })
		other := h.withCaller(t, a, "+12025550172")
		want(t, "claimed", h.claims(t, caller, time.Time{}), 2)
		h.reached(t, map[string]bool{in.ID: false, out.ID: false, open.ID: true, other.ID: true})
		want(t, "claimed again", h.claims(t, caller, time.Time{}), 0)
	}},
	{"a replay claims what began before the erasure, open or not, and nothing that came later", func(t *testing.T, h *house) {
		const caller = "+12025550173"
		a := h.agent(t)
		ghost := h.withCaller(t, a, caller, func(c *parley.Call) { c.Status, c.EndedAt = parley.CallAnswered, nil })
		old := h.withCaller(t, a, caller)
		at := h.tick()
		later := h.withCaller(t, a, caller)
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			return same("callers before it", []string{caller})(tx.CallersOf(ctx, h.env, "+12025550172", at, 1))
		})
		want(t, "claimed", h.claims(t, caller, at), 2)
		h.reached(t, map[string]bool{ghost.ID: false, old.ID: false, later.ID: true})
	}},
}

// withCaller is a finished inbound call from a number.
func (h *house) withCaller(t *testing.T, a *parley.Agent, phone string, change ...func(*parley.Call)) *parley.Call {
	t.Helper()
	return h.call(t, a, func(c *parley.Call) {
		c.Direction, c.From, c.Status, c.EndedAt = parley.Inbound, phone, parley.CallCompleted, new(c.CreatedAt)
		for _, f := range change {
			f(c)
		}
	})
}

func (h *house) claims(t *testing.T, phone string, before time.Time) (n int) {
	t.Helper()
	update(t, h, func(ctx context.Context, tx store.Tx) error {
		claimed, err := tx.ClaimCalls(ctx, h.env, phone, parley.NewID(), before)
		n = int(claimed)
		return err
	})
	return n
}

// reached says of calls whether they can be reached.
func (h *house) reached(t *testing.T, calls map[string]bool) {
	t.Helper()
	for id, there := range calls {
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			_, err := tx.Call(ctx, h.env, id)
			if there {
				return err
			}
			want(t, "a claimed call", parley.CodeOf(err), parley.CallNotFound)
			return nil
		})
	}
}
