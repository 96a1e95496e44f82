package sqlstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/parley-voice/parley"
)

type trainingRow struct {
	bun.BaseModel `bun:"table:trainings,alias:tr"`

	ID           string `bun:",pk"`
	AgentID      string
	NodeID       *string
	Subject      string
	Instructions string
	Status       string
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

func trainingToRow(t *parley.Training) *trainingRow {
	return &trainingRow{
		ID: t.ID, AgentID: t.AgentID, NodeID: t.NodeID, Subject: t.Subject, Instructions: t.Instructions, Status: t.Status,
		CreatedAt: parley.Stamp(t.CreatedAt), UpdatedAt: parley.Stamp(t.UpdatedAt),
	}
}

func (r *trainingRow) training() parley.Training {
	return parley.Training{
		ID: r.ID, AgentID: r.AgentID, NodeID: r.NodeID, Subject: r.Subject, Instructions: r.Instructions, Status: r.Status,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

// TrainingsOf returns the trainings of agents by agent id, oldest first.
func (t *tx) TrainingsOf(ctx context.Context, agentIDs ...string) (map[string][]parley.Training, error) {
	byAgent := make(map[string][]parley.Training, len(agentIDs))
	if len(agentIDs) == 0 {
		return byAgent, nil
	}
	var rows []*trainingRow
	err := t.NewSelect().Model(&rows).Where("tr.agent_id IN (?)", bun.List(agentIDs)).Order("tr.created_at", "tr.id").Scan(ctx)
	if err != nil {
		return nil, fault(err)
	}
	for _, r := range rows {
		byAgent[r.AgentID] = append(byAgent[r.AgentID], r.training())
	}
	return byAgent, nil
}

// InsertTraining adds a training; AgentNotFound when its agent is not there.
func (t *tx) InsertTraining(ctx context.Context, tr *parley.Training) error {
	_, err := t.NewInsert().Model(trainingToRow(tr)).Exec(ctx)
	if isOrphan(err) {
		return parley.Errorf(parley.AgentNotFound, "no row with id %s", tr.AgentID)
	}
	return fault(err)
}

// UpdateTraining writes all of a training but its creation.
func (t *tx) UpdateTraining(ctx context.Context, tr *parley.Training) error {
	r, err := t.NewUpdate().Model(trainingToRow(tr)).ExcludeColumn("id", "agent_id", "created_at").
		Where("tr.id = ?", tr.ID).Where("tr.agent_id = ?", tr.AgentID).Exec(ctx)
	return changed(r, err, parley.TrainingNotFound, tr.ID)
}

// DeleteTraining deletes one of an agent's trainings.
func (t *tx) DeleteTraining(ctx context.Context, agentID, id string) error {
	r, err := t.NewDelete().Model((*trainingRow)(nil)).Where("tr.id = ?", id).Where("tr.agent_id = ?", agentID).Exec(ctx)
	return changed(r, err, parley.TrainingNotFound, id)
}
