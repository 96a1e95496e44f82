package calls

import (
	"context"
	"encoding/json"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/jobs"
	"github.com/parley-voice/parley/internal/store"
)

// attemptsMost is how often the inputs of an action are looked for in what was said; then those that are known must do.
const attemptsMost = 5

// attemptDelay is how long an action waits after its nth attempt.
func attemptDelay(n int) time.Duration { return 10 * time.Second << (2 * min(n-1, 4)) }

// queueActions queues what an agent does after a call that was answered, in the transaction of its end.
func (d Deps) queueActions(ctx context.Context, tx store.Tx, c *parley.Call) error {
	if c.AnsweredAt == nil || c.Snapshot == nil {
		return nil
	}
	queued := false
	for i := range c.Snapshot.Actions {
		a := &c.Snapshot.Actions[i]
		if a.Type != parley.ActionExternal || a.Mode != parley.PostCall {
			continue
		}
		now := parley.Stamp(time.Now())
		run := deedOf(c.ID, a, now, nil).run
		run.Status, run.Input, run.DueAt = parley.ActionQueued, nil, &now
		put, err := tx.PutCallAction(ctx, run)
		if err != nil {
			return err
		}
		queued = queued || put
	}
	if !queued {
		return nil
	}
	return tx.Enqueue(ctx, store.Job{Kind: jobs.SettleActions, Subject: c.ID})
}

// HandleActions is the job of a call with actions whose outcome is not known: what is queued runs, what was not answered in time is given
// up. It comes again until all are settled.
func (s *Switchboard) HandleActions(ctx context.Context, callID string) error {
	var c *parley.Call
	var all []*parley.CallAction
	err := s.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		if c, err = tx.Call(ctx, "", callID); err != nil {
			return err
		}
		all, err = tx.CallActionsOf(ctx, callID)
		return err
	})
	if err != nil {
		return ignore(err, parley.CallNotFound)
	}
	var next *time.Time
	for _, a := range all {
		due, err := s.attend(ctx, c, a, all)
		if err != nil {
			return err
		}
		if due != nil && (next == nil || due.Before(*next)) {
			next = due
		}
	}
	if next != nil {
		return jobs.Again{After: max(time.Until(*next), time.Second)}
	}
	return nil
}

// attend does what is due of an action, and says when it is due again; nil is never.
func (s *Switchboard) attend(ctx context.Context, c *parley.Call, a *parley.CallAction, all []*parley.CallAction) (*time.Time, error) {
	switch {
	case !a.Status.Open() || a.DueAt == nil:
		return nil, nil
	case time.Now().Before(*a.DueAt):
		return a.DueAt, nil
	case a.Status == parley.ActionRequested:
		err := s.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error { return s.deps.giveUp(ctx, tx, a) })
		return nil, ignore(ignore(err, parley.ActionSettled), parley.CallNotFound)
	}
	return s.runAfter(ctx, c, a, all)
}

// runAfter carries out a queued action: its inputs are found in what is known of the call, and the outside system is told of them, with
// what was said. Telling and outcome are one transaction, so that a crash can neither lose nor repeat it.
func (s *Switchboard) runAfter(ctx context.Context, c *parley.Call, a *parley.CallAction, all []*parley.CallAction) (*time.Time, error) {
	act := actionOf(c.Snapshot, a.ActionID)
	if act == nil {
		return nil, s.tellAfter(ctx, a, nil, refusal("The action is not known any more."))
	}
	var turns []parley.Turn
	err := s.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		turns, err = tx.TurnsOf(ctx, c.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	a.Attempts++
	input, missing, err := s.gather(ctx, c, act, turns, all)
	if err != nil && a.Attempts < attemptsMost {
		s.log.Warn("inputs of an action not read out of a call; another attempt follows", "call", c.ID, "action", act.ID, "attempt", a.Attempts, "error", err)
		due := parley.Stamp(time.Now().Add(attemptDelay(a.Attempts)))
		a.DueAt = &due
		err := s.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error { _, err := tx.PutCallAction(ctx, a); return err })
		return a.DueAt, err
	}
	a.Input = input
	var failed json.RawMessage
	if len(missing) > 0 {
		failed = marshalled(map[string]any{"ok": false, "message": "Not all of it was said in the call.", "missing": missing})
	}
	return nil, s.tellAfter(ctx, a, turns, failed)
}

// gather finds the inputs of an action that runs after its call.
func (s *Switchboard) gather(ctx context.Context, c *parley.Call, act *parley.Action, turns []parley.Turn, all []*parley.CallAction) (json.RawMessage, []string, error) {
	engines, err := s.deps.Engines(c.Snapshot.Agent.Engine)
	if err != nil {
		engines = convo.Engines{}
	}
	input, missing, asked := convo.Gather(ctx, engines.Model, c.Snapshot, payload(c.Payload), act, turns, knownOf(c, all))
	if asked != nil {
		err = asked
	}
	return input, missing, err
}

// knownOf are values by names that the call has brought: what was taken down, and what other actions were given.
func knownOf(c *parley.Call, all []*parley.CallAction) map[string]json.RawMessage {
	known := map[string]json.RawMessage{}
	for _, a := range all {
		var input map[string]json.RawMessage
		if a.Status == parley.ActionSucceeded && json.Unmarshal(a.Input, &input) == nil {
			for name, v := range input {
				known[name] = v
			}
		}
	}
	for _, m := range c.Messages {
		for name, v := range m.Slots {
			known[name] = marshalled(v)
		}
	}
	return known
}

// tellAfter tells the outside system of an action after its call and settles it; failed is why it fails, nil when it does not.
func (s *Switchboard) tellAfter(ctx context.Context, a *parley.CallAction, turns []parley.Turn, failed json.RawMessage) error {
	err := s.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		c, err := tx.Call(ctx, "", a.CallID)
		if err != nil {
			return err
		}
		listens, err := heardOutside(ctx, tx, c.AgentID)
		if err != nil {
			return err
		}
		run := *a // an attempt that is rolled back settles nothing
		switch {
		case failed != nil:
			run.Settle(false, failed)
		case !listens:
			run.Settle(false, refusal(nobodyListens))
		default:
			run.Settle(true, json.RawMessage(`{"ok":true}`))
		}
		put, err := tx.PutCallAction(ctx, &run)
		if err != nil || !put {
			return err
		}
		e := deed{&run, nodeOf(c.Snapshot, a.ActionID)}.event()
		e.Data["transcript"], e.Data["messages"] = transcript(turns), c.Messages
		return s.deps.tell(ctx, tx, c, e)
	})
	return ignore(err, parley.CallNotFound)
}

// transcript is what was said, and heard, in a call.
func transcript(turns []parley.Turn) []map[string]any {
	all := make([]map[string]any, len(turns))
	for i, t := range turns {
		text := t.Text
		if t.Heard != nil {
			text = *t.Heard
		}
		all[i] = map[string]any{"who": t.Who, "text": text, "started_at": t.StartedAt}
	}
	return all
}
