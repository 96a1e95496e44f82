package media

import "context"

// Outcomes of a transfer, beside those of a call that was not answered.
const (
	OutcomeAnswered Outcome = "answered"
	OutcomeRefused  Outcome = "refused" // by the target, or by whoever was to call it
	OutcomeUnknown  Outcome = "unknown" // nobody said what became of it
)

// Referral asks the far side of a leg to call somebody else in our place.
type Referral struct {
	To string // E.164
	// Replaces is a leg of ours that the far side is to take over, answered by the target already: an attended transfer. To is not
	// used then. Nil for a blind one.
	Replaces Leg
}

// Report is what became of a transfer.
type Report struct {
	Outcome Outcome
	Status  int    // SIP status, 0 when none came
	Reason  string // for the log and the call, such as "sip_486" or "no_notify"
}

// Referrer is a leg whose far side can be sent on to somebody else: SIP's REFER.
type Referrer interface {
	// Refer waits until it is known what became of it, for a bounded time, then for OutcomeUnknown. Cancelling ctx ends the wait, not
	// the transfer. The leg goes on unless the far side ends it. ErrEnded says that the leg ended before anything was asked.
	Refer(ctx context.Context, r Referral) (Report, error)
}

// Holder is a leg whose far side can be put on hold: it hears what its network plays to those who wait, and what is written to the leg
// meanwhile is not heard.
type Holder interface {
	// Hold returns when the far side has agreed, or why it did not.
	Hold(ctx context.Context) error
	// Resume ends a hold.
	Resume(ctx context.Context) error
}

// Wish is a far side's wish that we call somebody else in its place.
type Wish struct {
	To string // the user or number that it named, as the network wrote it
	// Replaces is what the call to To is to carry so that it takes over another one (RFC 3891); empty for a blind transfer.
	Replaces string
	// Progress tells the far side how it goes: a status of the call to To as SIP has them. The first that is final is the last. It may
	// be called by any goroutine and never blocks.
	Progress func(status int)
}

// Referee is a leg that brings wishes of its far side. One that nobody takes within a moment is refused.
type Referee interface {
	Wishes() <-chan Wish
}
