package parley

import (
	"slices"
	"time"
)

// Environment is a tenant: every row belongs to one and is seen by no other.
type Environment struct {
	ID        string
	Name      string
	OwnerID   string // the user who owns it
	Limits    Limits
	CreatedAt time.Time
}

// Limits are the plan settings of an environment, stored as one document. The zero value limits nothing.
type Limits struct {
	Agents           *int     `json:"limits.agents,omitempty"`
	SIPTrunks        *bool    `json:"features.sip_trunks,omitempty"` // nil is on
	CreditsRequired  bool     `json:"credits.required,omitempty"`
	Credits          float64  `json:"credits.balance,omitempty"`
	APIRate          *int     `json:"limits.api_rate,omitempty"` // requests a minute and token; nil takes the server's
	OutboundPrefixes []string `json:"calls.outbound_prefixes,omitempty"`
}

// User is a person with an account.
type User struct {
	ID, Email, Name string
	EnvironmentID   string // the one at hand; empty for none
	CreatedAt       time.Time
}

// PersonalToken lets a person manage the account. The whole token is the number, a bar and a secret, of which only the hash is known.
type PersonalToken struct {
	Number     int64
	UserID     string
	Name       string
	Hash       string   // hex SHA-256 of the secret
	Abilities  []string // "*" is all; unknown ones grant nothing
	CreatedAt  time.Time
	LastUsedAt *time.Time
	ExpiresAt  *time.Time // nil for never
}

// Token is an environment token; only its hash is known.
type Token struct {
	ID            string
	EnvironmentID string
	Hash          string   // hex SHA-256 of the whole token
	Abilities     []string // "*" is all; unknown ones grant nothing
	CreatedAt     time.Time
}

// Abilities that tokens may carry.
const (
	AllAbilities        = "*"
	ReadAgents          = "agents:read"
	WriteAgents         = "agents:write"
	ReadCalls           = "calls:read"
	WriteCalls          = "calls:write"
	TraceCalls          = "calls:trace" // the SIP messages of calls with numbers, addresses and bodies
	ReadTelephony       = "telephony:read"
	WriteTelephony      = "telephony:write"
	ReadVoices          = "voices:read"
	ReadErasures        = "erasures:read"
	WriteErasures       = "erasures:write"
	ForceDeleteAgents   = "agents:force-delete"
	TokenPrefix         = "talq_"
	ExportTokenPrefix   = "parley_export_"
	InvalidTokenDefault = "Unauthenticated."
)

// KnownAbilities lists what may be granted.
var KnownAbilities = []string{AllAbilities, ReadAgents, WriteAgents, ReadCalls, WriteCalls, TraceCalls, ReadTelephony, WriteTelephony, ReadVoices, ReadErasures,
	WriteErasures, ForceDeleteAgents}

// Actor is who asks: a token of an environment, or a person's own, which opens no environment.
type Actor struct {
	TokenID       string
	EnvironmentID string // empty for a personal token
	UserID        string // the environment's owner, or the person
	Abilities     []string
	Limits        Limits
	Personal      bool
}

// Can says whether the actor has an ability.
func (a Actor) Can(ability string) bool {
	return slices.Contains(a.Abilities, AllAbilities) || slices.Contains(a.Abilities, ability)
}

// Require is Can as an error: Forbidden when the ability is missing.
func (a Actor) Require(ability string) error {
	if a.Can(ability) {
		return nil
	}
	return Errorf(Unauthorized, "token lacks the ability %s", ability)
}
