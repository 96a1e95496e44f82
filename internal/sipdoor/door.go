package sipdoor

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
	"golang.org/x/time/rate"

	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/sipdoor/stream"
)

// Door is the house's way to the telephone network. New binds its sockets, Run serves them.
type Door struct {
	cfg    Config
	deps   Deps
	log    *slog.Logger
	stack  *stack
	pacer  *stream.Pacer
	book   *book
	health *health

	dialogs  dialogs
	calling  calling
	invites  inviteLog
	porter   *porter
	lines    lines
	strikes  *limiter      // of strangers' attempts
	refusals *rate.Limiter // of lines about them
	secret   []byte
	identity *identity // in DTLS handshakes

	transactions atomic.Int64 // of those we know something of
	strange      atomic.Int64 // of strangers
	draining     atomic.Bool
	started      chan struct{} // closed when requests can be sent
	stopped      chan struct{} // closed when they no longer can
	wg           sync.WaitGroup
	gate         sync.RWMutex // between spawn and the end
	shut         bool
}

var _ media.Dialer = (*Door)(nil)

// New binds the sockets of a door.
func New(cfg Config, deps Deps) (*Door, error) {
	d, err := newDoor(cfg, deps)
	if err != nil {
		return nil, err
	}
	b, err := bind(d.cfg, d.standing)
	if err != nil {
		return nil, err
	}
	d.attach(b)
	return d, nil
}

// newDoor makes a door without sockets.
func newDoor(cfg Config, deps Deps) (*Door, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if deps.Resolver == nil {
		deps.Resolver = DNS{Resolver: net.DefaultResolver}
	}
	deps.Resolver = within{deps.Resolver, families(cfg.Addr)}
	d := &Door{
		cfg: cfg, deps: deps, log: deps.Log, pacer: stream.NewPacer(0),
		dialogs: dialogs{by: map[key]*dialog{}, all: map[*dialog][]key{}, at: map[netip.Addr]int{}},
		calling: calling{by: map[string]*dialing{}, later: map[string]func(*sip.Response){}}, invites: inviteLog{by: map[string]*noted{}},
		strikes: newLimiter(0.2, 10), refusals: newRefusals(), secret: cfg.Secret, started: make(chan struct{}), stopped: make(chan struct{}),
	}
	if len(d.secret) == 0 {
		d.secret = make([]byte, 32)
		_, _ = rand.Read(d.secret) // never fails
	}
	d.porter = &porter{nonces: newNonces(d.secret), algorithms: cfg.Digest, named: d.logins}
	d.book, d.health = newBook(cfg, deps), newHealth()
	if d.identity, err = newIdentity(); err != nil {
		return nil, err
	}
	return d, nil
}

// attach gives the door its sockets.
func (d *Door) attach(b *binding) {
	b.trace(d.deps.Trace)
	d.stack = newStack(d.cfg, b, d.log, d.pre, d.serve)
}

// Addr is the address of UDP and TCP as bound.
func (d *Door) Addr() netip.AddrPort { return d.stack.udp.LocalAddr().(*net.UDPAddr).AddrPort() }

// TLSAddr is the address of TLS as bound; invalid without it.
func (d *Door) TLSAddr() netip.AddrPort {
	if d.stack.tls.Listener == nil {
		return netip.AddrPort{}
	}
	return d.stack.tls.Addr().(*net.TCPAddr).AddrPort()
}

// Run serves until ctx ends, then closes in order: new calls are refused, calls end with BYE, registrations are taken back, and the
// sockets go last. It may be called once.
func (d *Door) Run(ctx context.Context) error {
	beat, still := context.WithCancel(context.WithoutCancel(ctx))
	var clock sync.WaitGroup
	var clockErr error
	failed := make(chan struct{})
	clock.Go(func() {
		if clockErr = d.pacer.Run(beat); clockErr != nil {
			close(failed)
		}
	})
	d.stack.serve()
	close(d.started)
	life, end := context.WithCancel(ctx)
	registered := d.keepBook(life)
	select {
	case <-ctx.Done():
	case <-failed:
	}
	d.draining.Store(true)
	end()
	d.closeCalls()
	<-registered
	close(d.stopped)
	d.stack.close()
	d.endAll()
	d.wg.Wait()
	still()
	clock.Wait()
	return clockErr
}

