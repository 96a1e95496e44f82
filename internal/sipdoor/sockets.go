package sipdoor

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
	"golang.org/x/time/rate"
)

// binding is the door's sockets: UDP and TCP on one port number, and TLS on its own.
type binding struct {
	udp *udpSocket
	tcp *listener
	tls *listener // without a listening socket, for calls out only, unless TLS is configured
	ip  netip.Addr
}

// family is the network to listen in: "::" takes both families, any other address its own.
func family(network, host string) string {
	switch a, err := netip.ParseAddr(host); {
	case err == nil && a.Is6() && a.IsUnspecified():
		return network
	case err == nil && a.Is6():
		return network + "6"
	}
	return network + "4"
}

// families are the addresses that a listener at an address reaches, as a resolver is asked for them.
func families(addr string) string {
	host, _, _ := net.SplitHostPort(addr)
	return family("ip", host)
}

// bind opens the sockets. For port 0 it looks for a number that is free for both UDP and TCP.
func bind(cfg Config, of func(netip.Addr) standing) (*binding, error) {
	host, port, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		pc, err := net.ListenPacket(family("udp", host), cfg.Addr)
		if err != nil {
			return nil, fmt.Errorf("sipdoor: listen: %w", err)
		}
		_ = pc.(*net.UDPConn).SetReadBuffer(inbox) // as far as the system lets us
		at := pc.LocalAddr().(*net.UDPAddr).AddrPort()
		ln, err := net.Listen(family("tcp", host), net.JoinHostPort(host, strconv.Itoa(int(at.Port()))))
		if err == nil {
			b := &binding{udp: newUDPSocket(pc, cfg.Limits, of), tcp: newListener(ln, cfg.Limits, of), ip: at.Addr().Unmap()}
			if err := b.bindTLS(cfg, of); err != nil {
				b.close()
				return nil, err
			}
			return b, nil
		}
		_ = pc.Close()
		if port != "0" || try == 20 {
			return nil, fmt.Errorf("sipdoor: listen: %w", err)
		}
	}
}

func (b *binding) bindTLS(cfg Config, of func(netip.Addr) standing) error {
	b.tls = newListener(nil, cfg.Limits, of)
	if cfg.TLSAddr == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(cfg.TLSAddr)
	if err == nil {
		b.tls.Listener, err = net.Listen(family("tcp", host), cfg.TLSAddr)
	}
	if err != nil {
		return fmt.Errorf("sipdoor: listen for TLS: %w", err)
	}
	b.tls.wrap = func(c net.Conn) net.Conn { return tls.Server(c, cfg.TLS) }
	return nil
}

// trace hands out what passes the sockets. It must come before they are served.
func (b *binding) trace(t tracer) {
	if t == nil {
		return
	}
	b.udp.trace = t
	b.tcp.traced = func(c net.Conn) net.Conn { return &tracedConn{c, t, "tcp"} }
	b.tls.traced = func(c net.Conn) net.Conn { return &tracedConn{c, t, "tls"} }
}

func (b *binding) close() {
	_ = b.udp.Close()
	_ = b.tcp.Close()
	_ = b.tls.Close()
}

// port is the number that peers reach us at over a transport.
func (b *binding) port(network string) int {
	if network == "tls" && b.tls.Listener != nil {
		return b.tls.Addr().(*net.TCPAddr).Port
	}
	return b.udp.LocalAddr().(*net.UDPAddr).Port
}

const (
	// sources is how many new senders make the UDP reader start afresh.
	sources = 4096
	// inbox is how many bytes of datagrams may wait to be read: what a flood overruns is lost for all.
	inbox = 4 << 20
	// busier is how many times a stranger's rate somebody on a call may have.
	busier = 20
	// crowd is how many times one stranger's rate all of them have together. What they leave behind for a minute stays below noticed.
	crowd = 6
	// settling is how long requests just read are given to find their sender, before senders are forgotten.
	settling = 20 * time.Millisecond
)

// errPrune ends the library's read loop, which forgets all senders then; the socket lives on. It must be net.ErrClosed by errors.Is.
var errPrune = fmt.Errorf("too many senders remembered: %w", net.ErrClosed)

// udpSocket is a UDP socket that throws away what is not SIP, too long or too frequent, before anything is remembered of the sender:
// the library keeps every sender's address for as long as it reads.
type udpSocket struct {
	net.PacketConn
	longest  int
	standing func(netip.Addr) standing
	trace    tracer
	parser   *sip.Parser
	rates    map[standing]*limiter
	all      *rate.Limiter // of strangers together: addresses are easily invented
	reading  chan struct{} // closed when the library reads for the first time
	once     sync.Once
	closed   atomic.Bool
	deaf     atomic.Bool                 // nothing more is taken
	seen     map[netip.AddrPort]struct{} // touched by the reader only
}

func newUDPSocket(pc net.PacketConn, l Limits, of func(netip.Addr) standing) *udpSocket {
	return &udpSocket{
		PacketConn: pc, longest: l.Message, parser: newParser(l), standing: of, rates: map[standing]*limiter{
			stranger: newLimiter(float64(l.Rate), l.Burst), caller: newLimiter(float64(busier*l.Rate), busier*l.Burst),
		},
		all:     rate.NewLimiter(rate.Limit(crowd*l.Rate), crowd*l.Burst),
		reading: make(chan struct{}), seen: map[netip.AddrPort]struct{}{},
	}
}

// ReadFrom implements net.PacketConn.
func (u *udpSocket) ReadFrom(b []byte) (int, net.Addr, error) {
	u.once.Do(func() { close(u.reading) })
	if len(u.seen) >= sources {
		time.Sleep(settling)
		u.seen = map[netip.AddrPort]struct{}{}
		return 0, nil, errPrune
	}
	for {
		n, from, err := u.PacketConn.ReadFrom(b)
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				time.Sleep(time.Millisecond) // such as an ICMP report of an earlier datagram: no reason to stop listening
				continue
			}
			u.closed.Store(true)
			return n, from, err
		}
		if at := from.(*net.UDPAddr).AddrPort(); u.passes(b[:n], netip.AddrPortFrom(at.Addr().Unmap(), at.Port())) {
			u.trace.wire(false, "udp", at, b[:n])
			if u.refuse(b[:n], from) {
				continue
			}
			return n, from, nil
		}
	}
}

func (u *udpSocket) passes(msg []byte, from netip.AddrPort) bool {
	if u.deaf.Load() || len(msg) > u.longest || !startsSIP(msg) {
		return false
	}
	standing := u.standing(from.Addr())
	if l := u.rates[standing]; l != nil && !l.allow(from.Addr()) || standing == stranger && !u.all.Allow() {
		return false
	}
	u.seen[from] = struct{}{}
	return true
}

// WriteTo implements net.PacketConn.
func (u *udpSocket) WriteTo(b []byte, to net.Addr) (int, error) {
	if at, ok := to.(*net.UDPAddr); ok {
		u.trace.wire(true, "udp", at.AddrPort(), b)
	}
	return u.PacketConn.WriteTo(b, to)
}

// Close implements net.PacketConn.
func (u *udpSocket) Close() error {
	u.closed.Store(true)
	return u.PacketConn.Close()
}

// startsSIP says whether a datagram's first line can be one of SIP (RFC 3261 §7): that of a response, or a request's, which ends in the
// version.
func startsSIP(msg []byte) bool {
	line, _, ok := bytes.Cut(msg, []byte("\r\n"))
	return ok && (bytes.HasPrefix(line, []byte("SIP/2.0 ")) || bytes.Contains(line, []byte(" SIP/")))
}
