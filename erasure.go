package parley

import "time"

// States of an erasure.
const (
	ErasureRunning  = "running"
	ErasureComplete = "complete"
)

// Erasure is the receipt of a deletion: ids, places and counts, no personal data.
type Erasure struct {
	ID            string         `json:"id"`
	EnvironmentID string         `json:"-"`
	AgentID       string         `json:"agent_id"`    // empty for the erasure of a caller
	CallerHash    string         `json:"caller_hash"` // the caller's number under a keyed hash; empty for an agent
	State         string         `json:"state"`
	Places        []ErasurePlace `json:"places"`
	CreatedAt     time.Time      `json:"created_at"`
	CompletedAt   *time.Time     `json:"completed_at"`
}

// ErasurePlace is one place that can hold personal data of the agent or its callers.
type ErasurePlace struct {
	Name  string `json:"name"`
	Count int64  `json:"count"` // items removed so far
	State string `json:"state"` // running or complete
	// Note says what outlives the rows and for how long, such as a database server's write-ahead log.
	Note string `json:"note,omitempty"`
}

// Place finds the entry of a place, and adds one for a place that came into the register after the receipt was written.
func (e *Erasure) Place(name string) *ErasurePlace {
	for i := range e.Places {
		if e.Places[i].Name == name {
			return &e.Places[i]
		}
	}
	e.Places = append(e.Places, ErasurePlace{Name: name, State: ErasureRunning})
	return &e.Places[len(e.Places)-1]
}

// PlaceSize is what a deletion would find in a place.
type PlaceSize struct {
	Name         string
	Items, Bytes int64
	Whole        bool // emptied whole, for all agents: nothing is counted
}
