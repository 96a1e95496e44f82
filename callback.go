package parley

import (
	"slices"
	"strings"
	"time"
)

// CallOutcome is what came of a call for the one who placed it (contract notes, C41): its final status, or that a machine answered.
type CallOutcome string

// Call outcomes.
const (
	OutcomeCompleted CallOutcome = "completed"
	OutcomeVoicemail CallOutcome = "voicemail"
	OutcomeNoAnswer  CallOutcome = "no_answer"
	OutcomeBusy      CallOutcome = "busy"
	OutcomeFailed    CallOutcome = "failed"
)

// Folded is the outcome in the one spelling that is compared: no_answer, also for no-answer (contract notes, C59).
func (o CallOutcome) Folded() CallOutcome {
	return CallOutcome(strings.ReplaceAll(string(o), "-", "_"))
}

// Outcome of a finished call; empty until then.
func (c *Call) Outcome() CallOutcome {
	switch {
	case !c.Status.Final():
		return ""
	case c.Voicemail:
		return OutcomeVoicemail
	}
	return CallOutcome(c.Status).Folded()
}

// CallbackWindow is how long ago a call may have been placed that a caller returns.
const CallbackWindow = 30 * 24 * time.Hour

// CallbackRole lets an inbound agent take the calls of those whom other agents have called.
type CallbackRole struct {
	SourceIDs []string      // the outbound agents whose calls are returned, each once
	Triggers  []CallOutcome // what their calls must have come to, as it was written; none takes every outcome
}

// Counts says whether a call that came to o can be returned.
func (r *CallbackRole) Counts(o CallOutcome) bool {
	if len(r.Triggers) == 0 {
		return o != ""
	}
	return slices.ContainsFunc(r.Triggers, func(t CallOutcome) bool { return t.Folded() == o })
}

// Callback is what a call on a callback agent's number returns; both ids are empty when no source has called the caller lately. What they
// name may be deleted meanwhile.
type Callback struct {
	CallID   string // the call that it returns
	SourceID string // the agent of that call
}

// Matched says that it returns a call.
func (c *Callback) Matched() bool { return c.CallID != "" }
