package parley

import "time"

// States of an erasure. One that was asked for with an export begins as exporting: nothing is erased, and the agent cannot be reached. It ends
// as failed when the export does: then the agent is as it was.
const (
	ErasureExporting = "exporting"
	ErasureRunning   = "running"
	ErasureComplete  = "complete"
	ErasureFailed    = "failed"
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
	Export        *Export        `json:"export,omitempty"` // nil when none was asked for
	ExportHash    string         `json:"-"`                // of the token that the archive is fetched with
}

// States of an export.
const (
	ExportPacking = "packing"
	ExportReady   = "ready"
	ExportExpired = "expired" // the archive is gone
	ExportFailed  = "failed"
)

// Export is the archive of an agent that was packed before its deletion.
type Export struct {
	State      string     `json:"state"`
	Fault      string     `json:"fault,omitempty"` // why it failed; no personal data
	Calls      int64      `json:"calls"`
	Recordings int64      `json:"recordings"`
	Bytes      int64      `json:"bytes"`
	SHA256     string     `json:"sha256,omitempty"` // hex
	ExpiresAt  *time.Time `json:"expires_at"`       // nil until it is ready
}

// Open says that an archive is being packed or lies there.
func (x *Export) Open() bool {
	return x != nil && (x.State == ExportPacking || x.State == ExportReady)
}

// ExportSize is what an export would take, and whether there is room for it; both in bytes.
type ExportSize struct{ Bytes, Free int64 }

// Fits says whether there is room.
func (s ExportSize) Fits() bool { return s.Bytes <= s.Free }

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
