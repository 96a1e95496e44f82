package sipdoor

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley"
)

const (
	// avoided is for how long an address that did not answer comes after the others of its trunk.
	avoided = 2 * time.Minute
	// avoidable is how many such addresses are remembered.
	avoidable = 1000
)

// health is how the active trunks are, as OPTIONS find them, and which of their addresses are silent.
type health struct {
	mu   sync.Mutex
	by   map[string]parley.TrunkReach
	down map[hop]time.Time
}

func newHealth() *health {
	return &health{by: map[string]parley.TrunkReach{}, down: map[hop]time.Time{}}
}

// Reach is how a trunk was when it was last asked, and since when; false for one that is not asked: inactive, or new.
func (d *Door) Reach(trunkID string) (parley.TrunkReach, bool) {
	d.health.mu.Lock()
	defer d.health.mu.Unlock()
	r, ok := d.health.by[trunkID]
	return r, ok
}

// note keeps what asking a trunk has brought, and says whether that is news.
func (h *health) note(id string, took time.Duration, fault error) (r parley.TrunkReach, changed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := parley.Stamp(time.Now())
	old, known := h.by[id]
	r = parley.TrunkReach{Up: fault == nil, Since: old.Since, CheckedAt: now, RoundTrip: took, Fault: old.Fault, FaultAt: old.FaultAt}
	if fault != nil {
		r.Fault, r.FaultAt = fault.Error(), &now
	}
	if changed = !known || old.Up != r.Up; changed {
		r.Since = now
	}
	h.by[id] = r
	return r, changed
}

func (h *health) forget(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.by, id)
}

// mark remembers an address that was silent, or answers again.
func (h *health) mark(at hop, up bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if up {
		delete(h.down, at)
		return
	}
	if len(h.down) >= avoidable {
		clear(h.down)
	}
	h.down[at] = time.Now()
}

// downLast moves addresses that were silent a short while ago behind the others (RFC 3263 §4.3 lets a client remember them).
func (h *health) downLast(hops []hop) {
	h.mu.Lock()
	defer h.mu.Unlock()
	rank := func(a hop) int {
		if at, ok := h.down[a]; ok && time.Since(at) < avoided {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(hops, func(a, b hop) int { return rank(a) - rank(b) })
}

// watch asks a trunk again and again whether it is there.
func (d *Door) watch(ctx context.Context, t Trunk) {
	defer d.health.forget(t.ID)
	log := d.log.With("trunk", t.ID)
	for {
		took, err := d.reach(ctx, &t)
		if ctx.Err() != nil {
			return
		}
		switch r, changed := d.health.note(t.ID, took, err); {
		case changed && r.Up:
			log.Info("trunk is up", "round_trip", took.String())
		case changed:
			log.Warn("trunk is down", "error", err)
		}
		select {
		case <-time.After(d.cfg.Timers.Check):
		case <-ctx.Done():
			return
		}
	}
}

// reach sends OPTIONS to a trunk's addresses until one answers. Any answer shows life, save those that say there is none behind it.
func (d *Door) reach(ctx context.Context, t *Trunk) (took time.Duration, err error) {
	hops, err := d.hopsTo(ctx, t)
	if err != nil {
		return 0, err
	}
	for _, to := range hops {
		p := newBinding(d, *t).peer
		begun := time.Now()
		var res *sip.Response
		res, err = d.once(ctx, to, p.request(sip.OPTIONS, d.stack.agent))
		if err == nil && (res.StatusCode == sip.StatusRequestTimeout || res.StatusCode == sip.StatusServiceUnavailable) {
			err = fmt.Errorf("sipdoor: the trunk answers %d", res.StatusCode)
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		d.health.mark(to, err == nil)
		if err == nil {
			return time.Since(begun), nil
		}
	}
	return 0, err
}
