package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

var agentRules = []rule{
	{"an agent comes back as it was", func(t *testing.T, h *house) {
		a := h.agent(t)
		view(t, h, func(ctx context.Context, tx store.Tx) error { return same("agent", a)(tx.Agent(ctx, h.env, a.ID)) })
		update(t, h, func(ctx context.Context, tx store.Tx) error { return same("locked", a)(tx.LockAgent(ctx, h.env, a.ID)) })
	}},
	{"another environment's agent does not exist", func(t *testing.T, h *house) {
		a := h.agent(t)
		for _, c := range []struct{ env, id string }{{h.other, a.ID}, {h.env, "not-a-uuid"}, {h.env, ""}} {
			refused(t, h, parley.AgentNotFound, func(ctx context.Context, tx store.Tx) error { _, err := tx.Agent(ctx, c.env, c.id); return err })
			refused(t, h, parley.AgentNotFound, func(ctx context.Context, tx store.Tx) error { _, err := tx.LockAgent(ctx, c.env, c.id); return err })
			refused(t, h, parley.AgentNotFound, func(ctx context.Context, tx store.Tx) error { return tx.DeleteAgent(ctx, c.env, c.id) })
		}
		stranger := *a
		stranger.EnvironmentID = h.other
		refused(t, h, parley.AgentNotFound, func(ctx context.Context, tx store.Tx) error { return tx.UpdateAgent(ctx, &stranger) })
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			return same("by id", map[string]*parley.Agent{})(tx.AgentsByID(ctx, h.other, []string{a.ID}))
		})
	}},
	{"agents by id are those that exist", func(t *testing.T, h *house) {
		a, b := h.agent(t), h.agent(t)
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			err := same("two", map[string]*parley.Agent{a.ID: a, b.ID: b})(tx.AgentsByID(ctx, h.env, []string{a.ID, "none", b.ID, b.ID}))
			if err != nil {
				return err
			}
			return same("none", map[string]*parley.Agent{})(tx.AgentsByID(ctx, h.env, nil))
		})
	}},
	{"an update writes all but the creation", func(t *testing.T, h *house) {
		a := h.agent(t)
		edited := *a
		edited.Name, edited.Status, edited.Description, edited.Voice = "Night desk", parley.Published, nil, nil
		edited.UpdatedAt = h.tick()
		written := edited
		written.CreatedAt = h.tick()
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.UpdateAgent(ctx, &written) })
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			return same("agent", &edited)(tx.Agent(ctx, h.env, a.ID))
		})
	}},
	{"a taken id conflicts", func(t *testing.T, h *house) {
		a := h.agent(t)
		conflicts(t, h, func(ctx context.Context, tx store.Tx) error { return tx.InsertAgent(ctx, a) })
	}},
	{"lists are narrowed, counted, and cut into pages, newest first", listAgents},
	{"trainings come back by agent, oldest first", func(t *testing.T, h *house) {
		a, b := h.agent(t), h.agent(t)
		t1, t2, t3 := h.training(t, a.ID), h.training(t, b.ID), h.training(t, a.ID)
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			all := map[string][]parley.Training{a.ID: {*t1, *t3}, b.ID: {*t2}}
			return same("trainings", all)(tx.TrainingsOf(ctx, a.ID, b.ID, "none"))
		})
	}},
	{"a training is changed and deleted through its agent only", changeTraining},
	{"actions come back by agent, oldest first", func(t *testing.T, h *house) {
		a, b := h.agent(t), h.agent(t)
		a1, b1, a2 := h.action(t, a.ID, "1"), h.action(t, b.ID, "1"), h.action(t, a.ID, "2")
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			all := map[string][]parley.Action{a.ID: {*a1, *a2}, b.ID: {*b1}}
			return same("actions", all)(tx.ActionsOf(ctx, a.ID, b.ID, "none"))
		})
	}},
	{"an action is changed and deleted through its agent only", changeAction},
}

