package sipdoor

import (
	"context"
	"sync"
)

// attendants are goroutines, one for each trunk that wants one.
type attendants struct {
	wants  func(*Trunk) bool
	same   func(a, b *Trunk) bool // whether a changed trunk can do with the old one
	attend func(context.Context, Trunk)
	runs   map[string]*attendant // by trunk id
	wg     sync.WaitGroup
}

type attendant struct {
	trunk Trunk
	stop  context.CancelFunc
}

// attendants keep a registration at each trunk that has a username, so that it knows where to bring calls (RFC 3261 §10), and ask each
// active one whether it is there.
func (d *Door) attendants() (registered, watched *attendants) {
	registered = &attendants{
		wants: func(t *Trunk) bool { return t.Username != "" }, same: sameRegistration, attend: d.keepRegistered, runs: map[string]*attendant{},
	}
	watched = &attendants{
		wants: func(t *Trunk) bool { return t.Active && d.cfg.Timers.Check > 0 }, same: sameHosts, attend: d.watch, runs: map[string]*attendant{},
	}
	return registered, watched
}

// reconcile starts and stops goroutines until they are those of the list.
func (a *attendants) reconcile(trunks []Trunk) {
	wanted := map[string]Trunk{}
	for _, t := range trunks {
		if a.wants(&t) {
			wanted[t.ID] = t
		}
	}
	for id, run := range a.runs {
		if t, ok := wanted[id]; !ok || !a.same(&t, &run.trunk) {
			run.stop()
			delete(a.runs, id)
		}
	}
	for id, t := range wanted {
		if a.runs[id] == nil {
			ctx, stop := context.WithCancel(context.Background())
			a.runs[id] = &attendant{trunk: t, stop: stop}
			a.wg.Go(func() { a.attend(ctx, t) })
		}
	}
}

// close ends all and waits.
func (a *attendants) close() {
	for _, run := range a.runs {
		run.stop()
	}
	a.wg.Wait()
}
