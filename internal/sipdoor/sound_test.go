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

// ear is a socket where RTP may arrive.
type ear struct {
	t  *testing.T
	pc net.PacketConn
}

func listenAt(t *testing.T, ip string) *ear {
	t.Helper()
	pc, err := net.ListenPacket("udp4", ip+":0")
	if err != nil {
		t.Skip("no second loopback address: ", err)
	}
	t.Cleanup(func() { _ = pc.Close() })
	return &ear{t, pc}
}

func (e *ear) sdp(direction string) string {
	a := e.pc.LocalAddr().(*net.UDPAddr)
	return fmt.Sprintf("v=0\no=- 1 1 IN IP4 %s\ns=-\nc=IN IP4 %s\nt=0 0\nm=audio %d RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\na=%s\n",
		a.IP, a.IP, a.Port, direction)
}

// hears says whether a packet comes within a time.
func (e *ear) hears(within time.Duration) bool {
	e.t.Helper()
	_ = e.pc.SetReadDeadline(time.Now().Add(within))
	_, _, err := e.pc.ReadFrom(make([]byte, 1500))
	return err == nil
}

func (e *ear) drain() {
	for end := time.Now().Add(fleeting / 2); time.Now().Before(end); {
		e.hears(time.Until(end))
	}
}

func TestHoldAndResume(t *testing.T) {
	unspecified := func(e *ear) string {
		return strings.Replace(e.sdp("sendrecv"), "c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0", 1)
	}
	for _, c := range []struct {
		name, answer string
		hold         func(e *ear) string
		sends        bool
	}{
		{"sendonly", "a=recvonly", func(e *ear) string { return e.sdp("sendonly") }, false},
		{"inactive", "a=inactive", func(e *ear) string { return e.sdp("inactive") }, false},
		{"address 0.0.0.0", "a=recvonly", unspecified, false},
		{"recvonly", "a=sendonly", func(e *ear) string { return e.sdp("recvonly") }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			legs := make(chan media.Leg, 1)
			p, e := newPhone(t, open(t, pickUp(legs))), listenAt(t, "127.0.0.1")
			p.request("INVITE", req{body: e.sdp("sendrecv")})
			ok := p.expect("200 OK")
			p.ack(ok)
			if !e.hears(patience) {
				t.Fatal("no sound")
			}
			again := func(body, want string) {
				t.Helper()
				p.request("INVITE", req{uri: ok.uri("contact"), toTag: ok.tag("to"), body: body})
				m := p.answer()
				if !strings.Contains(m.body, want) {
					t.Errorf("answer lacks %s:\n%s", want, m.body)
				}
				p.ack(m)
				e.drain()
			}
			again(c.hold(e), c.answer)
			if e.hears(fleeting) != c.sends {
				t.Errorf("sound while held: %v", !c.sends)
			}
			again(e.sdp("sendrecv"), "a=sendrecv")
			if !e.hears(patience) {
				t.Error("no sound after the hold")
			}
			p.request("BYE", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
			p.expect("200 OK")
		})
	}
}

