package sipdoor

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/media"
)

var origin = regexp.MustCompile(`(?m)^o=- (\d+) (\d+) `)

// RFC 3261 §14.2, RFC 3264 §8: an INVITE without an offer in mid-call is answered by an offer of ours that keeps to what was said before,
// with the next version where it differs; the ACK's answer says where sound goes from then on, and in which codec.
func TestReinviteWithoutAnOffer(t *testing.T) {
	legs := make(chan media.Leg, 1)
	p := newPhone(t, open(t, pickUp(legs)))
	first, second := listenAt(t, "127.0.0.1"), listenAt(t, "127.0.0.1")
	p.request("INVITE", req{body: first.sdp("sendrecv")})
	ok := p.expect("200 OK")
	p.ack(ok)
	if !first.hears(patience) {
		t.Fatal("no sound")
	}
	p.request("INVITE", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
	late := p.answer()
	was, is := origin.FindStringSubmatch(ok.body), origin.FindStringSubmatch(late.body)
	if was == nil || is == nil || was[1] != is[1] || len(is[2]) == len(was[2]) && is[2] <= was[2] {
		t.Errorf("origin %q after %q", is, was)
	}
	if !strings.Contains(late.body, "RTP/AVP 0 8 101") || !strings.Contains(late.body, "a=sendrecv") {
		t.Errorf("offer:\n%s", late.body)
	}
	p.request("UPDATE", req{uri: ok.uri("contact"), toTag: ok.tag("to"), body: first.sdp("sendrecv")})
	p.expectOf("491", "cseq", "UPDATE") // RFC 3311 §5.2: our offer waits for its answer
	answer := strings.Replace(second.sdp("sendrecv"), "RTP/AVP 0 101", "RTP/AVP 8 101", 1)
	p.request("ACK", req{seq: seqOf(t, late), toTag: ok.tag("to"), body: answer})
	if n, kind := second.packet(); n == 0 || kind != 8 {
		t.Errorf("%d bytes of payload type %d at the new address", n, kind)
	}
	first.drain()
	if first.hears(fleeting) {
		t.Error("sound at the old address")
	}
	p.bye(ok)
}

// RFC 3261 §14.2 with §13.2.2.4: an answer that cannot be used, or none, ends the call.
func TestReinviteWithoutAnOfferWhoseAckDoesNotAnswer(t *testing.T) {
	for name, answer := range map[string]string{"none": "", "of no use": savpSDP} {
		t.Run(name, func(t *testing.T) {
			legs := make(chan media.Leg, 1)
			p := newPhone(t, open(t, pickUp(legs)))
			ok := p.dial()
			leg := get(t, "the leg", legs)
			p.request("INVITE", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
			late := p.answer()
			p.request("ACK", req{seq: seqOf(t, late), toTag: ok.tag("to"), body: answer})
			p.reply(p.expect("BYE"), "200 OK", "", "")
			get(t, "the end", leg.Done())
		})
	}
}

// seqOf is the number in a message's CSeq.
func seqOf(t *testing.T, m *message) (n int) {
	t.Helper()
	if _, err := fmt.Sscan(m.get("cseq"), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// packet reads one packet: its size and its payload type.
func (e *ear) packet() (size int, payloadType byte) {
	e.t.Helper()
	_ = e.pc.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 1500)
	n, _, err := e.pc.ReadFrom(b)
	if err != nil || n < 12 {
		return 0, 0
	}
	return n, b[1] & 0x7F
}
