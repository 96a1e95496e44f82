package agents

import (
	"context"
	"slices"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// statsDays is how many days before its end a range begins when nobody says.
const statsDays = 30

// CallbackSums are the figures of calls on numbers of callback agents.
type CallbackSums struct {
	Received, Answered int
	Unmatched          int // of Received: no source had called the caller lately
}

func (s *CallbackSums) add(t store.CallbackTally) {
	s.Received += t.Calls
	s.Answered += t.Answered
	if t.SourceID == "" {
		s.Unmatched += t.Calls
	}
}

// CallbackView is a callback agent with its sources and what came of it.
type CallbackView struct {
	View
	Sources []*parley.Agent
	Sums    CallbackSums // since the agent was made
}

// CallbackAgent returns one callback agent; NotACallbackAgent for another agent.
func (a *Agents) CallbackAgent(ctx context.Context, actor parley.Actor, id string) (v CallbackView, err error) {
	if err := actor.Require(parley.ReadAgents); err != nil {
		return v, err
	}
	err = a.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		row, err := tx.Agent(ctx, actor.EnvironmentID, id)
		if err != nil {
			return err
		}
		if v.View, err = a.view(ctx, tx, row); err != nil {
			return err
		}
		if v.Callback == nil || row.Direction != parley.Inbound {
			return notCallback(row)
		}
		sources, err := tx.AgentsByID(ctx, actor.EnvironmentID, v.Callback.SourceIDs)
		if err != nil {
			return err
		}
		for _, id := range v.Callback.SourceIDs {
			if s := sources[id]; s != nil {
				v.Sources = append(v.Sources, s)
			}
		}
		tallies, err := tx.TallyCallbacks(ctx, actor.EnvironmentID, store.TallyFilter{AgentID: id})
		for _, t := range tallies {
			v.Sums.add(t)
		}
		return err
	})
	return v, err
}

// Days is a range of days, both inclusive, midnight UTC; a zero one takes the default.
type Days struct{ Start, End time.Time }

func (d *Days) settle(faults *parley.Faults) {
	if d.End.IsZero() {
		d.End = time.Now().UTC().Truncate(24 * time.Hour)
	}
	if d.Start.IsZero() {
		d.Start = d.End.AddDate(0, 0, -statsDays)
	}
	if d.End.Before(d.Start) {
		faults.Add("end_date", "The end date must be a date after or equal to start date.")
	}
}

// SourceSum counts the calls that return calls of one agent.
type SourceSum struct {
	Agent *parley.Agent
	Calls int
}

// CallbackTotals are the sums of an environment over some days, and by source, the most returned first. Sources that were deleted
// meanwhile are in the sums alone.
func (a *Agents) CallbackTotals(ctx context.Context, actor parley.Actor, d Days, faults parley.Faults) (sum CallbackSums, by []SourceSum, _ Days, err error) {
	if err := actor.Require(parley.ReadCalls); err != nil {
		return sum, nil, d, err
	}
	d.settle(&faults)
	if err := faults.Err(); err != nil {
		return sum, nil, d, err
	}
	err = a.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		tallies, err := tx.TallyCallbacks(ctx, actor.EnvironmentID, store.TallyFilter{From: d.Start, Before: d.End.AddDate(0, 0, 1)})
		if err != nil {
			return err
		}
		ids := make([]string, len(tallies))
		for i, t := range tallies {
			sum.add(t)
			ids[i] = t.SourceID
		}
		sources, err := tx.AgentsByID(ctx, actor.EnvironmentID, ids)
		for _, t := range tallies {
			if s := sources[t.SourceID]; s != nil {
				by = append(by, SourceSum{s, t.Calls})
			}
		}
		return err
	})
	slices.SortStableFunc(by, func(a, b SourceSum) int { return b.Calls - a.Calls })
	return sum, by, d, err
}
