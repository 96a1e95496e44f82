package parley

import (
	"encoding/json"
	"time"
)

// CallRequest orders an outbound call over the telephone network.
type CallRequest struct {
	To      string
	Payload json.RawMessage // an object of placeholder values, or nil
	Context json.RawMessage // an object echoed in webhooks, or nil
	Delay   time.Duration
	Testing bool
	// IdempotencyKey makes a repeated order give the first answer; Fingerprint tells whether it is the same order. Both are empty
	// when the caller sent no key.
	IdempotencyKey string
	Fingerprint    string
}

// ExternalRequest announces a call whose sound an outside system will bring over a transport.
type ExternalRequest struct {
	SID       string // the outside system's id of the call
	From, To  string
	Direction Direction
	Payload   json.RawMessage
	Context   json.RawMessage
}