func listAgents(t *testing.T, h *house) {
	var ids []string
	for i := range 5 {
		a := h.agent(t, func(a *parley.Agent) {
			a.Name, a.Label = fmt.Sprintf("Élodie %d", i), "50%_off"
			if i%2 == 1 {
				a.Status, a.Direction = parley.Published, parley.Outbound
			}
		})
		ids = append(ids, a.ID)
	}
	for _, c := range []struct {
		rule   string
		filter store.AgentFilter
		total  int
		want   []string
	}{
		{"all", store.AgentFilter{}, 5, []string{ids[4], ids[3], ids[2], ids[1], ids[0]}},
		{"first page", store.AgentFilter{Page: store.Page{Number: 1, Size: 2}}, 5, []string{ids[4], ids[3]}},
		{"last page", store.AgentFilter{Page: store.Page{Number: 3, Size: 2}}, 5, []string{ids[0]}},
		{"past the end", store.AgentFilter{Page: store.Page{Number: 9, Size: 2}}, 5, nil},
		{"by status", store.AgentFilter{Status: parley.Published}, 2, []string{ids[3], ids[1]}},
		{"by direction", store.AgentFilter{Direction: parley.Inbound}, 3, []string{ids[4], ids[2], ids[0]}},
		{"search in any case", store.AgentFilter{Search: "éLODIE 3"}, 1, []string{ids[3]}},
		{"search takes signs for signs", store.AgentFilter{Search: "0%_o", Page: store.Page{Size: 1}}, 5, []string{ids[4]}},
		{"search does not guess", store.AgentFilter{Search: "5__off"}, 0, nil},
		{"search does not join name and label", store.AgentFilter{Search: "350%"}, 0, nil},
	} {
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			page, total, err := tx.ListAgents(ctx, h.env, c.filter)
			var got []string
			for _, a := range page {
				got = append(got, a.ID)
			}
			want(t, c.rule, got, c.want)
			want(t, c.rule+", total", total, c.total)
			return err
		})
	}
	view(t, h, func(ctx context.Context, tx store.Tx) error {
		if err := same("count", 5)(tx.CountAgents(ctx, h.env)); err != nil {
			return err
		}
		return same("count of the other", 0)(tx.CountAgents(ctx, h.other))
	})
}

func changeTraining(t *testing.T, h *house) {
	a, b := h.agent(t), h.agent(t)
	tr := h.training(t, a.ID)
	tr.Subject, tr.NodeID, tr.UpdatedAt = "Hours", new("n1"), h.tick()
	update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.UpdateTraining(ctx, tr) })
	view(t, h, func(ctx context.Context, tx store.Tx) error {
		return same("training", map[string][]parley.Training{a.ID: {*tr}})(tx.TrainingsOf(ctx, a.ID))
	})
	stranger := *tr
	stranger.AgentID = b.ID
	refused(t, h, parley.TrainingNotFound, func(ctx context.Context, tx store.Tx) error { return tx.UpdateTraining(ctx, &stranger) })
	refused(t, h, parley.TrainingNotFound, func(ctx context.Context, tx store.Tx) error { return tx.DeleteTraining(ctx, b.ID, tr.ID) })
	orphan := parley.Training{ID: parley.NewID(), AgentID: "none", CreatedAt: h.tick(), UpdatedAt: h.tick()}
	refused(t, h, parley.AgentNotFound, func(ctx context.Context, tx store.Tx) error { return tx.InsertTraining(ctx, &orphan) })
	update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.DeleteTraining(ctx, a.ID, tr.ID) })
	refused(t, h, parley.TrainingNotFound, func(ctx context.Context, tx store.Tx) error { return tx.DeleteTraining(ctx, a.ID, tr.ID) })
}

func changeAction(t *testing.T, h *house) {
	a, b := h.agent(t), h.agent(t)
	act := h.action(t, a.ID, "1")
	conflicts(t, h, func(ctx context.Context, tx store.Tx) error {
		again := *act
		again.ID = parley.NewID()
		return tx.InsertAction(ctx, &again)
	})
	act.Name, act.URL, act.SealedHeaders, act.SealedConfig, act.UpdatedAt = "Cancel", nil, nil, nil, h.tick()
	update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.UpdateAction(ctx, act) })
	view(t, h, func(ctx context.Context, tx store.Tx) error {
		return same("action", map[string][]parley.Action{a.ID: {*act}})(tx.ActionsOf(ctx, a.ID))
	})
	stranger := *act
	stranger.AgentID = b.ID
	refused(t, h, parley.ActionNotFound, func(ctx context.Context, tx store.Tx) error { return tx.UpdateAction(ctx, &stranger) })
	refused(t, h, parley.ActionNotFound, func(ctx context.Context, tx store.Tx) error { return tx.DeleteAction(ctx, b.ID, act.ID) })
	orphan := parley.Action{ID: parley.NewID(), AgentID: "none", CreatedAt: h.tick(), UpdatedAt: h.tick()}
	refused(t, h, parley.AgentNotFound, func(ctx context.Context, tx store.Tx) error { return tx.InsertAction(ctx, &orphan) })
	update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.DeleteAction(ctx, a.ID, act.ID) })
	refused(t, h, parley.ActionNotFound, func(ctx context.Context, tx store.Tx) error { return tx.DeleteAction(ctx, a.ID, act.ID) })
}
