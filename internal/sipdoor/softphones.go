package sipdoor

import (
	"context"
	"crypto/rand"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley"
)

// Softphones keeps the softphones of all environments and where they are registered.
type Softphones interface {
	// Exist says whether there is any softphone at all.
	Exist(ctx context.Context) (bool, error)
	// Logins returns the softphones of a username, of whatever environment: which of them is meant, the password says.
	Logins(ctx context.Context, username string) ([]parley.SoftphoneLogin, error)
	// Bindings returns the bindings of a softphone that have not run out, the last written first; of all softphones when its id is empty.
	Bindings(ctx context.Context, softphoneID string) ([]parley.Binding, error)
	// Rebind puts what change makes of the bindings of a softphone in their place. An error of change is returned and changes nothing.
	Rebind(ctx context.Context, softphoneID string, change func([]parley.Binding) ([]parley.Binding, error)) error
}

// lines knows where softphones are registered, for what must be decided about a message before it is worth asking the database.
type lines struct {
	exist atomic.Bool // there are softphones, registered or not

	mu   sync.RWMutex
	all  map[string][]parley.Binding // by softphone
	from map[netip.AddrPort]int
	with map[netip.Addr]int
}

// at says whether a softphone is registered from an address and port.
func (l *lines) at(source netip.AddrPort) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.from[source] > 0
}

// behind says whether a softphone is registered from an address.
func (l *lines) behind(a netip.Addr) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.with[a] > 0
}

// fill takes the bindings of all softphones.
func (l *lines) fill(all []parley.Binding) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all, l.from, l.with = map[string][]parley.Binding{}, map[netip.AddrPort]int{}, map[netip.Addr]int{}
	for _, b := range all {
		l.all[b.SoftphoneID] = append(l.all[b.SoftphoneID], b)
		l.count(b, 1)
	}
}

// put replaces the bindings of one softphone.
func (l *lines) put(id string, bindings []parley.Binding) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all, l.from, l.with = map[string][]parley.Binding{}, map[netip.AddrPort]int{}, map[netip.Addr]int{}
	}
	for _, b := range l.all[id] {
		l.count(b, -1)
	}
	for _, b := range bindings {
		l.count(b, 1)
	}
	l.all[id] = bindings
	if len(bindings) == 0 {
		delete(l.all, id)
	}
}

func (l *lines) count(b parley.Binding, by int) {
	if l.from[b.Source] += by; l.from[b.Source] == 0 {
		delete(l.from, b.Source)
	}
	if l.with[b.Source.Addr()] += by; l.with[b.Source.Addr()] == 0 {
		delete(l.with, b.Source.Addr())
	}
}

// masked are the bindings that only stay reachable while something passes their NAT.
func (l *lines) masked() (out []parley.Binding) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, bindings := range l.all {
		for _, b := range bindings {
			if b.NAT && b.Transport == "udp" {
				out = append(out, b)
			}
		}
	}
	return out
}

// phonesExist says whether there are softphones; when it cannot be known, that there may be.
func (d *Door) phonesExist(ctx context.Context) bool {
	if d.deps.Softphones == nil {
		return false
	}
	if !d.lines.exist.Load() {
		exist, err := d.deps.Softphones.Exist(ctx)
		d.lines.exist.Store(err == nil && exist)
		return exist || err != nil
	}
	return true
}

// refreshLines reads what other nodes and deletions have changed.
func (d *Door) refreshLines(ctx context.Context) {
	if d.deps.Softphones == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	all, err := d.deps.Softphones.Bindings(ctx, "")
	if err != nil {
		if ctx.Err() == nil {
			d.log.Warn("softphones not read", "error", err)
		}
		return
	}
	d.lines.fill(all)
	if exist, err := d.deps.Softphones.Exist(ctx); err == nil {
		d.lines.exist.Store(exist)
	}
}

// ping sends OPTIONS to the softphones behind NAT. Their answer is what keeps the way open (RFC 4787 §4.3), so nobody waits for it.
func (d *Door) ping(ctx context.Context) {
	for _, b := range d.lines.masked() {
		var contact sip.Uri
		if sip.ParseUri(b.Contact, &contact) != nil {
			continue
		}
		to := hop{network: b.Transport, addr: b.Source}
		p := peer{
			callID: rand.Text(), localTag: rand.Text(), seq: firstSeq(), remote: contact, target: contact,
			local: sip.Uri{Scheme: "sip", Host: d.stack.self(b.Source.Addr()).String()},
		}
		p.remote.UriParams, p.remote.Headers = nil, nil
		req := p.request(sip.OPTIONS, d.stack.agent)
		err := d.stack.address(ctx, req, to)
		if err == nil {
			err = d.stack.write(req)
		}
		if err != nil {
			d.log.Debug("sign of life not sent", "error", err)
		}
	}
}
