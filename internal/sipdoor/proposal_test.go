package sipdoor

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/rtpmedia"
)

// holder is what a call can do beside media.Leg.
// onCall sets up a call whose sound the ear hears.
func onCall(t *testing.T, change ...func(*Config, *Deps)) (p *phone, e *ear, ok *message, leg media.Leg) {
	t.Helper()
	legs := make(chan media.Leg, 1)
	p, e = newPhone(t, open(t, pickUp(legs), change...)), listenAt(t, "127.0.0.1")
	p.request("INVITE", req{body: e.sdp("sendrecv")})
	ok = p.expect("200 OK")
	p.ack(ok)
	return p, e, ok, get(t, "the leg", legs)
}

func begin(f func(context.Context) error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f(context.Background()) }()
	return done
}

// level is how loud the next second's packets are, in dBFS.
func (e *ear) level() float64 {
	e.t.Helper()
	var pcm []int16
	buf := make([]byte, 1500)
	for len(pcm) < 4000 {
		_ = e.pc.SetReadDeadline(time.Now().Add(patience))
		n, _, err := e.pc.ReadFrom(buf)
		if err != nil {
			e.t.Fatal(err)
		}
		if p, err := rtpmedia.Parse(buf[:n]); err == nil && p.PayloadType == 0 {
			sound := make([]int16, len(p.Payload))
			audio.PCMU.Decode(sound, p.Payload)
			pcm = append(pcm, sound...)
		}
	}
	return audio.Level(pcm)
}

// RFC 3264 §8.4: we hold by sendonly, and who is held hears music.
func TestWeHoldAndResume(t *testing.T) {
	music := make([]int16, 12345)
	tone := audio.Tone{Rate: 16000, Frequency: 440, Peak: 8000}
	tone.Fill(music)
	for name, c := range map[string]struct {
		music []int16
		loud  bool
	}{"music": {music, true}, "silence": {nil, false}} {
		t.Run(name, func(t *testing.T) {
			p, e, ok, leg := onCall(t, func(cfg *Config, _ *Deps) { cfg.Music = c.music })
			held := begin(leg.(media.Holder).Hold)
			invite := p.expect("INVITE")
			if !strings.Contains(invite.body, "a=sendonly") || invite.tag("to") != "their-tag" {
				t.Errorf("%s\n%s", invite.get("to"), invite.body)
			}
			p.reply(invite, "200 OK", "", e.sdp("recvonly"))
			p.expect("ACK")
			if err := get(t, "the hold", held); err != nil {
				t.Fatal(err)
			}
			e.drain()
			if l := e.level(); l > -30 != c.loud {
				t.Errorf("who is held hears %.0f dBFS", l)
			}
			p.request("INVITE", req{uri: ok.uri("contact"), toTag: ok.tag("to"), body: e.sdp("sendrecv")})
			if m := p.answer(); !strings.Contains(m.body, "a=sendonly") { // RFC 3264 §6.1: we still do not listen
				t.Errorf("answer:\n%s", m.body)
			} else {
				p.ack(m)
			}
			resumed := begin(leg.(media.Holder).Resume)
			invite = p.expect("INVITE")
			if !strings.Contains(invite.body, "a=sendrecv") {
				t.Errorf("offer:\n%s", invite.body)
			}
			p.reply(invite, "200 OK", "", e.sdp("sendrecv"))
			p.reply(invite, "200 OK", "", e.sdp("sendrecv")) // RFC 3261 §13.2.2.4: each 2xx gets an ACK
			p.expect("ACK")
			p.expect("ACK")
			if err := get(t, "the end of the hold", resumed); err != nil {
				t.Fatal(err)
			}
			e.drain()
			if l := e.level(); l > -30 {
				t.Errorf("after the hold there is %.0f dBFS of music", l)
			}
			p.bye(ok)
		})
	}
}

