package parley

import "time"

// ConversationMode says what leads a conversation: the model by its prompt, or a graph.
type ConversationMode string

// Conversation modes.
const (
	LLMDriven  ConversationMode = "llm_driven"
	FlowDriven ConversationMode = "flow_driven"
)

// FlowVersion is what an agent's conversation was led by from one save to the next. It never changes, so that a call ends on the version
// that it began with.
type FlowVersion struct {
	ID      string           `json:"id"`
	AgentID string           `json:"-"`
	Number  int              `json:"number"`  // rises with every save of the agent
	Version string           `json:"version"` // as people call it
	Mode    ConversationMode `json:"conversation_mode"`
	// Config is the graph, a JSON object; empty for LLMDriven. It is a text here, so that whoever keeps a snapshot keeps it to the letter.
	Config    string    `json:"flow_config,omitempty"`
	Current   bool      `json:"is_current"`
	CreatedAt time.Time `json:"created_at"`
}
