package sipdoor

import (
	"errors"
	"strings"
	"testing"

	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/sipdoor/stream"
)

// keyless is an offer without telephone-event.
const keyless = "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 40000 RTP/AVP 8 0\n"

func TestInfoPressesKeys(t *testing.T) {
	legs := make(chan media.Leg, 1)
	p := newPhone(t, open(t, pickUp(legs)))
	p.request("INVITE", req{body: keyless})
	ok := p.expect("200 OK")
	p.ack(ok)
	leg := get(t, "the leg", legs)
	for _, c := range []struct{ name, kind, body, status, key string }{
		{"application/dtmf-relay", "application/dtmf-relay", "Signal=5\nDuration=160\n", "200", "5"},
		{"with spaces, as some write it", "Application/DTMF-Relay", "Signal= # \nDuration= 160\n", "200", "#"},
		{"the duration first", "application/dtmf-relay", "Duration=160\nSignal=d\n", "200", "D"},
		{"star by its event number", "application/dtmf-relay", "Signal=10\n", "200", "*"},
		{"application/dtmf", "application/dtmf", "7", "200", "7"},
		{"no key", "application/dtmf-relay", "Signal=x\n", "400", ""},
		{"several keys", "application/dtmf", "77", "400", ""},
		{"another type (RFC 6086 §4.2.1)", "application/media_control+xml", "<x/>", "415", ""},
	} {
		p.request("INFO", req{uri: ok.uri("contact"), toTag: ok.tag("to"), body: c.body, extra: []string{"Content-Type: " + c.kind}})
		m := p.expectOf("SIP/2.0 ", "cseq", "INFO") // not a 200 repeated to the INVITE
		if !strings.HasPrefix(m.start, "SIP/2.0 "+c.status) || c.status == "415" && m.get("accept") == "" {
			t.Errorf("%s: %s", c.name, m.start)
		}
		select {
		case k := <-leg.Digits():
			if string(k) != c.key {
				t.Errorf("%s: key %c", c.name, k)
			}
		default:
			if c.key != "" {
				t.Errorf("%s: no key", c.name)
			}
		}
	}
	p.request("INFO", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
	p.expect("200 OK")
	p.leaves(ok)
}

// leaves ends a call.
func (p *phone) leaves(ok *message) {
	p.t.Helper()
	p.request("BYE", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
	p.expect("200 OK")
}

func TestKeysOfOursGoByInfoWhereThePeerAllowsIt(t *testing.T) {
	for _, c := range []struct {
		name, body, allow string
		info              bool
		err               error
	}{
		{"no telephone-event, INFO allowed", keyless, "Allow: INVITE, ACK, BYE, INFO", true, nil},
		{"no telephone-event, no INFO", keyless, "Allow: INVITE, ACK, BYE", false, stream.ErrDigit},
		{"telephone-event goes before INFO", plainSDP, "Allow: INVITE, ACK, BYE, INFO", false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			legs := make(chan media.Leg, 1)
			p := newPhone(t, open(t, pickUp(legs)))
			p.request("INVITE", req{body: c.body, extra: []string{c.allow}})
			ok := p.expect("200 OK")
			p.ack(ok)
			leg := get(t, "the leg", legs)
			if err := leg.SendDigit(t.Context(), '9'); !errors.Is(err, c.err) {
				t.Error(err)
			}
			if !c.info {
				p.silent("INFO")
				p.leaves(ok)
				return
			}
			m := p.expect("INFO")
			if m.get("content-type") != "application/dtmf-relay" || !strings.HasPrefix(m.body, "Signal=9\r\n") {
				t.Errorf("%s\n%s", m.get("content-type"), m.body)
			}
			p.reply(m, "200 OK", "", "")
			if err := leg.SendDigit(t.Context(), 'x'); !errors.Is(err, stream.ErrDigit) {
				t.Error(err)
			}
			p.leaves(ok)
		})
	}
}
