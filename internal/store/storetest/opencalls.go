package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

var openCallRules = []rule{
	{"open calls are narrowed and counted", narrowOpen},
	{"leases of a node's open calls move, others' do not", func(t *testing.T, h *house) {
		a := h.agent(t)
		open := h.call(t, a)
		final := h.call(t, a, func(c *parley.Call) { c.Status = parley.CallCompleted })
		foreign := h.call(t, a, func(c *parley.Call) { c.NodeID = "other-" + h.env })
		until := h.tick().Add(time.Hour)
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.RenewLeases(ctx, open.NodeID, until) })
		open.LeaseUntil = until
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			for _, c := range []*parley.Call{open, final, foreign} {
				if err := same("call", c)(tx.Call(ctx, h.env, c.ID)); err != nil {
					return err
				}
			}
			return nil
		})
	}},
	{"a node learns which of its open calls others want to end", func(t *testing.T, h *house) {
		a := h.agent(t)
		asked, untouched, final := h.call(t, a), h.call(t, a), h.call(t, a, func(c *parley.Call) { c.Status = parley.CallCompleted })
		foreign := h.call(t, a, func(c *parley.Call) { c.NodeID = "other-" + h.env })
		of := func(node string, ids map[string]string) {
			t.Helper()
			view(t, h, func(ctx context.Context, tx store.Tx) error {
				got, err := tx.AskedToEnd(ctx, node)
				for _, c := range []*parley.Call{asked, untouched, final, foreign} {
					want(t, "asked of "+node, got[c.ID], ids[c.ID])
				}
				return err
			})
		}
		update(t, h, func(ctx context.Context, tx store.Tx) error {
			return errors.Join(tx.AskEnd(ctx, asked.ID, "first"), tx.AskEnd(ctx, asked.ID, "second"), tx.AskEnd(ctx, final.ID, "late"),
				tx.AskEnd(ctx, foreign.ID, "theirs"))
		})
		update(t, h, func(ctx context.Context, tx store.Tx) error { // who holds it knows nothing of it
			_, err := tx.UpdateCall(ctx, asked)
			return err
		})
		of(asked.NodeID, map[string]string{asked.ID: "first"})
		of(foreign.NodeID, map[string]string{foreign.ID: "theirs"})
		asked.Status = parley.CallCompleted
		update(t, h, func(ctx context.Context, tx store.Tx) error {
			_, err := tx.UpdateCall(ctx, asked)
			return err
		})
		of(asked.NodeID, nil)
	}},
	{"lost are open calls of a node whose lease ran out", func(t *testing.T, h *house) {
		a := h.agent(t)
		now := h.tick()
		lease := func(at time.Time) func(*parley.Call) { return func(c *parley.Call) { c.LeaseUntil = at } }
		late := h.call(t, a, lease(now.Add(-time.Minute)))
		later := h.call(t, a, lease(now.Add(-time.Hour)))
		h.call(t, a, lease(now))                  // runs out at this moment
		h.call(t, a, lease(now.Add(time.Minute))) // held
		h.call(t, a, func(c *parley.Call) { c.LeaseUntil, c.Status = now.Add(-time.Hour), parley.CallFailed })
		h.call(t, a, func(c *parley.Call) { // delayed, not dialled yet
			c.LeaseUntil, c.NodeID, c.Status, c.DialAt = time.Time{}, "", parley.CallInitiated, now.Add(time.Hour)
		})
		update(t, h, func(ctx context.Context, tx store.Tx) error {
			lost, err := tx.LostCalls(ctx, now, 1000)
			if err != nil {
				return err
			}
			lost = slices.DeleteFunc(lost, func(c *parley.Call) bool { return c.EnvironmentID != h.env })
			want(t, "lost, the longest first", lost, []*parley.Call{later, late})
			few, err := tx.LostCalls(ctx, now, 1)
			want(t, "limited", len(few), 1)
			return err
		})
	}},
}

