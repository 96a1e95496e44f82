package erasure

import (
	"time"

	"github.com/parley-voice/parley"
)

// Signer signs statements and hashes numbers, by keys that outlive the database.
type Signer interface {
	// Sign makes a keyed hash of parts.
	Sign(parts ...string) string
	// Attest signs a payload as a compact JWS (RFC 7515) by Ed25519 (RFC 8037).
	Attest(payload any) (string, error)
}

// Statement is what a receipt attests: ids, places, counts and times.
type Statement struct {
	Issuer      string                `json:"iss"`
	IssuedAt    int64                 `json:"iat"` // Unix seconds
	ErasureID   string                `json:"erasure_id"`
	AgentID     string                `json:"agent_id,omitempty"`
	CallerHash  string                `json:"caller_hash,omitempty"`
	State       string                `json:"state"`
	Places      []parley.ErasurePlace `json:"places"`
	CreatedAt   time.Time             `json:"created_at"`
	CompletedAt *time.Time            `json:"completed_at"`
	Export      *parley.Export        `json:"export,omitempty"`
}

// Attest signs a receipt as it stands. A complete one always gives the same text.
func (e *Eraser) Attest(r *parley.Erasure) (string, error) {
	at := time.Now()
	if r.CompletedAt != nil {
		at = *r.CompletedAt
	}
	return e.Signer.Attest(Statement{
		Issuer: "parley", IssuedAt: at.Unix(), ErasureID: r.ID, AgentID: r.AgentID, CallerHash: r.CallerHash, State: r.State, Places: r.Places,
		CreatedAt: r.CreatedAt, CompletedAt: r.CompletedAt, Export: r.Export,
	})
}