// RFC 3261 §14.1.
func TestOurReinvite(t *testing.T) {
	for _, c := range []struct {
		name   string
		script func(p *phone, e *ear, invite *message)
		err    error
		ended  bool
	}{
		{"491 is tried again after a while", func(p *phone, e *ear, invite *message) {
			p.reply(invite, "491 Request Pending", "", "")
			p.expect("ACK")
			again := p.expect("INVITE")
			p.reply(again, "200 OK", "", e.sdp("recvonly"))
			p.expect("ACK")
		}, nil, false},
		{"a refusal leaves the call as it was", func(p *phone, e *ear, invite *message) {
			p.reply(invite, "488 Not Acceptable Here", "", "")
			p.expect("ACK")
			e.drain()
			if !e.hears(patience) {
				p.t.Error("no sound after a refused offer")
			}
		}, errRefused, false},
		{"481 ends the call", func(p *phone, _ *ear, invite *message) {
			p.reply(invite, "481 Call/Transaction Does Not Exist", "", "")
			p.expect("ACK")
			p.reply(p.expect("BYE"), "481 Call/Transaction Does Not Exist", "", "")
		}, errRefused, true},
		{"silence ends the call", func(p *phone, _ *ear, _ *message) {
			p.reply(p.expect("BYE"), "200 OK", "", "")
		}, errSilent, true},
		{"the far side hangs up meanwhile", func(p *phone, _ *ear, invite *message) {
			p.reply(invite, "100 Trying", "", "")
			p.request("BYE", req{uri: invite.uri("contact"), toTag: invite.tag("from")})
			p.expectOf("200 OK", "cseq", "BYE")
			p.reply(invite, "487 Request Terminated", "", "")
		}, media.ErrEnded, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, e, ok, leg := onCall(t)
			held := begin(leg.(media.Holder).Hold)
			c.script(p, e, p.expect("INVITE"))
			if err := get(t, "the end of the hold", held); !errors.Is(err, c.err) {
				t.Errorf("%v, want %v", err, c.err)
			}
			if c.ended {
				get(t, "the end of the call", leg.Done())
				return
			}
			p.bye(ok)
		})
	}
}

// RFC 3261 §14.2: an INVITE that meets ours gets 491, and so does an offer in an UPDATE (RFC 3311 §5.2).
func TestOffersThatCross(t *testing.T) {
	p, e, ok, leg := onCall(t)
	held := begin(leg.(media.Holder).Hold)
	invite := p.expect("INVITE")
	branch := p.request("INVITE", req{uri: ok.uri("contact"), toTag: ok.tag("to"), body: e.sdp("sendrecv")})
	m := p.expectOf("491", "cseq", "INVITE")
	p.request("ACK", req{branch: branch, seq: p.seq, toTag: m.tag("to")})
	p.request("UPDATE", req{uri: ok.uri("contact"), toTag: ok.tag("to"), body: e.sdp("sendrecv")})
	p.expectOf("491", "cseq", "UPDATE")
	p.reply(invite, "200 OK", "", e.sdp("recvonly"))
	p.expect("ACK")
	if err := get(t, "the hold", held); err != nil {
		t.Error(err)
	}
	p.bye(ok)
}

// RFC 3264 §8.3: codec, address, port and packet time may change in mid-call.
func TestTheCallChangesItsSound(t *testing.T) {
	p, e, ok, _ := onCall(t)
	next := listenAt(t, "127.0.0.1")
	body := strings.Replace(next.sdp("sendrecv"), "RTP/AVP 0 101", "RTP/AVP 8 101", 1) + "a=ptime:30\n"
	p.request("INVITE", req{uri: ok.uri("contact"), toTag: ok.tag("to"), body: body})
	m := p.answer()
	p.ack(m)
	if !strings.Contains(m.body, "RTP/AVP 8 101") || !strings.Contains(m.body, "a=ptime:30") {
		t.Errorf("answer:\n%s", m.body)
	}
	buf := make([]byte, 1500)
	for range 5 {
		_ = next.pc.SetReadDeadline(time.Now().Add(patience))
		n, _, err := next.pc.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		if q, err := rtpmedia.Parse(buf[:n]); err != nil || q.PayloadType != 8 || len(q.Payload) != 240 {
			t.Errorf("payload type %d, %d bytes, %v", q.PayloadType, len(q.Payload), err)
		}
	}
	e.drain()
	if e.hears(fleeting) {
		t.Error("the old address still gets sound")
	}
	p.bye(ok)
}

// RFC 8866 §5.7 and RFC 6157: sound over IPv6, though the signalling is IPv4.
func TestSoundOverIPv6(t *testing.T) {
	pc, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here: ", err)
	}
	defer func() { _ = pc.Close() }()
	e, legs := &ear{t, pc}, make(chan media.Leg, 1)
	p := newPhone(t, open(t, pickUp(legs), func(c *Config, deps *Deps) {
		c.Addr = "0.0.0.0:0"
		deps.MediaAllowed = allowAll
	}))
	body := strings.ReplaceAll(e.sdp("sendrecv"), "IP4", "IP6")
	p.request("INVITE", req{body: body})
	ok := p.expect("200 OK")
	if !strings.Contains(ok.body, "c=IN IP6 ::1\r\n") {
		t.Errorf("answer:\n%s", ok.body)
	}
	p.ack(ok)
	if !e.hears(patience) {
		t.Error("no sound")
	}
	branch := p.request("INVITE", req{uri: ok.uri("contact"), toTag: ok.tag("to"), body: plainSDP})
	m := p.expect("488") // our socket has one family
	if !strings.HasPrefix(m.get("warning"), "301 ") {
		t.Errorf("Warning: %q", m.get("warning"))
	}
	p.request("ACK", req{branch: branch, seq: p.seq, toTag: m.tag("to")})
	p.bye(ok)
}

func allowAll(netip.Addr) bool { return true }
