package sipdoor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley/internal/media"
)

// parsed is an INVITE with a header line as it comes from an address.
func parsed(t *testing.T, line, source string) *sip.Request {
	t.Helper()
	text := strings.Join([]string{"INVITE sip:x@127.0.0.1 SIP/2.0", "Via: SIP/2.0/UDP " + source + ";branch=z9hG4bKx", "From: <sip:x@h>;tag=z",
		"To: <sip:y@h>", "Call-ID: z@h", "CSeq: 1 INVITE", line, "Content-Length: 0", "", ""}, "\r\n")
	m, err := sip.NewParser().ParseSIP([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	m.SetSource(source)
	return m.(*sip.Request)
}

func accepts(c *Config, _ *Deps) { c.Refer = true }

// asks sends a REFER within the call and returns the response.
func (c *call) asks(to string) *message {
	c.t.Helper()
	c.in("REFER", "", "Refer-To: "+to)
	return c.p.expectOf("SIP/2.0", "cseq", fmt.Sprintf("%d REFER", c.seq))
}

// isTold expects a NOTIFY with a status and answers it.
func (c *call) isTold(status, state string) {
	c.t.Helper()
	n := c.p.expect("NOTIFY sip:trunk@")
	if n.body != "SIP/2.0 "+status+"\r\n" || !strings.HasPrefix(n.get("subscription-state"), state) ||
		n.get("event") != fmt.Sprintf("refer;id=%d", c.seq) || !strings.HasPrefix(n.get("content-type"), "message/sipfrag") || n.get("contact") == "" {
		c.t.Errorf("NOTIFY %q %v, want %s", n.body, n.header, status)
	}
	c.p.reply(n, "200 OK", "", "")
}

// RFC 3515 §2.4: a REFER that is taken: 202, an immediate NOTIFY, and one for each step.
func TestReferFromTheFarSide(t *testing.T) {
	c := talk(t, accepts)
	if m := c.asks(`"Bob" <sip:+12025550155@pbx.example?Replaces=abc%40h%3Bto-tag%3D1%3Bfrom-tag%3D2>`); !strings.Contains(m.start, "202") || m.get("contact") == "" {
		t.Fatal(m.start)
	}
	w := get(t, "the wish", c.leg.(media.Referee).Wishes())
	if w.To != "+12025550155" || w.Replaces != "abc@h;to-tag=1;from-tag=2" {
		t.Errorf("%+v", w)
	}
	c.isTold("100 Trying", "active")
	w.Progress(180)
	w.Progress(200)
	w.Progress(486) // nothing follows a final one
	c.isTold("180 Ringing", "active")
	c.isTold("200 OK", "terminated;reason=noresource")
	c.p.silent("NOTIFY")
	c.asks("<tel:+12025550156>") // another one, now that this one is over
	if w := get(t, "the wish", c.leg.(media.Referee).Wishes()); w.To != "+12025550156" {
		t.Errorf("%+v", w)
	}
}

// RFC 5057 §4.1: who refers usually hangs up at once; he is told all the same.
func TestReferThenBye(t *testing.T) {
	c := talk(t, accepts)
	c.asks("<sip:+12025550155@h>")
	refer := c.seq
	w := get(t, "the wish", c.leg.(media.Referee).Wishes())
	c.in("BYE", "")
	get(t, "the end", c.leg.Done())
	c.seq = refer
	c.isTold("100 Trying", "active")
	w.Progress(200)
	c.isTold("200 OK", "terminated")
}

// RFC 6665 §4.2.2: who refuses a NOTIFY gets no more.
func TestNotifyRefused(t *testing.T) {
	c := talk(t, accepts)
	c.asks("<sip:+12025550155@h>")
	w := get(t, "the wish", c.leg.(media.Referee).Wishes())
	c.p.reply(c.p.expect("NOTIFY"), "481 Subscription Does Not Exist", "", "")
	c.p.drain(fleeting)
	w.Progress(200)
	c.p.silent("NOTIFY")
}

func TestReferThatNobodyTakesIsDeclined(t *testing.T) {
	c := talk(t, accepts, func(c *Config, _ *Deps) { c.Timers.Refer = 200 * time.Millisecond })
	c.asks("<sip:+12025550155@h>")
	c.isTold("100 Trying", "active")
	c.isTold("408 Request Timeout", "terminated")
}

// RFC 3515 §2.4.2 and the operator's word: what is not taken.
func TestRefersThatAreDeclined(t *testing.T) {
	stranger := func(c *Config, _ *Deps) { c.Refer, c.Accept = true, Accept{Any: true} }
	for name, x := range map[string]struct {
		change func(*Config, *Deps)
		lines  []string
		want   string
	}{
		"refused by default":         {func(*Config, *Deps) {}, []string{"Refer-To: <sip:+12025550155@h>"}, "603"},
		"no target":                  {accepts, nil, "400"},
		"two targets":                {accepts, []string{"Refer-To: <sip:+12025550155@h>", "Refer-To: <sip:+12025550155@h>"}, "400"},
		"a target that is no target": {accepts, []string{"Refer-To: <sip:"}, "400"},
		"another method":             {accepts, []string{"Refer-To: <sip:+12025550155@h;method=BYE>"}, "603"},
		"no user":                    {accepts, []string{"Refer-To: <sip:h>"}, "603"},
		"a web page":                 {accepts, []string{"Refer-To: <http://h/x>"}, "400"},
		"a header in the Replaces":   {accepts, []string{"Refer-To: <sip:1@h?Replaces=a%0d%0aX:1>"}, "603"},
		"a stranger":                 {stranger, []string{"Refer-To: <sip:+12025550155@h>"}, "603"},
	} {
		t.Run(name, func(t *testing.T) {
			legs := make(chan media.Leg, 1)
			d := open(t, pickUp(legs), x.change)
			p := newPhone(t, d)
			ok := p.dial()
			leg := get(t, "the leg", legs)
			p.request("REFER", req{uri: ok.uri("contact"), toTag: ok.tag("to"), extra: x.lines})
			if m := p.expectOf("SIP/2.0", "cseq", "REFER"); !strings.Contains(m.start, x.want) {
				t.Errorf("%s, want %s", m.start, x.want)
			}
			if n := len(leg.(media.Referee).Wishes()); n != 0 {
				t.Errorf("%d wishes", n)
			}
			p.request("BYE", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
			p.expect("200 OK")
		})
	}
}

func TestReferOutsideOfACallIsDeclined(t *testing.T) {
	p := newPhone(t, open(t, nil, accepts))
	p.request("REFER", req{extra: []string{"Refer-To: <sip:+12025550155@h>"}})
	p.expect("603")
	p.request("NOTIFY", req{extra: []string{"Event: refer", "Subscription-State: " + done}})
	p.expect("481")
}

// A call that we place on behalf of a REFER carries what it takes over (RFC 3891 §4).
func TestDialThatTakesACallOver(t *testing.T) {
	d, p := open(t, nil), newPhone(t, nil)
	target := trunkAt(p)
	target.Replaces = "abc@h;to-tag=1;from-tag=2"
	c := place(t, d, target)
	invite := p.expect("INVITE")
	if invite.get("replaces") != target.Replaces || invite.get("require") != "replaces" {
		t.Errorf("%v", invite.header)
	}
	p.reply(invite, "481 Call/Transaction Does Not Exist", "a", "")
	p.expect("ACK")
	c.notAnswered(t)
}
