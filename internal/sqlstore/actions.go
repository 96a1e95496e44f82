package sqlstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/parley-voice/parley"
)

type actionRow struct {
	bun.BaseModel `bun:"table:actions,alias:ac"`

	ID               string `bun:",pk"`
	AgentID          string
	NodeID           string
	Name             string
	Description      string
	Type             string
	Inputs           []parley.ActionInput `bun:"type:jsonb"`
	Integration      *string
	URL              *string `bun:"url"`
	Method           string
	AuthorizationURL *string `bun:"authorization_url"`
	Scheme           string
	SealedHeaders    []byte
	SealedConfig     []byte
	SpeakOnSend      *string
	SpeakOnReceive   *string
	Mode             string
	Status           string
	CreatedAt        time.Time
	UpdatedAt        time.Time
}

func actionToRow(a *parley.Action) *actionRow {
	inputs := a.Inputs
	if inputs == nil {
		inputs = []parley.ActionInput{}
	}
	return &actionRow{
		ID: a.ID, AgentID: a.AgentID, NodeID: a.NodeID, Name: a.Name, Description: a.Description, Type: string(a.Type), Inputs: inputs,
		Integration: a.Integration, URL: a.URL, Method: a.Method, AuthorizationURL: a.AuthorizationURL, Scheme: a.Scheme,
		SealedHeaders: a.SealedHeaders, SealedConfig: a.SealedConfig, SpeakOnSend: a.SpeakOnSend, SpeakOnReceive: a.SpeakOnReceive, Mode: string(a.Mode), Status: a.Status,
		CreatedAt: parley.Stamp(a.CreatedAt), UpdatedAt: parley.Stamp(a.UpdatedAt),
	}
}

func (r *actionRow) action() parley.Action {
	return parley.Action{
		ID: r.ID, AgentID: r.AgentID, NodeID: r.NodeID, Name: r.Name, Description: r.Description, Type: parley.ActionType(r.Type),
		Inputs: r.Inputs, Integration: r.Integration, URL: r.URL, Method: r.Method, AuthorizationURL: r.AuthorizationURL, Scheme: r.Scheme,
		SealedHeaders: r.SealedHeaders, SealedConfig: r.SealedConfig, SpeakOnSend: r.SpeakOnSend, SpeakOnReceive: r.SpeakOnReceive, Mode: parley.ExecutionMode(r.Mode),
		Status: r.Status, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

// ActionsOf returns the actions of agents by agent id, oldest first.
func (t *tx) ActionsOf(ctx context.Context, agentIDs ...string) (map[string][]parley.Action, error) {
	byAgent := make(map[string][]parley.Action, len(agentIDs))
	if len(agentIDs) == 0 {
		return byAgent, nil
	}
	var rows []*actionRow
	err := t.NewSelect().Model(&rows).Where("ac.agent_id IN (?)", bun.List(agentIDs)).Order("ac.created_at", "ac.id").Scan(ctx)
	if err != nil {
		return nil, fault(err)
	}
	for _, r := range rows {
		byAgent[r.AgentID] = append(byAgent[r.AgentID], r.action())
	}
	return byAgent, nil
}

// InsertAction adds an action; AgentNotFound when its agent is not there.
func (t *tx) InsertAction(ctx context.Context, a *parley.Action) error {
	_, err := t.NewInsert().Model(actionToRow(a)).Exec(ctx)
	if isOrphan(err) {
		return parley.Errorf(parley.AgentNotFound, "no row with id %s", a.AgentID)
	}
	return fault(err)
}

// UpdateAction writes all of an action but its creation.
func (t *tx) UpdateAction(ctx context.Context, a *parley.Action) error {
	r, err := t.NewUpdate().Model(actionToRow(a)).ExcludeColumn("id", "agent_id", "created_at").
		Where("ac.id = ?", a.ID).Where("ac.agent_id = ?", a.AgentID).Exec(ctx)
	return changed(r, err, parley.ActionNotFound, a.ID)
}

// DeleteAction deletes one of an agent's actions.
func (t *tx) DeleteAction(ctx context.Context, agentID, id string) error {
	r, err := t.NewDelete().Model((*actionRow)(nil)).Where("ac.id = ?", id).Where("ac.agent_id = ?", agentID).Exec(ctx)
	return changed(r, err, parley.ActionNotFound, id)
}
