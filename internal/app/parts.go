package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// parts are the long-lived parts of the house. They are stopped one by one in the reverse order of their start, so that each
// finds what it stands on still running.
type parts struct {
	log    *slog.Logger
	failed chan error // the first part that ended by itself
	all    []*part
}

type part struct {
	name string
	stop context.CancelFunc
	done chan struct{}
	err  error
}

func newParts(log *slog.Logger) *parts {
	return &parts{log: log, failed: make(chan error, 1)}
}

// start runs a part until stop; one that ends before is a fault of the whole house.
func (p *parts) start(name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	t := &part{name: name, stop: cancel, done: make(chan struct{})}
	p.all = append(p.all, t)
	go func() {
		defer close(t.done)
		t.err = run(ctx)
		if ctx.Err() != nil {
			return
		}
		select {
		case p.failed <- fmt.Errorf("%s ended: %w", name, cmp.Or(t.err, errUnasked)):
		default:
		}
	}()
}

// errUnasked is the fault of a part that ended in peace before it was asked to.
var errUnasked = errors.New("nobody asked it to")

// stop ends all parts and returns what went wrong in any.
func (p *parts) stop() error {
	var errs []error
	for i := len(p.all) - 1; i >= 0; i-- {
		t := p.all[i]
		p.log.Debug("stopping", "part", t.name)
		t.stop()
		<-t.done
		if t.err != nil && !errors.Is(t.err, context.Canceled) {
			errs = append(errs, fmt.Errorf("%s: %w", t.name, t.err))
		}
	}
	return errors.Join(errs...)
}
