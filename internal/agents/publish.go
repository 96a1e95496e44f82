package agents

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// minDescription is the least length of a description that counts as knowledge, in characters.
const minDescription = 5

// missing names the parts that an agent lacks to be published: knowledge, voice, calling (contract notes, 3.1).
func missing(row *parley.Agent, numbers []*parley.PhoneNumber) parley.Faults {
	var faults parley.Faults
	described := row.Description != nil && utf8.RuneCountInString(*row.Description) >= minDescription
	if !described && row.Mode != parley.FlowDriven {
		faults.Add("knowledge", fmt.Sprintf("The agent needs a description of at least %d characters, or a flow.", minDescription))
	}
	if row.Voice == nil {
		faults.Add("voice", "The agent needs a voice.")
	}
	active := func(n *parley.PhoneNumber) bool { return n.Status == "active" }
	switch {
	case row.Direction == "":
		faults.Add("calling", "The agent needs a direction.")
	case row.Direction == parley.Inbound && !slices.ContainsFunc(numbers, active):
		faults.Add("calling", "An inbound agent needs at least one active phone number.")
	}
	return faults
}

// Publish lets an agent take calls. It is refused while a part is missing or its engine cannot do its languages.
func (a *Agents) Publish(ctx context.Context, actor parley.Actor, id string) (View, error) {
	return a.change(ctx, actor, id, func(ctx context.Context, tx store.Tx, row *parley.Agent) (bool, error) {
		if row.Status == parley.Published {
			return false, nil
		}
		numbers, err := tx.NumbersOf(ctx, row.ID)
		if err != nil {
			return false, err
		}
		faults := missing(row, numbers[row.ID])
		a.checkLanguages(row, &faults)
		row.Status = parley.Published
		return true, faults.Err()
	})
}

// Unpublish takes an agent back to draft: it takes no new calls, running ones go on.
func (a *Agents) Unpublish(ctx context.Context, actor parley.Actor, id string) (View, error) {
	return a.change(ctx, actor, id, func(_ context.Context, _ store.Tx, row *parley.Agent) (bool, error) {
		changed := row.Status != parley.Draft
		row.Status = parley.Draft
		return changed, nil
	})
}

// checkLanguages notes what the agent's engine cannot do, with the reason and the remedy.
func (a *Agents) checkLanguages(row *parley.Agent, faults *parley.Faults) {
	hear, speak, err := a.deps.Languages(row.Engine)
	if err != nil {
		faults.Add("engine", fmt.Sprintf("The engine of the agent cannot be used: %s.", err))
		return
	}
	if !slices.Contains(hear, row.Language) {
		faults.Add("language", cannot("hear", row.Language, row.Engine, hear))
	}
	if row.Voice != nil && !slices.Contains(speak, row.Voice.Language) {
		faults.Add("voice", cannot("speak", row.Voice.Language, row.Engine, speak))
	}
}

func cannot(do, language, engine string, can []string) string {
	name := "default engine"
	if engine != "" {
		name = "engine " + engine
	}
	return fmt.Sprintf("The %s cannot %s %s. Choose one of %s, or another engine.", name, do, language, strings.Join(can, ", "))
}
