package app

import (
	"context"
	"time"

	"github.com/parley-voice/parley/internal/flow"
	"github.com/parley-voice/parley/internal/grounded"
)

// listener lets the offline mind make sense of what callers say to flows.
type listener struct{ model *grounded.Model }

var (
	_ flow.Listener = listener{}
	_ flow.Preparer = listener{}
)

// Prepare implements flow.Preparer.
func (l listener) Prepare(ctx context.Context, wishes []string) { l.model.Prepare(ctx, wishes) }

// Understand implements flow.Listener; it cannot fail.
func (l listener) Understand(ctx context.Context, q flow.Question) (flow.Answer, error) {
	asked := grounded.Query{Said: q.Said, Options: q.Options, Anywhere: q.Anywhere, Now: time.Now()}
	if v := q.Variable; v != nil {
		asked.Wanted = &grounded.Wanted{Name: v.Name, Kind: string(v.Kind), Choices: v.Options, Optional: v.Optional}
	}
	m := l.model.Understand(ctx, asked)
	return flow.Answer{
		Value: m.Value, Spoken: m.Spoken, Option: m.Option, Elsewhere: m.Elsewhere, Yes: m.Yes, No: m.No, Declined: m.Declined,
		Repeat: m.Repeat, Wait: m.Wait, Leaves: m.Leaves,
	}, nil
}
