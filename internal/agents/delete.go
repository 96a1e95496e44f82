package agents

import (
	"context"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// Delete deletes an agent in one short transaction under its lock and returns the receipt of what follows. It is refused while a
// call is open, then while the agent is published.
func (a *Agents) Delete(ctx context.Context, actor parley.Actor, id string) (receipt *parley.Erasure, err error) {
	if err := actor.Require(parley.WriteAgents); err != nil {
		return nil, err
	}
	err = a.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		row, err := tx.LockAgent(ctx, actor.EnvironmentID, id)
		if err != nil {
			return err
		}
		n, err := tx.CountOpenCalls(ctx, store.OpenFilter{EnvironmentID: row.EnvironmentID, AgentID: row.ID})
		if err != nil {
			return err
		}
		if n > 0 {
			return parley.Errorf(parley.AgentHasActiveCalls, "agent %s is on %d calls", id, n)
		}
		if row.Status == parley.Published {
			return parley.Errorf(parley.AgentIsPublished, "agent %s is published", id)
		}
		receipt, err = a.deps.Eraser.Begin(ctx, tx, row)
		return err
	})
	return receipt, err
}
