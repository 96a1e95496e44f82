package sipdoor

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	// idle closes a TCP or TLS connection that brings nothing for so long: longer than the longest call, whose BYE must find it open.
	idle = 75 * time.Minute
	// reach is how long connecting may take, handshake included.
	reach = 4 * time.Second
	// datagram is the length in bytes from which a request goes over TCP where the peer takes it (RFC 3261 §18.1.1).
	datagram = 1300
)

// prepare sets what the library keeps in package variables, once for all doors of the process.
var prepare = sync.OnceFunc(func() {
	sip.UDPMTUSize = 65000 // it refuses to send above 1,300 bytes otherwise, which answers with SDP may have
	sip.SetDefaultLogger(slog.New(slog.DiscardHandler))
})

// hop is where a message goes or came from.
type hop struct {
	network string // udp, tcp, tls
	addr    netip.AddrPort
	name    string // the host that a TLS certificate must name
}

// stack is transport and transactions: sockets, the library's layers upon them, and sending.
type stack struct {
	*binding
	tp       *sip.TransportLayer
	txl      *sip.TransactionLayer
	external netip.Addr
	client   *tls.Config
	agent    string
	pings    time.Duration // between signs of life on connections
	wg       sync.WaitGroup
}

func newStack(cfg Config, b *binding, log *slog.Logger, pre func(sip.Message), serve func(*sip.Request, *sip.ServerTx)) *stack {
	prepare()
	parser := newParser(cfg.Limits)
	lib := newQuiet(log.Handler())
	tcp := func() *sip.TransportTCP { return &sip.TransportTCP{ReadTimeout: idle, WriteTimeout: reach} }
	s := &stack{binding: b, external: cfg.ExternalIP, client: cfg.TLSClient, agent: cfg.UserAgent, pings: cfg.Timers.KeepAlive}
	s.tp = sip.NewTransportLayer(net.DefaultResolver, parser, nil, sip.WithTransportLayerLogger(lib),
		sip.WithTransportLayerTransports(sip.TransportsConfig{TCP: tcp(), TLS: &sip.TransportTLS{TransportTCP: tcp()}}))
	s.tp.OnMessage(pre) // before the transaction layer adds its own
	s.txl = sip.NewTransactionLayer(s.tp, sip.WithTransactionLayerLogger(lib), sip.WithTransactionLayerTerminateOnConnClose(),
		sip.WithTransactionLayerUnhandledResponseHandler(func(*sip.Response) {})) // pre has seen it
	s.txl.OnRequest(serve)
	return s
}

func newParser(l Limits) *sip.Parser {
	p := sip.NewParser()
	p.MaxMessageLength = l.Message
	return p
}

// serve starts reading; it returns when requests can be sent.
func (s *stack) serve() {
	s.wg.Go(func() {
		for !s.udp.closed.Load() { // it comes back to forget senders
			_ = s.tp.ServeUDP(s.udp)
		}
	})
	for _, l := range []*listener{s.tcp, s.tls} {
		s.wg.Go(l.serve)
	}
	s.wg.Go(func() { _ = s.tp.ServeTCP(s.tcp) })
	s.wg.Go(func() { _ = s.tp.ServeTLS(s.tls) })
	<-s.udp.reading
}

// close ends reading before anything else: the library would open a socket of its own to answer a request whose sender it has forgotten.
func (s *stack) close() {
	s.udp.deaf.Store(true)
	time.Sleep(settling)
	s.txl.Close()
	_ = s.tp.Close()
	s.binding.close()
	s.wg.Wait()
	_ = s.tp.Close() // what requests on their way have opened all the same
}

// self is our address as a peer is told it.
func (s *stack) self(peer netip.Addr) netip.Addr {
	if s.external.IsValid() && s.external.Is4() == peer.Is4() {
		return s.external
	}
	return s.local(peer)
}

