package calls

import (
	"context"
	"encoding/json"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/store"
)

// deed is an action of a call as it is to be kept, with what only its event tells.
type deed struct {
	run    *parley.CallAction
	nodeID string
}

// deedOf is an action that began and is not settled yet.
func deedOf(callID string, a *parley.Action, began time.Time, input any) deed {
	return deed{&parley.CallAction{
		ID: parley.NewID(), CallID: callID, ActionID: a.ID, Type: a.Type, Mode: a.Mode, Name: a.Name, Input: marshalled(input), CreatedAt: began,
	}, a.NodeID}
}

// marshalled is JSON of what always has some.
func marshalled(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return b
}

// outputOf is a result of an action as it is kept: JSON as it is, anything else as a text.
func outputOf(result string) json.RawMessage {
	if json.Valid([]byte(result)) {
		return json.RawMessage(result)
	}
	return marshalled(result)
}

// event tells of an action that is settled, or that waits for an answer from outside.
func (d deed) event() parley.CallEvent {
	r := d.run
	e := parley.CallEvent{Event: parley.EventAction, At: parley.Stamp(time.Now()), Data: map[string]any{"action": map[string]any{
		"id": r.ActionID, "run_id": r.ID, "node_id": d.nodeID, "name": r.Name, "type": r.Type, "execution_mode": r.Mode, "status": r.Status,
		"input": r.Input, "output": r.Output,
	}}}
	switch r.Status {
	case parley.ActionFailed:
		e.Event, e.Data["error"] = parley.EventActionFailed, r.Output
	case parley.ActionRequested:
		e.Data["answer_by"] = r.DueAt
		e.Paths = map[string]string{"answer_url": "/api/v1/calls/" + r.CallID + "/actions/" + r.ID + "/result"}
	}
	return e
}

// keep writes a settled action down and tells of it. The goroutine of the call calls it.
func (s *Switchboard) keep(c *parley.Call, d deed) {
	of := *c
	s.journal.put(entry{call: &of, action: d.run, events: []parley.CallEvent{d.event()}})
}

// acted keeps an action that the conversation carried out; external ones were kept when the outside system was asked.
func (s *Switchboard) acted(c *parley.Call, a convo.Acted) {
	if a.Action.Type == parley.ActionExternal {
		return
	}
	d := deedOf(c.ID, a.Action, a.Began, a.Input)
	d.run.ID = a.ID
	d.run.Settle(a.OK, outputOf(a.Output))
	s.keep(c, d)
}

// did notes a settled action until the goroutine of the call keeps it. Any goroutine may call it.
func (l *live) did(d deed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deeds = append(l.deeds, d)
}

// keepDeeds keeps what did has noted. The goroutine of the call calls it.
func (s *Switchboard) keepDeeds(l *live) {
	l.mu.Lock()
	list := l.deeds
	l.deeds = nil
	l.mu.Unlock()
	for _, d := range list {
		s.keep(l.call, d)
	}
}

// handedTo is an action that gives the caller to somebody else, as it begins.
func handedTo(callID string, a *parley.Action, r parley.TransferRequest) deed {
	input := map[string]any{parley.InputTransferTo: r.To, inputMode: r.Mode}
	if r.Briefing != "" {
		input[inputBriefing] = r.Briefing
	}
	return deedOf(callID, a, parley.Stamp(time.Now()), input)
}

// settle gives the outcome of a transfer to its action.
func (d deed) settle(r media.Report) {
	out := map[string]any{"ok": r.Outcome == media.OutcomeAnswered, "outcome": r.Outcome}
	if r.Reason != "" {
		out["reason"] = r.Reason
	}
	if r.Outcome != media.OutcomeAnswered {
		out["message"] = whatMessage(string(r.Outcome))
	}
	d.run.Settle(r.Outcome == media.OutcomeAnswered, marshalled(out))
}

// Actions returns what an agent did in a call besides talking, in the order of its beginning.
func (s *Switchboard) Actions(ctx context.Context, actor parley.Actor, callID string) (all []*parley.CallAction, err error) {
	if err := actor.Require(parley.ReadCalls); err != nil {
		return nil, err
	}
	err = s.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.Call(ctx, actor.EnvironmentID, callID); err != nil {
			return err
		}
		all, err = tx.CallActionsOf(ctx, callID)
		return err
	})
	return all, err
}
