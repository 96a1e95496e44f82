package sipdoor

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
)

// insist sends a request again and again until an answer to its branch comes, as phones do (RFC 3261 §17.1.1.2).
func (p *phone) insist(method string, opt req, what string) *message {
	p.t.Helper()
	p.seq++
	opt.seq, opt.branch = p.seq, fmt.Sprintf("z9hG4bKf%d", time.Now().UnixNano())
	for end := time.Now().Add(patience); time.Now().Before(end); {
		p.request(method, opt)
		for until := time.Now().Add(200 * time.Millisecond); ; {
			m := p.next(time.Until(until))
			if m == nil {
				break
			}
			if strings.Contains(m.start, what) && strings.Contains(m.get("via"), opt.branch) {
				return m
			}
		}
	}
	p.t.Fatalf("no %q came to %s", what, method)
	return nil
}

// TestFloodHarmsNoTrunkAndNoPhone sends tens of thousands of INVITE, REGISTER and OPTIONS a second from strangers, while a trunk and a
// registered phone call.
func TestFloodHarmsNoTrunkAndNoPhone(t *testing.T) {
	legs, all := make(chan media.Leg, 100), newCabinet("a anna one")
	d := open(t, pickUp(legs), all.open, func(c *Config, deps *Deps) {
		c.Accept, c.Limits = Accept{Trunks: true}, Limits{Rate: 5, Burst: 10, Transactions: 400}
		deps.Trunks = func(context.Context) ([]Trunk, error) {
			return []Trunk{{SIPTrunk: parley.SIPTrunk{ID: "t", Domain: "127.0.0.1", Port: 5060, Transport: "udp"}}}, nil
		}
	})
	for !d.book.has(netip.MustParseAddr("127.0.0.1")) {
		time.Sleep(time.Millisecond)
	}
	anna := newPhoneAt(t, d, "127.0.0.3", 0)
	anna.registers("anna", "one")

	var answered atomic.Int64
	begun := time.Now()
	sent, stop := flood(t, d, &answered)
	for sent.Load() < 5000 {
		time.Sleep(time.Millisecond)
	}
	trunk := newPhone(t, d)
	for i := range 20 {
		trunk.call = fmt.Sprintf("trunk%d", i)
		m := trunk.insist("INVITE", req{body: plainSDP}, "200 OK")
		trunk.ack(m)
		trunk.insist("BYE", req{uri: m.uri("contact"), toTag: m.tag("to")}, "SIP/2.0")
	}
	uri := "sip:+15550100@" + anna.to.String()
	m := anna.insist("INVITE", req{body: plainSDP}, "401")
	anna.request("ACK", req{seq: anna.seq, toTag: m.tag("to"), branch: between(m.get("via"), "branch=", ";")})
	m = anna.insist("INVITE", req{body: plainSDP, extra: []string{solve(t, m.get("www-authenticate"), "INVITE", uri, "anna", "one")}}, "200 OK")
	anna.ack(m)
	anna.insist("BYE", req{uri: m.uri("contact"), toTag: m.tag("to")}, "SIP/2.0")
	stop()
	// Each of the two whose answers are counted may have its burst and its rate, and no more, whatever it sends.
	if most := 2 * (10 + 5*time.Since(begun).Seconds() + 1); float64(answered.Load()) > most || answered.Load() == 0 {
		t.Errorf("strangers got %d answers to %d requests, at most %.0f are theirs", answered.Load(), sent.Load(), most)
	}
	t.Logf("%d requests of strangers, %d answered", sent.Load(), answered.Load())
}

func between(s, a, b string) string {
	_, s, _ = strings.Cut(s, a)
	s, _, _ = strings.Cut(s, b)
	return s
}

// flood begins one and returns how many requests were sent, and what ends it. Answers to OPTIONS are counted.
func flood(t *testing.T, d *Door, answered *atomic.Int64) (sent *atomic.Int64, stop func()) {
	t.Helper()
	var wg sync.WaitGroup
	sent = new(atomic.Int64)
	ctx, cancel := context.WithCancel(t.Context())
	for i, method := range []string{"OPTIONS", "OPTIONS", "INVITE", "REGISTER"} {
		pc, err := net.ListenPacket("udp4", fmt.Sprintf("127.0.0.%d:0", 10+i))
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				text := fmt.Sprintf("%s sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%d;rport\r\nFrom: <sip:a@b>;tag=%[3]d\r\nTo: <sip:a@b>\r\n"+
					"Call-ID: %[3]d@%[2]s\r\nCSeq: 1 %[1]s\r\nContact: <sip:a@%[2]s>\r\nContent-Length: 0\r\n\r\n", method, pc.LocalAddr(), n)
				if _, err := pc.WriteTo([]byte(text), net.UDPAddrFromAddrPort(d.Addr())); err == nil {
					sent.Add(1)
				}
				if n%10 == 9 {
					time.Sleep(time.Millisecond) // leaves the machine to others
				}
			}
			_ = pc.Close()
		})
		wg.Go(func() {
			for b := make([]byte, 4096); ; {
				if _, _, err := pc.ReadFrom(b); err != nil {
					return
				}
				if method == "OPTIONS" {
					answered.Add(1)
				}
			}
		})
	}
	return sent, func() { cancel(); wg.Wait() }
}

