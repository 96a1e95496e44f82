// Package jobs declares what work happens after a commit: kinds, handlers, retries and schedules. It knows no queue and no SQL;
// river runs what stands here, rooms enqueue through store.Tx.
package jobs

import (
	"context"
	"fmt"
	"time"
)

// Kinds of jobs. The subject of each is named beside it.
const (
	EraseAgent   = "erase_agent"   // erasure id
	ExportAgent  = "export_agent"  // erasure id
	DialCall     = "dial_call"     // call id
	SweepCalls   = "sweep_calls"   // none; periodic
	ForgetKeys   = "forget_keys"   // none; periodic
	SweepOrphans = "sweep_orphans" // none; periodic
	// ForgetBindings has no subject; periodic.
	ForgetBindings = "forget_bindings"
	// SettleActions runs actions after a call, and gives up those that nobody answered. Its subject is the call's id.
	SettleActions = "settle_actions"

	DeliverEvents    = "deliver_events"    // ticket of a lane of deliveries
	RetryDelivery    = "retry_delivery"    // delivery id
	DropDeliveries   = "drop_deliveries"   // id of a webhook that was deleted
	ForgetDeliveries = "forget_deliveries" // none; periodic
)

// WaitLimit bounds one run of a job that Waits.
const WaitLimit = 5 * time.Minute

// exportLimit bounds the packing of an archive.
const exportLimit = 12 * time.Hour

// Limit is the time that one run of a kind may take where it is not the set's own; 0 where it is.
func Limit(kind string) time.Duration {
	switch {
	case kind == ExportAgent:
		return exportLimit
	case Waits(kind):
		return WaitLimit
	}
	return 0
}

// Waits says that a kind spends its time waiting for the servers of others. Such jobs have workers of their own, so that slow servers hold
// up no other work.
func Waits(kind string) bool {
	return kind == DeliverEvents || kind == RetryDelivery || kind == SettleActions
}

// Handler does one job. A returned error is retried with growing delay; Again asks for another round without counting as a failure.
type Handler func(ctx context.Context, subject string) error

// Again is returned by a handler that made progress and wants to go on later.
type Again struct{ After time.Duration }

func (a Again) Error() string { return fmt.Sprintf("again after %s", a.After) }

// Periodic is a job that comes round by itself, on one node at a time.
type Periodic struct {
	Kind  string
	Every time.Duration
}

// Set is all that a server's queue is to run.
type Set struct {
	Handlers map[string]Handler
	Periodic []Periodic
	// Timeout bounds one run of a handler.
	Timeout time.Duration
}
