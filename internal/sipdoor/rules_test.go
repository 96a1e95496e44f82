package sipdoor

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
)

const savpSDP = "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 40000 RTP/SAVP 0\n"

func TestRefusals(t *testing.T) {
	reject := func(r media.Refusal) answers { return func(in media.Incoming) { _ = in.Reject(r) } }
	for _, c := range []struct {
		name, method string
		serve        answers
		opt          req
		status       string
		header       string // "Name: part of its value"
	}{
		{"an unknown number", "INVITE", reject(media.RefuseUnknownNumber), req{body: plainSDP}, "404", ""},
		{"a number without an agent", "INVITE", reject(media.RefuseNoAgent), req{body: plainSDP}, "480", ""},
		{"no capacity", "INVITE", reject(media.RefuseNoCapacity), req{body: plainSDP}, "503", "Retry-After: "},
		{"a fault", "INVITE", reject(media.RefuseFault), req{body: plainSDP}, "500", ""},
		{"forbidden", "INVITE", reject(media.RefuseForbidden), req{body: plainSDP}, "403", ""},
		{"busy", "INVITE", reject(media.RefuseBusy), req{body: plainSDP}, "486", ""},
		{"an answerer that decides nothing", "INVITE", func(media.Incoming) {}, req{body: plainSDP}, "500", ""},
		{"an answerer that panics", "INVITE", func(media.Incoming) { panic("test") }, req{body: plainSDP}, "500", ""},
		{"SRTP", "INVITE", nil, req{body: savpSDP}, "488", `Warning: "no usable SRTP"`},
		{"a sips address", "INVITE", nil, req{body: plainSDP, uri: "sips:1@127.0.0.1"}, "488", `Warning: "no usable SRTP"`},
		{"no common codec", "INVITE", nil, req{body: "v=0\nc=IN IP4 127.0.0.1\nm=audio 4000 RTP/AVP 18\n"}, "488", "Warning: codec"},
		{"no audio", "INVITE", nil, req{body: "v=0\nc=IN IP4 127.0.0.1\nm=video 4000 RTP/AVP 0\n"}, "488", ""},
		{"a body that is no description", "INVITE", nil, req{body: "hello"}, "488", ""},
		{"another type of body", "INVITE", nil, req{body: plainSDP, extra: []string{"Content-Type: text/plain"}}, "415", "Accept: application/sdp"},
		{"unknown extensions", "INVITE", nil, req{body: plainSDP, extra: []string{"Require: sec-agree, precondition"}}, "420",
			"Unsupported: sec-agree, precondition"},
		{"one of them is known", "INVITE", nil, req{body: plainSDP, extra: []string{"Require: precondition, 100rel"}}, "420", "Unsupported: precondition"},
		{"an UPDATE without a call", "UPDATE", nil, req{}, "481", ""},
		{"a PRACK without a call", "PRACK", nil, req{}, "481", ""},
		{"an extension for proxies", "OPTIONS", nil, req{extra: []string{"Proxy-Require: x"}}, "420", "Unsupported: x"},
		{"an unknown method", "MESSAGE", nil, req{}, "405", "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS"},
		{"an invented method", "NEWMETHOD", nil, req{}, "501", "Allow: INVITE"},
		{"a registration with us", "REGISTER", nil, req{}, "405", ""},
		{"OPTIONS", "OPTIONS", nil, req{}, "200", "Allow: INVITE"},
		{"a BYE without a call", "BYE", nil, req{toTag: "none"}, "481", ""},
		{"a BYE without a tag", "BYE", nil, req{}, "481", ""},
		{"an INVITE in a call that is not there", "INVITE", nil, req{toTag: "none", body: plainSDP}, "481", ""},
		{"another scheme", "INVITE", nil, req{uri: "http://127.0.0.1/", body: plainSDP}, "416", ""},
		{"a repeated header", "OPTIONS", nil, req{extra: []string{"Call-ID: other"}}, "400", ""},
		{"methods that differ", "OPTIONS", nil, req{extra: []string{"CSeq: 1 INVITE"}}, "400", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.serve == nil {
				c.serve = func(in media.Incoming) { _ = in.Reject(media.RefuseFault) }
			}
			p := newPhone(t, open(t, c.serve))
			branch := p.request(c.method, c.opt)
			m := p.expect("SIP/2.0 " + c.status)
			if name, value, ok := strings.Cut(c.header, ": "); ok && !strings.Contains(m.get(name), value) {
				t.Errorf("%s is %q, want %q in it", name, m.get(name), value)
			}
			if m.tag("to") == "" {
				t.Error("no To tag")
			}
			if c.method == "INVITE" {
				p.request("ACK", req{branch: branch, seq: p.seq, toTag: m.tag("to")})
			}
		})
	}
}

