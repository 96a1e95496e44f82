package agents

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

const (
	keptFlows   = 100           // versions of an agent; older ones are forgotten
	mostVersion = 1_000_000_000 // that a version's name can raise the number to
)

// Flow is what leads the conversations of an agent.
type Flow struct {
	Mode   parley.ConversationMode
	Config json.RawMessage // the graph, an object; nil when the model leads
}

// Flow returns what leads an agent's conversations now.
func (a *Agents) Flow(ctx context.Context, actor parley.Actor, agentID string) (f Flow, err error) {
	err = a.readFlow(ctx, actor, agentID, func(ctx context.Context, tx store.Tx, row *parley.Agent) error {
		f.Mode = row.Mode
		if row.Mode != parley.FlowDriven {
			return nil
		}
		v, err := tx.CurrentFlow(ctx, agentID)
		if err == nil && v != nil {
			f.Config = json.RawMessage(v.Config)
		}
		return err
	})
	return f, err
}

// FlowVersions returns the saved versions of an agent's flow, newest first.
func (a *Agents) FlowVersions(ctx context.Context, actor parley.Actor, agentID string) (versions []parley.FlowVersion, err error) {
	err = a.readFlow(ctx, actor, agentID, func(ctx context.Context, tx store.Tx, _ *parley.Agent) (err error) {
		versions, err = tx.FlowVersions(ctx, agentID)
		return err
	})
	return versions, err
}

// CheckFlow says what is wrong with a graph, as FlowInvalid with a list. It saves nothing.
func (a *Agents) CheckFlow(ctx context.Context, actor parley.Actor, agentID string, config json.RawMessage, faults parley.Faults) error {
	return a.readFlow(ctx, actor, agentID, func(context.Context, store.Tx, *parley.Agent) error {
		if err := faults.Err(); err != nil {
			return err
		}
		return a.judge(config)
	})
}

func (a *Agents) readFlow(ctx context.Context, actor parley.Actor, agentID string,
	fn func(ctx context.Context, tx store.Tx, row *parley.Agent) error,
) error {
	if err := actor.Require(parley.ReadAgents); err != nil {
		return err
	}
	return a.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		row, err := tx.Agent(ctx, actor.EnvironmentID, agentID)
		if err != nil {
			return err
		}
		return fn(ctx, tx, row)
	})
}

// SetFlow saves what leads an agent's conversations as a new version. Calls that are up end on the version that they began with. Unlike
// other changes it leaves the agent published (contract notes, C26).
func (a *Agents) SetFlow(ctx context.Context, actor parley.Actor, agentID string, f Flow, faults parley.Faults) (Flow, error) {
	if f.Mode == parley.LLMDriven {
		f.Config = nil
	}
	_, err := a.change(ctx, actor, agentID, func(ctx context.Context, tx store.Tx, row *parley.Agent) (bool, error) {
		if _, known := faults["flow_config"]; f.Mode == parley.FlowDriven && f.Config == nil && !known {
			faults.Add("flow_config", "The flow config field is required.")
		}
		if err := faults.Err(); err != nil {
			return false, err
		}
		if f.Mode == parley.FlowDriven {
			if err := a.judge(f.Config); err != nil {
				return false, err
			}
		}
		return true, saveFlow(ctx, tx, row, f)
	})
	return f, err
}

// judge refuses a graph that cannot be run.
func (a *Agents) judge(config json.RawMessage) error {
	wrong := a.deps.CheckFlow(config)
	if len(wrong) == 0 {
		return nil
	}
	return &parley.Error{Code: parley.FlowInvalid, Message: "Flow validation failed", List: wrong}
}

// saveFlow adds the next version to an agent that is locked.
func saveFlow(ctx context.Context, tx store.Tx, row *parley.Agent, f Flow) error {
	last, err := tx.CurrentFlow(ctx, row.ID)
	if err != nil {
		return err
	}
	row.Mode = f.Mode
	v := &parley.FlowVersion{
		ID: parley.NewID(), AgentID: row.ID, Mode: f.Mode, Config: string(f.Config), CreatedAt: parley.Stamp(time.Now()),
	}
	v.Number, v.Version = numbered(last, f.Config)
	return tx.AddFlowVersion(ctx, v, keptFlows)
}

// numbered gives the next version its number and its name: meta.version of the graph, else the number itself. A name that is a higher
// number raises the count, so that numbers given later stay above it.
func numbered(last *parley.FlowVersion, config json.RawMessage) (number int, name string) {
	number = 1
	if last != nil {
		number = last.Number + 1
	}
	var named struct {
		Meta struct {
			Version string `json:"version"`
		} `json:"meta"`
	}
	if json.Unmarshal(config, &named) != nil || named.Meta.Version == "" {
		return number, strconv.Itoa(number)
	}
	if n, err := strconv.Atoi(named.Meta.Version); err == nil && n > number && n <= mostVersion {
		number = n
	}
	return number, named.Meta.Version
}
