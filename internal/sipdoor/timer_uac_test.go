package sipdoor

import "testing"

// TestOutboundCallAsksForATimer is RFC 4028 §7.1 to §7.3: our INVITE names an interval; after a 422 it comes again with the same Call-ID, a
// higher CSeq, and what was asked for, as often as another one on the way wants more.
func TestOutboundCallAsksForATimer(t *testing.T) {
	d, p := open(t, nil), newPhone(t, nil)
	c := place(t, d, trunkAt(p))
	first := p.expect("INVITE")
	if first.get("session-expires") != "1800" || first.get("min-se") != "" || first.get("supported") != "replaces, timer, 100rel" {
		t.Errorf("INVITE %v", first.header)
	}
	p.reply(first, "422 Session Interval Too Small", "x", "", "Min-SE: 3600")
	p.expect("ACK")
	second := p.expect("INVITE")
	if second.get("session-expires") != "3600" || second.get("min-se") != "3600" || second.get("call-id") != first.get("call-id") ||
		second.get("cseq") == first.get("cseq") || second.tag("from") != first.tag("from") {
		t.Errorf("INVITE %v", second.header)
	}
	p.reply(second, "422 Session Interval Too Small", "y", "", "Min-SE: 4000")
	p.expect("ACK")
	third := p.expect("INVITE")
	if third.get("session-expires") != "4000" || third.get("min-se") != "4000" {
		t.Errorf("INVITE %v", third.header)
	}
	p.reply(third, "200 OK", "a", plainSDP, "Session-Expires: 4000;refresher=uac", "Require: timer", "Allow: UPDATE")
	p.expect("ACK")
	get(t, "the leg", c.done)
	if c.err != nil {
		t.Fatal(c.err)
	}
	d.dialogs.list()[0].box.put(d.dialogs.list()[0].refresh)
	update := p.expect("UPDATE")
	if update.get("session-expires") != "4000;refresher=uac" || update.get("min-se") != "4000" || update.tag("to") != "a" {
		t.Errorf("UPDATE %v", update.header)
	}
	p.reply(update, "200 OK", "", "", "Session-Expires: 4000;refresher=uac")
	p.hangUp(third)
	p.expect("200 OK")
}

// TestEndlessTooBriefIsARefusal bounds what a 422 leads to.
func TestEndlessTooBriefIsARefusal(t *testing.T) {
	d, p := open(t, nil), newPhone(t, nil)
	c := place(t, d, trunkAt(p))
	for i := range raises + 1 {
		p.reply(p.expect("INVITE"), "422 Session Interval Too Small", "x", "", "Min-SE: "+string(rune('2'+i))+"000")
		p.expect("ACK")
	}
	if na := c.notAnswered(t); na.Status != 422 {
		t.Errorf("%+v", na)
	}
}
