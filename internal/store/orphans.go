package store

import (
	"context"
	"time"
)

// PlaceLanes are what deliveries belong to; an erasure empties them with these. They hold ids only.
const PlaceLanes Place = "webhook_lanes"

// Orphan is a call that should not be there.
type Orphan struct{ CallID, EnvironmentID string }

// Orphans finds what no rule leaves behind, but a fault or a backup that was restored in part may. Each look is bounded: it goes through up to
// limit rows after an id, and answers the last id that it came to, empty at the end.
type Orphans interface {
	// OrphanCalls finds calls, begun before a time, whose agent is gone or which an erasure has claimed, without one that is at work on them.
	OrphanCalls(ctx context.Context, after string, before time.Time, limit int) (found []Orphan, last string, err error)
	// ClaimOrphans gives an erasure such calls, as ClaimCalls does, and returns how many it claimed.
	ClaimOrphans(ctx context.Context, erasureID string, calls []string) (int64, error)
	// OrphanRows finds rows of a place whose call is gone; of PlaceCalls and PlaceJobs there are none.
	OrphanRows(ctx context.Context, p Place, after string, limit int) (found []string, last string, err error)
	// EraseOrphanRows deletes them, unless their call is there, and returns how many went.
	EraseOrphanRows(ctx context.Context, p Place, ids []string) (int64, error)
	// Ownerless returns those of some agents that neither live nor are being erased.
	Ownerless(ctx context.Context, agentIDs []string) ([]string, error)
	// Unnamed returns those of some blob keys that no call names.
	Unnamed(ctx context.Context, keys []string) ([]string, error)
}
