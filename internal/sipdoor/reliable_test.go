package sipdoor

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/media"
)

const requires100rel = "Require: 100rel"

// answersWhen rings at once and picks up when it is told to.
func answersWhen(up <-chan struct{}, legs chan media.Leg) answers {
	return func(in media.Incoming) {
		_ = in.Ring()
		select {
		case <-up:
		case <-in.Gone():
			return
		}
		leg, err := in.Answer(context.Background())
		if err != nil {
			return
		}
		legs <- leg
		<-leg.Done()
	}
}

func (p *phone) prack(res *message, body string) {
	p.t.Helper()
	rack := fmt.Sprintf("RAck: %s %s", res.get("rseq"), res.get("cseq"))
	p.request("PRACK", req{uri: res.uri("contact"), toTag: res.tag("to"), body: body, extra: []string{rack}})
}

func (p *phone) bye(ok *message) {
	p.t.Helper()
	p.request("BYE", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
	p.expectOf("200 OK", "cseq", "BYE")
}

func TestWhenProvisionalResponsesAreReliable(t *testing.T) {
	for _, c := range []struct {
		name, header string
		use          Reliable
		status       string
		reliable     bool
	}{
		{"RFC 3262 §3: the caller requires it", requires100rel, ReliableIfRequired, "180", true},
		{"the caller supports it", "Supported: timer, 100rel", ReliableIfRequired, "180", false},
		{"the caller supports it, and we like it", "Supported: timer, 100rel", ReliableIfSupported, "180", true},
		{"the caller does not know it", "Supported: timer", ReliableIfSupported, "180", false},
		{"RFC 3261 §8.2.2.3: we do not want it", requires100rel, ReliableNever, "420", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			up, legs := make(chan struct{}), make(chan media.Leg, 1)
			p := newPhone(t, open(t, answersWhen(up, legs), func(cfg *Config, _ *Deps) { cfg.Reliable = c.use }))
			branch := p.request("INVITE", req{body: plainSDP, extra: []string{c.header}})
			res := p.expect(c.status)
			if got := res.get("rseq") != "" && res.get("require") == "100rel"; got != c.reliable {
				t.Errorf("%v", res.header)
			}
			if c.status == "420" {
				p.request("ACK", req{branch: branch, seq: p.seq, toTag: res.tag("to")})
				return
			}
			close(up)
			ok := p.expect("200 OK")
			p.request("ACK", req{seq: 1, toTag: ok.tag("to")})
			p.bye(ok)
		})
	}
}

// RFC 3262 §3: it is repeated until its PRACK, which has the numbers of that response.
func TestReliableResponseIsRepeatedUntilItsPrack(t *testing.T) {
	up, legs := make(chan struct{}), make(chan media.Leg, 1)
	p := newPhone(t, open(t, answersWhen(up, legs)))
	p.request("INVITE", req{body: plainSDP, extra: []string{requires100rel}})
	ringing := p.expect("180")
	if again := p.expect("180"); again.get("rseq") != ringing.get("rseq") || again.get("cseq") != ringing.get("cseq") {
		t.Errorf("RSeq %s, then %s", ringing.get("rseq"), again.get("rseq"))
	}
	p.request("PRACK", req{uri: ringing.uri("contact"), toTag: ringing.tag("to"), extra: []string{"RAck: 7 1 INVITE"}})
	p.expect("481")
	p.prack(ringing, "")
	p.expectOf("200 OK", "cseq", "PRACK")
	p.silent("180")
	p.prack(ringing, "")
	p.expect("481")
	close(up)
	ok := p.expectOf("200 OK", "cseq", "INVITE")
	p.request("ACK", req{seq: 1, toTag: ok.tag("to")})
	p.bye(ok)
}

// RFC 3262 §3: without a PRACK for 64*T1 the INVITE is refused.
func TestReliableResponseWithoutPrackRefusesTheCall(t *testing.T) {
	p := newPhone(t, open(t, answersWhen(nil, nil), func(c *Config, _ *Deps) { c.Timers.T1 = 5 * time.Millisecond }))
	branch := p.request("INVITE", req{body: plainSDP, extra: []string{requires100rel}})
	res := p.expect("504")
	p.request("ACK", req{branch: branch, seq: p.seq, toTag: res.tag("to")})
}

