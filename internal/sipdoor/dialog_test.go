package sipdoor

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
)

// TestRouteSet is RFC 3261 §12.2.1.1: where a request in a dialog goes and what it says.
func TestRouteSet(t *testing.T) {
	uri := func(s string) (u sip.Uri) {
		if err := sip.ParseUri(s, &u); err != nil {
			t.Fatal(err)
		}
		return u
	}
	for _, c := range []struct {
		name, routes string // first hop first
		line, header string
		next         string
	}{
		{"without routes to the target", "", "sip:peer@192.0.2.9", "", "sip:peer@192.0.2.9"},
		{"a loose router leaves the target in the first line", "sip:p1.test;lr sip:p2.test;lr", "sip:peer@192.0.2.9",
			"<sip:p1.test;lr> <sip:p2.test;lr>", "sip:p1.test;lr"},
		{"a strict router takes the first line, the target goes last", "sip:p1.test sip:p2.test;lr", "sip:p1.test",
			"<sip:p2.test;lr> <sip:peer@192.0.2.9>", "sip:p1.test"},
		{"a strict router further on changes nothing", "sip:p1.test;lr sip:p2.test", "sip:peer@192.0.2.9", "<sip:p1.test;lr> <sip:p2.test>", "sip:p1.test;lr"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := peer{target: uri("sip:peer@192.0.2.9")}
			for _, r := range strings.Fields(c.routes) {
				p.routes = append(p.routes, uri(r))
			}
			req := p.request(sip.BYE, "test")
			var routes []string
			for _, h := range req.GetHeaders("Route") {
				routes = append(routes, h.Value())
			}
			next := p.next()
			if req.Recipient.String() != c.line || strings.Join(routes, " ") != c.header || next.String() != c.next {
				t.Errorf("%s with Route %q to %s", req.Recipient.String(), routes, next.String())
			}
		})
	}
}

// TestRecordRoute is RFC 3261 §12.1.1 and §12.1.2: a callee takes the recorded way as it stands and repeats it in its responses, a caller
// reads it backwards; what a later INVITE records changes nothing (§12.2).
func TestRecordRoute(t *testing.T) {
	t.Run("as callee", func(t *testing.T) {
		legs := make(chan media.Leg, 1)
		p := newPhone(t, open(t, pickUp(legs)))
		at := p.addr().String()
		one, two := fmt.Sprintf("Record-Route: <sip:%s;lr;hop=1>", at), fmt.Sprintf("Record-Route: <sip:%s;lr;hop=2>", at)
		p.request("INVITE", req{body: plainSDP, extra: []string{one, two}})
		ok := p.expect("200 OK")
		if got := strings.Join(ok.header["record-route"], " "); !strings.Contains(got, "hop=1") || strings.Index(got, "hop=1") > strings.Index(got, "hop=2") {
			t.Errorf("Record-Route of the 200: %q", got)
		}
		p.ack(ok)
		p.request("INVITE", req{uri: ok.uri("contact"), toTag: ok.tag("to"), body: plainSDP, extra: []string{"Record-Route: <sip:192.0.2.1;lr>"}})
		p.ack(p.expectOf("200 OK", "cseq", "2 INVITE"))
		leg := get(t, "the leg", legs)
		told := make(chan error, 1)
		go func() { told <- leg.Hangup(context.Background()) }()
		bye := p.expect("BYE sip:phone@" + at)
		if got := strings.Join(bye.header["route"], " "); !strings.Contains(got, "hop=1") || strings.Index(got, "hop=1") > strings.Index(got, "hop=2") {
			t.Errorf("Route of the BYE: %q", got)
		}
		p.reply(bye, "200 OK", "", "")
		if err := get(t, "the return of Hangup", told); err != nil {
			t.Error(err)
		}
	})
	t.Run("as caller", func(t *testing.T) {
		d, p := open(t, nil), newPhone(t, nil)
		c := place(t, d, trunkAt(p))
		at := p.addr().String()
		invite := p.expect("INVITE")
		p.reply(invite, "200 OK", "a", plainSDP, fmt.Sprintf("Record-Route: <sip:%s;lr;hop=2>", at), fmt.Sprintf("Record-Route: <sip:%s;lr;hop=1>", at))
		ack := p.expect("ACK sip:trunk@")
		if got := strings.Join(ack.header["route"], " "); !strings.Contains(got, "hop=1") || strings.Index(got, "hop=1") > strings.Index(got, "hop=2") {
			t.Errorf("Route of the ACK: %q", got)
		}
		get(t, "the leg", c.done)
		p.hangUp(invite)
		p.expect("200 OK")
	})
}

