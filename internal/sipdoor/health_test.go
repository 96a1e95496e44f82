package sipdoor

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
)

// twinPorts listens on one port number for datagrams and for connections.
func twinPorts(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 50 {
		pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if ln, err := net.Listen("tcp4", pc.LocalAddr().String()); err == nil {
			return pc, ln
		}
		_ = pc.Close() // somebody holds that number for connections
	}
	t.Fatal("no port number is free for both")
	return nil, nil
}

// TestServices asks a server of the DNS for NAPTR records (RFC 3263 §4.1): only terminal ones of SIP count; what does not fit into a
// datagram comes over TCP.
func TestServices(t *testing.T) {
	pc, ln := twinPorts(t)
	records := []string{
		`d.test. 60 IN NAPTR 50 50 "s" "SIPS+D2T" "" _sips._tcp.x.test.`, `d.test. 60 IN NAPTR 90 50 "S" "sip+d2u" "" _sip._udp.x.test.`,
		`d.test. 60 IN NAPTR 1 1 "u" "E2U+sip" "!^.*$!sip:a@b!" .`, `d.test. 60 IN NAPTR 1 1 "s" "SIP+D2S" "" _sip._sctp.x.test.`,
	}
	answer := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if _, datagram := w.LocalAddr().(*net.UDPAddr); datagram {
			m.Truncated = true
		} else {
			for _, r := range records {
				rr, err := dns.NewRR(r)
				if err != nil {
					t.Error(err)
					continue
				}
				m.Answer = append(m.Answer, rr)
			}
		}
		_ = w.WriteMsg(m)
	})
	one, two := &dns.Server{PacketConn: pc, Handler: answer}, &dns.Server{Listener: ln, Handler: answer}
	done := make(chan struct{}, 2)
	for _, s := range []*dns.Server{one, two} {
		up := make(chan struct{})
		s.NotifyStartedFunc = func() { close(up) }
		go func() { _ = s.ActivateAndServe(); done <- struct{}{} }()
		<-up
	}
	defer func() { _, _ = one.Shutdown(), two.Shutdown(); <-done; <-done }()
	got, err := DNS{Servers: []string{pc.LocalAddr().String()}}.Services(t.Context(), "d.test")
	if want := "[{50 50 tls _sips._tcp.x.test} {90 50 udp _sip._udp.x.test}]"; err != nil || fmt.Sprint(got) != want {
		t.Errorf("%v %v, want %s", got, err, want)
	}
}

// ofTwo is a trunk of two addresses that is asked whether it is there.
func ofTwo(one, two *phone) (Trunk, zone) {
	z := zone{hosts: map[string][]string{"one.test": {"127.0.0.1"}, "two.test": {"127.0.0.1"}}, srv: map[string][]*net.SRV{
		"_sip._udp.trunk.test": {{Target: "one.test.", Port: one.addr().Port()}, {Target: "two.test.", Port: two.addr().Port()}},
	}}
	return Trunk{SIPTrunk: parley.SIPTrunk{ID: "t1", Domain: "trunk.test", Port: 5060, Transport: "udp", Active: true}}, z
}

// TestHealthOfATrunk asks again and again: a trunk is up when one of its addresses answers, calls try that one first then (RFC 3263 §4.3),
// and a change shows with its time and cause.
func TestHealthOfATrunk(t *testing.T) {
	one, two := newPhone(t, nil), newPhone(t, nil)
	trunk, z := ofTwo(one, two)
	list := &trunkList{}
	list.set(trunk)
	d := open(t, nil, list.use, func(c *Config, deps *Deps) {
		deps.Resolver = z
		c.Timers.Reply, c.Timers.Check = 200*time.Millisecond, 20*time.Millisecond
	})
	reach := func(up bool) parley.TrunkReach {
		t.Helper()
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if r, ok := d.Reach("t1"); ok && r.Up == up {
				return r
			}
		}
		t.Fatalf("it did not become up: %t", up)
		return parley.TrunkReach{}
	}
	one.expect("OPTIONS sip:trunk.test") // which it does not answer
	two.reply(two.expect("OPTIONS sip:trunk.test"), "404 Not Found", "x", "")
	first := reach(true)
	if first.RoundTrip <= 0 || first.Since.IsZero() || first.Fault != "" {
		t.Errorf("%+v", first)
	}
	call := place(t, d, media.Target{Trunk: trunk.SIPTrunk, To: "+1", From: "+2"})
	invite := two.expect("INVITE")
	two.reply(invite, "486 Busy Here", "x", "")
	call.notAnswered(t)
	down := reach(false) // nobody answers any more
	if down.Since.Before(first.Since) || !strings.Contains(down.Fault, "no answer") || down.FaultAt == nil || down.RoundTrip != 0 {
		t.Errorf("%+v", down)
	}
	list.set() // a trunk that is gone is not known
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if _, ok := d.Reach("t1"); !ok {
			break
		} else if time.Now().After(end) {
			t.Fatal("it is still known")
		}
	}
}

