package sipdoor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
)

func trunkAt(p *phone) media.Target {
	return media.Target{
		Trunk: parley.SIPTrunk{ID: "t1", Domain: "127.0.0.1", Port: int(p.addr().Port()), Transport: "udp"}, From: "+15550100", To: "+12025550177",
	}
}

// dialled is a call of the door's on its way.
type placed struct {
	leg   media.Leg
	err   error
	rings atomic.Int32
	done  chan struct{}
	stop  context.CancelFunc
}

func place(t *testing.T, d *Door, target media.Target) *placed {
	ctx, stop := context.WithCancel(context.Background())
	c := &placed{done: make(chan struct{}), stop: stop}
	go func() {
		defer close(c.done)
		c.leg, _, c.err = d.Dial(ctx, target, func(string) { c.rings.Add(1) })
	}()
	t.Cleanup(func() { stop(); <-c.done })
	return c
}

func (c *placed) notAnswered(t *testing.T) *media.NotAnswered {
	t.Helper()
	get(t, "the end of dialling", c.done)
	na, ok := errors.AsType[*media.NotAnswered](c.err)
	if !ok {
		t.Fatalf("dialling ended with %v", c.err)
	}
	return na
}

func TestOutboundCall(t *testing.T) {
	d, p := open(t, nil), newPhone(t, nil)
	c := place(t, d, trunkAt(p))
	invite := p.expect("INVITE sip:+12025550177@127.0.0.1:")
	if !strings.Contains(invite.body, "RTP/AVP 0 8 101") || !strings.Contains(invite.get("from"), "<sip:+15550100@127.0.0.1>") {
		t.Errorf("%s\n%s", invite.get("from"), invite.body)
	}
	p.reply(invite, "100 Trying", "", "")
	p.reply(invite, "183 Session Progress", "a", plainSDP)
	p.reply(invite, "180 Ringing", "a", "")
	p.reply(invite, "200 OK", "a", plainSDP)
	ack := p.expect("ACK sip:trunk@")
	if ack.tag("to") != "a" || ack.tag("from") != invite.tag("from") || !strings.HasPrefix(ack.get("cseq"), strings.Fields(invite.get("cseq"))[0]) {
		t.Errorf("ACK %v", ack.header)
	}
	get(t, "the leg", c.done)
	if c.err != nil || c.rings.Load() != 1 {
		t.Fatalf("%v, rang %d times", c.err, c.rings.Load())
	}
	p.reply(invite, "200 OK", "a", plainSDP) // its ACK was lost
	p.expect("ACK sip:trunk@")
	told := make(chan error, 1)
	go func() { told <- c.leg.Hangup(context.Background()) }()
	bye := p.expect("BYE sip:trunk@")
	if bye.tag("to") != "a" || bye.get("call-id") != invite.get("call-id") {
		t.Errorf("BYE %v", bye.header)
	}
	p.reply(bye, "200 OK", "", "")
	if err := get(t, "the return of Hangup", told); err != nil {
		t.Error(err)
	}
}

func TestFarSideHangsUp(t *testing.T) {
	d, p := open(t, nil), newPhone(t, nil)
	c := place(t, d, trunkAt(p))
	invite := p.expect("INVITE")
	p.reply(invite, "200 OK", "a", plainSDP)
	p.expect("ACK")
	get(t, "the leg", c.done)
	p.hangUp(invite)
	p.expect("200 OK")
	get(t, "the end", c.leg.Done())
	if c.leg.Cause() != media.EndRemote {
		t.Error(c.leg.Cause())
	}
}

// hangUp sends a BYE in a dialog that the door's INVITE began and that was answered with the tag "a".
func (p *phone) hangUp(invite *message) { p.callee("BYE", invite, 1, "") }

func (p *phone) callee(method string, invite *message, seq int, body string) {
	p.t.Helper()
	p.write(strings.Join([]string{
		method + " " + invite.uri("contact") + " SIP/2.0", "Via: SIP/2.0/UDP " + p.addr().String() + ";rport;branch=z9hG4bK" + fmt.Sprint(time.Now().UnixNano()),
		"From: " + invite.get("to") + ";tag=a", "To: " + invite.get("from"), "Call-ID: " + invite.get("call-id"),
		fmt.Sprintf("CSeq: %d %s", seq, method), "Contact: <sip:trunk@" + p.addr().String() + ">", "Content-Type: application/sdp",
		fmt.Sprintf("Content-Length: %d", len(strings.ReplaceAll(body, "\n", "\r\n"))), "", body,
	}, "\n"))
}

