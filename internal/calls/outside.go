package calls

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/jobs"
	"github.com/parley-voice/parley/internal/store"
)

const (
	// answerWithin is how long an outside system has to answer an external action.
	answerWithin = 30 * time.Second
	// askEvery is how often the call looks for the answer, which may have come to another node.
	askEvery = 250 * time.Millisecond
	// lookWithin bounds one such look.
	lookWithin = 5 * time.Second
)

// What the model is told of an external action that failed without an answer.
const (
	nobodyListens = "Nobody is there to do it at the moment."
	noAnswer      = "It was not answered in time."
)

// outside carries out the external actions of a call: an event tells the outside system, which answers over the API. Other actions go to
// the house's requester.
type outside struct {
	s      *Switchboard
	callID string
}

var _ convo.Expander = outside{}

// Runs implements convo.Requester.
func (o outside) Runs(a *parley.Action) bool {
	return a.Type == parley.ActionExternal || o.s.deps.Requester != nil && o.s.deps.Requester.Runs(a)
}

// Expand implements convo.Expander.
func (o outside) Expand(ctx context.Context, a *parley.Action) []parley.ActionTool {
	if x, ok := o.s.deps.Requester.(convo.Expander); ok {
		return x.Expand(ctx, a)
	}
	return []parley.ActionTool{{Action: *a}}
}

// Request implements convo.Requester. The event takes its turn among those of the call; the answer is looked for in the store, so that it
// counts whichever node it came to.
func (o outside) Request(ctx context.Context, run string, a *parley.Action, arguments json.RawMessage) (string, bool) {
	if a.Type != parley.ActionExternal {
		return o.s.deps.Requester.Request(ctx, run, a, arguments)
	}
	now := parley.Stamp(time.Now())
	due := now.Add(answerWithin)
	d := deedOf(o.callID, a, now, arguments)
	d.run.ID, d.run.Status, d.run.DueAt = run, parley.ActionRequested, &due
	o.s.journal.put(entry{asked: &d})
	over := time.NewTimer(answerWithin)
	defer over.Stop()
	look := time.NewTicker(askEvery)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			if got := o.look(ctx, run, false); got != nil {
				return string(got.Output), got.Status == parley.ActionSucceeded
			}
		case <-over.C:
			if got := o.look(ctx, run, true); got != nil {
				return string(got.Output), got.Status == parley.ActionSucceeded
			}
			return string(refusal(noAnswer)), false // the database is away: the job gives it up later
		case <-ctx.Done(): // likewise
			return string(refusal(noAnswer)), false
		}
	}
}

// look finds the outcome; nil when there is none yet. giveUp makes one.
func (o outside) look(ctx context.Context, run string, giveUp bool) (got *parley.CallAction) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	in := o.s.deps.Store.View
	if giveUp {
		in = o.s.deps.Store.Update
	}
	err := in(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		if got, err = tx.CallAction(ctx, o.callID, run); err != nil {
			return ignore(err, parley.ActionNotFound) // it waits in the journal still
		}
		if giveUp && got.Status.Open() {
			return o.s.deps.giveUp(ctx, tx, got)
		}
		return nil
	})
	if err != nil || got == nil || got.Status.Open() {
		return nil
	}
	return got
}

// ask writes an external action down and tells the outside system of it, unless that is not there or it is too late already.
func (d Deps) ask(ctx context.Context, tx store.Tx, asked deed) error {
	run := *asked.run // what is written may be rolled back and come again
	c, err := tx.Call(ctx, "", run.CallID)
	if err != nil {
		return ignore(err, parley.CallNotFound)
	}
	listens, err := heardOutside(ctx, tx, c.AgentID)
	switch {
	case err != nil:
		return err
	case !listens:
		run.Settle(false, refusal(nobodyListens))
	case time.Now().After(*run.DueAt):
		run.Settle(false, refusal(noAnswer))
	}
	put, err := tx.PutCallAction(ctx, &run)
	if err != nil || !put {
		return err
	}
	if err := d.tell(ctx, tx, c, deed{&run, asked.nodeID}.event()); err != nil || !run.Status.Open() {
		return err
	}
	return tx.Enqueue(ctx, store.Job{Kind: jobs.SettleActions, Subject: c.ID, RunAt: *run.DueAt})
}

