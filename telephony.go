package parley

import "time"

// SIPTrunk is a way into the telephone network.
type SIPTrunk struct {
	ID            string
	EnvironmentID string
	Name          string
	ProviderName  string
	Domain        string
	Username      string
	Sealed        []byte // the password, sealed with the master key
	Transport     string // udp, tcp, tls
	Port          int
	OutboundProxy *string
	AuthRealm     *string
	Active        bool
	Verified      bool
	Health        string // healthy, unhealthy, unknown
	CheckedAt     *time.Time
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// TrunkReach is how a trunk answers, as this node has found when it last asked.
type TrunkReach struct {
	Up        bool
	Since     time.Time // when it became so
	CheckedAt time.Time
	RoundTrip time.Duration // of the last answer; zero while it is down
	Fault     string        // the last one; empty for none so far
	FaultAt   *time.Time
}

// PhoneNumber is a DID of a trunk.
type PhoneNumber struct {
	ID            string
	EnvironmentID string
	TrunkID       string
	AgentIDs      []string // who is attached; filled when read
	Number        string   // E.164
	CountryCode   string   // ISO 3166
	Status        string   // active
	CreatedAt     time.Time
	UpdatedAt     time.Time
}
