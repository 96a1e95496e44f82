package store

import (
	"context"
	"time"

	"github.com/parley-voice/parley"
)

// Callbacks are the roles of agents that take the calls of those whom other agents have called. An agent that is deleted leaves the lists
// of sources, and its own role goes with it.
type Callbacks interface {
	// CallbackRolesOf returns the roles of those agents that have one, by agent id, sources in the order in which they were set.
	CallbackRolesOf(ctx context.Context, agentIDs ...string) (map[string]*parley.CallbackRole, error)
	// CallbackAgentsFrom returns the agents that have an agent among their sources, oldest first.
	CallbackAgentsFrom(ctx context.Context, sourceID string) ([]*parley.Agent, error)
	// SetCallbackRole gives an agent a role, or replaces the one it has; AgentNotFound when it or one of the sources is not there.
	SetCallbackRole(ctx context.Context, agentID string, r *parley.CallbackRole) error
	// DeleteCallbackRole answers NotACallbackAgent when the agent has none.
	DeleteCallbackRole(ctx context.Context, agentID string) error
	// CallToReturn finds the last call of env to a number that a source of an agent has placed since a time, and that came to one of
	// the outcomes of its role; nil when there is none. The snapshot is left out.
	CallToReturn(ctx context.Context, env, agentID, phone string, since time.Time) (*parley.Call, error)
	// TallyCallbacks sums the calls on numbers of callback agents by the agent whose call they return.
	TallyCallbacks(ctx context.Context, env string, f TallyFilter) ([]CallbackTally, error)
}

// CallbackTally sums the calls that return one agent's; of those that return nobody's if it is empty.
type CallbackTally struct {
	SourceID        string
	Calls, Answered int
}
