package agents

import (
	"context"
	"slices"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// Lesson is what a training is to hold.
type Lesson struct {
	NodeID                        *string // upsert key within the agent; nil makes a new training
	Subject, Instructions, Status string
}

// Trainings returns all trainings of an agent, oldest first.
func (a *Agents) Trainings(ctx context.Context, actor parley.Actor, agentID string) (rows []parley.Training, err error) {
	if err := actor.Require(parley.ReadAgents); err != nil {
		return nil, err
	}
	err = a.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.Agent(ctx, actor.EnvironmentID, agentID); err != nil {
			return err
		}
		all, err := tx.TrainingsOf(ctx, agentID)
		rows = all[agentID]
		return err
	})
	return rows, err
}

// Teach makes a training, or replaces the one with the same node id, and takes the agent back to draft.
func (a *Agents) Teach(ctx context.Context, actor parley.Actor, agentID string, l Lesson, faults parley.Faults) (t parley.Training, err error) {
	_, err = a.change(ctx, actor, agentID, func(ctx context.Context, tx store.Tx, row *parley.Agent) (bool, error) {
		if err := faults.Err(); err != nil {
			return false, err
		}
		all, err := tx.TrainingsOf(ctx, agentID)
		if err != nil {
			return false, err
		}
		row.Status = parley.Draft
		now := parley.Stamp(time.Now())
		t = parley.Training{
			ID: parley.NewID(), AgentID: agentID, NodeID: l.NodeID, Subject: l.Subject, Instructions: l.Instructions,
			Status: l.Status, CreatedAt: now, UpdatedAt: now,
		}
		i := slices.IndexFunc(all[agentID], func(have parley.Training) bool {
			return l.NodeID != nil && have.NodeID != nil && *have.NodeID == *l.NodeID
		})
		if i < 0 {
			return true, tx.InsertTraining(ctx, &t)
		}
		t.ID, t.CreatedAt = all[agentID][i].ID, all[agentID][i].CreatedAt
		return true, tx.UpdateTraining(ctx, &t)
	})
	return t, err
}

// Forget deletes a training and takes the agent back to draft.
func (a *Agents) Forget(ctx context.Context, actor parley.Actor, agentID, id string) error {
	_, err := a.change(ctx, actor, agentID, func(ctx context.Context, tx store.Tx, row *parley.Agent) (bool, error) {
		row.Status = parley.Draft
		return true, tx.DeleteTraining(ctx, agentID, id)
	})
	return err
}
