package agents

import (
	"context"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// Knowledge is how an agent behaves.
type Knowledge struct {
	Description          string
	InitialMessage       parley.Given[string]
	InterruptSensitivity string
	AskIfHumanPresent    bool
	Temperature          float64
	InitialMessageDelay  int     // seconds
	Engine               *string // nil keeps it
}

// SetKnowledge replaces how an agent behaves and takes it back to draft.
func (a *Agents) SetKnowledge(ctx context.Context, actor parley.Actor, id string, k Knowledge, faults parley.Faults) (View, error) {
	return a.change(ctx, actor, id, func(_ context.Context, _ store.Tx, row *parley.Agent) (bool, error) {
		if k.Engine != nil {
			a.checkEngine(*k.Engine, &faults)
			row.Engine = *k.Engine
		}
		row.Description = &k.Description
		k.InitialMessage.Into(&row.InitialMessage)
		row.InterruptSensitivity, row.AskIfHumanPresent = k.InterruptSensitivity, k.AskIfHumanPresent
		row.Temperature, row.InitialMessageDelay = k.Temperature, k.InitialMessageDelay
		row.Status = parley.Draft
		return true, faults.Err()
	})
}

// VoiceChoice is how an agent is to sound.
type VoiceChoice struct {
	TemplateID        string
	Speed             float64
	WhoSpeaksFirst    string
	AmbientBackground *string
	AmbientVolume     float64
	Language          string // of the agent; empty keeps it
	Similarity        *float64
	Stability         *float64
}

// SetVoice gives an agent a voice made from a template and takes it back to draft.
func (a *Agents) SetVoice(ctx context.Context, actor parley.Actor, id string, v VoiceChoice, faults parley.Faults) (View, error) {
	return a.change(ctx, actor, id, func(_ context.Context, _ store.Tx, row *parley.Agent) (bool, error) {
		if v.TemplateID == "" {
			return false, faults.Err()
		}
		template, ok := a.deps.Voices.Template(v.TemplateID)
		if !ok {
			return false, parley.Errorf(parley.VoiceNotFound, "no voice template %s", v.TemplateID)
		}
		if v.Language != "" && v.Language != template.Language {
			faults.Add("language", "The selected language is invalid.")
		}
		voice := &parley.AgentVoice{
			ID: parley.NewID(), TemplateID: template.ID, Language: template.Language,
			AmbientBackground: v.AmbientBackground, AmbientVolume: v.AmbientVolume,
		}
		if row.Voice != nil {
			voice.ID = row.Voice.ID
		}
		if template.HighFidelity {
			voice.Similarity, voice.Stability = v.Similarity, v.Stability
			require(&faults, "similarity", v.Similarity)
			require(&faults, "stability", v.Stability)
		}
		row.Voice, row.Speed, row.WhoSpeaksFirst, row.Status = voice, v.Speed, v.WhoSpeaksFirst, parley.Draft
		if v.Language != "" {
			row.Language = v.Language
		}
		return true, faults.Err()
	})
}

// require notes that a field was not sent, unless something is known to be wrong with it already.
func require(faults *parley.Faults, field string, v *float64) {
	if _, known := (*faults)[field]; v == nil && !known {
		faults.Add(field, "The "+field+" field is required.")
	}
}

// Calling is which way an agent calls, and on which numbers.
type Calling struct {
	Direction parley.Direction
	NumberIDs *[]string // nil keeps the set
}

// SetCalling replaces direction and numbers of an agent and takes it back to draft.
func (a *Agents) SetCalling(ctx context.Context, actor parley.Actor, id string, c Calling, faults parley.Faults) (View, error) {
	return a.change(ctx, actor, id, func(ctx context.Context, tx store.Tx, row *parley.Agent) (bool, error) {
		var numbers []string
		if c.NumberIDs != nil {
			numbers = *c.NumberIDs
		}
		if err := checkNumbers(ctx, tx, actor.EnvironmentID, numbers, &faults); err != nil {
			return false, err
		}
		if err := faults.Err(); err != nil {
			return false, err
		}
		row.Direction, row.Status = c.Direction, parley.Draft
		if c.NumberIDs == nil {
			return true, nil
		}
		return true, tx.SetAgentNumbers(ctx, row.ID, unique(numbers))
	})
}

// What an agent must have done before its opening may be kept in a cache (contract notes, chapter 6).
const (
	cacheCalls = 700
	cacheDays  = 7
)

// SetInitialMessageCache turns the cache of the opening on or off; nil keeps it. Turning it on needs a volume of calls.
func (a *Agents) SetInitialMessageCache(ctx context.Context, actor parley.Actor, id string, on *bool, faults parley.Faults) (View, error) {
	return a.change(ctx, actor, id, func(ctx context.Context, tx store.Tx, row *parley.Agent) (bool, error) {
		if err := faults.Err(); err != nil || on == nil || *on == row.Advanced.InitialMessageCache {
			return false, err
		}
		row.Advanced.InitialMessageCache = *on
		if !*on {
			return true, nil
		}
		n, err := recentCalls(ctx, tx, row)
		if err == nil && n < cacheCalls {
			err = &parley.Error{
				Code: parley.OptimizedNotEligible, Message: "too few calls",
				Details: map[string]any{"current_calls": n, "required_calls": cacheCalls, "threshold_days": cacheDays},
			}
		}
		return true, err
	})
}

// recentCalls counts the calls that the agent placed lately and that are no tests.
func recentCalls(ctx context.Context, tx store.Tx, row *parley.Agent) (n int, err error) {
	sums, err := tx.TallyCalls(ctx, row.EnvironmentID, store.TallyFilter{
		AgentID: row.ID, Direction: parley.Outbound, From: time.Now().UTC().AddDate(0, 0, -cacheDays),
	})
	for _, s := range sums {
		n += s.Calls
	}
	return n, err
}

// Eligibility says whether an agent has placed enough calls for the cache of its opening.
type Eligibility struct{ Calls, Required, Days int }

// Eligible says that it has.
func (e Eligibility) Eligible() bool { return e.Calls >= e.Required }

// Eligibility counts at the moment that it is asked.
func (a *Agents) Eligibility(ctx context.Context, actor parley.Actor, id string) (e Eligibility, err error) {
	if err := actor.Require(parley.ReadAgents); err != nil {
		return e, err
	}
	e = Eligibility{Required: cacheCalls, Days: cacheDays}
	err = a.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		row, err := tx.Agent(ctx, actor.EnvironmentID, id)
		if err == nil {
			e.Calls, err = recentCalls(ctx, tx, row)
		}
		return err
	})
	return e, err
}