func narrowOpen(t *testing.T, h *house) {
	a, b := h.agent(t), h.agent(t)
	ringing := h.call(t, a)
	out := h.call(t, a, func(c *parley.Call) {
		c.Direction, c.Status, c.TrunkID, c.To, c.From = parley.Outbound, parley.CallInitiated, "t2", "+4930222", "+4930111"
	})
	answered := h.call(t, b, func(c *parley.Call) { c.Status, c.NodeID, c.From = parley.CallAnswered, "other-"+h.env, "+44" })
	for _, s := range []parley.CallStatus{parley.CallCompleted, parley.CallFailed, parley.CallBusy, parley.CallNoAnswer} {
		h.call(t, a, func(c *parley.Call) { c.Status = s })
	}
	for _, c := range []struct {
		rule   string
		filter store.OpenFilter
		want   []*parley.Call
	}{
		{"of an environment", store.OpenFilter{EnvironmentID: h.env}, []*parley.Call{ringing, out, answered}},
		{"of an agent", store.OpenFilter{EnvironmentID: h.env, AgentID: a.ID}, []*parley.Call{ringing, out}},
		{"of a trunk", store.OpenFilter{EnvironmentID: h.env, TrunkID: "t2"}, []*parley.Call{out}},
		{"of a node", store.OpenFilter{NodeID: "other-" + h.env}, []*parley.Call{answered}},
		{"with the other side", store.OpenFilter{EnvironmentID: h.env, Phone: "+4930222"}, []*parley.Call{ringing, out}},
		{"not with our own number", store.OpenFilter{EnvironmentID: h.env, Phone: "+4930111"}, []*parley.Call{}},
		{"of a stranger", store.OpenFilter{EnvironmentID: h.other}, []*parley.Call{}},
	} {
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			got, err := tx.OpenCalls(ctx, c.filter)
			if err != nil {
				return err
			}
			want(t, c.rule, got, c.want)
			return same(c.rule+", counted", len(c.want))(tx.CountOpenCalls(ctx, c.filter))
		})
	}
}

var turnRules = []rule{
	{"turns come back in order of their start", func(t *testing.T, h *house) {
		c := h.call(t, h.agent(t))
		first, second := h.turn(c, "Hello"), h.turn(c, "Good morning, it's the clinic")
		second.Who, second.Heard, second.Interrupted, second.ReplyTo = parley.WhoAgent, new("Good morning"), true, &first.ID
		second.Timing = parley.TurnTiming{Endpointing: 1, Recognition: 2, Model: 3, FirstAudio: 4}
		second.Nodes = []string{"welcome", "wish"}
		h.put(t, second, first)
		want(t, "turns", h.turnsOf(t, c.ID), []parley.Turn{first, second})
	}},
	{"a turn with the same id replaces", func(t *testing.T, h *house) {
		c := h.call(t, h.agent(t))
		turn := h.turn(c, "Hel")
		h.put(t, turn)
		again := turn
		again.Text, again.Heard = "Hello", new("Hello")
		last := again
		last.Text = "Hello there"
		h.put(t, again, last) // twice in one batch: the last counts
		want(t, "turns", h.turnsOf(t, c.ID), []parley.Turn{last})
	}},
	{"turns of a call that is not there are dropped, the others kept", func(t *testing.T, h *house) {
		c := h.call(t, h.agent(t))
		kept, lost := h.turn(c, "kept"), h.turn(c, "lost")
		lost.CallID = "none"
		h.put(t, lost, kept)
		h.put(t)
		want(t, "turns", h.turnsOf(t, c.ID), []parley.Turn{kept})
		want(t, "of no call", len(h.turnsOf(t, "none")), 0)
	}},
	{"a final call still takes turns", func(t *testing.T, h *house) {
		c := h.call(t, h.agent(t), func(c *parley.Call) { c.Status = parley.CallCompleted })
		turn := h.turn(c, "late")
		h.put(t, turn)
		want(t, "turns", h.turnsOf(t, c.ID), []parley.Turn{turn})
	}},
}