// local is the address that packets to a peer leave from.
func (s *stack) local(peer netip.Addr) netip.Addr {
	if !s.ip.IsUnspecified() {
		return s.ip
	}
	c, err := net.Dial("udp", netip.AddrPortFrom(peer, 9).String()) // sends nothing: it only asks for the route
	if err != nil && peer.Is6() {
		return netip.IPv6Loopback()
	} else if err != nil {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	defer func() { _ = c.Close() }()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}

// contact is the URI that a peer reaches us at.
func (s *stack) contact(user string, to hop) sip.Uri {
	u := sip.Uri{Scheme: "sip", User: user, Host: s.self(to.addr.Addr()).String(), Port: s.port(to.network)}
	if to.network != "udp" {
		u.UriParams = sip.HeaderParams{{K: "transport", V: to.network}}
	}
	return u
}

// address gives a request its way: a Via of its own and the hop it goes to. Over UDP it leaves from the listening socket.
func (s *stack) address(ctx context.Context, req *sip.Request, to hop) error {
	if to.network == "udp" && len(req.String()) > datagram-200 {
		if over := (hop{"tcp", to.addr, to.name}); s.connect(ctx, over, time.Second) == nil {
			to = over
		}
	}
	if err := s.connect(ctx, to, reach); err != nil {
		return err
	}
	req.PrependHeader(&sip.ViaHeader{
		ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: strings.ToUpper(to.network),
		Host: s.self(to.addr.Addr()).String(), Port: s.port(to.network),
		Params: sip.HeaderParams{{K: "branch", V: sip.RFC3261BranchMagicCookie + rand.Text()}, {K: "rport"}},
	})
	s.bound(req, to)
	return nil
}

// bound sends a request that has its Via already over a hop.
func (s *stack) bound(req *sip.Request, to hop) {
	req.SetTransport(strings.ToUpper(to.network))
	req.SetDestination(to.addr.String())
	if to.network == "udp" {
		at := s.udp.LocalAddr().(*net.UDPAddr)
		req.Laddr = sip.Addr{IP: at.IP, Port: at.Port}
	}
}

func (s *stack) listener(network string) *listener {
	if network == "tls" {
		return s.tls
	}
	return s.tcp
}

// connected says whether a connection to a hop is open.
func (s *stack) connected(to hop) bool {
	pool := s.tp.Pool(to.network)
	if pool == nil {
		return false
	}
	c := pool.Get(to.addr.String())
	if c == nil {
		return false
	}
	_, _ = c.TryClose() // Get counted us in
	return true
}

// connect makes sure that there is a connection to a hop, where its transport has connections.
func (s *stack) connect(ctx context.Context, to hop, within time.Duration) error {
	switch to.network {
	case "udp":
		return nil
	case "tcp", "tls":
	default:
		return fmt.Errorf("sipdoor: transport %q is not supported", to.network)
	}
	if s.connected(to) {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, within, errors.New("no connection in time"))
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", to.addr.String())
	if err != nil {
		return fmt.Errorf("sipdoor: connect: %w", err)
	}
	if to.network == "tls" {
		if c, err = s.secure(ctx, c, to.name); err != nil {
			return err
		}
	}
	return s.listener(to.network).hand(ctx, newPinged(c, s.pings))
}

func (s *stack) secure(ctx context.Context, c net.Conn, name string) (net.Conn, error) {
	conf := &tls.Config{}
	if s.client != nil {
		conf = s.client.Clone()
	}
	if conf.ServerName == "" {
		conf.ServerName = name
	}
	t := tls.Client(c, conf)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("sipdoor: TLS handshake: %w", err)
	}
	return t, nil
}

// write sends an addressed request for which no response comes: an ACK.
func (s *stack) write(req *sip.Request) error {
	if err := s.tp.WriteMsg(req); err != nil {
		return fmt.Errorf("sipdoor: send %s: %w", req.Method, err)
	}
	return nil
}

// errSilent is the end of a transaction that got no final response.
var errSilent = errors.New("sipdoor: no answer")

// exchange sends an addressed request other than INVITE and waits for its final response.
func (s *stack) exchange(ctx context.Context, req *sip.Request) (*sip.Response, error) {
	tx, err := s.txl.Request(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("sipdoor: send %s: %w", req.Method, err)
	}
	defer tx.Terminate()
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				return res, nil
			}
		case <-tx.Done():
			return nil, fmt.Errorf("%w to %s: %w", errSilent, req.Method, tx.Err())
		case <-ctx.Done():
			return nil, fmt.Errorf("%w to %s: %w", errSilent, req.Method, context.Cause(ctx))
		}
	}
}

// from is the hop a message came from.
func from(m sip.Message) hop {
	at, err := netip.ParseAddrPort(m.Source())
	if err != nil {
		return hop{network: "udp"}
	}
	return hop{network: sip.NetworkToLower(m.Transport()), addr: netip.AddrPortFrom(at.Addr().Unmap(), at.Port())}
}
