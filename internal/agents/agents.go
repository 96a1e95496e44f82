// Package agents holds the rules of voice agents: their settings, trainings, flows, voices, readiness, publication and deletion. Each change
// is one short transaction under the agent's lock. It knows no HTTP and no SQL, and never asks whether an agent is talking: a call
// runs on its own snapshot.
package agents

import (
	"context"
	"encoding/json"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// eraser deletes an agent within a transaction and goes on with what lies below it afterwards.
type eraser interface {
	Begin(ctx context.Context, tx store.Tx, agent *parley.Agent) (*parley.Erasure, error)
	// BeginExport begins what packs the agent and then erases it; token opens the archive.
	BeginExport(ctx context.Context, tx store.Tx, agent *parley.Agent) (r *parley.Erasure, token string, err error)
	// Enter writes a deletion down outside the database, after the commit.
	Enter(ctx context.Context, r *parley.Erasure)
	// Measure says what a deletion would empty.
	Measure(ctx context.Context, agentID string) ([]parley.PlaceSize, error)
	// ExportSize says what an archive of that would take.
	ExportSize(places []parley.PlaceSize) (parley.ExportSize, error)
}

// vault seals what lets others in at a receiver.
type vault interface {
	Seal(plain []byte, context string) ([]byte, error)
	Open(sealed []byte, context string) ([]byte, error)
}

// Deps are what the room uses.
type Deps struct {
	Store  store.Store
	Eraser eraser
	Voices *Voices
	// Templates is what agents may be made of.
	Templates library
	Vault     vault
	// Catalogue is what actions may go by beside a webhook of their own.
	Catalogue entries
	// CheckURL says why a URL that a user gave can never be requested.
	CheckURL func(url string) error
	// CheckFlow says all that is wrong with a graph.
	CheckFlow func(config json.RawMessage) []string
	// Languages says which BCP 47 tags an engine can hear and speak, by its configured name; empty is the default engine. The error
	// of an unknown engine names the known ones.
	Languages func(engine string) (hear, speak []string, err error)
}

// Agents is the room. Make it with New.
type Agents struct{ deps Deps }

// New makes the room.
func New(deps Deps) *Agents { return &Agents{deps: deps} }

// View is an agent with all that is shown of it.
type View struct {
	*parley.Agent
	Ready     bool // complete enough to be published (contract notes, 3.1)
	Trainings []parley.Training
	Actions   []ActionView
	Numbers   []*parley.PhoneNumber
	Callback  *parley.CallbackRole  // nil when it has none
	Template  *parley.VoiceTemplate // of its voice; nil when it has none, or the template is no longer offered
}

// List returns a page of agents, newest first, and the number of all matches.
func (a *Agents) List(ctx context.Context, actor parley.Actor, f store.AgentFilter) (views []View, total int, err error) {
	if err := actor.Require(parley.ReadAgents); err != nil {
		return nil, 0, err
	}
	err = a.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		rows, n, err := tx.ListAgents(ctx, actor.EnvironmentID, f)
		if err != nil {
			return err
		}
		total = n
		views, err = a.views(ctx, tx, rows...)
		return err
	})
	return views, total, err
}

// Get returns one agent.
func (a *Agents) Get(ctx context.Context, actor parley.Actor, id string) (view View, err error) {
	if err := actor.Require(parley.ReadAgents); err != nil {
		return View{}, err
	}
	err = a.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		row, err := tx.Agent(ctx, actor.EnvironmentID, id)
		if err != nil {
			return err
		}
		view, err = a.view(ctx, tx, row)
		return err
	})
	return view, err
}

// Named returns the agents of an environment with the given ids, by id, for lists of other nouns that name them.
func (a *Agents) Named(ctx context.Context, actor parley.Actor, ids []string) (named map[string]*parley.Agent, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	err = a.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		named, err = tx.AgentsByID(ctx, actor.EnvironmentID, ids)
		return err
	})
	return named, err
}

func (a *Agents) view(ctx context.Context, tx store.Tx, row *parley.Agent) (View, error) {
	views, err := a.views(ctx, tx, row)
	if err != nil {
		return View{}, err
	}
	return views[0], nil
}

// views reads what is shown beside the rows, with as many queries for one row as for a page.
func (a *Agents) views(ctx context.Context, tx store.Tx, rows ...*parley.Agent) ([]View, error) {
	if len(rows) == 0 {
		return []View{}, nil
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	trainings, err := tx.TrainingsOf(ctx, ids...)
	if err != nil {
		return nil, err
	}
	actions, err := tx.ActionsOf(ctx, ids...)
	if err != nil {
		return nil, err
	}
	numbers, err := tx.NumbersOf(ctx, ids...)
	if err != nil {
		return nil, err
	}
	callbacks, err := tx.CallbackRolesOf(ctx, ids...)
	if err != nil {
		return nil, err
	}
	views := make([]View, len(rows))
	for i, r := range rows {
		views[i] = View{Agent: r, Trainings: trainings[r.ID], Numbers: numbers[r.ID], Callback: callbacks[r.ID]}
		if views[i].Actions, err = a.unsealed(actions[r.ID]); err != nil {
			return nil, err
		}
		views[i].Ready = len(missing(r, views[i].Numbers)) == 0
		if r.Voice != nil {
			views[i].Template, _ = a.deps.Voices.Template(r.Voice.TemplateID)
		}
	}
	return views, nil
}

// change runs fn on an agent under its lock. When fn says that it changed the agent, it is stored with a new time.
func (a *Agents) change(ctx context.Context, actor parley.Actor, id string,
	fn func(ctx context.Context, tx store.Tx, row *parley.Agent) (bool, error),
) (view View, err error) {
	if err := actor.Require(parley.WriteAgents); err != nil {
		return View{}, err
	}
	err = a.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		row, err := tx.LockAgent(ctx, actor.EnvironmentID, id)
		if err != nil {
			return err
		}
		changed, err := fn(ctx, tx, row)
		if err != nil {
			return err
		}
		if changed {
			row.UpdatedAt = parley.Stamp(time.Now())
			if err := tx.UpdateAgent(ctx, row); err != nil {
				return err
			}
		}
		view, err = a.view(ctx, tx, row)
		return err
	})
	return view, err
}
