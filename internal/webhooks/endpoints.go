package webhooks

import (
	"math/rand/v2"
	"net/url"
	"sync"
	"time"

	"github.com/parley-voice/parley"
)

const (
	slots         = 8 // requests to one endpoint at a time
	slotsWhenDown = 1 // to one that gave no answer downAfter times in a row
	downAfter     = 3
	comeBack      = 200 * time.Millisecond // who is turned away comes again
	comeBackMost  = 10 * time.Second       // at the latest, when many are
	endpointsMost = 10000                  // remembered; past it all are forgotten that nothing is sent to
)

// endpoints bounds the requests to each receiver, so that a slow one cannot take all workers. An endpoint is a host, seen from an environment.
type endpoints struct {
	mu sync.Mutex
	by map[string]*endpoint
}

type endpoint struct {
	busy   int // requests on their way
	turned int // that were turned away of late
	silent int // attempts in a row without an answer
}

func newEndpoints() *endpoints { return &endpoints{by: map[string]*endpoint{}} }

func endpointOf(hook *parley.Webhook) string {
	u, err := url.Parse(hook.URL)
	if err != nil {
		return hook.ID
	}
	return hook.EnvironmentID + " " + u.Host
}

// enter takes a slot; without one it says after how long to come back.
func (e *endpoints) enter(key string) (wait time.Duration, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.by[key]
	if p == nil {
		e.tidy()
		p = &endpoint{}
		e.by[key] = p
	}
	most := slots
	if p.silent >= downAfter {
		most = slotsWhenDown
	}
	if p.busy < most {
		p.busy++
		return 0, true
	}
	p.turned++
	wait = min(comeBack*time.Duration(1+p.turned/most), comeBackMost)
	return wait + rand.N(wait), false
}

// leave gives the slot back; answered says whether the receiver said anything.
func (e *endpoints) leave(key string, answered bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.by[key]
	p.busy--
	p.turned = max(0, p.turned-1)
	p.silent++
	if answered {
		p.silent = 0
	}
	if p.busy == 0 && p.turned == 0 && p.silent == 0 {
		delete(e.by, key)
	}
}

func (e *endpoints) tidy() {
	if len(e.by) < endpointsMost {
		return
	}
	for key, p := range e.by {
		if p.busy == 0 {
			delete(e.by, key)
		}
	}
}