// RFC 3261 §13.2.1 and RFC 3262 §5: without an offer in the INVITE ours is in the first reliable response and the answer in the PRACK,
// before which there is no 200.
func TestOfferInAReliableResponse(t *testing.T) {
	up, legs := make(chan struct{}), make(chan media.Leg, 1)
	p, e := newPhone(t, open(t, answersWhen(up, legs))), listenAt(t, "127.0.0.1")
	p.request("INVITE", req{extra: []string{requires100rel}})
	ringing := p.expect("180")
	if !strings.Contains(ringing.body, "RTP/AVP 0 8 101") {
		t.Errorf("offer: %q", ringing.body)
	}
	close(up)
	p.silent("200")
	p.prack(ringing, savpSDP)
	p.expect("488")
	p.request("UPDATE", req{uri: ringing.uri("contact"), toTag: ringing.tag("to"), body: e.sdp("sendrecv")})
	p.expect("491") // RFC 3311 §5.2: our offer waits
	p.prack(ringing, e.sdp("sendrecv"))
	p.expectOf("200 OK", "cseq", "PRACK")
	ok := p.expectOf("200 OK", "cseq", "INVITE")
	if ok.body != "" {
		t.Errorf("a second offer or answer: %q", ok.body)
	}
	p.request("ACK", req{seq: 1, toTag: ok.tag("to")})
	if !e.hears(patience) {
		t.Error("no sound")
	}
	p.bye(ok)
}

// RFC 3262 §4: our INVITE supports it; each reliable response gets its PRACK, in order; a repeated one none of its own.
func TestReliableResponsesGetTheirPrack(t *testing.T) {
	d, p, e := open(t, nil), newPhone(t, nil), listenAt(t, "127.0.0.1")
	c := place(t, d, trunkAt(p))
	invite := p.expect("INVITE")
	if !in(invite.get("supported"), "100rel") {
		t.Errorf("Supported: %q", invite.get("supported"))
	}
	p.reply(invite, "183 Session Progress", "a", e.sdp("sendrecv"), requires100rel, "RSeq: 900")
	prack := p.expect("PRACK sip:trunk@")
	if want := "900 " + invite.get("cseq"); prack.get("rack") != want || prack.tag("to") != "a" {
		t.Errorf("RAck %q, want %q; To %q", prack.get("rack"), want, prack.get("to"))
	}
	p.reply(prack, "200 OK", "", "")
	p.reply(invite, "183 Session Progress", "a", e.sdp("sendrecv"), requires100rel, "RSeq: 900")
	p.reply(invite, "180 Ringing", "a", "", requires100rel, "RSeq: 902") // 901 is not there yet
	p.silent("PRACK")
	p.reply(invite, "180 Ringing", "a", "", requires100rel, "RSeq: 901")
	p.reply(p.expectOf("PRACK", "rack", "901"), "200 OK", "", "")
	p.reply(invite, "200 OK", "a", "") // the answer was in the 183
	p.expect("ACK")
	get(t, "the leg", c.done)
	if c.err != nil || !e.hears(patience) {
		t.Errorf("%v, or no sound", c.err)
	}
	p.hangUp(invite)
	p.expect("200 OK")
}

// RFC 3261 §13.2.1, RFC 6337 §3.1: which description is the answer.
func TestEarlyMediaIsNoAnswer(t *testing.T) {
	for _, c := range []struct {
		name           string
		early          []string // headers of the 183
		tag            string   // of the 200
		final          bool     // the 200 has a description of its own
		atEarly, fails bool
	}{
		{"an unreliable 183 is only a preview", nil, "a", true, false, false},
		{"a 200 without any means the one that was seen before", nil, "a", false, true, false},
		{"another phone's preview is not the answer", nil, "b", false, false, true},
		{"a reliable 183 is the answer, whatever follows", []string{requires100rel, "RSeq: 1"}, "a", true, true, false},
		{"a reliable 183 of another phone is not", []string{requires100rel, "RSeq: 1"}, "b", true, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, p, first, second := open(t, nil), newPhone(t, nil), listenAt(t, "127.0.0.1"), listenAt(t, "127.0.0.1")
			call := place(t, d, trunkAt(p))
			invite := p.expect("INVITE")
			p.reply(invite, "183 Session Progress", "a", first.sdp("sendrecv"), c.early...)
			if c.early != nil {
				p.reply(p.expect("PRACK"), "200 OK", "", "")
			}
			if first.hears(fleeting) {
				t.Error("sound before the answer")
			}
			body := ""
			if c.final {
				body = second.sdp("sendrecv")
			}
			p.reply(invite, "200 OK", c.tag, body)
			p.expect("ACK")
			get(t, "the leg", call.done)
			if c.fails {
				p.reply(p.expect("BYE"), "200 OK", "", "")
				return
			}
			heard := second
			if c.atEarly {
				heard = first
			}
			if call.err != nil || !heard.hears(patience) {
				t.Errorf("%v, or no sound at the right place", call.err)
			}
			go func() { _ = call.leg.Hangup(context.Background()) }()
			p.reply(p.expect("BYE"), "200 OK", "", "")
			get(t, "the end", call.leg.Done())
		})
	}
}
