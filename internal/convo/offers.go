package convo

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/parley-voice/parley"
)

// mostTools bounds what a model is offered beside what every conversation has.
const mostTools = 100

// Expander is a Requester with actions that stand for several tools.
type Expander interface {
	// Expand returns what the model is offered of an action. It is bounded in time.
	Expand(ctx context.Context, a *parley.Action) []parley.ActionTool
}

// offersOf are the actions that may run in this conversation as the model is offered them. Servers are asked side by side.
func offersOf(ctx context.Context, cfg Config) (all []parley.ActionTool) {
	if cfg.Requester == nil {
		return nil
	}
	actions := cfg.Snapshot.Actions
	found := make([][]parley.ActionTool, len(actions))
	var work errgroup.Group
	for i := range actions {
		a := &actions[i]
		if a.Mode != parley.DuringCall || !cfg.Requester.Runs(a) {
			continue
		}
		x, ok := cfg.Requester.(Expander)
		if !ok || !a.Integrated() {
			found[i] = []parley.ActionTool{{Action: *a}}
			continue
		}
		work.Go(func() error { found[i] = x.Expand(ctx, a); return nil })
	}
	_ = work.Wait() // the functions return nil
	for _, tools := range found {
		all = append(all, tools...)
	}
	return all[:min(len(all), mostTools)]
}
