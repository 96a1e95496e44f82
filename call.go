package parley

import (
	"encoding/json"
	"time"
)

// CallStatus is a state of the call's state machine (contract notes, 3.3).
type CallStatus string

// Call statuses; the last four are final.
const (
	CallInitiated CallStatus = "initiated"
	CallRinging   CallStatus = "ringing"
	CallAnswered  CallStatus = "answered"
	CallCompleted CallStatus = "completed"
	CallFailed    CallStatus = "failed"
	CallBusy      CallStatus = "busy"
	CallNoAnswer  CallStatus = "no-answer"
)

// Final says that nothing follows.
func (s CallStatus) Final() bool {
	return s == CallCompleted || s == CallFailed || s == CallBusy || s == CallNoAnswer
}

// Anonymous stands for a caller whose number is withheld.
const Anonymous = "anonymous"

// Kinds of transport that carry a call.
const (
	TransportSIP       = "sip"
	TransportWebSocket = "websocket"
)

// Reasons that a call ended, as ended_reason shows them.
const (
	EndedByAPI          = "ended_by_api"
	EndedByCaller       = "caller_hung_up"
	EndedByAgent        = "agent_hung_up"
	EndedByTimeLimit    = "max_duration_reached"
	EndedByInactivity   = "user_inactive"
	EndedMediaTimeout   = "media_timeout"
	EndedServerStopped  = "server_stopped"
	EndedNodeLost       = "node_lost" // the process that held the call died
	EndedNotPublished   = "agent_not_published"
	EndedCallerCanceled = "caller_canceled"
	EndedNeverConnected = "transport_never_connected"
	EndedAgentFault     = "agent_fault"
	EndedAgentDeleted   = "agent_deleted" // by force, in mid-call
	EndedBusy           = "busy"
	EndedNoAnswer       = "no_answer"
	EndedTransferred    = "transferred" // somebody else had the caller
)

// Call is one conversation, placed or answered.
type Call struct {
	ID            string
	EnvironmentID string
	AgentID       string
	SID           string // the network's id of it, or the outside caller's
	To, From      string
	Testing       bool
	Direction     Direction
	Transport     string
	Status        CallStatus
	EndedReason   string
	TrunkID       string
	NumberID      string // our number on the call, empty when there is none
	Snapshot      *Snapshot
	Payload       json.RawMessage // placeholder values
	Context       json.RawMessage // echoed in webhooks
	TokenHash     string          // of the per-call transport token
	Recording     string          // blob key, empty when there is none
	RecordingNote string          // why a recording is short, such as "disk full"
	Messages      []TakenMessage
	Cost          float64  // in the server's currency, known at the end
	Quality       *Quality // of its sound; nil until it ended, and where no network carried it in packets
	Transfers     []Transfer
	Voicemail     bool      // a machine answered it
	Callback      *Callback // of a call on a callback agent's number; nil on others. It never changes
	NodeID        string
	LeaseUntil    time.Time // renewed by the node that holds the call; past it the call is lost
	DialAt        time.Time // of an outbound call
	CreatedAt     time.Time
	UpdatedAt     time.Time
	AnsweredAt    *time.Time
	EndedAt       *time.Time
}

// Duration counts from the answer to the end; 0 until finished.
func (c *Call) Duration() time.Duration {
	if c.AnsweredAt == nil || c.EndedAt == nil {
		return 0
	}
	return c.EndedAt.Sub(*c.AnsweredAt)
}

// Who spoke a turn.
const (
	WhoCaller = "caller"
	WhoAgent  = "agent"
)

// Turn is one utterance of one speaker.
type Turn struct {
	ID          string     `json:"id"`
	CallID      string     `json:"-"`
	Who         string     `json:"who"`
	StartedAt   time.Time  `json:"started_at"`
	EndedAt     time.Time  `json:"ended_at"`
	Text        string     `json:"text"`
	Heard       *string    `json:"heard,omitempty"` // agent only: what was played of Text
	Interrupted bool       `json:"interrupted"`
	ReplyTo     *string    `json:"reply_to"`
	Timing      TurnTiming `json:"timing"`
	Nodes       []string   `json:"nodes,omitempty"` // agent only: ids of the steps of its flow that it came to with these words
}

// TurnTiming says where the time of a reply went, in milliseconds from the end of the caller's speech.
type TurnTiming struct {
	Endpointing int `json:"endpointing"` // from the last speech to the decision to answer
	Recognition int `json:"recognition"` // from that decision to the final text
	Model       int `json:"model"`       // from the text to the first clause
	FirstAudio  int `json:"first_audio"` // from the first clause to its first frame on the wire
}

// TakenMessage is what an agent took down for its owner.
type TakenMessage struct {
	TakenAt time.Time         `json:"taken_at"`
	Slots   map[string]string `json:"slots"`
}
