package sipdoor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/media"
)

// call is an answered call of the door's to a phone: the phone is the callee.
type call struct {
	t      *testing.T
	d      *Door
	p      *phone
	leg    media.Leg
	invite *message
	seq    int
}

func talk(t *testing.T, change ...func(*Config, *Deps)) *call {
	t.Helper()
	d, p := open(t, nil, change...), newPhone(t, nil)
	return talkTo(t, d, p)
}

func talkTo(t *testing.T, d *Door, p *phone) *call {
	t.Helper()
	c := place(t, d, trunkAt(p))
	invite := p.expect("INVITE")
	p.reply(invite, "200 OK", "a", plainSDP)
	p.expect("ACK")
	get(t, "the leg", c.done)
	if c.err != nil {
		t.Fatal(c.err)
	}
	k := &call{t: t, d: d, p: p, leg: c.leg, invite: invite}
	t.Cleanup(k.end)
	return k
}

// end hangs up, so that the door need not wait for an answer to its BYE.
func (c *call) end() {
	select {
	case <-c.leg.Done():
	default:
		c.seq += 10
		c.in("BYE", "")
		<-c.leg.Done()
	}
}

// refers starts a transfer and returns where its report comes.
func (c *call) refers(r media.Referral) chan media.Report {
	reports := make(chan media.Report, 1)
	go func() {
		report, err := c.leg.(media.Referrer).Refer(context.Background(), r)
		if err != nil {
			c.t.Error(err)
		}
		reports <- report
	}()
	return reports
}

// in sends a request of the phone's within the call; extra are header lines.
func (c *call) in(method, body string, extra ...string) {
	c.t.Helper()
	c.seq++
	c.at(method, c.seq, body, extra...)
}

func (c *call) at(method string, seq int, body string, extra ...string) {
	c.t.Helper()
	lines := append([]string{
		method + " " + c.invite.uri("contact") + " SIP/2.0", "Via: SIP/2.0/UDP " + c.p.addr().String() + ";rport;branch=z9hG4bK" + fmt.Sprint(time.Now().UnixNano()),
		"From: " + c.invite.get("to") + ";tag=a", "To: " + c.invite.get("from"), "Call-ID: " + c.invite.get("call-id"),
		fmt.Sprintf("CSeq: %d %s", seq, method), "Contact: <sip:trunk@" + c.p.addr().String() + ">",
	}, extra...)
	lines = append(lines, fmt.Sprintf("Content-Length: %d", len(strings.ReplaceAll(body, "\n", "\r\n"))), "", body)
	c.p.write(strings.Join(lines, "\n"))
}

// tells sends a NOTIFY with a status line and expects it to be taken.
func (c *call) tells(status, state string) {
	c.t.Helper()
	c.in("NOTIFY", "SIP/2.0 "+status+"\n", "Event: refer", "Subscription-State: "+state, "Content-Type: message/sipfrag;version=2.0")
	c.p.expectOf("200 OK", "cseq", fmt.Sprintf("%d NOTIFY", c.seq))
}

func (c *call) want(reports chan media.Report, outcome media.Outcome, reason string) {
	c.t.Helper()
	if r := get(c.t, "the report", reports); r.Outcome != outcome || r.Reason != reason {
		c.t.Errorf("outcome %s (%s), want %s (%s)", r.Outcome, r.Reason, outcome, reason)
	}
}

const (
	active = "active;expires=60"
	done   = "terminated;reason=noresource"
)

// RFC 3515 §2.4.1 and RFC 3892 §2.1: what a REFER holds.
func TestReferNamesTargetAndReferrer(t *testing.T) {
	c := talk(t)
	reports := c.refers(media.Referral{To: "+12025550155"})
	refer := c.p.expect("REFER sip:trunk@")
	if got, want := refer.get("refer-to"), "<sip:+12025550155@"+c.p.addr().String()+">"; got != want {
		t.Errorf("Refer-To %s, want %s", got, want)
	}
	if !strings.HasPrefix(refer.get("referred-by"), "<sip:+15550100@127.0.0.1") || refer.get("refer-sub") != "true" || refer.get("contact") == "" {
		t.Errorf("%v", refer.header)
	}
	if refer.tag("to") != "a" || refer.get("call-id") != c.invite.get("call-id") {
		t.Error("outside of the dialog")
	}
	c.p.reply(refer, "202 Accepted", "", "")
	c.tells("100 Trying", active)
	c.tells("180 Ringing", active)
	c.tells("200 OK", done)
	c.want(reports, media.OutcomeAnswered, "sip_200")
}

