package store

import (
	"context"

	"github.com/parley-voice/parley"
)

// CallActions are the actions that ran in calls, or are to run after them.
type CallActions interface {
	// PutCallAction inserts an action, or replaces the one of the same id while that is open. It returns false and changes nothing when it
	// is settled already, and when the call does not exist (any more).
	PutCallAction(ctx context.Context, a *parley.CallAction) (bool, error)
	// CallAction answers ActionNotFound when the call has none of that id.
	CallAction(ctx context.Context, callID, id string) (*parley.CallAction, error)
	// CallActionsOf returns the actions of a call in order of their beginning.
	CallActionsOf(ctx context.Context, callID string) ([]*parley.CallAction, error)
}
