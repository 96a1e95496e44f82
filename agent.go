package parley

import "time"

// AgentStatus is draft or published.
type AgentStatus string

// Agent statuses.
const (
	Draft     AgentStatus = "draft"
	Published AgentStatus = "published"
)

// Direction of an agent or a call, seen from the platform.
type Direction string

// Directions.
const (
	Inbound  Direction = "inbound"
	Outbound Direction = "outbound"
)

// Speakers that may open a conversation (who_speaks_first).
const (
	SpeakerAgent = "agent"
	SpeakerUser  = "user"
)

// Agent is a voice agent as people configure it. Its trainings, actions and numbers are rows of their own.
type Agent struct {
	ID            string      `json:"id"`
	EnvironmentID string      `json:"-"`
	Name          string      `json:"name"`
	Label         string      `json:"label"`
	Direction     Direction   `json:"direction"`
	Status        AgentStatus `json:"current_status"`
	// Mode is that of the agent's current flow version, LLMDriven without one.
	Mode      ConversationMode `json:"conversation_mode"`
	CreatedAt time.Time        `json:"created_at"`
	UpdatedAt time.Time        `json:"updated_at"`
	AgentSettings
}

// AgentSettings is all of an agent that nobody searches by; it is stored as one document.
type AgentSettings struct {
	Description          *string          `json:"description"`
	Language             string           `json:"language"`
	Voice                *AgentVoice      `json:"voice"`
	InitialMessage       *string          `json:"initial_message"`
	InterruptSensitivity string           `json:"interrupt_sensitivity"` // low, medium, high
	Endpointing          string           `json:"endpointing_sensitivity"`
	IVRNavigation        string           `json:"ivr_navigation_mode"`
	Speed                float64          `json:"conversation_speed"`
	InitialMessageDelay  int              `json:"initial_message_delay"` // seconds
	AskIfHumanPresent    bool             `json:"ask_if_human_present_on_idle"`
	IdleSeconds          int              `json:"idle_time_seconds"`
	MaxIdleChecks        *int             `json:"max_idle_check_count"`
	MaxCallSeconds       *int             `json:"max_call_duration_seconds"`
	GoodbyeOnMax         *bool            `json:"say_goodbye_on_max_duration"`
	InactivitySeconds    *int             `json:"user_inactivity_timeout_seconds"`
	InitialIdleSeconds   *int             `json:"initial_idle_time_seconds"`
	InitialMaxIdleChecks *int             `json:"initial_max_idle_check_count"`
	Temperature          float64          `json:"llm_temperature"`
	Recording            bool             `json:"enable_recording"`
	WhoSpeaksFirst       string           `json:"who_speaks_first"`
	Advanced             AdvancedSettings `json:"advanced_settings"`
	// Engine picks a configured engine set by name; beyond the contract, empty for the server's default.
	Engine string `json:"engine,omitempty"`
}

// AdvancedSettings are optional features of an agent.
type AdvancedSettings struct {
	InitialMessageCache bool `json:"enable_initial_message_cache"`
}

// AgentVoice is the voice an agent speaks with: its own id, made from a template.
type AgentVoice struct {
	ID                string   `json:"id"`
	TemplateID        string   `json:"template_id"`
	Language          string   `json:"language"`
	AmbientBackground *string  `json:"ambient_background"`
	AmbientVolume     float64  `json:"ambient_volume"`
	Similarity        *float64 `json:"similarity_boost"`
	Stability         *float64 `json:"stability"`
}

// Training is a piece of knowledge: a subject and what the agent is to know or do about it.
type Training struct {
	ID           string    `json:"id"`
	AgentID      string    `json:"-"`
	NodeID       *string   `json:"node_id"`
	Subject      string    `json:"subject"`
	Instructions string    `json:"instructions"`
	Status       string    `json:"current_status"` // active or inactive
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`
}

// TrainingActive is the status of a training that the agent knows.
const TrainingActive = "active"

// Snapshot is an agent frozen at the start of a call: the call runs on it, whatever is edited meanwhile.
type Snapshot struct {
	Agent     Agent      `json:"agent"`
	Trainings []Training `json:"trainings"` // active ones only
	Actions   []Action   `json:"actions"`   // likewise
	// Flow is the version that leads the conversation; nil when the model does.
	Flow *FlowVersion `json:"flow,omitempty"`
}

// NewSnapshot freezes an agent with its active trainings and actions, and with its current flow version, which may be nil.
func NewSnapshot(a *Agent, trainings []Training, actions []Action, flow *FlowVersion) *Snapshot {
	s := &Snapshot{Agent: *a}
	if flow != nil && flow.Mode == FlowDriven {
		s.Flow = flow
	}
	for _, t := range trainings {
		if t.Status == TrainingActive {
			s.Trainings = append(s.Trainings, t)
		}
	}
	for _, act := range actions {
		if act.Status == ActionActive {
			s.Actions = append(s.Actions, act)
		}
	}
	return s
}

// VoiceTemplate is a voice that agents can be given.
type VoiceTemplate struct {
	ID, DisplayName, Name, Language, Gender, Tier, Provider string
	Description                                             string
	Cost                                                    string // decimal
	HighFidelity                                            bool   // takes similarity and stability
}