// TestWhereResponsesGo is RFC 3261 §18.2.1 and RFC 3581 §4: a Via that is not the source gets received, one that asks for rport gets both.
func TestWhereResponsesGo(t *testing.T) {
	p := newPhone(t, open(t, nil))
	port := p.addr().Port()
	for i, c := range []struct{ name, via, want string }{
		{"rport", "192.0.2.7:9;rport", fmt.Sprintf(";rport=%d;received=127.0.0.1", port)},
		{"rport of the true source", fmt.Sprintf("127.0.0.1:%d;rport", port), fmt.Sprintf(";rport=%d;received=127.0.0.1", port)},
		{"another address", fmt.Sprintf("192.0.2.7:%d", port), ";received=127.0.0.1"},
		{"a name", fmt.Sprintf("phone.test:%d", port), ";received=127.0.0.1"},
		{"the true source", fmt.Sprintf("127.0.0.1:%d", port), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.t = t
			p.write(fmt.Sprintf("OPTIONS sip:x@127.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bKwhere%d\nTo: <sip:a@b>\nFrom: <sip:a@b>;tag=1\n"+
				"Call-ID: where%d\nCSeq: 1 OPTIONS\nContent-Length: 0\n\n", c.via, i, i))
			via := p.expect("200 OK").get("via")
			for _, part := range strings.Split(strings.TrimPrefix(c.want, ";"), ";") {
				if !strings.Contains(via, part) {
					t.Errorf("Via %q lacks %q", via, part)
				}
			}
			if c.want == "" && strings.Contains(via, "received") {
				t.Errorf("Via %q", via)
			}
		})
	}
}

