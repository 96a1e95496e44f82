package agents

import (
	"context"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// Delete deletes an agent in one short transaction under its lock and returns the receipt of what follows. It is refused while a
// call is open, then while the agent is published. By force it is not: from the commit on no new call can come, and the erasure ends those
// that are open.
func (a *Agents) Delete(ctx context.Context, actor parley.Actor, id string, force bool) (receipt *parley.Erasure, err error) {
	err = a.delete(ctx, actor, id, force, func(ctx context.Context, tx store.Tx, row *parley.Agent) error {
		receipt, err = a.deps.Eraser.Begin(ctx, tx, row)
		return err
	})
	if err == nil {
		a.deps.Eraser.Enter(ctx, receipt)
	}
	return receipt, err
}

// DeleteWithExport is Delete of an agent that is packed into an archive first: it is gone for everybody from the commit on, and comes back if the
// packing fails. The token opens the archive. Who deletes so reads all calls, and must be able to.
func (a *Agents) DeleteWithExport(ctx context.Context, actor parley.Actor, id string, force bool) (r *parley.Erasure, token string, err error) {
	for _, ability := range []string{parley.ReadAgents, parley.ReadCalls} {
		if err := actor.Require(ability); err != nil {
			return nil, "", err
		}
	}
	err = a.delete(ctx, actor, id, force, func(ctx context.Context, tx store.Tx, row *parley.Agent) error {
		r, token, err = a.deps.Eraser.BeginExport(ctx, tx, row)
		return err
	})
	return r, token, err
}

// delete begins in one transaction, under the agent's lock, what follows a deletion that nothing refuses.
func (a *Agents) delete(ctx context.Context, actor parley.Actor, id string, force bool,
	begin func(ctx context.Context, tx store.Tx, row *parley.Agent) error,
) error {
	if err := actor.Require(parley.WriteAgents); err != nil {
		return err
	}
	if force {
		if err := actor.Require(parley.ForceDeleteAgents); err != nil {
			return err
		}
	}
	return a.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		row, err := tx.LockAgent(ctx, actor.EnvironmentID, id)
		if err != nil {
			return err
		}
		reasons, err := blockers(ctx, tx, row)
		if err != nil {
			return err
		}
		if len(reasons) > 0 && !force {
			return reasons[0]
		}
		return begin(ctx, tx, row)
	})
}

// blockers are the reasons that an agent cannot be deleted now, in the contract's order.
func blockers(ctx context.Context, tx store.Tx, row *parley.Agent) (list []*parley.Error, err error) {
	n, err := tx.CountOpenCalls(ctx, store.OpenFilter{EnvironmentID: row.EnvironmentID, AgentID: row.ID})
	if n > 0 {
		list = append(list, parley.Errorf(parley.AgentHasActiveCalls, "agent %s is on %d calls", row.ID, n))
	}
	if row.Status == parley.Published {
		list = append(list, parley.Errorf(parley.AgentIsPublished, "agent %s is published", row.ID))
	}
	return list, err
}

// Preview is what a deletion would do.
type Preview struct {
	Agent    *parley.Agent
	Blockers []*parley.Error
	Places   []parley.PlaceSize
	Export   parley.ExportSize
	Numbers  []*parley.PhoneNumber // attached; they stay
	// Callbacks are the callback agents whose lists of sources it leaves.
	Callbacks []*parley.Agent
}

// DeletionPreview looks at what a deletion would do and changes nothing.
func (a *Agents) DeletionPreview(ctx context.Context, actor parley.Actor, id string) (p Preview, err error) {
	if err := actor.Require(parley.ReadAgents); err != nil {
		return p, err
	}
	var below []parley.PlaceSize
	err = a.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		if p.Agent, err = tx.Agent(ctx, actor.EnvironmentID, id); err != nil {
			return err
		}
		if p.Blockers, err = blockers(ctx, tx, p.Agent); err != nil {
			return err
		}
		numbers, err := tx.NumbersOf(ctx, id)
		if err != nil {
			return err
		}
		p.Numbers = numbers[id]
		if p.Callbacks, err = tx.CallbackAgentsFrom(ctx, id); err != nil {
			return err
		}
		below, err = children(ctx, tx, id)
		return err
	})
	if err != nil {
		return p, err
	}
	if p.Places, err = a.deps.Eraser.Measure(ctx, id); err != nil {
		return p, err
	}
	p.Export, err = a.deps.Eraser.ExportSize(p.Places)
	p.Places = append(append([]parley.PlaceSize{{Name: "agent", Items: 1}}, below...), p.Places...)
	return p, err
}

// children are the places that go with the agent's own row.
func children(ctx context.Context, tx store.Tx, id string) ([]parley.PlaceSize, error) {
	trainings, err := tx.TrainingsOf(ctx, id)
	if err != nil {
		return nil, err
	}
	actions, err := tx.ActionsOf(ctx, id)
	if err != nil {
		return nil, err
	}
	versions, err := tx.FlowVersions(ctx, id)
	if err != nil {
		return nil, err
	}
	roles, err := tx.CallbackRolesOf(ctx, id)
	return []parley.PlaceSize{
		{Name: "trainings", Items: int64(len(trainings[id]))}, {Name: "actions", Items: int64(len(actions[id]))},
		{Name: "flow_versions", Items: int64(len(versions))}, {Name: "callback_role", Items: int64(len(roles))},
	}, err
}
