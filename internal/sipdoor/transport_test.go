package sipdoor

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
)

// certify makes a certificate for a name and the authorities that trust it.
func certify(t *testing.T, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// readMessage reads a message from a stream by its Content-Length.
func readMessage(r *bufio.Reader) (*message, error) {
	var head strings.Builder
	length := -1
	for {
		l, err := r.ReadString('\n')
		if err != nil {
			return nil, err
		}
		if l == "\r\n" && head.Len() == 0 {
			continue
		}
		head.WriteString(l)
		_, _ = fmt.Sscanf(strings.ToLower(l), "content-length: %d", &length)
		if l == "\r\n" {
			break
		}
	}
	if length < 0 {
		return &message{start: "a message without Content-Length: " + head.String()}, nil
	}
	body := make([]byte, length)
	_, err := io.ReadFull(r, body)
	return parse([]byte(head.String() + string(body))), err
}

// wired is a phone on a stream. It borrows the scripts of phone by standing in for its socket.
type wired struct {
	net.PacketConn
	conn net.Conn
}

func (w wired) WriteTo(b []byte, _ net.Addr) (int, error) { return w.conn.Write(b) }

// plug makes a phone of a connection.
func plug(t *testing.T, c net.Conn) *phone {
	t.Helper()
	p := newPhone(t, nil)
	p.pc, p.to = wired{p.pc, c}, c.RemoteAddr()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for r := bufio.NewReader(c); ; {
			m, err := readMessage(r)
			if err != nil {
				return
			}
			if m.header == nil {
				t.Error(m.start)
				return
			}
			m.from = c.RemoteAddr()
			p.in <- m
		}
	}()
	t.Cleanup(func() { _ = c.Close(); <-done })
	return p
}

