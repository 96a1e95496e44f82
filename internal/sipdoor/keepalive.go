package sipdoor

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// pong is how long the answer to a ping may take (RFC 5626 §4.4.1).
const pong = 10 * time.Second

// pulse sends a sign of life that a NAT on the way sees and nobody answers: a datagram of two line ends, as RFC 5626 §3.5.1 has them on
// connections.
func (s *stack) pulse(to netip.AddrPort) {
	_, _ = s.udp.WriteTo([]byte("\r\n\r\n"), net.UDPAddrFromAddrPort(to))
}

// pinged is a connection that we have dialled. When it is quiet for a while it sends a ping, two line ends, which the other side answers by
// one (RFC 5626 §3.5.1). One that has ever answered so and does no more is dead and closed; many answer never, and are left alone.
type pinged struct {
	net.Conn
	every time.Duration

	mu      sync.Mutex
	timer   *time.Timer
	waiting bool // for the answer to a ping
	answers bool // it has answered one
	closed  bool
}

func newPinged(c net.Conn, every time.Duration) *pinged {
	p := &pinged{Conn: c, every: every}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = time.AfterFunc(every, p.beat)
	return p
}

func (p *pinged) beat() {
	p.mu.Lock()
	dead := p.waiting && p.answers
	if p.closed || dead {
		p.mu.Unlock()
		if dead {
			_ = p.Close()
		}
		return
	}
	p.waiting = true
	wait := p.every
	if p.answers {
		wait = min(pong, wait)
	}
	p.timer.Reset(wait)
	p.mu.Unlock()
	_, _ = p.Conn.Write([]byte("\r\n\r\n")) // a failure shows in reading
}

// Read implements net.Conn.
func (p *pinged) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if n > 0 {
		p.mu.Lock()
		p.answers = p.answers || p.waiting && n == 2 && string(b[:2]) == "\r\n"
		if p.waiting = false; !p.closed {
			p.timer.Reset(p.every)
		}
		p.mu.Unlock()
	}
	return n, err
}

// Close implements net.Conn.
func (p *pinged) Close() error {
	p.mu.Lock()
	p.closed = true
	p.timer.Stop()
	p.mu.Unlock()
	return p.Conn.Close()
}
