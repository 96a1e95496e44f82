package parley

import (
	"encoding/json"
	"time"
)

// Event names a thing that happens to an agent and that webhooks may listen to (contract notes, 4.1).
type Event string

// Events of agents.
const (
	EventCallStarted           Event = "event_phone_call_started"
	EventCallEnded             Event = "event_phone_call_ended"
	EventCallDidNotConnect     Event = "event_phone_call_did_not_connect"
	EventCallConnected         Event = "event_phone_call_connected"
	EventCallDisconnected      Event = "event_phone_call_disconnected"
	EventCallError             Event = "event_phone_call_error"
	EventParticipantJoined     Event = "event_participant_joined"
	EventParticipantLeft       Event = "event_participant_left"
	EventVoicemailDetected     Event = "event_voicemail_detected"
	EventVoicemailMessageLeft  Event = "event_voicemail_message_left"
	EventConversationStarted   Event = "event_conversation_started"
	EventConversationEnded     Event = "event_conversation_ended"
	EventAction                Event = "event_action"
	EventActionFailed          Event = "event_action_failed"
	EventRecording             Event = "event_recording"
	EventConnectionEstablished Event = "event_connection_established"
	EventConnectionClosed      Event = "event_connection_closed"
	EventConnectionError       Event = "event_connection_error"
	EventUserConnected         Event = "event_user_connected"
	EventUserDisconnected      Event = "event_user_disconnected"
	EventClientConnected       Event = "event_client_connected"
	EventClientDisconnected    Event = "event_client_disconnected"

	EventTest Event = "webhook.test" // of the test delivery alone; nobody can listen to it
)

// AgentEvents says in a few words when each event of an agent fires.
func AgentEvents() map[Event]string {
	return map[Event]string{
		EventCallStarted:           "A call began: an outbound one is under way, or an inbound one arrived",
		EventCallEnded:             "A call reached its final state",
		EventCallDidNotConnect:     "A call ended as busy, unanswered or failed before anybody answered",
		EventCallConnected:         "The phone leg of a call is up",
		EventCallDisconnected:      "The phone leg of a call is gone",
		EventCallError:             "The phone leg of a call failed",
		EventParticipantJoined:     "A party entered a call",
		EventParticipantLeft:       "A party left a call",
		EventVoicemailDetected:     "A machine answered an outbound call",
		EventVoicemailMessageLeft:  "The agent finished its message to a machine",
		EventConversationStarted:   "A person said the first words of a conversation",
		EventConversationEnded:     "A conversation with a person is over",
		EventAction:                "An action ran",
		EventActionFailed:          "An action failed",
		EventRecording:             "The recording of a call is ready",
		EventConnectionEstablished: "The media session of a call is up",
		EventConnectionClosed:      "The media session of a call is down",
		EventConnectionError:       "The media session of a call failed",
		EventUserConnected:         "The remote person entered the media session",
		EventUserDisconnected:      "The remote person left the media session",
		EventClientConnected:       "The client of an outside transport entered the media session",
		EventClientDisconnected:    "The client of an outside transport left the media session",
	}
}

// CallEvent is an event of a call at the moment of its fact.
type CallEvent struct {
	Event Event
	At    time.Time
	Data  map[string]any // what is special to the event; nil for nothing
	// Paths are of the API; the data of the event gets them as URLs under these names.
	Paths map[string]string
}

// Webhook is a receiver of an agent's events.
type Webhook struct {
	ID            string
	AgentID       string
	EnvironmentID string // of the agent; read, never written
	Name          string
	URL           string
	Events        []Event
	Timeout       time.Duration // of one attempt
	MaxRetries    int           // attempts after the first one
	Enabled       bool
	Failing       bool   // the last delivery used its retries up
	Method        string // POST, PUT or PATCH
	Scheme        string // how the receiver wants credentials, which stand in a header
	// SealedSecret signs deliveries; SealedHeaders is a JSON list of Header, sealed since they hold credentials. Both are nil for none.
	SealedSecret  []byte
	SealedHeaders []byte
	Templates     json.RawMessage // an object of bodies by event, or nil
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// Status is disabled, active, or error while the last delivery used its retries up (contract notes, 3.7).
func (w *Webhook) Status() string {
	switch {
	case !w.Enabled:
		return "disabled"
	case w.Failing:
		return "error"
	}
	return "active"
}

// DeliveryStatus is a state of a delivery, and of each attempt's log (contract notes, 3.4).
type DeliveryStatus string

// Delivery statuses. A log is retrying while a further attempt is to come, then failed.
const (
	DeliveryPending  DeliveryStatus = "pending"
	DeliveryRetrying DeliveryStatus = "retrying"
	DeliverySuccess  DeliveryStatus = "success"
	DeliveryFailed   DeliveryStatus = "failed"
)

// Delivery is one event on its way to one webhook. Its id is the same for every attempt, so that a receiver knows repeated ones.
type Delivery struct {
	ID        string
	LaneID    string // of call and webhook: in it first attempts leave in order
	WebhookID string
	AgentID   string
	CallID    string
	Sequence  int64 // within the lane, from 1
	Event     Event
	Body      []byte // JSON, as it is sent
	Status    DeliveryStatus
	Attempts  int // made so far
	CreatedAt time.Time
}

// DeliveryLog is one attempt of a delivery, made or to be made.
type DeliveryLog struct {
	ID              string
	DeliveryID      string
	WebhookID       string
	AgentID         string
	CallID          string
	Event           Event
	Attempt         int // from 1
	Status          DeliveryStatus
	HTTPStatus      int    // 0 when no answer came
	Request         []byte // read with the log: the body of its delivery
	Response        string // bounded, secrets taken out
	ResponseHeaders map[string]string
	Error           string
	Took            time.Duration
	DeliveredAt     *time.Time // of a success
	CreatedAt       time.Time
}
