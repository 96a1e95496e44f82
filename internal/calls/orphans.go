package calls

import (
	"context"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// HangUpAgent ends the calls of an agent on this node, and says how many are still up.
func (s *Switchboard) HangUpAgent(agentID string) (left int) {
	for _, l := range s.lives() {
		if l.of().id == agentID {
			l.end(parley.EndedAgentDeleted)
			left++
		}
	}
	return left
}

// hangUpOrphans ends the calls of agents that another node has deleted by force.
func (s *Switchboard) hangUpOrphans(ctx context.Context) {
	agents := map[string][]string{} // by environment
	for _, l := range s.lives() {
		if a := l.of(); a.id != "" {
			agents[a.env] = append(agents[a.env], a.id)
		}
	}
	for env, ids := range agents {
		var living map[string]*parley.Agent
		err := s.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
			living, err = tx.AgentsByID(ctx, env, ids)
			return err
		})
		if err != nil {
			return // the next renewal asks again
		}
		for _, id := range ids {
			if living[id] == nil {
				s.HangUpAgent(id)
			}
		}
	}
}
