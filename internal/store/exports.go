package store

import (
	"context"

	"github.com/parley-voice/parley"
)

// Exports are archives of agents that are packed before a deletion.
type Exports interface {
	// HoldAgent hides an agent until its export is packed: from the commit on neither it nor anything below it can be reached, and no call
	// begins, while what is under way may still write to its calls.
	HoldAgent(ctx context.Context, env, id, erasureID string) error
	// LockHeld is LockAgent of one that is held, and says by which erasure; AgentNotFound for one that is not.
	LockHeld(ctx context.Context, id string) (a *parley.Agent, erasureID string, err error)
	// ReleaseAgent shows a held agent again, as it was.
	ReleaseAgent(ctx context.Context, id string) error
	// CallsBelow returns up to limit calls of an agent, held or not, after a step, oldest first, without snapshots.
	CallsBelow(ctx context.Context, agentID string, after Step, limit int) ([]*parley.Call, error)
	// UpdateExport writes what became of the export of an erasure, and nothing else of it.
	UpdateExport(ctx context.Context, e *parley.Erasure) error
	// OpenExports returns the erasures of env that pack an archive or keep one.
	OpenExports(ctx context.Context, env string) ([]*parley.Erasure, error)
}
