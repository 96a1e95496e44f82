package sipdoor

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestRepetitionOf2xx is RFC 3261 §13.3.1.4: after T1, then doubled up to T2, and a BYE when 64*T1 have brought no ACK.
func TestRepetitionOf2xx(t *testing.T) {
	virtually(t, func(t *testing.T, _ *Door, p *phone) {
		p.request("INVITE", req{body: plainSDP})
		p.expect("200 OK")
		begun := time.Now()
		var at []string
		for {
			m := p.next(time.Minute)
			if m == nil {
				t.Fatal("no BYE")
			}
			if m.start[:3] == "BYE" {
				at = append(at, "BYE "+time.Since(begun).String())
				p.reply(m, "200 OK", "", "")
				break
			}
			at = append(at, time.Since(begun).String())
		}
		want := "[500ms 1.5s 3.5s 7.5s 11.5s 15.5s 19.5s 23.5s 27.5s 31.5s BYE 32s]"
		if got := fmt.Sprint(at); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// begin sets up a call with headers of the caller's, and returns the 200.
func (p *phone) begin(extra ...string) *message {
	p.t.Helper()
	p.request("INVITE", req{body: plainSDP, extra: extra})
	ok := p.expect("200 OK")
	p.ack(ok)
	return ok
}

// TestSessionTimerOfTheCaller is RFC 4028 §10: where the caller refreshes, the call ends a little before the session expires, and later
// after each refresh.
func TestSessionTimerOfTheCaller(t *testing.T) {
	virtually(t, func(t *testing.T, _ *Door, p *phone) {
		ok := p.begin("Supported: timer", "Session-Expires: 1800;refresher=uac")
		if ok.get("session-expires") != "1800;refresher=uac" || ok.get("require") != "timer" {
			t.Errorf("200 %v", ok.header)
		}
		time.Sleep(25 * time.Minute)
		p.silent("SIP")
		p.request("INVITE", req{uri: ok.uri("contact"), toTag: ok.tag("to"), body: plainSDP,
			extra: []string{"Supported: timer", "Session-Expires: 1800;refresher=uac"}})
		p.ack(p.expect("200 OK"))
		time.Sleep(20 * time.Minute)
		update := req{uri: ok.uri("contact"), toTag: ok.tag("to"), extra: []string{"Supported: timer", "Session-Expires: 60"}}
		p.request("UPDATE", update) // changes nothing
		if m := p.expect("422"); m.get("min-se") != "90" {
			t.Error(m.get("min-se"))
		}
		update.extra[1] = "Session-Expires: 1800;refresher=uac"
		p.request("UPDATE", update)
		if m := p.expect("200 OK"); m.get("session-expires") != "1800;refresher=uac" {
			t.Error(m.get("session-expires"))
		}
		_, after := p.within(time.Hour, "BYE")
		if want := 30*time.Minute - 32*time.Second; after != want {
			t.Errorf("BYE after %s, want %s", after, want)
		}
	})
}

// TestSessionTimerOfOurs is RFC 4028 §7.4 and §10: we refresh at half the interval, by UPDATE where the peer takes it; a 2xx begins the
// time anew.
func TestSessionTimerOfOurs(t *testing.T) {
	virtually(t, func(t *testing.T, _ *Door, p *phone) {
		p.begin("Supported: timer", "Session-Expires: 600;refresher=uas", "Allow: INVITE, ACK, BYE, UPDATE")
		for range 3 {
			update, after := p.within(time.Hour, "UPDATE")
			if after != 5*time.Minute || update.get("session-expires") != "600;refresher=uac" || update.body != "" || update.get("contact") == "" {
				t.Errorf("after %s: UPDATE %v", after, update.header)
			}
			p.reply(update, "200 OK", "", "", "Session-Expires: 600;refresher=uac", "Require: timer")
		}
		update, _ := p.within(time.Hour, "UPDATE")
		p.reply(update, "200 OK", "", "", "Session-Expires: 600;refresher=uas", "Require: timer") // it takes the work over
		_, after := p.within(time.Hour, "BYE")
		if want := 600*time.Second - 32*time.Second; after != want {
			t.Errorf("BYE after %s, want %s", after, want)
		}
	})
}

// TestRefreshIsRefused says what each answer to a refresh leads to (RFC 4028 §7.3, §10; RFC 3261 §12.2.1.2, §14.1).
func TestRefreshIsRefused(t *testing.T) {
	for _, c := range []struct {
		name, status string
		headers      []string
		next         string
		least, most  time.Duration
		expires      string
	}{
		{"too brief: longer, at once", "422 Session Interval Too Small", []string{"Min-SE: 1200"}, "UPDATE", 0, 0, "1200;refresher=uac"},
		{"no UPDATE here: by INVITE, at once", "405 Method Not Allowed", nil, "INVITE", 0, 0, "600;refresher=uac"},
		{"pending: after 0 to 2 s, since the Call-ID is the peer's", "491 Request Pending", nil, "UPDATE", 0, 2 * time.Second, "600;refresher=uac"},
		{"a fault: tried again while the session lasts", "500 Fault", nil, "UPDATE", 75 * time.Second, 75 * time.Second, "600;refresher=uac"},
		{"no such call: it is over", "481 No", nil, "BYE", 0, 0, ""},
		{"a time-out: it is over", "408 Request Timeout", nil, "BYE", 0, 0, ""},
		{"silence: it is over", "", nil, "BYE", 0, 32 * time.Second, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			virtually(t, func(t *testing.T, _ *Door, p *phone) {
				p.begin("Supported: timer", "Session-Expires: 600", "Allow: UPDATE")
				update, _ := p.within(time.Hour, "UPDATE")
				if c.status != "" {
					p.reply(update, c.status, "", "", c.headers...)
				}
				next, after := p.within(time.Hour, c.next)
				if after < c.least || after > c.most || next.get("session-expires") != c.expires {
					t.Errorf("after %s: %s with Session-Expires %q", after, next.start, next.get("session-expires"))
				}
				if c.headers != nil && next.get("min-se") != "1200" {
					t.Error("no Min-SE of who found it too brief (§7.4)")
				}
			})
		})
	}
}

// TestGlareOfOurInvite is RFC 3261 §14.1: after a 491 our INVITE comes again within 2 s where the peer made the Call-ID, and a few times
// only; the peer's own INVITE gets 491 while ours is pending (§14.2).
func TestGlareOfOurInvite(t *testing.T) {
	virtually(t, func(t *testing.T, d *Door, p *phone) {
		ok := p.begin()
		synctest.Wait() // for the ACK to be taken
		dlg := d.dialogs.list()[0]
		dlg.box.put(dlg.refresh)
		for i := range proposals {
			ours, after := p.within(time.Minute, "INVITE")
			if i > 0 && after > 2*time.Second {
				t.Errorf("again after %s", after)
			}
			if i == 0 {
				branch := p.request("INVITE", req{uri: ok.uri("contact"), toTag: ok.tag("to"), body: plainSDP})
				p.expect("491")
				p.request("ACK", req{branch: branch, seq: p.seq, toTag: ok.tag("to")})
			}
			p.reply(ours, "491 Request Pending", "", "")
			p.expect("ACK")
		}
		p.silent("INVITE")
	})
}

// TestGlare is RFC 3261 §14.1: who made the Call-ID waits 2.1 to 4 s, the other one 0 to 2 s, in steps of 10 ms.
func TestGlare(t *testing.T) {
	door := &Door{cfg: Config{Timers: Timers{T1: 500 * time.Millisecond}}}
	for range 1000 {
		ours, theirs := (&dialog{door: door, dialing: &dialing{}}).glare(), (&dialog{door: door}).glare()
		if ours < 2100*time.Millisecond || ours > 4*time.Second || theirs < 0 || theirs > 2*time.Second || (ours+theirs)%(10*time.Millisecond) != 0 {
			t.Fatal(ours, theirs)
		}
	}
}

// TestRefreshByInvite is RFC 4028 §7.4 with a peer without UPDATE: the description stays as it was, the 2xx is acknowledged each time it
// comes (RFC 3261 §13.2.2.4), and a refused one leaves the call as it was (§14.1).
func TestRefreshByInvite(t *testing.T) {
	virtually(t, func(t *testing.T, _ *Door, p *phone) {
		ok := p.begin("Supported: timer", "Session-Expires: 600")
		first, after := p.within(time.Hour, "INVITE")
		if after != 5*time.Minute || first.get("session-expires") != "600;refresher=uac" || !strings.Contains(first.body, "m=audio") {
			t.Errorf("after %s: INVITE %v\n%s", after, first.header, first.body)
		}
		for range 2 {
			p.reply(first, "200 OK", "", plainSDP, "Session-Expires: 600;refresher=uac")
			if ack := p.expect("ACK"); ack.get("cseq") != strings.Replace(first.get("cseq"), "INVITE", "ACK", 1) {
				t.Error(ack.get("cseq"))
			}
		}
		second, _ := p.within(time.Hour, "INVITE")
		if version(second) != version(first) {
			t.Errorf("the description changed from %q to %q (RFC 3264 §8)", first.body, second.body)
		}
		p.reply(second, "488 Not Acceptable Here", "", "")
		p.expect("ACK")
		p.silent("BYE")
		p.request("BYE", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
		p.expect("200 OK")
	})
}

// version is the o= line of a description.
func version(m *message) string {
	_, o, _ := strings.Cut(m.body, "o=")
	o, _, _ = strings.Cut(o, "\r\n")
	return o
}

// TestSilentInviteEndsTheCall is RFC 3261 §14.1 with §12.2.1.2: an INVITE that nobody answers shows that the call is gone.
func TestSilentInviteEndsTheCall(t *testing.T) {
	virtually(t, func(t *testing.T, _ *Door, p *phone) {
		p.begin("Supported: timer", "Session-Expires: 600")
		p.within(time.Hour, "INVITE")
		_, after := p.within(time.Hour, "BYE")
		if after > 32*time.Second {
			t.Error(after)
		}
	})
}