func TestMalformedRequests(t *testing.T) {
	d := open(t, nil)
	p := newPhone(t, d)
	head := "OPTIONS sip:x@127.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP " + p.addr().String() + ";branch=z9hG4bK%d;rport\n"
	for i, c := range []struct{ name, status, text string }{
		{"without To", "400", head + "From: <sip:a@b>;tag=1\nCall-ID: a\nCSeq: 1 OPTIONS\n\n"},
		{"without From", "400", head + "To: <sip:a@b>\nCall-ID: a\nCSeq: 1 OPTIONS\n\n"},
		{"without Call-ID", "400", head + "To: <sip:a@b>\nFrom: <sip:a@b>;tag=1\nCSeq: 1 OPTIONS\n\n"},
		{"without CSeq", "400", head + "To: <sip:a@b>\nFrom: <sip:a@b>;tag=1\nCall-ID: a\n\n"},
		{"of another version", "505", strings.Replace(head, "SIP/2.0\nVia", "SIP/7.0\nVia", 1) +
			"To: <sip:a@b>\nFrom: <sip:a@b>;tag=1\nCall-ID: a\nCSeq: 1 OPTIONS\n\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.t = t
			p.write(fmt.Sprintf(c.text, i))
			p.expect("SIP/2.0 " + c.status)
		})
	}
}

func TestInviteWithoutContact(t *testing.T) {
	p := newPhone(t, open(t, func(media.Incoming) {}))
	p.write("INVITE sip:x@127.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP " + p.addr().String() + ";branch=z9hG4bKc;rport\nTo: <sip:a@b>\nFrom: <sip:a@b>;tag=1\n" +
		"Call-ID: a\nCSeq: 1 INVITE\nContent-Length: 0\n\n")
	p.expect("400 Missing Contact")
}

func TestSameInviteByAnotherWayIsALoop(t *testing.T) {
	gone := make(chan struct{})
	p := newPhone(t, open(t, func(media.Incoming) { <-gone }))
	p.request("INVITE", req{body: plainSDP, seq: 1})
	p.expect("100")
	p.request("INVITE", req{body: plainSDP, seq: 1})
	p.expect("482")
	close(gone)
	p.expect("500")
}

func TestFullIsAnsweredBeforeAnyWork(t *testing.T) {
	p := newPhone(t, open(t, func(media.Incoming) { t.Error("served") }, func(_ *Config, deps *Deps) { deps.Full = func() bool { return true } }))
	p.request("INVITE", req{body: plainSDP})
	if m := p.expect("503"); m.get("retry-after") == "" {
		t.Error("no Retry-After")
	}
	p.request("OPTIONS", req{})
	p.expect("503")
}

func TestLimitOfCalls(t *testing.T) {
	legs := make(chan media.Leg, 2)
	p := newPhone(t, open(t, pickUp(legs), func(c *Config, _ *Deps) { c.Limits.Dialogs = 1 }))
	p.dial()
	p.call += "second"
	p.request("INVITE", req{body: plainSDP})
	p.expect("503")
}

// TestCloseEndsCalls runs the order of the end: BYE to who talks, 503 to who rings, and then nothing is left.
func TestCloseEndsCalls(t *testing.T) {
	legs := make(chan media.Leg, 1)
	d, err := New(Config{Addr: "127.0.0.1:0", Timers: quick(), Accept: Accept{Loopback: true}}, Deps{Log: discard(), Answerer: answers(func(in media.Incoming) {
		if in.Invite().NetworkID == "ringing" {
			<-in.Gone()
			return
		}
		pickUp(legs)(in)
	})})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	talking, ringing := newPhone(t, d), newPhone(t, d)
	talking.dial()
	ringing.call = "ringing"
	ringing.request("INVITE", req{body: plainSDP})
	ringing.expect("100")
	stop()
	ringing.expect("503")
	talking.reply(talking.expect("BYE"), "200 OK", "", "")
	if err := get(t, "the end of Run", done); err != nil {
		t.Error(err)
	}
	if leg := get(t, "the leg", legs); leg.Cause() != media.EndLocal {
		t.Error(leg.Cause())
	}
	if _, _, err := d.Dial(context.Background(), media.Target{}, nil); err == nil {
		t.Error("a closed door dials")
	}
}