func TestCallOverConnections(t *testing.T) {
	cert, pool := certify(t, "parley.test")
	for _, network := range []string{"tcp", "tls"} {
		t.Run(network, func(t *testing.T) {
			legs := make(chan media.Leg, 1)
			d := open(t, pickUp(legs), func(c *Config, _ *Deps) {
				c.TLSAddr, c.TLS = "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}}
			})
			var c net.Conn
			var err error
			if network == "tls" {
				c, err = tls.Dial("tcp", d.TLSAddr().String(), &tls.Config{RootCAs: pool, ServerName: "parley.test"})
			} else {
				c, err = net.Dial("tcp", d.Addr().String()) // the port number of UDP
			}
			if err != nil {
				t.Fatal(err)
			}
			p := plug(t, c)
			p.request("INVITE", req{body: plainSDP})
			ok := p.expect("200 OK")
			if !strings.Contains(ok.get("contact"), "transport="+network) {
				t.Error(ok.get("contact"))
			}
			p.expect("200 OK") // repeated over connections too
			p.ack(ok)
			leg := get(t, "the leg", legs)
			told := make(chan error, 1)
			go func() { told <- leg.Hangup(context.Background()) }()
			bye := p.expect("BYE") // on the caller's own connection, whatever its Contact says
			p.reply(bye, "200 OK", "", "")
			if err := get(t, "the return of Hangup", told); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOutboundOverConnections(t *testing.T) {
	cert, pool := certify(t, "trunk.test")
	for _, network := range []string{"tcp", "tls"} {
		t.Run(network, func(t *testing.T) {
			ln, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = ln.Close() }()
			if network == "tls" {
				ln = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{cert}})
			}
			d := open(t, nil, func(c *Config, deps *Deps) {
				c.TLSClient = &tls.Config{RootCAs: pool}
				deps.Resolver = zone{hosts: map[string][]string{"trunk.test": {"127.0.0.1"}}}
			})
			port := ln.Addr().(*net.TCPAddr).Port
			call := place(t, d, media.Target{Trunk: parley.SIPTrunk{Domain: "trunk.test", Port: port, Transport: network}, To: "+1", From: "+2"})
			c, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			p := plug(t, c)
			invite := p.expect("INVITE")
			if !strings.HasPrefix(invite.get("via"), "SIP/2.0/"+strings.ToUpper(network)) || !strings.Contains(invite.uri("contact"), "transport="+network) {
				t.Errorf("%s %s", invite.get("via"), invite.get("contact"))
			}
			p.reply(invite, "180 Ringing", "a", "")
			p.reply(invite, "200 OK", "a", plainSDP)
			p.expect("ACK")
			get(t, "the leg", call.done)
			if call.err != nil {
				t.Fatal(call.err)
			}
			p.hangUp(invite)
			p.expect("200 OK")
		})
	}
}

func TestTLSOfAnotherNameIsNotTrusted(t *testing.T) {
	cert, pool := certify(t, "other.test")
	ln, err := tls.Listen("tcp4", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_ = c.(*tls.Conn).Handshake()
			_ = c.Close()
		}
	}()
	defer func() { _ = ln.Close(); <-done }()
	d := open(t, nil, func(c *Config, deps *Deps) {
		c.TLSClient = &tls.Config{RootCAs: pool}
		deps.Resolver = zone{hosts: map[string][]string{"trunk.test": {"127.0.0.1"}}}
	})
	port := ln.Addr().(*net.TCPAddr).Port
	call := place(t, d, media.Target{Trunk: parley.SIPTrunk{Domain: "trunk.test", Port: port, Transport: "tls"}, To: "+1", From: "+2"})
	if na := call.notAnswered(t); na.Reason != reasonUnreachable {
		t.Errorf("%+v", na)
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	d := open(t, nil, func(c *Config, _ *Deps) {
		c.Accept = Accept{}
		c.Limits.Connections = 20
	})
	refused := 0
	for range 5 { // a tenth of all for one address
		c, err := net.Dial("tcp", d.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		_ = c.SetReadDeadline(time.Now().Add(fleeting))
		if _, err := c.Read(make([]byte, 1)); err == io.EOF || err != nil && strings.Contains(err.Error(), "reset") {
			refused++
		}
	}
	if refused != 3 {
		t.Errorf("%d of 5 connections were refused", refused)
	}
}

func TestDoorsOfTwoCallEachOther(t *testing.T) {
	legs := make(chan media.Leg, 1)
	cert, pool := certify(t, "parley.test")
	server := open(t, pickUp(legs), func(c *Config, _ *Deps) {
		c.TLSAddr, c.TLS = "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}}
		c.Accept = Accept{Users: map[string]string{"user": "secret"}}
	})
	client := open(t, nil, func(c *Config, _ *Deps) { c.TLSClient = &tls.Config{RootCAs: pool} })
	for network, at := range map[string]netip.AddrPort{"udp": server.Addr(), "tcp": server.Addr(), "tls": server.TLSAddr()} {
		t.Run(network, func(t *testing.T) {
			rang := make(chan string, 1)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			leg, id, err := client.DialURI(ctx, URITarget{
				URI: "sip:+15550100@" + at.String(), Transport: network, From: "+15550199", Username: "user", Password: "secret",
			}, func(id string) { rang <- id })
			if err != nil {
				t.Fatal(err)
			}
			if got := get(t, "ringing", rang); got != id {
				t.Errorf("rang for %q, answered %q", got, id)
			}
			other := get(t, "the leg", legs)
			var said, tick media.Frame
			for i := range said {
				said[i] = 8000
			}
			for range 10 {
				if err := leg.Write(ctx, &said); err != nil {
					t.Fatal(err)
				}
			}
			for tick[0] < 4000 {
				var k media.Tick
				if err := other.Read(ctx, &k); err != nil {
					t.Fatal(err)
				}
				tick = k.Heard
			}
			if err := other.Hangup(ctx); err != nil {
				t.Error(err)
			}
			get(t, "the end", leg.Done())
			if leg.Cause() != media.EndRemote {
				t.Error(leg.Cause())
			}
		})
	}
}

func TestSendersAreForgotten(t *testing.T) {
	d := open(t, nil, func(c *Config, _ *Deps) { c.Limits.Rate, c.Limits.Burst = 1e6, 1e6 })
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pc.Close() }()
	to := net.UDPAddrFromAddrPort(d.Addr())
	for i := range sources + 200 {
		src := &net.UDPAddr{IP: net.IPv4(127, 1, byte(i>>8), byte(i))}
		c, err := net.DialUDP("udp4", src, to)
		if err != nil {
			t.Skip("no further loopback addresses: ", err)
		}
		_, _ = c.Write([]byte("SIP/2.0 200 OK\r\n\r\n"))
		_ = c.Close()
		if i%64 == 0 { // the receive buffer is small
			time.Sleep(time.Millisecond)
		}
	}
	p := newPhone(t, d)
	answered := false
	for i := 0; i < 40 && !answered; i++ { // the reader pauses once, and the receive buffer may be full
		p.request("OPTIONS", req{})
		answered = p.next(patience/40) != nil
	}
	if !answered {
		t.Fatal("no answer after the reader started afresh")
	}
	if n := d.stack.tp.Pool("udp").Size(); n > sources {
		t.Errorf("%d senders are remembered", n)
	}
}