// RFC 3261 §13.3.1.4: a caller is in the call once its ACK is here; what it is asked before may find nobody.
func TestReferWaitsForTheAck(t *testing.T) {
	legs := make(chan media.Leg, 1)
	p := newPhone(t, open(t, pickUp(legs)))
	p.request("INVITE", req{body: plainSDP})
	ok := p.expect("200 OK")
	c := &call{t: t, p: p, leg: get(t, "the leg", legs)}
	reports := c.refers(media.Referral{To: "+12025550155"})
	p.silent("REFER")
	p.ack(ok)
	p.reply(p.expect("REFER"), "603 Decline", "", "")
	c.want(reports, media.OutcomeRefused, "refer_603")
	p.request("BYE", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
	p.expectOf("200 OK", "cseq", "BYE")
}

// RFC 3515 §2.4.5: the status line in the NOTIFY is the outcome; RFC 6665 §4.1.3: the reason of a subscription's end.
func TestNotifyTellsTheOutcome(t *testing.T) {
	for _, x := range []struct {
		status, state string
		want          media.Outcome
		reason        string
	}{
		{"200 OK", done, media.OutcomeAnswered, "sip_200"},
		{"200 OK", active, media.OutcomeAnswered, "sip_200"},
		{"486 Busy Here", done, media.OutcomeBusy, "sip_486"},
		{"600 Busy Everywhere", done, media.OutcomeBusy, "sip_600"},
		{"480 Temporarily Unavailable", done, media.OutcomeNoAnswer, "sip_480"},
		{"408 Request Timeout", done, media.OutcomeNoAnswer, "sip_408"},
		{"603 Decline", done, media.OutcomeRefused, "sip_603"},
		{"403 Forbidden", done, media.OutcomeRefused, "sip_403"},
		{"404 Not Found", done, media.OutcomeFailed, "sip_404"},
		{"503 Service Unavailable", done, media.OutcomeFailed, "sip_503"},
		{"100 Trying", "terminated;reason=rejected", media.OutcomeRefused, "subscription_rejected"},
		{"100 Trying", "terminated;reason=timeout", media.OutcomeUnknown, "subscription_ended"},
		{"180 Ringing", done, media.OutcomeUnknown, "subscription_ended"},
		{"100 Trying", "terminated", media.OutcomeUnknown, "subscription_ended"},
	} {
		t.Run(x.status+" "+x.state, func(t *testing.T) {
			c := talk(t)
			reports := c.refers(media.Referral{To: "+12025550155"})
			c.p.reply(c.p.expect("REFER"), "202 Accepted", "", "")
			c.tells(x.status, x.state)
			c.want(reports, x.want, x.reason)
			c.tells(x.status, x.state) // repeated as a request of its own
		})
	}
}

// RFC 3515 §2.4.4: a NOTIFY may arrive before the response to the REFER.
func TestNotifyBeforeThe202(t *testing.T) {
	c := talk(t)
	reports := c.refers(media.Referral{To: "+12025550155"})
	refer := c.p.expect("REFER")
	c.tells("100 Trying", active)
	c.tells("486 Busy Here", done)
	c.want(reports, media.OutcomeBusy, "sip_486")
	c.p.reply(refer, "202 Accepted", "", "")
	c.in("OPTIONS", "")
	c.p.expectOf("200 OK", "cseq", "OPTIONS") // the call goes on
}

// RFC 3261 §17.1.2.2: a lost 202 has the REFER repeated within its transaction, and the NOTIFY tells its fate all the same.
func TestLost202(t *testing.T) {
	c := talk(t)
	reports := c.refers(media.Referral{To: "+12025550155"})
	first, second := c.p.expect("REFER"), c.p.expect("REFER")
	if first.get("via") != second.get("via") || first.get("cseq") != second.get("cseq") {
		t.Error("the repetition is another request")
	}
	for { // Timer F
		if m := c.p.next(time.Second); m == nil {
			break
		} else if !strings.HasPrefix(m.start, "REFER") {
			t.Fatal(m.start)
		}
		if len(c.p.in) == 0 && c.seq == 0 {
			c.tells("100 Trying", active)
		}
	}
	c.tells("200 OK", done)
	c.want(reports, media.OutcomeAnswered, "sip_200")
}

func TestReferWithoutAnyAnswerIsUnknown(t *testing.T) {
	c := talk(t)
	reports := c.refers(media.Referral{To: "+12025550155"})
	c.p.expect("REFER")
	c.want(reports, media.OutcomeUnknown, "no_answer_to_refer")
}

func TestNoNotifyEverIsUnknown(t *testing.T) {
	c := talk(t, func(c *Config, _ *Deps) { c.Timers.Refer = 300 * time.Millisecond })
	reports := c.refers(media.Referral{To: "+12025550155"})
	c.p.reply(c.p.expect("REFER"), "202 Accepted", "", "")
	c.want(reports, media.OutcomeUnknown, "no_notify")
	c.tells("200 OK", done) // much too late: harmless
}

// RFC 4488 §4: a referee may refuse the subscription.
func TestNoSubscriptionIsUnknown(t *testing.T) {
	c := talk(t)
	reports := c.refers(media.Referral{To: "+12025550155"})
	c.p.reply(c.p.expect("REFER"), "202 Accepted", "", "", "Refer-Sub: false")
	c.want(reports, media.OutcomeUnknown, "no_subscription")
}

// RFC 3515 §2.4.2: a REFER that is not taken.
func TestReferRefused(t *testing.T) {
	for status, want := range map[string]media.Outcome{
		"603 Decline": media.OutcomeRefused, "403 Forbidden": media.OutcomeRefused, "405 Method Not Allowed": media.OutcomeFailed,
		"501 Not Implemented": media.OutcomeFailed, "481 Call/Transaction Does Not Exist": media.OutcomeFailed,
	} {
		t.Run(status, func(t *testing.T) {
			c := talk(t)
			reports := c.refers(media.Referral{To: "+12025550155"})
			c.p.reply(c.p.expect("REFER"), status, "", "")
			c.want(reports, want, "refer_"+status[:3])
			if strings.HasPrefix(status, "481") { // RFC 3261 §12.2.1.2
				c.p.reply(c.p.expect("BYE"), "200 OK", "", "")
			}
		})
	}
}

// RFC 3261 §22.2: a challenge to the REFER is answered once; the subscription bears the number of the REFER that was taken.
func TestReferIsChallenged(t *testing.T) {
	d, p := open(t, nil), newPhone(t, nil)
	target := trunkAt(p)
	target.Trunk.Username, target.Password = "parley", "secret"
	c := place(t, d, target)
	invite := p.expect("INVITE")
	p.reply(invite, "200 OK", "a", plainSDP)
	p.expect("ACK")
	get(t, "the leg", c.done)
	k := &call{t: t, d: d, p: p, leg: c.leg, invite: invite}
	t.Cleanup(k.end)
	reports := k.refers(media.Referral{To: "+12025550155"})
	const ask = `WWW-Authenticate: Digest realm="t", nonce="n1", algorithm=MD5, qop="auth"`
	p.reply(p.expect("REFER"), "401 Unauthorized", "", "", ask)
	signed := p.expectOf("REFER", "authorization", `username="parley"`)
	p.reply(signed, "202 Accepted", "", "")
	seq := strings.Fields(signed.get("cseq"))[0]
	k.in("NOTIFY", "SIP/2.0 200 OK\n", "Event: refer;id="+seq, "Subscription-State: "+done, "Content-Type: message/sipfrag")
	k.want(reports, media.OutcomeAnswered, "sip_200")

	again := k.refers(media.Referral{To: "+12025550155"})
	p.reply(p.expectOf("REFER", "authorization", "nc=00000002"), "401 Unauthorized", "", "", strings.Replace(ask, "n1", "n2", 1))
	p.reply(p.expectOf("REFER", "authorization", "n2"), "401 Unauthorized", "", "", strings.Replace(ask, "n1", "n3", 1))
	k.want(again, media.OutcomeFailed, "refer_401")
}

// RFC 5057 §4.1: the subscription outlives the BYE of the far side, which often comes before the last NOTIFY.
func TestNotifyAfterTheBye(t *testing.T) {
	c := talk(t)
	reports := c.refers(media.Referral{To: "+12025550155"})
	c.p.reply(c.p.expect("REFER"), "202 Accepted", "", "")
	c.tells("100 Trying", active)
	c.in("BYE", "")
	c.p.expectOf("200 OK", "cseq", "BYE")
	get(t, "the end", c.leg.Done())
	c.tells("200 OK", done)
	c.want(reports, media.OutcomeAnswered, "sip_200")
	c.in("NOTIFY", "", "Event: refer", "Subscription-State: "+done)
	c.p.expect("481")
}

func TestByeWithoutNotifyIsUnknownAfterAWhile(t *testing.T) {
	c := talk(t)
	reports := c.refers(media.Referral{To: "+12025550155"})
	c.p.reply(c.p.expect("REFER"), "202 Accepted", "", "")
	c.in("BYE", "")
	c.want(reports, media.OutcomeUnknown, reasonHungUp)
}

// RFC 6665 §8.2.1 (489), RFC 3515 §2.4.5 (the body), §2.4.6 (the id): what is no NOTIFY of ours.
func TestNotifiesThatAreNoneOfOurs(t *testing.T) {
	c := talk(t)
	c.in("NOTIFY", "", "Event: refer", "Subscription-State: "+done)
	c.p.expect("481")
	reports := c.refers(media.Referral{To: "+12025550155"})
	c.p.reply(c.p.expect("REFER"), "202 Accepted", "", "")
	for _, x := range []struct{ want, body, event, kind string }{
		{"489", "", "presence", "message/sipfrag"}, {"481", "", "refer;id=1", "message/sipfrag"}, {"415", "hello", "refer", "text/plain"},
		{"400", "hello", "refer", "message/sipfrag"}, {"400", "SIP/2.0 999 X", "refer", "message/sipfrag"},
	} {
		c.in("NOTIFY", x.body, "Event: "+x.event, "Content-Type: "+x.kind, "Subscription-State: active")
		if m := c.p.expectOf("SIP/2.0", "cseq", fmt.Sprintf("%d NOTIFY", c.seq)); !strings.Contains(m.start, x.want) {
			t.Errorf("%+v: %s", x, m.start)
		}
	}
	c.tells("200 OK", done)
	c.want(reports, media.OutcomeAnswered, "sip_200")
}

func TestOneReferAtATimeAndNoneAfterTheEnd(t *testing.T) {
	c := talk(t)
	reports := c.refers(media.Referral{To: "+12025550155"})
	refer := c.p.expect("REFER")
	if _, err := c.leg.(media.Referrer).Refer(context.Background(), media.Referral{To: "+1"}); err == nil {
		t.Error("a second REFER beside the first")
	}
	c.p.reply(refer, "202 Accepted", "", "")
	c.tells("486 Busy Here", done)
	c.want(reports, media.OutcomeBusy, "sip_486")
	c.in("BYE", "")
	get(t, "the end", c.leg.Done())
	if _, err := c.leg.(media.Referrer).Refer(context.Background(), media.Referral{To: "+1"}); !errors.Is(err, media.ErrEnded) {
		t.Errorf("after the end: %v", err)
	}
}

// RFC 5589 §7: an attended transfer sends the caller to the far side of our second call, which he takes over.
func TestAttendedTransferNamesTheOtherCall(t *testing.T) {
	a := talk(t)
	b := talkTo(t, a.d, newPhone(t, nil))
	reports := a.refers(media.Referral{Replaces: b.leg})
	refer := a.p.expect("REFER")
	want := fmt.Sprintf("<sip:trunk@%s?Replaces=%s%%3Bto-tag%%3Da%%3Bfrom-tag%%3D%s&Require=replaces>", b.p.addr(), b.invite.get("call-id"), b.invite.tag("from"))
	if got := refer.get("refer-to"); got != want {
		t.Errorf("Refer-To\n %s, want\n %s", got, want)
	}
	a.p.reply(refer, "202 Accepted", "", "")
	a.tells("200 OK", done)
	a.want(reports, media.OutcomeAnswered, "sip_200")
}