func TestReinviteThatCannotBeServedLeavesTheCall(t *testing.T) {
	legs := make(chan media.Leg, 1)
	p := newPhone(t, open(t, pickUp(legs)))
	ok := p.dial()
	leg := get(t, "the leg", legs)
	branch := p.request("INVITE", req{uri: ok.uri("contact"), toTag: ok.tag("to"), body: savpSDP})
	m := p.expect("488")
	p.request("ACK", req{branch: branch, seq: p.seq, toTag: m.tag("to")})
	p.request("INVITE", req{uri: ok.uri("contact"), toTag: ok.tag("to"), body: plainSDP})
	p.ack(p.answer())
	select {
	case <-leg.Done():
		t.Error("the call ended")
	default:
	}
	p.request("SUBSCRIBE", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
	p.expect("405")
	p.request("OPTIONS", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
	p.expect("200")
	p.request("OPTIONS", req{uri: ok.uri("contact"), toTag: ok.tag("to"), seq: 1})
	p.expect("500 Request Out of Order")
	p.request("BYE", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
	p.expect("200 OK")
}

func TestReinviteBeforeTheAckIsPending(t *testing.T) {
	legs := make(chan media.Leg, 1)
	p := newPhone(t, open(t, pickUp(legs)))
	p.request("INVITE", req{body: plainSDP})
	ok := p.expect("200 OK")
	p.request("INVITE", req{uri: ok.uri("contact"), toTag: ok.tag("to"), body: plainSDP})
	p.expect("491")
	p.seq--
	p.ack(ok)
	p.request("BYE", req{uri: ok.uri("contact"), toTag: ok.tag("to"), seq: 9})
	p.expect("200 OK")
}

func TestReinviteWhoseAckIsLostEndsTheCall(t *testing.T) {
	legs := make(chan media.Leg, 1)
	p := newPhone(t, open(t, pickUp(legs)))
	ok := p.dial()
	p.request("INVITE", req{uri: ok.uri("contact"), toTag: ok.tag("to"), body: plainSDP})
	p.expect("200 OK")
	p.expect("200 OK")
	p.reply(p.expect("BYE"), "200 OK", "", "")
	get(t, "the end", get(t, "the leg", legs).Done())
}

func TestOfferFollowsInTheAnswer(t *testing.T) {
	legs := make(chan media.Leg, 1)
	p, e := newPhone(t, open(t, pickUp(legs))), listenAt(t, "127.0.0.1")
	p.request("INVITE", req{})
	ok := p.expect("200 OK")
	if !strings.Contains(ok.body, "RTP/AVP 0 8 101") {
		t.Errorf("offer:\n%s", ok.body)
	}
	if e.hears(fleeting) {
		t.Error("sound before the answer")
	}
	p.request("ACK", req{seq: p.seq, toTag: ok.tag("to"), body: e.sdp("sendrecv")})
	if !e.hears(patience) {
		t.Error("no sound")
	}
	p.request("BYE", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
	p.expect("200 OK")
}

func TestAckWithoutTheAnswerItOwesEndsTheCall(t *testing.T) {
	legs := make(chan media.Leg, 1)
	p := newPhone(t, open(t, pickUp(legs)))
	p.request("INVITE", req{})
	p.ack(p.expect("200 OK"))
	p.reply(p.expect("BYE"), "200 OK", "", "")
}

// TestSoundGoesOnlyWhereItMay names an address that is not the caller's: 127.0.0.2.
func TestSoundGoesOnlyWhereItMay(t *testing.T) {
	foreign := func(a netip.Addr) bool { return a == netip.MustParseAddr("127.0.0.2") }
	for _, c := range []struct {
		name  string
		allow func(netip.Addr) bool
		trunk bool
		sent  bool
	}{
		{"not to a stranger", nil, false, false},
		{"to a network that the operator allows", foreign, false, true},
		{"to the networks of the call's trunk", nil, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			legs := make(chan media.Leg, 1)
			e := listenAt(t, "127.0.0.2")
			d := open(t, pickUp(legs), func(_ *Config, deps *Deps) {
				deps.MediaAllowed = c.allow
				if c.trunk {
					proxy := "127.0.0.2"
					deps.Trunks = func(context.Context) ([]Trunk, error) {
						return []Trunk{{SIPTrunk: parley.SIPTrunk{ID: "t", Domain: "127.0.0.1", OutboundProxy: &proxy}}}, nil
					}
				}
			})
			p := newPhone(t, d)
			p.request("INVITE", req{body: e.sdp("sendrecv")})
			ok := p.expect("200 OK")
			p.ack(ok)
			within := fleeting
			if c.sent {
				within = patience
			}
			if e.hears(within) != c.sent {
				t.Errorf("sent: %v", !c.sent)
			}
			p.request("BYE", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
			p.expect("200 OK")
		})
	}
}

func TestSilentCallEndsWithBye(t *testing.T) {
	legs := make(chan media.Leg, 1)
	p := newPhone(t, open(t, pickUp(legs), func(c *Config, _ *Deps) { c.MediaTimeout = 100 * time.Millisecond }))
	p.dial()
	p.reply(p.expect("BYE"), "200 OK", "", "")
	if leg := get(t, "the leg", legs); leg.Cause() != media.EndSilence {
		t.Error(leg.Cause())
	}
}

func TestExternalAddressIsWritten(t *testing.T) {
	legs := make(chan media.Leg, 1)
	p := newPhone(t, open(t, pickUp(legs), func(c *Config, _ *Deps) { c.ExternalIP = netip.MustParseAddr("192.0.2.7") }))
	p.request("INVITE", req{body: plainSDP})
	ok := p.expect("200 OK")
	if !strings.Contains(ok.body, "c=IN IP4 192.0.2.7") || !strings.Contains(ok.get("contact"), "@192.0.2.7:") {
		t.Errorf("%s\n%s", ok.get("contact"), ok.body)
	}
	p.request("ACK", req{seq: p.seq, toTag: ok.tag("to")})
	leg := get(t, "the leg", legs)
	told := make(chan error, 1)
	go func() { told <- leg.Hangup(context.Background()) }()
	bye := p.expect("BYE")
	if !strings.Contains(bye.get("via"), "192.0.2.7:") {
		t.Error(bye.get("via"))
	}
	p.reply(bye, "200 OK", "", "")
	get(t, "the return of Hangup", told)
}

// TestContactBehindNAT has the caller name an address that nobody can reach: its BYE goes to where it speaks from.
func TestContactBehindNAT(t *testing.T) {
	for _, contact := range []string{"192.168.77.3:5060", "10.1.1.1", "nowhere.invalid"} {
		t.Run(contact, func(t *testing.T) {
			legs := make(chan media.Leg, 1)
			p := newPhone(t, open(t, pickUp(legs)))
			p.write("INVITE sip:1@127.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 192.168.77.3:5060;branch=z9hG4bKnat;rport\nFrom: <sip:2@x>;tag=their-tag\nTo: <sip:1@x>\n" +
				"Call-ID: " + p.call + "\nCSeq: 1 INVITE\nContact: <sip:phone@" + contact + ">\nContent-Type: application/sdp\n\n" + plainSDP)
			ok := p.expect("200 OK")
			if !strings.Contains(ok.get("via"), "received=127.0.0.1") {
				t.Error(ok.get("via"))
			}
			p.seq = 1
			p.ack(ok)
			leg := get(t, "the leg", legs)
			told := make(chan error, 1)
			go func() { told <- leg.Hangup(context.Background()) }()
			bye := p.expect("BYE sip:phone@" + contact)
			p.reply(bye, "200 OK", "", "")
			get(t, "the return of Hangup", told)
		})
	}
}

func TestViaOfAnotherHostGetsReceived(t *testing.T) {
	p := newPhone(t, open(t, nil))
	p.write("OPTIONS sip:x@127.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP elsewhere.invalid:" + fmt.Sprint(p.addr().Port()) + ";branch=z9hG4bKrec\n" +
		"From: <sip:2@x>;tag=1\nTo: <sip:1@x>\nCall-ID: a\nCSeq: 1 OPTIONS\n\n")
	if m := p.expect("200"); !strings.Contains(m.get("via"), "received=127.0.0.1") {
		t.Error(m.get("via"))
	}
}
