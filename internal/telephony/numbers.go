package telephony

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// DIDs returns the numbers of a trunk, oldest first.
func (t *Telephony) DIDs(ctx context.Context, actor parley.Actor, trunkID string) (rows []*parley.PhoneNumber, err error) {
	if err := allow(actor, parley.ReadTelephony); err != nil {
		return nil, err
	}
	err = t.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.Trunk(ctx, actor.EnvironmentID, trunkID); err != nil {
			return err
		}
		rows, err = tx.ListNumbers(ctx, actor.EnvironmentID, trunkID)
		return err
	})
	return rows, err
}

// AddDID adds a number to a trunk; it is active at once. An environment holds a number once.
func (t *Telephony) AddDID(ctx context.Context, actor parley.Actor, trunkID, number, country string, faults parley.Faults) (*parley.PhoneNumber, error) {
	if err := allow(actor, parley.WriteTelephony); err != nil {
		return nil, err
	}
	now := parley.Stamp(time.Now())
	row := &parley.PhoneNumber{
		ID: parley.NewID(), EnvironmentID: actor.EnvironmentID, TrunkID: trunkID, Number: number, CountryCode: country,
		Status: "active", CreatedAt: now, UpdatedAt: now,
	}
	err := t.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.Trunk(ctx, actor.EnvironmentID, trunkID); err != nil {
			return err
		}
		if err := faults.Err(); err != nil {
			return err
		}
		return tx.InsertNumber(ctx, row)
	})
	if errors.Is(err, store.ErrConflict) {
		return nil, parley.Errorf(parley.DIDAlreadyExists, "the environment has that number already")
	}
	return row, err
}

// RemoveDID deletes a number of a trunk; it is refused while an agent is attached.
func (t *Telephony) RemoveDID(ctx context.Context, actor parley.Actor, trunkID, id string) error {
	if err := allow(actor, parley.WriteTelephony); err != nil {
		return err
	}
	return t.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.Trunk(ctx, actor.EnvironmentID, trunkID); err != nil {
			return err
		}
		row, err := tx.Number(ctx, actor.EnvironmentID, id)
		if err != nil {
			return err
		}
		if row.TrunkID != trunkID {
			return parley.Errorf(parley.DIDNotFound, "number %s belongs to another trunk", id)
		}
		if len(row.AgentIDs) > 0 {
			return parley.Errorf(parley.DIDInUse, "number %s is attached to %d agents", id, len(row.AgentIDs))
		}
		return tx.DeleteNumber(ctx, actor.EnvironmentID, id)
	})
}

// NumberFilter narrows the list of numbers; zero fields do not.
type NumberFilter struct {
	Direction parley.Direction // of an agent that is attached
	Search    string           // part of the number or the id
}

// NumberView is a number with the agents that are attached to it.
type NumberView struct {
	*parley.PhoneNumber
	Agents []*parley.Agent
}

// Numbers returns all numbers of the environment that pass a filter, oldest first.
func (t *Telephony) Numbers(ctx context.Context, actor parley.Actor, f NumberFilter) (views []NumberView, err error) {
	if err := actor.Require(parley.ReadTelephony); err != nil {
		return nil, err
	}
	err = t.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		rows, err := tx.ListNumbers(ctx, actor.EnvironmentID, "")
		if err != nil {
			return err
		}
		agents, err := tx.AgentsByID(ctx, actor.EnvironmentID, attached(rows))
		if err != nil {
			return err
		}
		for _, row := range rows {
			if v := viewOf(row, agents); f.passes(v) {
				views = append(views, v)
			}
		}
		return nil
	})
	return views, err
}

func attached(rows []*parley.PhoneNumber) (ids []string) {
	for _, r := range rows {
		ids = append(ids, r.AgentIDs...)
	}
	return ids
}

func viewOf(row *parley.PhoneNumber, agents map[string]*parley.Agent) NumberView {
	v := NumberView{PhoneNumber: row}
	for _, id := range row.AgentIDs {
		if a, ok := agents[id]; ok {
			v.Agents = append(v.Agents, a)
		}
	}
	return v
}

func (f NumberFilter) passes(v NumberView) bool {
	if f.Search != "" && !strings.Contains(v.Number, f.Search) && !strings.Contains(v.ID, f.Search) {
		return false
	}
	if f.Direction == "" {
		return true
	}
	for _, a := range v.Agents {
		if a.Direction == f.Direction {
			return true
		}
	}
	return false
}