func TestInactiveTrunksAreNotAsked(t *testing.T) {
	p := newPhone(t, nil)
	list := &trunkList{}
	list.set(Trunk{SIPTrunk: parley.SIPTrunk{ID: "t1", Domain: "127.0.0.1", Port: int(p.addr().Port()), Transport: "udp"}})
	open(t, nil, list.use, func(c *Config, _ *Deps) { c.Timers.Check = 10 * time.Millisecond })
	p.silent("OPTIONS")
}

// TestNewTrunkRegistersAtOnce does not wait for the list to be read by the clock.
func TestNewTrunkRegistersAtOnce(t *testing.T) {
	p := newPhone(t, nil)
	list := &trunkList{}
	d := open(t, nil, list.use, func(c *Config, _ *Deps) { c.Timers.Trunks = time.Hour })
	list.set(registering(p))
	d.TrunksChanged()
	p.reply(p.expect("REGISTER"), "200 OK", "x", "", "Expires: 600")
	list.set()
	d.TrunksChanged()
	p.reply(p.expect("REGISTER"), "200 OK", "x", "")
}

// TestRegistrationsKeepTheirWayOpen looks for the line ends that keep a NAT's binding while a registration over UDP lasts.
func TestRegistrationsKeepTheirWayOpen(t *testing.T) {
	p := newPhone(t, nil)
	list := &trunkList{}
	list.set(registering(p))
	open(t, nil, list.use, func(c *Config, _ *Deps) { c.Timers.KeepAlive = 20 * time.Millisecond })
	p.reply(p.expect("REGISTER"), "200 OK", "x", "", "Expires: 600")
	for range 2 {
		if m := p.next(patience); m == nil || m.start != "" || len(m.header) != 0 {
			t.Fatalf("%+v", m)
		}
	}
	list.set()
	p.reply(p.expect("REGISTER"), "200 OK", "x", "")
}

// TestPing is RFC 5626 §3.5.1 and §4.4.1: a quiet connection is pinged; who has answered pings once must answer them all, who never has
// need not.
func TestPing(t *testing.T) {
	for _, c := range []struct {
		name  string
		pongs int
		want  string // when pings come, and the end
	}{
		{"it answers twice", 2, "25s 50s 1m15s closed 1m25s"},
		{"it never answers", 0, "25s 50s 1m15s 1m40s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				p := newPinged(ours, 25*time.Second)
				begun := time.Now()
				heard := make(chan struct{})
				go func() { defer close(heard); _, _ = io.Copy(io.Discard, p) }()
				var got []string
				b := make([]byte, 10)
				for i := 0; len(got) < 4; i++ {
					n, err := theirs.Read(b)
					if err != nil {
						got = append(got, "closed", time.Since(begun).String())
						break
					}
					if string(b[:n]) != "\r\n\r\n" {
						t.Errorf("%q", b[:n])
					}
					got = append(got, time.Since(begun).String())
					if i < c.pongs {
						_, _ = theirs.Write([]byte("\r\n"))
					}
				}
				if all := strings.Join(got, " "); all != c.want {
					t.Errorf("got %q, want %q", all, c.want)
				}
				_ = p.Close()
				<-heard
			})
		})
	}
}

func TestDownAddressesComeLast(t *testing.T) {
	at := func(n byte) hop {
		return hop{network: "udp", addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, n}), 5060)}
	}
	synctest.Test(t, func(t *testing.T) {
		h, hops := newHealth(), []hop{at(1), at(2), at(3)}
		h.mark(at(1), false)
		h.mark(at(2), false)
		h.mark(at(2), true)
		h.downLast(hops)
		if fmt.Sprint(hops) != fmt.Sprint([]hop{at(2), at(3), at(1)}) {
			t.Error(hops)
		}
		time.Sleep(avoided)
		hops = []hop{at(1), at(2)}
		if h.downLast(hops); hops[0] != at(1) {
			t.Error("avoided for ever")
		}
	})
}
