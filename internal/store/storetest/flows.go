package storetest

import (
	"context"
	"sync"
	"testing"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

const keepFlows = 3

var flowRules = []rule{
	{"an agent without a flow has no version", func(t *testing.T, h *house) {
		a := h.agent(t)
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			if err := same[*parley.FlowVersion]("current", nil)(tx.CurrentFlow(ctx, a.ID)); err != nil {
				return err
			}
			return same("versions", []parley.FlowVersion{})(tx.FlowVersions(ctx, a.ID))
		})
	}},
	{"a version comes back as it was, to the letter, and the newest is current", func(t *testing.T, h *house) {
		a, b := h.agent(t), h.agent(t)
		first, other, second := h.save(t, a, 1), h.save(t, b, 1), h.save(t, a, 2)
		first.Current = false
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			if err := same("current", second)(tx.CurrentFlow(ctx, a.ID)); err != nil {
				return err
			}
			if err := same("the other's", other)(tx.CurrentFlow(ctx, b.ID)); err != nil {
				return err
			}
			return same("versions", []parley.FlowVersion{*second, *first})(tx.FlowVersions(ctx, a.ID))
		})
	}},
	{"one led by the model has no graph", func(t *testing.T, h *house) {
		a := h.agent(t)
		v := &parley.FlowVersion{ID: parley.NewID(), AgentID: a.ID, Number: 1, Version: "1", Mode: parley.LLMDriven, CreatedAt: h.tick()}
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.AddFlowVersion(ctx, v, keepFlows) })
		view(t, h, func(ctx context.Context, tx store.Tx) error { return same("current", v)(tx.CurrentFlow(ctx, a.ID)) })
	}},
	{"only the newest are kept", func(t *testing.T, h *house) {
		a, b := h.agent(t), h.agent(t)
		h.save(t, b, 1)
		for n := range keepFlows + 2 {
			h.save(t, a, n+1)
		}
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			versions, err := tx.FlowVersions(ctx, a.ID)
			var numbers []int
			for _, v := range versions {
				numbers = append(numbers, v.Number)
			}
			want(t, "numbers", numbers, []int{5, 4, 3})
			if err == nil {
				versions, err = tx.FlowVersions(ctx, b.ID)
				want(t, "the other's", len(versions), 1)
			}
			return err
		})
	}},
	{"a number is taken once, and only by an agent that is there", func(t *testing.T, h *house) {
		a := h.agent(t)
		v := *h.save(t, a, 7)
		v.ID = parley.NewID()
		conflicts(t, h, func(ctx context.Context, tx store.Tx) error { return tx.AddFlowVersion(ctx, &v, keepFlows) })
		v.AgentID = "none"
		refused(t, h, parley.AgentNotFound, func(ctx context.Context, tx store.Tx) error { return tx.AddFlowVersion(ctx, &v, keepFlows) })
	}},
	{"the mode is the agent's own", func(t *testing.T, h *house) {
		a := h.agent(t)
		a.Mode = parley.FlowDriven
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.UpdateAgent(ctx, a) })
		view(t, h, func(ctx context.Context, tx store.Tx) error { return same("agent", a)(tx.Agent(ctx, h.env, a.ID)) })
	}},
	{"a call keeps the version that it began with", func(t *testing.T, h *house) {
		a := h.agent(t)
		v := h.save(t, a, 1)
		c := h.call(t, a, func(c *parley.Call) { c.Snapshot.Flow = v })
		h.save(t, a, 2)
		view(t, h, func(ctx context.Context, tx store.Tx) error { return same("call", c)(tx.Call(ctx, h.env, c.ID)) })
	}},
}

// save adds a version of an agent's flow, with what a database could be tempted to change in it.
func (h *house) save(t *testing.T, a *parley.Agent, number int) *parley.FlowVersion {
	t.Helper()
	v := &parley.FlowVersion{
		ID: parley.NewID(), AgentID: a.ID, Number: number, Version: "v \"1\" 你好", Mode: parley.FlowDriven,
		Config: `{"b": 1.50e+2,  "a":"\u00e9 ?0 '\\", "b2":{"y":-320.125}}`, CreatedAt: h.tick(),
	}
	update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.AddFlowVersion(ctx, v, keepFlows) })
	if !v.Current {
		t.Error("a version that was added is not marked as the current one")
	}
	return v
}

// savesAtOnce saves flows from several transactions, each numbered after the one before under the agent's lock.
func savesAtOnce(t *testing.T, h *house) {
	a := h.agent(t)
	const writers, each = 8, 5
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				err := h.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
					if _, err := tx.LockAgent(ctx, h.env, a.ID); err != nil {
						return err
					}
					v := &parley.FlowVersion{ID: parley.NewID(), AgentID: a.ID, Number: 1, Mode: parley.FlowDriven, Config: "{}", CreatedAt: a.CreatedAt}
					last, err := tx.CurrentFlow(ctx, a.ID)
					if err == nil && last != nil {
						v.Number = last.Number + 1
					}
					if err == nil {
						err = tx.AddFlowVersion(ctx, v, writers*each)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	view(t, h, func(ctx context.Context, tx store.Tx) error {
		versions, err := tx.FlowVersions(ctx, a.ID)
		current := 0
		for i, v := range versions {
			want(t, "number", v.Number, writers*each-i)
			if v.Current {
				current++
			}
		}
		want(t, "versions and current ones", []int{len(versions), current}, []int{writers * each, 1})
		return err
	})
}
