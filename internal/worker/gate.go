package worker

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/parley-voice/parley/internal/speech"
)

const (
	// freshFor is how long a partial transcription is worth waiting for: by then the next one is on its way.
	freshFor = 300 * time.Millisecond
	// overdue is a wait that makes work all but worthless. Once the first in line has waited so long there is more to do than can be
	// done, and the last one goes first: some callers are answered in time, where else all would be too late.
	overdue = 2 * time.Second
)

// gate lets as many pieces of work run as it has slots. Finals go first, in order unless they are overdue; partials go when no final
// waits, the newest first. A final that has to wait stops a partial that runs.
type gate struct {
	mu       sync.Mutex
	free     int
	finals   []*ticket
	partials []*ticket
	running  []*ticket // partials only
}

// ticket is a place in the queue.
type ticket struct {
	partial bool
	since   time.Time
	turn    chan struct{} // closed when the slot is given
	stop    context.CancelCauseFunc
}

func newGate(slots int) *gate { return &gate{free: max(slots, 1)} }

// enter waits for a slot. The context it returns ends with speech.ErrStale when the slot of a partial is wanted for a final.
// leave must be called unless there is an error.
func (g *gate) enter(ctx context.Context, partial bool) (_ context.Context, leave func(), _ error) {
	ctx, stop := context.WithCancelCause(ctx)
	t := &ticket{partial: partial, since: time.Now(), turn: make(chan struct{}), stop: stop}
	var stale <-chan time.Time
	if partial {
		timer := time.NewTimer(freshFor)
		defer timer.Stop()
		stale = timer.C
	}
	g.queue(t)
	var err error
	select {
	case <-t.turn:
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-stale:
		err = speech.ErrStale
	}
	if err != nil {
		g.withdraw(t)
		return nil, nil, err
	}
	return ctx, func() { g.leave(t) }, nil
}

// queue gives t a slot or a place, and for a final asks a running partial to make room.
func (g *gate) queue(t *ticket) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t.partial {
		g.partials = append(g.partials, t)
	} else {
		g.finals = append(g.finals, t)
	}
	g.give()
	if t.partial || len(g.running) == 0 || !slices.Contains(g.finals, t) {
		return
	}
	g.running[0].stop(speech.ErrStale)
	g.running = g.running[1:]
}

// give hands free slots to those who wait.
func (g *gate) give() {
	for g.free > 0 {
		var t *ticket
		switch {
		case len(g.finals) > 0:
			t = g.nextFinal()
		case len(g.partials) > 0:
			last := len(g.partials) - 1
			t, g.partials = g.partials[last], g.partials[:last]
			g.running = append(g.running, t)
		default:
			return
		}
		g.free--
		close(t.turn)
	}
}

func (g *gate) nextFinal() *ticket {
	next := 0
	if time.Since(g.finals[0].since) > overdue {
		next = len(g.finals) - 1
	}
	t := g.finals[next]
	g.finals = slices.Delete(g.finals, next, next+1)
	return t
}

// leave gives the slot back.
func (g *gate) leave(t *ticket) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t.stop(nil)
	g.running = slices.DeleteFunc(g.running, func(o *ticket) bool { return o == t })
	g.free++
	g.give()
}

// withdraw takes t out of the queue, or gives back the slot that it was just given.
func (g *gate) withdraw(t *ticket) {
	g.mu.Lock()
	same := func(o *ticket) bool { return o == t }
	g.finals, g.partials = slices.DeleteFunc(g.finals, same), slices.DeleteFunc(g.partials, same)
	g.mu.Unlock()
	select {
	case <-t.turn:
		g.leave(t)
	default:
		t.stop(nil)
	}
}
