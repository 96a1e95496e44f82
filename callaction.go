package parley

import (
	"encoding/json"
	"time"
)

// ActionStatus is a state of an action of a call.
type ActionStatus string

// Action statuses; the last two are final.
const (
	ActionQueued    ActionStatus = "queued"    // runs after the call
	ActionRequested ActionStatus = "requested" // the outside system was told and has not answered yet
	ActionSucceeded ActionStatus = "succeeded"
	ActionFailed    ActionStatus = "failed"
)

// Open says that the outcome is not known yet.
func (s ActionStatus) Open() bool { return s == ActionQueued || s == ActionRequested }

// CallAction is an action that ran in a call, or is to run after it.
type CallAction struct {
	ID       string // of this run; also the Idempotency-Key of its requests
	CallID   string
	ActionID string // as it was when the call began
	Type     ActionType
	Mode     ExecutionMode
	Name     string
	Status   ActionStatus
	Input    json.RawMessage // an object; nil until it is known
	Output   json.RawMessage // what the model, or the owner, is told of what came of it; nil until then
	Attempts int             // requests made after the call
	// DueAt is when a queued action runs next, and when a requested one is given up.
	DueAt     *time.Time
	CreatedAt time.Time
	SettledAt *time.Time // when the outcome was known
}

// Settle gives an action its outcome.
func (a *CallAction) Settle(ok bool, output json.RawMessage) {
	now := Stamp(time.Now())
	a.Status, a.Output, a.SettledAt, a.DueAt = ActionFailed, output, &now, nil
	if ok {
		a.Status = ActionSucceeded
	}
}
