package sipdoor

import (
	"context"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// resolveEvery is how long the addresses of a trunk's hosts are believed.
	resolveEvery = time.Minute
	// resolveWithin is how long the DNS may take for one trunk.
	resolveWithin = 3 * time.Second
	// resolvers is how many trunks are asked for at a time.
	resolvers = 8
)

// book knows the trunks and the addresses behind their hosts.
type book struct {
	cfg     Config
	deps    Deps
	changed chan struct{}
	page    atomic.Pointer[page]
	writing chan struct{} // full while the book is being written
}

// page is the book as of one reading.
type page struct {
	at      time.Time
	entries []entry
	by      map[netip.Addr][]int // entries by address
}

type entry struct {
	trunk    Trunk
	addrs    []netip.Addr
	resolved time.Time
}

func newBook(cfg Config, deps Deps) *book {
	b := &book{cfg: cfg, deps: deps, changed: make(chan struct{}, 1), writing: make(chan struct{}, 1)}
	b.page.Store(&page{by: map[netip.Addr][]int{}})
	return b
}

// lock waits for its turn to write, for as long as ctx lets it.
func (b *book) lock(ctx context.Context) bool {
	select {
	case b.writing <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (b *book) unlock() { <-b.writing }

func (b *book) nudge() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// refresh reads the list of trunks, and the DNS where its answer is old. What cannot be read stays as it was.
func (b *book) refresh(ctx context.Context) {
	if b.lock(ctx) {
		defer b.unlock()
		b.read(ctx)
	}
}

func (b *book) read(ctx context.Context) {
	if b.deps.Trunks == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	trunks, err := b.deps.Trunks(ctx)
	if err != nil {
		if ctx.Err() == nil {
			b.deps.Log.Warn("list of trunks not read", "error", err)
		}
		return
	}
	old := map[string]entry{}
	for _, e := range b.page.Load().entries {
		old[e.trunk.ID] = e
	}
	p := &page{at: time.Now(), entries: make([]entry, len(trunks)), by: map[netip.Addr][]int{}}
	var asking errgroup.Group
	asking.SetLimit(resolvers)
	for i, t := range trunks {
		asking.Go(func() error { p.entries[i] = b.resolved(ctx, entry{trunk: t}, old[t.ID]); return nil })
	}
	_ = asking.Wait()
	for i, e := range p.entries {
		for _, a := range e.addrs {
			p.by[a] = append(p.by[a], i)
		}
	}
	b.page.Store(p)
}

func sameHosts(a, b *Trunk) bool {
	return a.Domain == b.Domain && a.Port == b.Port && a.Transport == b.Transport && proxyOf(a) == proxyOf(b)
}

func (b *book) resolved(ctx context.Context, e, old entry) entry {
	if sameHosts(&e.trunk, &old.trunk) {
		e.addrs, e.resolved = old.addrs, old.resolved
		if time.Since(e.resolved) < resolveEvery {
			return e
		}
	}
	ctx, cancel := context.WithTimeout(ctx, resolveWithin)
	defer cancel()
	e.resolved = time.Now()
	var addrs []netip.Addr
	for _, host := range []string{e.trunk.Domain, proxyOf(&e.trunk)} {
		if host == "" {
			continue
		}
		hops, err := resolve(ctx, b.deps.Resolver, host, e.trunk.Transport, e.trunk.Port)
		if err != nil {
			b.deps.Log.Info("trunk host not resolved", "trunk", e.trunk.ID, "host", host, "error", err)
			return e // with the addresses known so far
		}
		for _, h := range hops {
			addrs = append(addrs, h.addr.Addr())
		}
	}
	e.addrs = addrs
	return e
}

func (b *book) trunks() []Trunk {
	var out []Trunk
	for _, e := range b.page.Load().entries {
		out = append(out, e.trunk)
	}
	return out
}

func (b *book) has(a netip.Addr) bool { return len(b.page.Load().by[a]) > 0 }

// owns says whether an address belongs to a trunk.
func (b *book) owns(trunkID string, a netip.Addr) bool {
	p := b.page.Load()
	for _, i := range p.by[a] {
		if trunkID != "" && p.entries[i].trunk.ID == trunkID {
			return true
		}
	}
	return false
}

// of names the trunk behind a source: the only one with that address, or the only one that also has the port. It is empty when several
// share it; known says that there are some.
func (b *book) of(source netip.AddrPort) (trunkID string, known bool) {
	p := b.page.Load()
	all := p.by[source.Addr()]
	var same []int
	for _, i := range all {
		if p.entries[i].trunk.Port == int(source.Port()) {
			same = append(same, i)
		}
	}
	switch {
	case len(same) == 1:
		return p.entries[same[0]].trunk.ID, true
	case len(same) == 0 && len(all) == 1:
		return p.entries[all[0]].trunk.ID, true
	}
	return "", len(all) > 0
}

// user names the only trunk with a username.
func (b *book) user(name string) string {
	id, n := "", 0
	for _, e := range b.page.Load().entries {
		if e.trunk.Username == name {
			id = e.trunk.ID
			n++
		}
	}
	if n != 1 {
		return ""
	}
	return id
}

// fresh reads the list again when it is older than a second: for a caller whom it does not know yet.
func (b *book) fresh(ctx context.Context) {
	if !b.lock(ctx) {
		return
	}
	defer b.unlock()
	if time.Since(b.page.Load().at) > time.Second {
		b.read(ctx)
	}
}
