package sipdoor

import (
	"context"
	"strings"
	"testing"

	"github.com/parley-voice/parley/internal/media"
)

// RFC 3311 §5.2 in a confirmed dialog: hold and resume, refusal, and a new target.
func TestUpdateInACall(t *testing.T) {
	legs := make(chan media.Leg, 1)
	p, e := newPhone(t, open(t, pickUp(legs))), listenAt(t, "127.0.0.1")
	p.request("INVITE", req{body: e.sdp("sendrecv")})
	ok := p.expect("200 OK")
	p.request("UPDATE", req{uri: ok.uri("contact"), toTag: ok.tag("to"), body: e.sdp("sendonly")})
	p.expectOf("200 OK", "cseq", "UPDATE") // our answer is out already, so the offer is answered even before the ACK
	p.request("ACK", req{seq: 1, toTag: ok.tag("to")})
	e.drain()
	if e.hears(fleeting) {
		t.Error("sound while held")
	}
	update := func(body string, want string) *message {
		t.Helper()
		p.request("UPDATE", req{uri: ok.uri("contact"), toTag: ok.tag("to"), body: body})
		return p.expectOf(want, "cseq", "UPDATE")
	}
	m := update(e.sdp("sendrecv"), "200 OK")
	if !strings.Contains(m.body, "a=sendrecv") || m.get("contact") == "" || !strings.Contains(m.get("allow"), "UPDATE") {
		t.Errorf("%v\n%s", m.header, m.body)
	}
	if !e.hears(patience) {
		t.Error("no sound after the hold")
	}
	update(savpSDP, "488") // the call goes on as it was
	if !e.hears(patience) {
		t.Error("no sound after a refused offer")
	}
	if m := update("", "200 OK"); m.body != "" {
		t.Errorf("an answer to no offer: %s", m.body)
	}
	p.bye(ok)
}

// RFC 3311 §5.2, RFC 3264 §8: who was called by us moves its sound to another port, codec and packet length by UPDATE.
func TestUpdateByWhomWeCalled(t *testing.T) {
	d, p, first, second := open(t, nil), newPhone(t, nil), listenAt(t, "127.0.0.1"), listenAt(t, "127.0.0.1")
	c := place(t, d, trunkAt(p))
	invite := p.expect("INVITE")
	p.reply(invite, "200 OK", "a", first.sdp("sendrecv"))
	p.expect("ACK")
	get(t, "the leg", c.done)
	if n, kind := first.packet(); c.err != nil || n != 12+160 || kind != 0 {
		t.Fatalf("%v; %d bytes of payload type %d", c.err, n, kind)
	}
	p.callee("UPDATE", invite, 1, strings.Replace(second.sdp("sendrecv"), "RTP/AVP 0 101", "RTP/AVP 8 101", 1)+"a=ptime:40\n")
	if m := p.expectOf("200 OK", "cseq", "UPDATE"); !strings.Contains(m.body, "RTP/AVP 8 101") || !strings.Contains(m.body, "a=ptime:40") {
		t.Errorf("answer: %s", m.body)
	}
	if n, kind := second.packet(); n != 12+320 || kind != 8 {
		t.Errorf("%d bytes of payload type %d at the new port", n, kind)
	}
	go func() { _ = c.leg.Hangup(context.Background()) }()
	p.reply(p.expect("BYE"), "200 OK", "", "")
}

// RFC 3311 §5.2: who has offered may not be offered to (491), who owes an answer neither (500 with Retry-After).
func TestUpdateWhileAnOfferWaits(t *testing.T) {
	t.Run("theirs, in the INVITE", func(t *testing.T) {
		up, legs := make(chan struct{}), make(chan media.Leg, 1)
		p := newPhone(t, open(t, answersWhen(up, legs)))
		p.request("INVITE", req{body: plainSDP})
		ringing := p.expect("180")
		p.request("UPDATE", req{uri: ringing.uri("contact"), toTag: ringing.tag("to"), body: plainSDP})
		if m := p.expectOf("500", "cseq", "UPDATE"); m.get("retry-after") == "" {
			t.Error("no Retry-After")
		}
		p.request("UPDATE", req{uri: ringing.uri("contact"), toTag: ringing.tag("to")})
		p.expectOf("200", "cseq", "UPDATE") // without an offer it is only a sign of life
		close(up)
		ok := p.expectOf("200 OK", "cseq", "INVITE")
		p.request("ACK", req{seq: 1, toTag: ok.tag("to")})
		p.bye(ok)
	})
	t.Run("ours, in the 200", func(t *testing.T) {
		legs := make(chan media.Leg, 1)
		p := newPhone(t, open(t, pickUp(legs)))
		p.request("INVITE", req{})
		ok := p.expect("200 OK")
		p.request("UPDATE", req{uri: ok.uri("contact"), toTag: ok.tag("to"), body: plainSDP})
		p.expectOf("491", "cseq", "UPDATE")
		p.request("ACK", req{seq: 1, toTag: ok.tag("to"), body: plainSDP})
		p.bye(ok)
	})
	t.Run("ours, in our INVITE", func(t *testing.T) {
		d, p := open(t, nil), newPhone(t, nil)
		c := place(t, d, trunkAt(p))
		invite := p.expect("INVITE")
		p.reply(invite, "180 Ringing", "a", "")
		p.callee("UPDATE", invite, 1, plainSDP)
		p.expect("491")
		p.reply(invite, "486 Busy Here", "a", "")
		c.notAnswered(t)
	})
}

// RFC 3311 §5.1: once a reliable response has brought the answer, the early dialog may be changed by UPDATE before the call is answered.
func TestUpdateOfAnEarlyDialog(t *testing.T) {
	d, p, first, second := open(t, nil), newPhone(t, nil), listenAt(t, "127.0.0.1"), listenAt(t, "127.0.0.1")
	c := place(t, d, trunkAt(p))
	invite := p.expect("INVITE")
	p.reply(invite, "183 Session Progress", "a", first.sdp("sendrecv"), requires100rel, "RSeq: 1")
	p.reply(p.expect("PRACK"), "200 OK", "", "")
	p.callee("UPDATE", invite, 1, second.sdp("sendrecv"))
	if m := p.expectOf("200 OK", "cseq", "UPDATE"); !strings.Contains(m.body, "m=audio") {
		t.Errorf("answer: %q", m.body)
	}
	p.reply(invite, "200 OK", "a", "")
	p.expect("ACK")
	get(t, "the leg", c.done)
	if c.err != nil || !second.hears(patience) {
		t.Errorf("%v, or no sound", c.err)
	}
	p.callee("OPTIONS", invite, 1, "")
	p.expect("500") // the UPDATE has had that number
	go func() { _ = c.leg.Hangup(context.Background()) }()
	p.reply(p.expect("BYE"), "200 OK", "", "")
}
