package parley

import (
	"encoding/json"
	"strings"
	"time"
)

// ActionType says what runs when the agent uses an action.
type ActionType string

// Types of actions.
const (
	ActionWebhook  ActionType = "webhook"
	ActionTransfer ActionType = "transfer"
	ActionHold     ActionType = "hold"
	ActionExternal ActionType = "external"
)

// ExecutionMode says when an action runs.
type ExecutionMode string

// Execution modes.
const (
	DuringCall ExecutionMode = "during_call"
	PostCall   ExecutionMode = "post_call" // of external actions alone
)

// Statuses of actions: those that the agent may use, and those that it may not.
const (
	ActionActive   = "active"
	ActionInactive = "inactive"
)

// Inputs that the fields of the same names are folded into (contract notes, C32).
const (
	InputTransferTo   = "transfer_to"
	InputHoldDuration = "hold_duration" // seconds
)

// Action is something an agent may do in a call besides talking. Its node id is unique within the agent.
type Action struct {
	ID               string        `json:"id"`
	AgentID          string        `json:"-"`
	NodeID           string        `json:"node_id"`
	Name             string        `json:"name"`
	Description      string        `json:"description"` // tells the model when and what for
	Type             ActionType    `json:"type"`
	Inputs           []ActionInput `json:"inputs"`
	Integration      *string       `json:"integration,omitempty"` // as it was named
	URL              *string       `json:"url,omitempty"`
	Method           string        `json:"method"`
	AuthorizationURL *string       `json:"authorization_url,omitempty"`
	Scheme           string        `json:"scheme"`
	// SealedHeaders is a JSON list of Header, sealed for SealContext since they hold credentials; nil for none.
	SealedHeaders []byte `json:"sealed_headers,omitempty"`
	// SealedConfig is the Config of its integration, sealed for ConfigContext since it holds credentials too; nil for none.
	SealedConfig   []byte        `json:"sealed_config,omitempty"`
	SpeakOnSend    *string       `json:"speak_on_send,omitempty"`
	SpeakOnReceive *string       `json:"speak_on_receive,omitempty"`
	Mode           ExecutionMode `json:"mode"`
	Status         string        `json:"current_status"` // active or inactive
	CreatedAt      time.Time     `json:"created_at"`
	UpdatedAt      time.Time     `json:"updated_at"`
	// Tool is the one that is meant of the tools of the action's server, as the server calls it; see ActionTool.
	Tool string `json:"-"`
}

// ActionTool is what the model is offered of an action. An action may stand for several, such as all tools of a server.
type ActionTool struct {
	Action                     // its name, description and inputs are the tool's
	Parameters json.RawMessage // JSON schema of what is asked for; nil when the inputs say it all
}

// Integrated says whether the action goes by an integration with a config.
func (a *Action) Integrated() bool { return a.SealedConfig != nil }

// ConfigContext is what the config is sealed for.
func (a *Action) ConfigContext() string { return "action config:" + a.ID }

// SealContext is what the headers are sealed for.
func (a *Action) SealContext() string { return "action:" + a.ID }

// ActionInput is an argument of an action. One with a value is not asked for.
type ActionInput struct {
	Name        string            `json:"name"`
	Type        string            `json:"type"` // of JSON, or a kind of text such as email or date
	Required    bool              `json:"required"`
	Description string            `json:"description"`
	Enum        []json.RawMessage `json:"enum,omitempty"`
	Value       json.RawMessage   `json:"value,omitempty"` // nil when it is asked for
}

// Exact says that a wrong letter or figure spoils the input: it is read back to the caller, and sent only once he said that it is right.
func (in *ActionInput) Exact() bool {
	if len(in.Enum) > 0 {
		return false
	}
	switch strings.ToLower(in.Type) {
	case "integer", "int", "number", "float", "date", "time", "datetime", "date-time", "email", "phone", "tel", "digits":
		return true
	}
	return false
}

// Fixed is the input's value, if it has one.
func (in *ActionInput) Fixed() (json.RawMessage, bool) {
	return in.Value, len(in.Value) > 0 && string(in.Value) != "null"
}