// heardOutside says whether somebody hears of the actions of an agent.
func heardOutside(ctx context.Context, tx store.Tx, agentID string) (bool, error) {
	hooks, err := tx.WebhooksOf(ctx, agentID)
	return slices.ContainsFunc(hooks, func(h *parley.Webhook) bool { return h.Enabled && slices.Contains(h.Events, parley.EventAction) }), err
}

// giveUp settles an action that nobody answered in time, and tells of it.
func (d Deps) giveUp(ctx context.Context, tx store.Tx, a *parley.CallAction) error {
	return d.settle(ctx, tx, a, false, refusal(noAnswer))
}

// settle writes the outcome of an action, unless somebody else did first, and tells of a failure. That it ran was told before.
func (d Deps) settle(ctx context.Context, tx store.Tx, a *parley.CallAction, ok bool, output json.RawMessage) error {
	a.Settle(ok, output)
	put, err := tx.PutCallAction(ctx, a)
	if err != nil {
		return err
	}
	if !put {
		return parley.Errorf(parley.ActionSettled, "The outcome of action %s is known already", a.ID)
	}
	if ok {
		return nil
	}
	c, err := tx.Call(ctx, "", a.CallID)
	if err != nil {
		return err
	}
	return d.tell(ctx, tx, c, deed{a, nodeOf(c.Snapshot, a.ActionID)}.event())
}

// nodeOf is the node id of an action as it was when the call began.
func nodeOf(snap *parley.Snapshot, actionID string) string {
	if a := actionOf(snap, actionID); a != nil {
		return a.NodeID
	}
	return ""
}

func actionOf(snap *parley.Snapshot, id string) *parley.Action {
	if snap == nil {
		return nil
	}
	i := slices.IndexFunc(snap.Actions, func(a parley.Action) bool { return a.ID == id })
	if i < 0 {
		return nil
	}
	return &snap.Actions[i]
}

// refusal is what a model is told when nothing came of an action.
func refusal(message string) json.RawMessage {
	return marshalled(map[string]any{"ok": false, "message": message})
}

// Answer gives the outcome of an external action of a call. ActionSettled says that it waits for none (any more).
func (s *Switchboard) Answer(ctx context.Context, actor parley.Actor, callID, runID string, ok bool, output json.RawMessage) (a *parley.CallAction, err error) {
	if err := actor.Require(parley.WriteCalls); err != nil {
		return nil, err
	}
	err = s.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.Call(ctx, actor.EnvironmentID, callID); err != nil {
			return err
		}
		if a, err = tx.CallAction(ctx, callID, runID); err != nil {
			return err
		}
		if a.Status != parley.ActionRequested {
			return parley.Errorf(parley.ActionSettled, "Action %s waits for no answer", runID)
		}
		return s.deps.settle(ctx, tx, a, ok, toldOf(ok, output))
	})
	return a, err
}

// toldOf is what the model is told of an answer: an object as it is, another value as the result; of a failure its message.
func toldOf(ok bool, output json.RawMessage) json.RawMessage {
	var object map[string]json.RawMessage
	isObject := json.Unmarshal(output, &object) == nil && object != nil
	switch {
	case ok && isObject:
		return output
	case ok:
		return marshalled(map[string]any{"ok": true, "result": output})
	}
	told := map[string]any{"ok": false, "message": "It was refused.", "answer": output}
	var message string
	if isObject && json.Unmarshal(object["message"], &message) == nil && message != "" {
		told["message"] = message
	}
	return marshalled(told)
}