func TestStrangersTakeHalfOfAllTransactions(t *testing.T) {
	d := open(t, nil, usersOnly(), func(c *Config, _ *Deps) { c.Limits.Transactions = 10 })
	p := newPhone(t, d)
	for range 20 {
		p.request("OPTIONS", req{})
	}
	n := 0
	for m := p.next(fleeting); m != nil; m = p.next(fleeting) {
		n++
	}
	if n != 5 {
		t.Errorf("%d of 20 were answered", n)
	}
}

func TestAnAddressHasATenthOfAllCalls(t *testing.T) {
	legs := make(chan media.Leg, 10)
	d := open(t, pickUp(legs), func(c *Config, _ *Deps) { c.Accept, c.Limits.Dialogs, c.Timers.Close = Accept{Any: true}, 20, fleeting })
	p := newPhone(t, d)
	for i := range 2 {
		p.call = fmt.Sprintf("call%d", i)
		p.dial()
	}
	p.call = "third"
	p.request("INVITE", req{body: plainSDP})
	p.expect("503")
	q := newPhoneAt(t, d, "127.0.0.2", 0)
	q.request("INVITE", req{body: plainSDP})
	q.expect("200 OK")
}

func TestHeadersAreCounted(t *testing.T) {
	p := newPhone(t, open(t, nil))
	for _, c := range []struct {
		header string
		n      int
		status string
	}{
		{"X-A: b", 200, "200"}, {"X-A: b", 300, "400"},
		{"Route: <sip:127.0.0.1;lr>", 60, "200"}, {"Route: <sip:127.0.0.1;lr>", 80, "400"},
		{"Record-Route: <sip:127.0.0.1;lr>", 80, "400"}, {"Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKo", 80, "400"},
	} {
		extra := make([]string, c.n)
		for i := range extra {
			extra[i] = c.header
		}
		p.request("OPTIONS", req{extra: extra})
		if m := p.expect("SIP/2.0 "); !strings.Contains(m.start, c.status) {
			t.Errorf("%d times %q: %s", c.n, c.header, m.start)
		}
	}
}

// TestAStrangersConnectionIsReadSlowly lets a stream past its burst bring no more than its rate.
func TestAStrangersConnectionIsReadSlowly(t *testing.T) {
	d := open(t, nil, usersOnly(), func(c *Config, _ *Deps) { c.Limits.Rate, c.Limits.Burst = 2, 2 }) // 2 KiB, and as much a second
	c, err := net.Dial("tcp4", d.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answers := make(chan time.Time, 100)
	go func() {
		defer close(answers)
		for r := bufio.NewReader(c); ; answers <- time.Now() {
			if _, err := readMessage(r); err != nil {
				return
			}
		}
	}()
	begun, bytes := time.Now(), 0
	for i := range 20 {
		text := fmt.Sprintf("OPTIONS sip:x@y SIP/2.0\r\nVia: SIP/2.0/TCP %s;branch=z9hG4bK%d\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: %[2]d\r\n"+
			"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n", c.LocalAddr(), i)
		bytes += len(text)
		if _, err := c.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond) // so that each is a read of its own
	}
	var last time.Time
	for range 20 {
		last = get(t, "an answer", answers)
	}
	least := time.Duration(float64(bytes-2*pieceOfRate) / (2 * pieceOfRate) * float64(time.Second))
	if took := last.Sub(begun); took < least/2 {
		t.Errorf("%d bytes were taken within %v, want about %v", bytes, took, least)
	}
}

func TestConnectionsOfAnAddressAreBounded(t *testing.T) {
	d := open(t, nil, usersOnly(), func(c *Config, _ *Deps) { c.Limits.Connections = 20 })
	open := 0
	for range 10 {
		c, err := net.Dial("tcp4", d.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetReadDeadline(time.Now().Add(fleeting))
		if _, err := c.Read(make([]byte, 1)); err != nil && strings.Contains(err.Error(), "timeout") {
			open++
		}
	}
	if open != 2 {
		t.Errorf("%d of 10 connections stay open", open)
	}
}