func TestOutcomes(t *testing.T) {
	for status, want := range map[string]media.Outcome{
		"486 Busy Here": media.OutcomeBusy, "600 Busy Everywhere": media.OutcomeBusy, "480 Temporarily Unavailable": media.OutcomeNoAnswer,
		"408 Request Timeout": media.OutcomeNoAnswer, "487 Request Terminated": media.OutcomeNoAnswer, "404 Not Found": media.OutcomeFailed,
		"403 Forbidden": media.OutcomeFailed, "500 Server Internal Error": media.OutcomeFailed, "503 Service Unavailable": media.OutcomeFailed,
		"603 Decline": media.OutcomeFailed, "302 Moved Temporarily": media.OutcomeFailed, "401 Unauthorized": media.OutcomeFailed,
	} {
		t.Run(status, func(t *testing.T) {
			d, p := open(t, nil), newPhone(t, nil)
			c := place(t, d, trunkAt(p))
			p.reply(p.expect("INVITE"), status, "a", "")
			p.expect("ACK")
			na := c.notAnswered(t)
			if code := status[:3]; na.Outcome != want || na.Reason != "sip_"+code || fmt.Sprint(na.Status) != code {
				t.Errorf("%+v", na)
			}
		})
	}
}

func TestUnusableAnswerEndsTheCall(t *testing.T) {
	d, p := open(t, nil), newPhone(t, nil)
	c := place(t, d, trunkAt(p))
	p.reply(p.expect("INVITE"), "200 OK", "a", "v=0\nm=audio 9 RTP/AVP 18\nc=IN IP4 127.0.0.1\n")
	p.expect("ACK")
	p.reply(p.expect("BYE"), "200 OK", "", "")
	if na := c.notAnswered(t); na.Reason != reasonBadAnswer {
		t.Errorf("%+v", na)
	}
}

func TestNobodyThere(t *testing.T) {
	d, p := open(t, nil), newPhone(t, nil)
	c := place(t, d, trunkAt(p)) // which is never answered
	p.expect("INVITE")
	p.expect("INVITE")
	if na := c.notAnswered(t); na.Outcome != media.OutcomeFailed || na.Reason != reasonUnreachable {
		t.Errorf("%+v", na)
	}
}

func TestASilentTrunkDoesNotRing(t *testing.T) {
	d, p := open(t, nil, func(c *Config, _ *Deps) { c.Timers.Ring = 100 * time.Millisecond }), newPhone(t, nil)
	c := place(t, d, trunkAt(p))
	p.expect("INVITE")
	if na := c.notAnswered(t); na.Outcome != media.OutcomeFailed || na.Reason != reasonUnreachable {
		t.Errorf("%+v", na)
	}
}

func TestRingingTooLongIsCanceled(t *testing.T) {
	d, p := open(t, nil, func(c *Config, _ *Deps) { c.Timers.Ring = 100 * time.Millisecond }), newPhone(t, nil)
	c := place(t, d, trunkAt(p))
	invite := p.expect("INVITE")
	p.reply(invite, "180 Ringing", "a", "")
	if na := c.notAnswered(t); na.Outcome != media.OutcomeNoAnswer || na.Reason != reasonRingTimeout {
		t.Errorf("%+v", na)
	}
	p.canceled(invite)
}

// canceled takes the CANCEL of an INVITE, as a phone does.
func (p *phone) canceled(invite *message) {
	p.t.Helper()
	cancel := p.expect("CANCEL")
	if cancel.get("via") != invite.get("via") || cancel.get("to") != invite.get("to") || cancel.get("contact") != "" ||
		strings.Fields(cancel.get("cseq"))[0] != strings.Fields(invite.get("cseq"))[0] || cancel.start[6:] != invite.start[6:] {
		p.t.Errorf("CANCEL %q %v", cancel.start, cancel.header)
	}
	p.reply(cancel, "200 OK", "a", "")
	p.reply(invite, "487 Request Terminated", "a", "")
	p.expect("ACK")
}

func TestDiallerGivesUp(t *testing.T) {
	d, p := open(t, nil), newPhone(t, nil)
	c := place(t, d, trunkAt(p))
	invite := p.expect("INVITE")
	p.reply(invite, "180 Ringing", "a", "")
	for c.rings.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	c.stop()
	if na := c.notAnswered(t); na.Outcome != media.OutcomeCanceled {
		t.Errorf("%+v", na)
	}
	p.canceled(invite)
}

func TestDiallerGivesUpBeforeAnyResponse(t *testing.T) {
	d, p := open(t, nil), newPhone(t, nil)
	c := place(t, d, trunkAt(p))
	invite := p.expect("INVITE")
	c.stop()
	c.notAnswered(t)
	p.silent("CANCEL") // it may not be sent yet
	p.reply(invite, "100 Trying", "", "")
	p.canceled(invite)
}

