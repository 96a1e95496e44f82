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