// TestStrangeTags is RFC 3261 §12.2.2: a request with tags of no dialog, or of one that is over, gets 481, and the call goes on.
func TestStrangeTags(t *testing.T) {
	legs := make(chan media.Leg, 1)
	p := newPhone(t, open(t, pickUp(legs)))
	ok := p.dial()
	for _, method := range []string{"BYE", "INVITE", "UPDATE", "INFO", "REFER", "NOTIFY", "PRACK", "OPTIONS"} {
		branch := p.request(method, req{uri: ok.uri("contact"), toTag: ok.tag("to") + "x", body: plainSDP})
		p.expectOf("481", "cseq", method)
		if method == "INVITE" {
			p.request("ACK", req{branch: branch, seq: p.seq, toTag: ok.tag("to") + "x"})
		}
	}
	theirs := p.tag
	p.tag = "stale"
	p.request("BYE", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
	p.expect("481")
	p.tag = theirs
	p.request("BYE", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
	p.expect("200 OK")
	get(t, "the end", get(t, "the leg", legs).Done())
	p.request("BYE", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
	p.expect("481")
}

// TestOurInviteThatComesBackIsALoop is RFC 3261 §6 and §16.3; one with another Request-URI is a call from us to us, which is none.
func TestOurInviteThatComesBackIsALoop(t *testing.T) {
	d, p := open(t, func(in media.Incoming) { _ = in.Reject(media.RefuseBusy) }), newPhone(t, nil)
	c := place(t, d, trunkAt(p))
	invite := p.expect("INVITE")
	uri := strings.Fields(invite.start)[1]
	p.reply(invite, "100 Trying", "", "")
	for _, back := range []struct{ uri, status string }{{uri, "482"}, {"sip:+1@" + d.Addr().String(), "486"}} {
		q := newPhone(t, d)
		branch := q.request("INVITE", req{uri: back.uri, body: plainSDP, extra: []string{"Via: " + invite.get("via")}})
		m := q.expect(back.status)
		q.request("ACK", req{branch: branch, seq: q.seq, uri: back.uri, toTag: m.tag("to")})
	}
	c.stop()
	p.canceled(invite)
}

// TestNoHopsLeft is RFC 4475 §3.3.11: who is the end of the way serves a request that may not go further; 483 is
// for who would pass it on, and as an answer to our call it is a failure.
func TestNoHopsLeft(t *testing.T) {
	p := newPhone(t, open(t, nil))
	p.write("OPTIONS sip:x@127.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP " + p.addr().String() + ";branch=z9hG4bKhops;rport\nTo: <sip:a@b>\nFrom: <sip:a@b>;tag=1\n" +
		"Call-ID: hops\nCSeq: 1 OPTIONS\nMax-Forwards: 0\nContent-Length: 0\n\n")
	p.expect("200 OK")
	for _, status := range []string{"482 Loop Detected", "483 Too Many Hops"} {
		d, trunk := open(t, nil), newPhone(t, nil)
		c := place(t, d, trunkAt(trunk))
		trunk.reply(trunk.expect("INVITE"), status, "a", "")
		if na := c.notAnswered(t); na.Reason != "sip_"+status[:3] {
			t.Errorf("%+v", na)
		}
	}
}

const sixSDP = "v=0\no=- 1 1 IN IP6 ::1\ns=-\nc=IN IP6 ::1\nt=0 0\nm=audio 40000 RTP/AVP 0\n"

// TestIPv6 calls over ::1 both ways, at a door on ::1 and at one on both families: brackets in Via and Contact (RFC 3261 §25.1), and requests
// within the call find their way.
func TestIPv6(t *testing.T) {
	for _, at := range []string{"[::1]:0", "[::]:0"} {
		t.Run(at, func(t *testing.T) {
			legs := make(chan media.Leg, 1)
			d := open(t, pickUp(legs), func(c *Config, _ *Deps) { c.Addr = at })
			target := fmt.Sprintf("[::1]:%d", d.Addr().Port())
			p := newPhoneAt(t, nil, "::1", 0)
			p.to = udpAddr(t, target)
			p.request("INVITE", req{body: sixSDP})
			ok := p.expect("200 OK")
			if !strings.Contains(ok.get("contact"), "@"+target+">") || !strings.Contains(ok.body, "c=IN IP6 ::1") || ok.get("via") == "" {
				t.Errorf("Contact %s\n%s", ok.get("contact"), ok.body)
			}
			p.ack(ok)
			leg := get(t, "the leg", legs)
			told := make(chan error, 1)
			go func() { told <- leg.Hangup(context.Background()) }()
			bye := p.expect("BYE sip:phone@[::1]:")
			if !strings.HasPrefix(bye.get("via"), "SIP/2.0/UDP "+target+";") {
				t.Error(bye.get("via"))
			}
			p.reply(bye, "200 OK", "", "")
			if err := get(t, "the return of Hangup", told); err != nil {
				t.Error(err)
			}
			q := newPhoneAt(t, nil, "::1", 0)
			c := place(t, d, media.Target{
				Trunk: parley.SIPTrunk{ID: "t1", Domain: "::1", Port: int(q.addr().Port()), Transport: "udp"}, From: "+15550100", To: "+12025550177",
			})
			invite := q.expect("INVITE sip:+12025550177@[::1]:")
			if !strings.Contains(invite.get("contact"), "@"+target+">") {
				t.Error(invite.get("contact"))
			}
			q.reply(invite, "200 OK", "a", sixSDP)
			q.expect("ACK sip:trunk@[::1]:")
			get(t, "the leg", c.done)
			if c.err != nil {
				t.Fatal(c.err)
			}
			q.hangUp(invite)
			q.expect("200 OK")
		})
	}
	t.Run("IPv4 at a door on both families", func(t *testing.T) {
		legs := make(chan media.Leg, 1)
		d := open(t, pickUp(legs), func(c *Config, _ *Deps) { c.Addr = "[::]:0" })
		p := newPhone(t, nil)
		p.to = udpAddr(t, fmt.Sprintf("127.0.0.1:%d", d.Addr().Port()))
		ok := p.dial()
		if !strings.Contains(ok.get("contact"), "@127.0.0.1:") {
			t.Error(ok.get("contact"))
		}
		p.request("BYE", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
		p.expect("200 OK")
	})
}
