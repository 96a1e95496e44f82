package sipdoor

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"
)

// listener feeds the library with connections: accepted ones, of which it counts all and those of each address, and dialled ones, which
// are handed in. Dialling ourselves gives us the time-outs and the certificate's name, which the library does not.
type listener struct {
	net.Listener                         // nil when nobody can call in
	wrap         func(net.Conn) net.Conn // of accepted connections; nil for none
	traced       func(net.Conn) net.Conn // of all connections; nil for none
	most, each   int
	standing     func(netip.Addr) standing
	arrivals     *limiter // of strangers' connections
	speeds       *limiter // of strangers' bytes
	dialled      chan handed
	done         chan struct{}
	once         sync.Once
	taken        chan struct{} // of the connection that the library is taking; touched by Accept only
	accepted     chan net.Conn

	mu   sync.Mutex
	open int
	from map[netip.Addr]int
}

type handed struct {
	conn  net.Conn
	taken chan struct{}
}

func newListener(ln net.Listener, l Limits, of func(netip.Addr) standing) *listener {
	return &listener{
		Listener: ln, most: l.Connections, each: max(1, l.Connections/10), standing: of, dialled: make(chan handed), done: make(chan struct{}),
		accepted: make(chan net.Conn), from: map[netip.Addr]int{},
		arrivals: newLimiter(float64(l.Rate)/5, l.Burst), speeds: newLimiter(float64(l.Rate*pieceOfRate), l.Burst*pieceOfRate),
	}
}

// serve accepts connections until the listener is closed; the library takes them by Accept.
func (l *listener) serve() {
	if l.Listener == nil {
		return
	}
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			select {
			case <-l.done:
				return
			case <-time.After(50 * time.Millisecond): // such as too many open files: it passes
				continue
			}
		}
		counted, ok := l.count(c)
		if !ok {
			_ = c.Close()
			continue
		}
		select {
		case l.accepted <- counted:
		case <-l.done:
			_ = c.Close()
			return
		}
	}
}

func (l *listener) count(c net.Conn) (net.Conn, bool) {
	at := c.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
	standing := l.standing(at)
	if standing == stranger && !l.arrivals.allow(at) {
		return nil, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if full := l.open >= l.most || l.from[at] >= l.each; full && (standing != known || l.open >= 2*l.most) {
		return nil, false // half of all places are for those we know
	}
	l.open++
	l.from[at]++
	return &counted{Conn: c, of: l, at: at, release: sync.OnceFunc(func() { l.release(at) })}, true
}

func (l *listener) release(at netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.from[at]--; l.from[at] == 0 {
		delete(l.from, at)
	}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	if l.taken != nil { // the library is back for the next one, so it has the last one in its pool
		close(l.taken)
		l.taken = nil
	}
	select {
	case h := <-l.dialled:
		l.taken = h.taken
		return l.trace(h.conn), nil
	case c := <-l.accepted:
		if l.wrap != nil {
			c = l.wrap(c)
		}
		return l.trace(c), nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) trace(c net.Conn) net.Conn {
	if l.traced == nil {
		return c
	}
	return l.traced(c)
}

// hand gives a dialled connection to the library and returns when it is in its pool.
func (l *listener) hand(ctx context.Context, c net.Conn) error {
	h := handed{c, make(chan struct{})}
	select {
	case l.dialled <- h:
	case <-l.done:
		_ = c.Close()
		return net.ErrClosed
	case <-ctx.Done():
		_ = c.Close()
		return ctx.Err()
	}
	select {
	case <-h.taken:
		return nil
	case <-l.done:
		return net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.done) })
	if l.Listener == nil {
		return nil
	}
	return l.Listener.Close()
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr {
	if l.Listener == nil {
		return &net.TCPAddr{IP: net.IPv4zero}
	}
	return l.Listener.Addr()
}