func TestWhoMayCall(t *testing.T) {
	trunk := func(port int) Trunk {
		return Trunk{SIPTrunk: parley.SIPTrunk{ID: "t1", Domain: "127.0.0.1", Port: port, Transport: "udp"}}
	}
	for _, c := range []struct {
		name   string
		accept Accept
		trunks []Trunk
		status string
		id     string
	}{
		{"loopback", Accept{Loopback: true}, nil, "200", ""},
		{"anyone", Accept{Any: true}, nil, "200", ""},
		{"a network", Accept{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, nil, "200", ""},
		{"a trunk's host", Accept{Trunks: true}, []Trunk{trunk(5060)}, "200", "t1"},
		{"a trunk's host, by a list without trunks", Accept{}, []Trunk{trunk(5060)}, "403", ""},
		{"a stranger", Accept{Trunks: true}, nil, "403", ""},
		{"another network", Accept{Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, nil, "403", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			invites := make(chan media.Invite, 1)
			legs := make(chan media.Leg, 1)
			d := open(t, func(in media.Incoming) { invites <- in.Invite(); pickUp(legs)(in) }, func(cfg *Config, deps *Deps) {
				cfg.Accept = c.accept
				deps.Trunks = func(context.Context) ([]Trunk, error) { return c.trunks, nil }
			})
			p := newPhone(t, d)
			p.request("INVITE", req{body: plainSDP})
			m := p.expect("SIP/2.0 " + c.status)
			p.ack(m)
			if c.status == "200" {
				if inv := get(t, "the invite", invites); inv.TrunkID != c.id {
					t.Errorf("trunk %q", inv.TrunkID)
				}
				p.request("BYE", req{uri: m.uri("contact"), toTag: m.tag("to")})
				p.expect("200")
			}
		})
	}
}

func TestGuessingEndsInSilence(t *testing.T) {
	p := newPhone(t, open(t, nil, func(c *Config, _ *Deps) { c.Accept = Accept{} }))
	for i := range 12 {
		p.request("OPTIONS", req{})
		m := p.next(fleeting)
		switch {
		case i < 10 && (m == nil || !strings.Contains(m.start, "403")):
			t.Fatalf("try %d got %v", i, m)
		case i >= 10 && m != nil:
			t.Fatalf("try %d was answered with %s", i, m.start)
		}
	}
}

func TestFloodOfAStrangerIsDropped(t *testing.T) {
	d := open(t, nil, func(c *Config, _ *Deps) {
		c.Accept = Accept{}
		c.Limits.Rate, c.Limits.Burst = 1, 5
	})
	p := newPhone(t, d)
	for range 50 {
		p.request("OPTIONS", req{})
	}
	n := 0
	for p.next(fleeting) != nil {
		n++
	}
	if n > 6 {
		t.Errorf("%d answers", n)
	}
}

func TestTrunkOfSeveralAtOneAddressIsTheOneWithThePort(t *testing.T) {
	p := newPhone(t, nil)
	invites := make(chan media.Invite, 1)
	at := func(id string, port int) Trunk {
		return Trunk{SIPTrunk: parley.SIPTrunk{ID: id, Domain: "127.0.0.1", Port: port, Transport: "udp"}}
	}
	d := open(t, func(in media.Incoming) { invites <- in.Invite(); _ = in.Reject(media.RefuseBusy) }, func(_ *Config, deps *Deps) {
		deps.Trunks = func(context.Context) ([]Trunk, error) {
			return []Trunk{at("other", 5060), at("ours", int(p.addr().Port()))}, nil
		}
	})
	p.to = net.UDPAddrFromAddrPort(d.Addr())
	p.request("INVITE", req{body: plainSDP})
	p.ack(p.expect("486"))
	if inv := get(t, "the invite", invites); inv.TrunkID != "ours" {
		t.Errorf("trunk %q", inv.TrunkID)
	}
}

func TestTrunkAddedWhileRunningIsKnownAtOnce(t *testing.T) {
	var trunks []Trunk
	read := make(chan struct{}, 100)
	invites := make(chan media.Invite, 1)
	d := open(t, func(in media.Incoming) { invites <- in.Invite(); _ = in.Reject(media.RefuseBusy) }, func(c *Config, deps *Deps) {
		c.Timers.Trunks = time.Hour
		deps.Trunks = func(context.Context) ([]Trunk, error) {
			defer func() { read <- struct{}{} }()
			return trunks, nil
		}
	})
	get(t, "the first reading", read)
	trunks = []Trunk{{SIPTrunk: parley.SIPTrunk{ID: "new", Domain: "127.0.0.1", Port: 5060}}}
	d.TrunksChanged()
	get(t, "the second reading", read)
	for !d.book.has(netip.MustParseAddr("127.0.0.1")) {
		time.Sleep(time.Millisecond)
	}
	p := newPhone(t, d)
	p.request("INVITE", req{body: plainSDP})
	p.ack(p.expect("486"))
	if inv := get(t, "the invite", invites); inv.TrunkID != "new" {
		t.Errorf("trunk %q", inv.TrunkID)
	}
}
