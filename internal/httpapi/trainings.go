package httpapi

import (
	"context"
	"net/http"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/agents"
)

type trainingJSON struct {
	ID           string  `json:"id"`
	NodeID       *string `json:"node_id"`
	Subject      string  `json:"subject"`
	Instructions string  `json:"instructions"`
	Status       string  `json:"current_status" enum:"active,inactive"`
	CreatedAt    stamp   `json:"created_at"`
	UpdatedAt    stamp   `json:"updated_at"`
}

func showTraining(t parley.Training) trainingJSON {
	return trainingJSON{
		ID: t.ID, NodeID: t.NodeID, Subject: t.Subject, Instructions: t.Instructions, Status: t.Status,
		CreatedAt: stamp(t.CreatedAt), UpdatedAt: stamp(t.UpdatedAt),
	}
}

type trainingBody struct {
	NodeID       *string  `json:"node_id" required:"false" doc:"Upsert key within the agent."`
	Subject      string   `json:"subject" minLength:"1" maxLength:"255"`
	Instructions string   `json:"instructions" minLength:"1"`
	Status       activity `json:"current_status" required:"false" default:"active"`
}

func (a *api) trainingRoutes() {
	const path = "/api/v1/agents/{agent_id}/trainings"
	handle(a, op{
		id: "listTrainings", method: http.MethodGet, path: path, tag: "Trainings", summary: "List trainings of an agent",
		codes: []parley.Code{parley.Unauthorized, parley.AgentNotFound},
		texts: map[parley.Code]string{parley.Unauthorized: "You are not authorized to access this agent's trainings."},
	}, a.listTrainings)
	handle(a, op{
		id: "upsertTraining", method: http.MethodPost, path: path, tag: "Trainings", summary: "Create or update a training",
		message: "Agent training updated successfully",
		codes:   []parley.Code{parley.Unauthorized, parley.AgentNotFound, parley.ValidationError},
		texts:   map[parley.Code]string{parley.Unauthorized: "You are not authorized to create training for this agent."},
	}, a.upsertTraining)
	handle(a, op{
		id: "deleteTraining", method: http.MethodDelete, path: path + "/{training_id}", tag: "Trainings", summary: "Delete a training",
		message: "Agent training deleted successfully", shape: doneShape,
		codes: []parley.Code{parley.Unauthorized, parley.AgentNotFound, parley.TrainingNotFound},
		texts: map[parley.Code]string{parley.Unauthorized: "You are not authorized to delete training for this agent."},
	}, a.deleteTraining)
}

func (a *api) listTrainings(ctx context.Context, r *in[none, none]) ([]trainingJSON, error) {
	rows, err := a.deps.Agents.Trainings(ctx, r.actor, r.id("agent_id"))
	return each(rows, showTraining), err
}

func (a *api) upsertTraining(ctx context.Context, r *in[none, trainingBody]) (trainingJSON, error) {
	b := r.body
	if b.Status == "" {
		b.Status = "active"
	}
	t, err := a.deps.Agents.Teach(ctx, r.actor, r.id("agent_id"), agents.Lesson{
		NodeID: b.NodeID, Subject: b.Subject, Instructions: b.Instructions, Status: string(b.Status),
	}, r.faults)
	return showTraining(t), err
}

func (a *api) deleteTraining(ctx context.Context, r *in[none, none]) (none, error) {
	return none{}, a.deps.Agents.Forget(ctx, r.actor, r.id("agent_id"), r.id("training_id"))
}
