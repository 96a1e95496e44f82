package agents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// Bounds of what the model is told of.
const (
	mostActions = 50 // of an agent
	mostInputs  = 50 // of an action
)

// ForbiddenIntegration is why an action cannot have an integration.
const ForbiddenIntegration = "You are not authorized to use this integration"

// Deed is what an action is to be. Its identity within the agent is the node id.
type Deed struct {
	parley.Action                 // id, agent, sealed headers and times are not looked at
	Headers       []parley.Header // nil for none
	TransferTo    *string         // becomes an input with this value, unless there is one of that name
	HoldDuration  *int            // seconds; likewise
	Config        parley.Config   // of its integration; what is null is emptied, a secret that is left out stays
}

// ActionView is an action with its headers in clear, and with the config of its integration without what is secret.
type ActionView struct {
	parley.Action
	Headers []parley.Header // nil for none
	Config  parley.Config   // nil for none
}

// Actions returns all actions of an agent, oldest first.
func (a *Agents) Actions(ctx context.Context, actor parley.Actor, agentID string) (views []ActionView, err error) {
	if err := actor.Require(parley.ReadAgents); err != nil {
		return nil, err
	}
	err = a.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.Agent(ctx, actor.EnvironmentID, agentID); err != nil {
			return err
		}
		all, err := tx.ActionsOf(ctx, agentID)
		if err != nil {
			return err
		}
		views, err = a.unsealed(all[agentID])
		return err
	})
	return views, err
}

// Equip makes an action, or replaces the one with the same node id, and takes the agent back to draft.
func (a *Agents) Equip(ctx context.Context, actor parley.Actor, agentID string, d Deed, faults parley.Faults) (v ActionView, err error) {
	_, err = a.change(ctx, actor, agentID, func(ctx context.Context, tx store.Tx, row *parley.Agent) (bool, error) {
		all, err := tx.ActionsOf(ctx, agentID)
		if err != nil {
			return false, err
		}
		have := all[agentID]
		i := slices.IndexFunc(have, func(h parley.Action) bool { return h.NodeID == d.NodeID })
		if i < 0 && len(have) >= mostActions {
			faults.Add("node_id", fmt.Sprintf("An agent has at most %d actions.", mostActions))
		}
		a.checkDeed(&d, &faults)
		var had *parley.Action
		if i >= 0 {
			had = &have[i]
		}
		if err := errors.Join(a.configure(&d, had, &faults), faults.Err()); err != nil {
			return false, err
		}
		if _, known := a.integration(d.Integration); d.Integration != nil && !known {
			return false, parley.Errorf(parley.Unauthorized, ForbiddenIntegration)
		}
		row.Status = parley.Draft
		if v, err = a.made(agentID, &d, had); err != nil {
			return false, err
		}
		if i < 0 {
			return true, tx.InsertAction(ctx, &v.Action)
		}
		return true, tx.UpdateAction(ctx, &v.Action)
	})
	return v, err
}

// made is the action that a deed asks for; had is the one that it replaces, or nil.
func (a *Agents) made(agentID string, d *Deed, had *parley.Action) (v ActionView, err error) {
	v = ActionView{Action: d.folded(), Headers: d.Headers}
	v.AgentID, v.UpdatedAt = agentID, parley.Stamp(time.Now())
	v.ID, v.CreatedAt = parley.NewID(), v.UpdatedAt
	if had != nil {
		v.ID, v.CreatedAt = had.ID, had.CreatedAt
	}
	if v.SealedHeaders, err = a.sealed(&v); err != nil {
		return v, err
	}
	v.SealedConfig, err = a.sealedConfig(&v.Action, d.Config)
	v.Config = a.shown(&v.Action, d.Config)
	return v, err
}

// Disarm deletes an action and takes the agent back to draft.
func (a *Agents) Disarm(ctx context.Context, actor parley.Actor, agentID, id string) error {
	_, err := a.change(ctx, actor, agentID, func(ctx context.Context, tx store.Tx, row *parley.Agent) (bool, error) {
		row.Status = parley.Draft
		return true, tx.DeleteAction(ctx, agentID, id)
	})
	return err
}

// checkDeed adds what only this room can see to the faults of a form.
func (a *Agents) checkDeed(d *Deed, faults *parley.Faults) {
	if d.Mode == parley.PostCall && d.Type != parley.ActionExternal {
		faults.Add("execution_mode", "The execution mode post_call is only available for external actions.")
	}
	if len(d.Inputs) > mostInputs {
		faults.Add("inputs", fmt.Sprintf("The inputs field must not have more than %d items.", mostInputs))
	}
	a.checkURL("url", d.URL, faults)
	a.checkURL("authorization_url", d.AuthorizationURL, faults)
	parley.CheckHeaders(d.Headers, faults)
}

func (a *Agents) checkURL(field string, url *string, faults *parley.Faults) {
	if _, known := (*faults)[field]; known || url == nil {
		return
	}
	if err := a.deps.CheckURL(*url); err != nil {
		faults.Add(field, fmt.Sprintf("The %s cannot be used: %s.", field, err))
	}
}

// folded is the action with the fields that stand for inputs put among them.
func (d *Deed) folded() parley.Action {
	act := d.Action
	add := func(name, kind, value string) {
		if !slices.ContainsFunc(act.Inputs, func(in parley.ActionInput) bool { return in.Name == name }) {
			act.Inputs = append(act.Inputs, parley.ActionInput{Name: name, Type: kind, Value: json.RawMessage(value)})
		}
	}
	if d.TransferTo != nil {
		add(parley.InputTransferTo, "string", strconv.Quote(*d.TransferTo))
	}
	if d.HoldDuration != nil {
		add(parley.InputHoldDuration, "integer", strconv.Itoa(*d.HoldDuration))
	}
	return act
}

func (a *Agents) sealed(v *ActionView) ([]byte, error) {
	if v.Headers == nil {
		return nil, nil
	}
	plain, err := json.Marshal(v.Headers)
	if err != nil {
		return nil, err
	}
	sealed, err := a.deps.Vault.Seal(plain, v.SealContext())
	if err != nil {
		return nil, fmt.Errorf("seal the headers of action %s: %w", v.ID, err)
	}
	return sealed, nil
}

func (a *Agents) unsealed(rows []parley.Action) ([]ActionView, error) {
	views := make([]ActionView, len(rows))
	for i, row := range rows {
		views[i].Action = row
		if row.SealedConfig != nil {
			c, err := a.config(&row)
			if err != nil {
				return nil, err
			}
			views[i].Config = a.shown(&row, c)
		}
		if row.SealedHeaders == nil {
			continue
		}
		plain, err := a.deps.Vault.Open(row.SealedHeaders, row.SealContext())
		if err == nil {
			err = json.Unmarshal(plain, &views[i].Headers)
		}
		if err != nil {
			return nil, fmt.Errorf("headers of action %s: %w", row.ID, err)
		}
	}
	return views, nil
}
