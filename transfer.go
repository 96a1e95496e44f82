package parley

import "time"

// TransferMode is a way of giving a caller to somebody else.
type TransferMode string

// Modes of a transfer.
const (
	// TransferRefer lets the caller's side call the target itself (SIP's REFER); our call ends when that was answered.
	TransferRefer TransferMode = "refer"
	// TransferBridged calls the target and joins it with the caller here; the recording goes on.
	TransferBridged TransferMode = "bridged"
	// TransferWarm is TransferBridged with a briefing said to the target first, who may hang up on it.
	TransferWarm TransferMode = "warm"
	// TransferAttended is TransferWarm after which the caller's side takes our call to the target over (REFER with Replaces), so that
	// our part ends; where it does not, the calls stay joined here.
	TransferAttended TransferMode = "attended"
	// TransferAsked is how a transfer is kept that the caller's side asked for (REFER): the agent goes on with the target.
	TransferAsked TransferMode = "asked"
)

// TransferModes are those that can be ordered.
var TransferModes = []TransferMode{TransferRefer, TransferBridged, TransferWarm, TransferAttended}

// TransferRequest orders a transfer.
type TransferRequest struct {
	To       string // E.164, or the username of a softphone of the environment
	Mode     TransferMode
	Briefing string // of TransferWarm and TransferAttended; empty for none
	// Return gives the caller back to the agent when the target of a joined call hangs up; else that ends the call.
	Return bool
}

// Transfer is what became of one; it belongs to its call.
type Transfer struct {
	To        string       `json:"to"`
	Mode      TransferMode `json:"mode"`
	Outcome   string       `json:"outcome"` // answered, busy, no-answer, refused, failed, canceled, unknown; empty while under way
	Reason    string       `json:"reason"`  // such as sip_486
	StartedAt time.Time    `json:"started_at"`
	SettledAt *time.Time   `json:"settled_at"` // when the outcome was known
	EndedAt   *time.Time   `json:"ended_at"`   // when nobody but the agent, or nobody, had the caller any more
}
