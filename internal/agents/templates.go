package agents

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// library is where templates of agents come from.
type library interface {
	// Template finds a template by id, in a language if it is written in it.
	Template(id, language string) (parley.AgentTemplate, bool)
}

// Recipe is what an agent is to be made of. Fields that are empty leave what the template says.
type Recipe struct {
	TemplateID string
	Values     map[string]string // of its placeholders; those without one stay in the texts
	Name       string
	Label      string
	Language   string
	Direction  parley.Direction
	NumberIDs  []string
	Engine     string
}

// CreateFromTemplate makes an agent in draft with all that a template holds, and with a voice of its language if there is one.
func (a *Agents) CreateFromTemplate(ctx context.Context, actor parley.Actor, r Recipe, faults parley.Faults) (view View, err error) {
	if err := actor.Require(parley.WriteAgents); err != nil {
		return View{}, err
	}
	t, found := a.deps.Templates.Template(r.TemplateID, r.Language)
	a.checkValues(&t, r.Values, &faults)
	err = a.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		if err := withinPlan(ctx, tx, actor); err != nil {
			return err
		}
		if r.TemplateID != "" && !found {
			return noTemplate(r.TemplateID)
		}
		if err := a.checkDraft(ctx, tx, actor.EnvironmentID, r.NumberIDs, r.Engine, &faults); err != nil {
			return err
		}
		t := filled(t, r.Values)
		d := Draft{
			Name: cmp.Or(r.Name, t.AgentName), Label: cmp.Or(r.Label, t.Name), Direction: cmp.Or(r.Direction, t.Direction),
			Settings: t.Settings, NumberIDs: r.NumberIDs,
		}
		d.Settings.Engine, d.Settings.Language = r.Engine, cmp.Or(r.Language, t.Settings.Language)
		d.Settings.Voice = a.voiceFor(d.Settings.Language)
		row, err := begin(ctx, tx, actor.EnvironmentID, d)
		if err != nil {
			return err
		}
		if err := furnish(ctx, tx, row, &t); err != nil {
			return err
		}
		view, err = a.view(ctx, tx, row)
		return err
	})
	return view, err
}

// CloneTemplate puts what a template holds in the place of an agent's texts, settings, trainings, actions and flow, and takes the agent back
// to draft. Its name, label, direction, numbers, engine, voice and webhooks stay; only a voice of another language does not.
func (a *Agents) CloneTemplate(
	ctx context.Context, actor parley.Actor, agentID, templateID string, values map[string]string, faults parley.Faults,
) (View, error) {
	if err := actor.Require(parley.WriteAgents); err != nil {
		return View{}, err
	}
	if agentID == "" || templateID == "" {
		return View{}, faults.Err()
	}
	t, found := a.deps.Templates.Template(templateID, "")
	a.checkValues(&t, values, &faults)
	return a.change(ctx, actor, agentID, func(ctx context.Context, tx store.Tx, row *parley.Agent) (bool, error) {
		if !found {
			return false, noTemplate(templateID)
		}
		if err := faults.Err(); err != nil {
			return false, err
		}
		if err := strip(ctx, tx, row.ID); err != nil {
			return false, err
		}
		t, had := filled(t, values), row.AgentSettings
		row.AgentSettings, row.Status = t.Settings, parley.Draft
		row.Engine, row.Advanced, row.Recording, row.Voice = had.Engine, had.Advanced, had.Recording, had.Voice
		if row.Voice == nil || !sameLanguage(row.Voice.Language, row.Language) {
			row.Voice = a.voiceFor(row.Language)
		}
		return true, furnish(ctx, tx, row, &t)
	})
}

func noTemplate(id string) error {
	return parley.Errorf(parley.TemplateNotFound, "no template %s", id)
}

// strip takes an agent's trainings and actions from it.
func strip(ctx context.Context, tx store.Tx, agentID string) error {
	trainings, err := tx.TrainingsOf(ctx, agentID)
	if err != nil {
		return err
	}
	for _, t := range trainings[agentID] {
		if err := tx.DeleteTraining(ctx, agentID, t.ID); err != nil {
			return err
		}
	}
	actions, err := tx.ActionsOf(ctx, agentID)
	if err != nil {
		return err
	}
	for _, act := range actions[agentID] {
		if err := tx.DeleteAction(ctx, agentID, act.ID); err != nil {
			return err
		}
	}
	return nil
}

// furnish gives a row what a template holds beside settings, and stores the row when that changes it.
func furnish(ctx context.Context, tx store.Tx, row *parley.Agent, t *parley.AgentTemplate) error {
	for _, tr := range t.Trainings {
		tr.ID, tr.AgentID, tr.CreatedAt, tr.UpdatedAt = parley.NewID(), row.ID, row.UpdatedAt, row.UpdatedAt
		if err := tx.InsertTraining(ctx, &tr); err != nil {
			return err
		}
	}
	for _, act := range t.Actions {
		act.ID, act.AgentID, act.CreatedAt, act.UpdatedAt = parley.NewID(), row.ID, row.UpdatedAt, row.UpdatedAt
		if err := tx.InsertAction(ctx, &act); err != nil {
			return err
		}
	}
	f := Flow{Mode: parley.LLMDriven}
	if t.Flow != "" {
		f = Flow{Mode: parley.FlowDriven, Config: json.RawMessage(t.Flow)}
	}
	if f.Mode == row.Mode && f.Mode == parley.LLMDriven {
		return nil
	}
	if err := saveFlow(ctx, tx, row, f); err != nil {
		return err
	}
	return tx.UpdateAgent(ctx, row)
}

// voiceFor is a voice of a language, of another region if need be; nil when the server offers none that needs no settings of its own.
func (a *Agents) voiceFor(language string) *parley.AgentVoice {
	for _, fits := range []func(of string) bool{
		func(of string) bool { return of == language }, func(of string) bool { return sameLanguage(of, language) },
	} {
		for _, t := range a.deps.Voices.templates {
			if !t.HighFidelity && fits(t.Language) {
				return &parley.AgentVoice{ID: parley.NewID(), TemplateID: t.ID, Language: t.Language, AmbientVolume: 1}
			}
		}
	}
	return nil
}

// sameLanguage compares tags but for their regions.
func sameLanguage(a, b string) bool {
	a, _, _ = strings.Cut(a, "-")
	b, _, _ = strings.Cut(b, "-")
	return a == b
}
