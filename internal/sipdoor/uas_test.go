package sipdoor

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/media"
)

func TestCallIsAnsweredAndTheCallerHangsUp(t *testing.T) {
	legs := make(chan media.Leg, 1)
	d := open(t, pickUp(legs))
	p := newPhone(t, d)
	p.request("INVITE", req{body: plainSDP})
	p.expect("100 Trying")
	ringing := p.expect("180 Ringing")
	ok := p.expect("200 OK")
	if ringing.tag("to") == "" || ringing.tag("to") != ok.tag("to") {
		t.Errorf("To tags %q and %q", ringing.tag("to"), ok.tag("to"))
	}
	if !strings.Contains(ok.body, "m=audio ") || !strings.Contains(ok.body, "RTP/AVP 8 101\r\n") || !strings.Contains(ok.body, "c=IN IP4 127.0.0.1") {
		t.Errorf("answer:\n%s", ok.body)
	}
	p.ack(ok)
	leg := get(t, "the leg", legs)
	p.request("BYE", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
	p.expect("200 OK")
	get(t, "the end", leg.Done())
	if leg.Cause() != media.EndRemote {
		t.Errorf("cause %s", leg.Cause())
	}
}

func TestWeHangUp(t *testing.T) {
	legs := make(chan media.Leg, 1)
	p := newPhone(t, open(t, pickUp(legs)))
	p.dial()
	leg := get(t, "the leg", legs)
	told := make(chan error, 1)
	go func() { told <- leg.Hangup(context.Background()) }()
	bye := p.expect("BYE")
	p.reply(bye, "200 OK", "", "")
	if err := get(t, "the return of Hangup", told); err != nil || leg.Cause() != media.EndLocal {
		t.Error(err, leg.Cause())
	}
	if err := leg.Hangup(context.Background()); err != nil {
		t.Error("repeating Hangup:", err)
	}
}

func TestLostByeIsRepeated(t *testing.T) {
	legs := make(chan media.Leg, 1)
	p := newPhone(t, open(t, pickUp(legs)))
	p.dial()
	leg := get(t, "the leg", legs)
	told := make(chan error, 1)
	go func() { told <- leg.Hangup(context.Background()) }()
	first, second := p.expect("BYE"), p.expect("BYE")
	if first.get("via") != second.get("via") {
		t.Error("the repetition is another request")
	}
	p.reply(second, "200 OK", "", "")
	if err := get(t, "the return of Hangup", told); err != nil {
		t.Error(err)
	}
}

func TestRepeatedByeGetsTheSameAnswer(t *testing.T) {
	legs := make(chan media.Leg, 1)
	p := newPhone(t, open(t, pickUp(legs)))
	ok := p.dial()
	get(t, "the leg", legs)
	p.seq++
	bye := req{uri: ok.uri("contact"), toTag: ok.tag("to"), branch: "z9hG4bKbye", seq: p.seq}
	for range 3 {
		p.request("BYE", bye)
		if m := p.expect("SIP/2.0"); !strings.Contains(m.start, "200") {
			t.Fatal(m.start)
		}
	}
	bye.branch = "z9hG4bKother"
	bye.seq++
	p.request("BYE", bye)
	p.expect("481")
}

func TestRepeatedInviteGetsTheSameAnswer(t *testing.T) {
	decide := make(chan struct{})
	calls := make(chan struct{}, 10)
	p := newPhone(t, open(t, func(in media.Incoming) {
		calls <- struct{}{}
		_ = in.Ring()
		<-decide
		_ = in.Reject(media.RefuseBusy)
	}))
	invite := req{body: plainSDP, branch: "z9hG4bKsame", seq: 1}
	p.request("INVITE", invite)
	first := p.expect("180")
	p.request("INVITE", invite)
	if again := p.expect("180"); again.tag("to") != first.tag("to") {
		t.Error("another tag")
	}
	close(decide)
	p.expect("486")
	p.request("INVITE", invite)
	p.expect("486")
	p.request("ACK", req{branch: "z9hG4bKsame", seq: 1, toTag: first.tag("to")})
	if len(calls) != 1 {
		t.Errorf("%d calls were served", len(calls))
	}
}

func TestAnswerIsRepeatedUntilItsAck(t *testing.T) {
	legs := make(chan media.Leg, 1)
	p := newPhone(t, open(t, pickUp(legs)))
	p.request("INVITE", req{body: plainSDP})
	first := p.expect("200 OK")
	for range 3 {
		if again := p.expect("200 OK"); again.body != first.body || again.tag("to") != first.tag("to") {
			t.Error("the repetition differs")
		}
	}
	p.ack(first)
	p.drain(fleeting)
	p.silent("200 OK")
	p.request("BYE", req{uri: first.uri("contact"), toTag: first.tag("to")})
	p.expect("200 OK")
}

func TestLostAckEndsTheCallWithBye(t *testing.T) {
	legs := make(chan media.Leg, 1)
	p := newPhone(t, open(t, pickUp(legs)))
	p.request("INVITE", req{body: plainSDP})
	bye := p.expect("BYE")
	p.reply(bye, "200 OK", "", "")
	leg := get(t, "the leg", legs)
	get(t, "the end", leg.Done())
	if leg.Cause() != media.EndNetwork {
		t.Error(leg.Cause())
	}
}

func TestHangupWaitsForTheAck(t *testing.T) {
	legs := make(chan media.Leg, 1)
	p := newPhone(t, open(t, pickUp(legs)))
	p.request("INVITE", req{body: plainSDP})
	ok := p.expect("200 OK")
	leg := get(t, "the leg", legs)
	told := make(chan error, 1)
	go func() { told <- leg.Hangup(context.Background()) }()
	p.silent("BYE")
	p.ack(ok)
	p.reply(p.expect("BYE"), "200 OK", "", "")
	if err := get(t, "the return of Hangup", told); err != nil {
		t.Error(err)
	}
}

func TestCancelWhileItRings(t *testing.T) {
	result := make(chan error, 1)
	p := newPhone(t, open(t, func(in media.Incoming) {
		_ = in.Ring()
		<-in.Gone()
		_, err := in.Answer(context.Background())
		result <- err
	}))
	branch := p.request("INVITE", req{body: plainSDP})
	ringing := p.expect("180")
	p.request("CANCEL", req{branch: branch, seq: p.seq})
	ok := p.expect("200 OK")
	if !strings.HasSuffix(ok.get("cseq"), "CANCEL") {
		t.Error(ok.get("cseq"))
	}
	gone := p.expect("487")
	if gone.tag("to") != ringing.tag("to") || ok.tag("to") != ringing.tag("to") {
		t.Error("To tags differ")
	}
	p.request("ACK", req{branch: branch, seq: p.seq, toTag: gone.tag("to")})
	if err := get(t, "the answer's error", result); !errors.Is(err, media.ErrEnded) {
		t.Error(err)
	}
}

func TestCancelRightBehindItsInvite(t *testing.T) {
	p := newPhone(t, open(t, func(in media.Incoming) { <-in.Gone() }))
	for i := range 50 {
		p.call = p.call + "x"
		branch := p.request("INVITE", req{body: plainSDP})
		p.request("CANCEL", req{branch: branch, seq: p.seq})
		refused := p.expectOf("487", "call-id", p.call) // not a repetition of the last round's
		p.request("ACK", req{branch: branch, seq: p.seq, toTag: refused.tag("to")})
		if t.Failed() {
			t.Fatalf("round %d", i)
		}
	}
}

func TestCancelBeforeItsInvite(t *testing.T) {
	p := newPhone(t, open(t, func(in media.Incoming) { <-in.Gone() }))
	p.request("CANCEL", req{branch: "z9hG4bKearly", seq: 1})
	p.request("INVITE", req{branch: "z9hG4bKearly", seq: 1, body: plainSDP})
	p.expect("487")
}

func TestCancelOfNothing(t *testing.T) {
	p := newPhone(t, open(t, nil))
	p.request("CANCEL", req{})
	p.expect("481")
}

func TestCancelThatCrossesTheAnswerChangesNothing(t *testing.T) {
	legs := make(chan media.Leg, 1)
	p := newPhone(t, open(t, pickUp(legs)))
	branch := p.request("INVITE", req{body: plainSDP})
	ok := p.expect("200 OK")
	p.request("CANCEL", req{branch: branch, seq: p.seq})
	p.expectOf("200 OK", "cseq", "CANCEL")
	p.ack(ok)
	leg := get(t, "the leg", legs)
	select {
	case <-leg.Done():
		t.Error("the call ended")
	case <-time.After(fleeting):
	}
	p.request("BYE", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
	p.expect("200 OK")
}

func TestCancelRacesTheAnswer(t *testing.T) {
	legs := make(chan media.Leg, 1)
	d := open(t, func(in media.Incoming) {
		if leg, err := in.Answer(context.Background()); err == nil {
			legs <- leg
			<-leg.Done()
		}
	})
	p := newPhone(t, d)
	for range 50 {
		p.call += "x"
		branch := p.request("INVITE", req{body: plainSDP})
		invite := p.seq
		p.request("CANCEL", req{branch: branch, seq: invite})
		var final *message
		for final == nil {
			if m := p.expect("SIP/2.0"); m.get("call-id") == p.call && strings.HasSuffix(m.get("cseq"), "INVITE") && !strings.Contains(m.start, " 1") {
				final = m
			}
		}
		switch {
		case strings.Contains(final.start, "487"):
			p.request("ACK", req{branch: branch, seq: invite, toTag: final.tag("to")})
		case strings.Contains(final.start, "200"):
			p.ack(final)
			leg := get(t, "the leg", legs)
			p.request("BYE", req{uri: final.uri("contact"), toTag: final.tag("to")})
			get(t, "the end", leg.Done())
		default:
			t.Fatal(final.start)
		}
	}
}

func TestCallerEndsEarlyDialogWithBye(t *testing.T) {
	gone := make(chan struct{})
	p := newPhone(t, open(t, func(in media.Incoming) {
		_ = in.Ring()
		<-in.Gone()
		close(gone)
	}))
	p.request("INVITE", req{body: plainSDP})
	ringing := p.expect("180")
	p.request("BYE", req{toTag: ringing.tag("to")})
	p.expect("487")
	get(t, "gone", gone)
}