func TestAnswerThatCrossesOurCancelIsAcknowledgedAndEnded(t *testing.T) {
	d, p := open(t, nil), newPhone(t, nil)
	c := place(t, d, trunkAt(p))
	invite := p.expect("INVITE")
	p.reply(invite, "180 Ringing", "a", "")
	for c.rings.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	c.stop()
	cancel := p.expect("CANCEL")
	p.reply(invite, "200 OK", "a", plainSDP)
	p.reply(cancel, "200 OK", "a", "")
	p.expect("ACK")
	p.reply(p.expect("BYE"), "200 OK", "", "")
	if na := c.notAnswered(t); na.Outcome != media.OutcomeCanceled {
		t.Errorf("%+v", na)
	}
}

func TestSecondForkIsAcknowledgedWithItsTagAndEnded(t *testing.T) {
	d, p := open(t, nil), newPhone(t, nil)
	c := place(t, d, trunkAt(p))
	invite := p.expect("INVITE")
	p.reply(invite, "200 OK", "a", plainSDP)
	if ack := p.expect("ACK"); ack.tag("to") != "a" {
		t.Error(ack.get("to"))
	}
	p.reply(invite, "200 OK", "b", plainSDP)
	if ack := p.expect("ACK"); ack.tag("to") != "b" {
		t.Error(ack.get("to"))
	}
	bye := p.expect("BYE")
	if bye.tag("to") != "b" {
		t.Error(bye.get("to"))
	}
	p.reply(bye, "200 OK", "", "")
	get(t, "the leg", c.done)
	select {
	case <-c.leg.Done():
		t.Error("the first call ended too")
	case <-time.After(fleeting):
	}
	p.hangUp(invite)
	p.expect("200 OK")
}

func TestReinviteBeforeTheAnswerIsPending(t *testing.T) {
	d, p := open(t, nil), newPhone(t, nil)
	c := place(t, d, trunkAt(p))
	invite := p.expect("INVITE")
	p.reply(invite, "180 Ringing", "a", "")
	p.callee("INVITE", invite, 1, plainSDP)
	p.expect("491")
	c.stop()
	p.canceled(invite)
}

func TestEarlyDescriptionServesWhenTheAnswerHasNone(t *testing.T) {
	d, p := open(t, nil), newPhone(t, nil)
	c := place(t, d, trunkAt(p))
	invite := p.expect("INVITE")
	p.reply(invite, "183 Session Progress", "a", plainSDP)
	p.reply(invite, "200 OK", "a", "")
	p.expect("ACK")
	get(t, "the leg", c.done)
	if c.err != nil {
		t.Fatal(c.err)
	}
	p.hangUp(invite)
	p.expect("200 OK")
}

func TestManyProvisionalsInOrder(t *testing.T) {
	d, p := open(t, nil), newPhone(t, nil)
	c := place(t, d, trunkAt(p))
	invite := p.expect("INVITE")
	for range 20 {
		p.reply(invite, "181 Call Is Being Forwarded", "a", "")
	}
	p.reply(invite, "183 Session Progress", "a", "")
	p.reply(invite, "200 OK", "a", plainSDP)
	p.expect("ACK")
	get(t, "the leg", c.done)
	if c.err != nil || c.rings.Load() != 1 {
		t.Fatal(c.err, c.rings.Load())
	}
	p.hangUp(invite)
	p.expect("200 OK")
}

func TestRingingThatComesTooLateIsTakenBack(t *testing.T) {
	d, p := open(t, nil, func(c *Config, _ *Deps) { c.Timers.Unreached = 50 * time.Millisecond }), newPhone(t, nil)
	c := place(t, d, trunkAt(p))
	invite := p.expect("INVITE")
	if na := c.notAnswered(t); na.Reason != reasonUnreachable {
		t.Errorf("%+v", na)
	}
	p.reply(invite, "180 Ringing", "a", "")
	p.reply(p.expect("CANCEL"), "200 OK", "a", "")
	p.reply(invite, "200 OK", "a", plainSDP)
	p.expect("ACK")
	p.reply(p.expect("BYE"), "200 OK", "", "")
}

func TestLongInviteGoesOverTCPWhereThatIsServed(t *testing.T) {
	for _, network := range []string{"TCP", "UDP"} {
		t.Run(network, func(t *testing.T) {
			d, p := open(t, nil), newPhone(t, nil)
			target := trunkAt(p)
			target.To = strings.Repeat("9", 500)
			if network == "UDP" {
				c := place(t, d, target)
				invite := p.expect("INVITE")
				p.reply(invite, "486 Busy Here", "a", "")
				c.notAnswered(t)
				return
			}
			ln, err := net.Listen("tcp4", p.addr().String())
			if err != nil {
				t.Skip("the port number is taken: ", err)
			}
			defer func() { _ = ln.Close() }()
			c := place(t, d, target)
			conn, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			w := plug(t, conn)
			invite := w.expect("INVITE")
			if !strings.HasPrefix(invite.get("via"), "SIP/2.0/TCP ") {
				t.Error(invite.get("via"))
			}
			w.reply(invite, "486 Busy Here", "a", "")
			c.notAnswered(t)
		})
	}
}
