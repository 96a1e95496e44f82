package agents

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// Draft is what a new agent begins with.
type Draft struct {
	Name, Label string
	Direction   parley.Direction
	Settings    parley.AgentSettings
	NumberIDs   []string
}

// Create makes an agent in draft, without a voice. faults are what the door found wrong already.
func (a *Agents) Create(ctx context.Context, actor parley.Actor, d Draft, faults parley.Faults) (view View, err error) {
	if err := actor.Require(parley.WriteAgents); err != nil {
		return View{}, err
	}
	err = a.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		if err := withinPlan(ctx, tx, actor); err != nil {
			return err
		}
		if err := a.checkDraft(ctx, tx, actor.EnvironmentID, d.NumberIDs, d.Settings.Engine, &faults); err != nil {
			return err
		}
		d.Settings.Voice = nil
		row, err := begin(ctx, tx, actor.EnvironmentID, d)
		if err != nil {
			return err
		}
		view, err = a.view(ctx, tx, row)
		return err
	})
	return view, err
}

// checkDraft refuses a new agent that is wrong in its form, its numbers or its engine.
func (a *Agents) checkDraft(ctx context.Context, tx store.Tx, env string, numbers []string, engine string, faults *parley.Faults) error {
	if err := checkNumbers(ctx, tx, env, numbers, faults); err != nil {
		return err
	}
	a.checkEngine(engine, faults)
	return faults.Err()
}

// begin stores an agent in draft with its numbers.
func begin(ctx context.Context, tx store.Tx, env string, d Draft) (*parley.Agent, error) {
	t := parley.Stamp(time.Now())
	row := &parley.Agent{
		ID: parley.NewID(), EnvironmentID: env, Name: d.Name, Label: d.Label, Direction: d.Direction,
		Status: parley.Draft, Mode: parley.LLMDriven, CreatedAt: t, UpdatedAt: t, AgentSettings: d.Settings,
	}
	if err := tx.InsertAgent(ctx, row); err != nil {
		return nil, err
	}
	return row, tx.SetAgentNumbers(ctx, row.ID, unique(d.NumberIDs))
}

func withinPlan(ctx context.Context, tx store.Tx, actor parley.Actor) error {
	limit := actor.Limits.Agents
	if limit == nil {
		return nil
	}
	n, err := tx.CountAgents(ctx, actor.EnvironmentID)
	if err != nil {
		return err
	}
	if n >= *limit {
		return parley.Errorf(parley.AgentLimitReached, "the environment has %d agents and its plan allows %d", n, *limit)
	}
	return nil
}

// checkNumbers notes a fault when an id names no number of the environment.
func checkNumbers(ctx context.Context, tx store.Tx, env string, ids []string, faults *parley.Faults) error {
	if len(ids) == 0 {
		return nil
	}
	known, err := tx.ListNumbers(ctx, env, "")
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !slices.ContainsFunc(known, func(n *parley.PhoneNumber) bool { return n.ID == id }) {
			faults.Add("phone_number_ids", "The selected phone number ids are invalid.")
			return nil
		}
	}
	return nil
}

func (a *Agents) checkEngine(name string, faults *parley.Faults) {
	if name == "" {
		return
	}
	if _, _, err := a.deps.Languages(name); err != nil {
		faults.Add("engine", fmt.Sprintf("The selected engine is invalid: %s.", err))
	}
}

func unique(ids []string) []string {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(ids)
}