// closeCalls ends all calls and waits until the peers have heard, for a time.
func (d *Door) closeCalls() {
	limit := time.NewTimer(d.cfg.Timers.Close)
	defer limit.Stop()
	for _, c := range d.dialogs.list() {
		c.box.put(func() { c.leave(media.EndLocal) })
	}
	for _, c := range d.dialogs.list() {
		select {
		case <-c.over:
		case <-limit.C:
			limit.Reset(0)
		}
	}
}

// endAll lets nothing begin any more and ends what is left.
func (d *Door) endAll() {
	d.gate.Lock()
	d.shut = true
	d.gate.Unlock()
	for _, c := range d.dialogs.list() {
		c.box.put(func() { c.phase = finished })
		<-c.over
	}
}

// spawn runs f in a goroutine that Run waits for; false when the door has closed.
func (d *Door) spawn(f func()) bool {
	d.gate.RLock()
	defer d.gate.RUnlock()
	if d.shut {
		return false
	}
	d.wg.Go(f)
	return true
}

// keepBook reads the trunks again and again and keeps the registrations; the channel is closed when those are taken back.
func (d *Door) keepBook(ctx context.Context) <-chan struct{} {
	done := make(chan struct{})
	registered, watched := d.attendants()
	d.wg.Go(func() {
		defer close(done)
		defer watched.close()
		defer registered.close()
		tick, ping := time.NewTicker(d.cfg.Timers.Trunks), time.NewTicker(d.cfg.Timers.KeepAlive)
		defer tick.Stop()
		defer ping.Stop()
		for {
			d.book.refresh(ctx)
			d.refreshLines(ctx)
			all := d.book.trunks()
			registered.reconcile(all)
			watched.reconcile(all)
			d.invites.prune(time.Now())
			select {
			case <-tick.C:
			case <-ping.C:
				d.ping(ctx)
			case <-d.book.changed:
			case <-ctx.Done():
				return
			}
		}
	})
	return done
}

// TrunksChanged makes the door read the list of trunks at once.
func (d *Door) TrunksChanged() { d.book.nudge() }

// serve is the library's handler of requests: a goroutine for each.
func (d *Door) serve(req *sip.Request, tx *sip.ServerTx) {
	defer func() {
		if p := recover(); p != nil {
			d.log.Error("panic in SIP handler", "panic", p, "stack", string(debug.Stack()))
			d.respond(req, tx, refuse(sip.StatusInternalServerError, "Server Internal Error"))
		}
	}()
	if !d.admitted(req, tx) {
		tx.Terminate()
		return
	}
	if req.IsAck() { // pre has seen it
		tx.Terminate()
		return
	}
	if d.scans(req) {
		d.ignore(req, tx)
		return
	}
	if r := faultOf(req); r != nil {
		d.respond(req, tx, r)
		return
	}
	if r := unfit(req, d.cfg.extensions()); r != nil {
		d.respond(req, tx, r)
		return
	}
	d.route(req, tx)
}

// admitted counts a transaction until its end; false when there are too many. Strangers have half of them, so that the others find room.
func (d *Door) admitted(req *sip.Request, tx *sip.ServerTx) bool {
	count, most := &d.transactions, int64(d.cfg.Limits.Transactions)
	if d.standing(from(req).addr.Addr()) == stranger {
		count, most = &d.strange, most/2
	}
	if count.Add(1) > most || !tx.OnTerminate(func(string, error) { count.Add(-1) }) {
		count.Add(-1)
		return false
	}
	return true
}

// errStopped says that the door is not serving.
var errStopped = errors.New("sipdoor: the door is closed")

// ready waits until the door serves.
func (d *Door) ready(ctx context.Context) error {
	select {
	case <-d.started:
	case <-d.stopped:
		return errStopped
	case <-ctx.Done():
		return ctx.Err()
	}
	if d.draining.Load() {
		return errStopped
	}
	return nil
}
