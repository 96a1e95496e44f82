// Package llm says what Parley asks of a mind: a Chat that answers a conversation with words and tool calls, streamed, and an
// Embedder that turns sentences into vectors. It holds no engine; the suite and scripted fakes lie in llmtest.
package llm

import (
	"context"
	"encoding/json"
)

// Training is one piece of the agent's knowledge.
type Training struct {
	Subject, Instructions string
}

// Brief is what an agent knows and how it is to behave; it does not change during a call.
type Brief struct {
	AgentName   string
	Language    string // BCP 47
	Description string // facts and orders to the agent, placeholders filled in
	// Bare says that Description is all there is to tell: the model talks to no caller.
	Bare        bool
	Greeting    string // the initial message
	Trainings   []Training
	Temperature float64
	Tools       []Tool
	// Situation tells what is special about this call, such as that the caller returns one; empty for nothing.
	Situation string
	// Now gives the local date of the call as RFC 3339, for "tomorrow".
	Now string
}

// Tool is something the model may do. Parameters is a JSON schema of type object.
type Tool struct {
	Name, Description string
	Parameters        json.RawMessage
}

// Tools that conversations offer.
const (
	// ToolHangUp ends the call after what was said. No arguments.
	ToolHangUp = "hang_up"
	// ToolTakeMessage keeps {"slots": {name: value}} for the agent's owner; it is stored as a message of the call.
	ToolTakeMessage = "take_message"
	// ToolTransfer gives the caller to {"target": name}, who is told {"briefing": text} first where the target wants that. It is
	// offered only by agents with somebody to transfer to. The result says what became of it.
	ToolTransfer = "transfer"
	// ToolHold lets the caller wait for a while after what was said. No arguments. It is offered only by agents that may do so.
	ToolHold = "hold"
)

// Role of a message.
type Role string

// Roles.
const (
	Caller Role = "caller"
	Agent  Role = "agent"
	Result Role = "tool" // the outcome of a ToolCall
)

// Message is one entry of a dialogue history. What the agent said holds only what the caller heard.
type Message struct {
	Role        Role
	Text        string
	Interrupted bool       // agent: Text was cut by the caller
	Calls       []ToolCall // agent: what it called beside Text
	CallID      string     // tool: which ToolCall this answers
	Nodes       []string   // agent: steps of a flow that it came to beside Text
}

// ToolCall asks for a tool.
type ToolCall struct {
	ID, Name  string
	Arguments json.RawMessage
}

// Chunk is a piece of an answer: text that goes on, or a tool call, or the step of a flow that it has come to; never two of them.
type Chunk struct {
	Text string
	Call *ToolCall
	Node string // id of the step; models know of none
}

// Model opens chats. It is safe for concurrent use.
type Model interface {
	// Open prepares for one conversation; it may take a while (embedding the trainings) and is done before or during the greeting.
	Open(ctx context.Context, b Brief) (Chat, error)
	// Languages lists the BCP 47 tags it can converse in; nil means any.
	Languages() []string
}

// Chat is one conversation's mind. All it knows of the dialogue comes with history, so that another chat can take over at any turn.
// It belongs to one goroutine at a time.
type Chat interface {
	// Reply streams the answer to the last message of history. An error of emit ends it and is returned.
	Reply(ctx context.Context, history []Message, emit func(Chunk) error) error
	Close()
}

// Embedder turns sentences into vectors of unit length, so that the dot product is their likeness. It is safe for concurrent use.
type Embedder interface {
	// Embed returns one vector per text. query tells a question from a statement of fact.
	Embed(ctx context.Context, texts []string, query bool) ([][]float32, error)
}
