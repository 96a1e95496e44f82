package agents

import (
	"context"
	"fmt"
	"slices"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// NotForCallbacks is why an agent cannot take callbacks.
const NotForCallbacks = "Agent must have direction=inbound to serve as a callback"

const (
	mostSources = 200  // of a callback agent
	mostListed  = 5000 // agents of a list without pages
)

// Callback is a callback role as it is to be.
type Callback struct {
	SourceIDs []string
	Triggers  []parley.CallOutcome // nil keeps them in an update; a new role takes every outcome
}

// SetCallback gives an agent the callback role, or replaces the one it has. The agent's status stays.
func (a *Agents) SetCallback(ctx context.Context, actor parley.Actor, id string, c Callback, faults parley.Faults) (View, error) {
	return a.change(ctx, actor, id, func(ctx context.Context, tx store.Tx, row *parley.Agent) (bool, error) {
		if err := faults.Err(); err != nil {
			return false, err
		}
		if row.Direction != parley.Inbound {
			return false, parley.Errorf(parley.InvalidAgentDirection, NotForCallbacks)
		}
		return true, setCallback(ctx, tx, row, c)
	})
}

// UpdateCallback replaces the sources of a callback agent.
func (a *Agents) UpdateCallback(ctx context.Context, actor parley.Actor, id string, c Callback, faults parley.Faults) (View, error) {
	return a.change(ctx, actor, id, func(ctx context.Context, tx store.Tx, row *parley.Agent) (bool, error) {
		roles, err := tx.CallbackRolesOf(ctx, row.ID)
		if err != nil {
			return false, err
		}
		role := roles[row.ID]
		if role == nil {
			return false, notCallback(row)
		}
		if err := faults.Err(); err != nil {
			return false, err
		}
		if c.Triggers == nil {
			c.Triggers = role.Triggers
		}
		return true, setCallback(ctx, tx, row, c)
	})
}

// DropCallback takes the callback role from an agent; everything else of it stays.
func (a *Agents) DropCallback(ctx context.Context, actor parley.Actor, id string) error {
	_, err := a.change(ctx, actor, id, func(ctx context.Context, tx store.Tx, row *parley.Agent) (bool, error) {
		return true, tx.DeleteCallbackRole(ctx, row.ID)
	})
	return err
}

func notCallback(row *parley.Agent) error {
	return parley.Errorf(parley.NotACallbackAgent, "agent %s has no callback role", row.ID)
}

func setCallback(ctx context.Context, tx store.Tx, row *parley.Agent, c Callback) error {
	const field = "source_agent_ids"
	if len(c.SourceIDs) > mostSources {
		return parley.Invalid(field, fmt.Sprintf("The source agent ids field must not have more than %d items.", mostSources))
	}
	var faults parley.Faults
	role := &parley.CallbackRole{SourceIDs: once(c.SourceIDs), Triggers: once(c.Triggers)}
	found, err := tx.AgentsByID(ctx, row.EnvironmentID, role.SourceIDs)
	if err != nil {
		return err
	}
	for i, id := range c.SourceIDs {
		if s := found[id]; s == nil || s.Direction != parley.Outbound {
			faults.Add(fmt.Sprintf("%s.%d", field, i), fmt.Sprintf("The selected source agent ids.%d is invalid.", i))
		}
	}
	if err := faults.Err(); err != nil {
		return err
	}
	return tx.SetCallbackRole(ctx, row.ID, role)
}

// once drops what a list holds already.
func once[T comparable](list []T) (out []T) {
	for _, v := range list {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// CallbackCheck is a callback role that somebody thinks of.
type CallbackCheck struct {
	Off       bool // the agent is not to have it, so that nothing can be wrong
	SourceIDs []string
}

// CheckCallback says what is wrong with a callback role. It saves nothing.
func (a *Agents) CheckCallback(ctx context.Context, actor parley.Actor, id string, c CallbackCheck, faults parley.Faults) (wrong []string, err error) {
	if err := actor.Require(parley.ReadAgents); err != nil {
		return nil, err
	}
	err = a.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		row, err := tx.Agent(ctx, actor.EnvironmentID, id)
		if err != nil {
			return err
		}
		if err := faults.Err(); err != nil || c.Off {
			return err
		}
		if len(c.SourceIDs) > mostSources {
			wrong = []string{fmt.Sprintf("At most %d source agents are allowed", mostSources)}
			return nil
		}
		ids := once(c.SourceIDs)
		found, err := tx.AgentsByID(ctx, actor.EnvironmentID, ids)
		wrong = faultsOfCallback(row, ids, found)
		return err
	})
	return wrong, err
}

func faultsOfCallback(row *parley.Agent, ids []string, found map[string]*parley.Agent) (wrong []string) {
	if row.Direction != parley.Inbound {
		wrong = append(wrong, NotForCallbacks)
	}
	if len(ids) == 0 {
		wrong = append(wrong, "At least one source agent is required")
	}
	for _, id := range ids {
		s := found[id]
		switch {
		case s == nil:
			wrong = append(wrong, fmt.Sprintf("Source agent %s not found", id))
			continue
		case s.Direction != parley.Outbound:
			wrong = append(wrong, fmt.Sprintf("Source agent %s must have direction=outbound", id))
		}
		if s.Status != parley.Published {
			wrong = append(wrong, fmt.Sprintf("Source agent %s must be published", id))
		}
	}
	return wrong
}

// CallbackAgents returns the inbound agents that have the callback role, newest first.
func (a *Agents) CallbackAgents(ctx context.Context, actor parley.Actor) ([]View, error) {
	views, _, err := a.List(ctx, actor, store.AgentFilter{Direction: parley.Inbound, Callback: true, Page: store.Page{Number: 1, Size: mostListed}})
	return views, err
}

// CallbackSources returns the agents that can be sources: published outbound ones, newest first.
func (a *Agents) CallbackSources(ctx context.Context, actor parley.Actor) (list []*parley.Agent, err error) {
	if err := actor.Require(parley.ReadAgents); err != nil {
		return nil, err
	}
	err = a.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		list, _, err = tx.ListAgents(ctx, actor.EnvironmentID, store.AgentFilter{
			Status: parley.Published, Direction: parley.Outbound, Page: store.Page{Number: 1, Size: mostListed},
		})
		return err
	})
	return list, err
}
