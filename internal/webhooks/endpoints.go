package webhooks

import (
	"context"
	"math/rand/v2"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/parley-voice/parley"
)

const (
	slots         = 8 // requests to one endpoint at a time
	slotsWhenDown = 1 // to one that gave no answer downAfter times in a row
	downAfter     = 3
	queueMost     = slots                  // who wait here for a slot, so that none is idle while there is work
	queueFor      = time.Second            // at the longest
	comeBack      = 100 * time.Millisecond // who is turned away comes again, when those before had their turn
	comeBackMost  = 10 * time.Second
	endpointsMost = 10000 // remembered; past it all are forgotten that nothing is sent to
)

// endpoints bounds the requests to each receiver, so that a slow one cannot take all workers. An endpoint is a host, seen from an environment.
type endpoints struct {
	mu sync.Mutex
	by map[string]*endpoint
}

type endpoint struct {
	busy   int             // requests on their way
	queue  []chan struct{} // who wait for a slot, which is handed over by closing
	turned int             // that were turned away of late
	silent int             // attempts in a row without an answer
	took   time.Duration   // of requests, on average
}

func (p *endpoint) most() int {
	if p.silent >= downAfter {
		return slotsWhenDown
	}
	return slots
}

func newEndpoints() *endpoints { return &endpoints{by: map[string]*endpoint{}} }

func endpointOf(hook *parley.Webhook) string {
	u, err := url.Parse(hook.URL)
	if err != nil {
		return hook.ID
	}
	return hook.EnvironmentID + " " + u.Host
}

// enter takes a slot, which may take a moment; without one it says after how long to come back.
func (e *endpoints) enter(ctx context.Context, key string) (wait time.Duration, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.by[key]
	if p == nil {
		e.tidy()
		p = &endpoint{}
		e.by[key] = p
	}
	if p.busy < p.most() {
		p.busy++
		return 0, true
	}
	if p.silent == 0 && len(p.queue) < queueMost && e.handed(ctx, p) {
		return 0, true
	}
	p.turned++
	wait = min(max(time.Duration(p.turned)*p.took/time.Duration(p.most()), comeBack), comeBackMost)
	return wait + rand.N(wait), false
}

// handed waits, with the lock released, until somebody hands his slot over.
func (e *endpoints) handed(ctx context.Context, p *endpoint) bool {
	mine := make(chan struct{})
	p.queue = append(p.queue, mine)
	e.mu.Unlock()
	timer := time.NewTimer(queueFor)
	defer timer.Stop()
	select {
	case <-mine:
	case <-timer.C:
	case <-ctx.Done():
	}
	e.mu.Lock()
	if i := slices.Index(p.queue, mine); i >= 0 {
		p.queue = slices.Delete(p.queue, i, i+1)
		return false
	}
	return true
}

// leave gives the slot back after a request; answered says whether the receiver said anything.
func (e *endpoints) leave(key string, took time.Duration, answered bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.by[key]
	p.busy--
	p.turned = max(0, p.turned-1)
	p.took += (took - p.took) / 8
	p.silent++
	if answered {
		p.silent = 0
	}
	if len(p.queue) > 0 && p.busy < p.most() {
		p.busy++
		close(p.queue[0])
		p.queue = p.queue[1:]
	}
	if p.busy == 0 && len(p.queue) == 0 && p.turned == 0 && p.silent == 0 {
		delete(e.by, key)
	}
}

func (e *endpoints) tidy() {
	if len(e.by) < endpointsMost {
		return
	}
	for key, p := range e.by {
		if p.busy == 0 && len(p.queue) == 0 {
			delete(e.by, key)
		}
	}
}
