package sipdoor

import (
	"context"
	"strings"
	"testing"

	"github.com/parley-voice/parley/internal/media"
)

// replacesOf names a call of the door's to a phone, as who takes it over names it to the door: to-tag is the door's (RFC 3891 §6.1).
func replacesOf(invite *message) string {
	return "Replaces: " + invite.get("call-id") + ";to-tag=" + invite.tag("from") + ";from-tag=a"
}

// RFC 3891 §3: a confirmed call is replaced, its dialog gets a BYE, and its leg goes on with the new caller.
func TestReplacesTakesTheCallOver(t *testing.T) {
	served := make(chan struct{}, 1)
	d := open(t, func(media.Incoming) { served <- struct{}{} })
	old := talkTo(t, d, newPhone(t, nil))
	p := newPhone(t, d)
	p.request("INVITE", req{body: plainSDP, extra: []string{replacesOf(old.invite), "Require: replaces"}})
	ok := p.expect("200 OK")
	p.ack(ok)
	if port := mediaPort(ok.body); port == "" || port != mediaPort(old.invite.body) {
		t.Errorf("the sound moved to port %s", port)
	}
	old.p.reply(old.p.expect("BYE"), "200 OK", "", "")
	if len(served) != 0 {
		t.Error("the house was asked about it")
	}
	select {
	case <-old.leg.Done():
		t.Error("the leg ended")
	default:
	}
	told := make(chan error, 1)
	go func() { told <- old.leg.Hangup(context.Background()) }()
	bye := p.expect("BYE")
	p.reply(bye, "200 OK", "", "")
	if err := get(t, "the return of Hangup", told); err != nil {
		t.Error(err)
	}
}

func mediaPort(body string) string {
	_, rest, _ := strings.Cut(body, "m=audio ")
	port, _, _ := strings.Cut(rest, " ")
	return port
}

// RFC 3891 §3: what may not be replaced, and how that is said.
func TestReplacesThatAreRefused(t *testing.T) {
	d := open(t, nil, func(_ *Config, deps *Deps) {
		deps.Answerer = answers(func(in media.Incoming) { <-in.Gone() })
	})
	old := talkTo(t, d, newPhone(t, nil))
	right := strings.TrimPrefix(replacesOf(old.invite), "Replaces: ")
	for name, x := range map[string]struct {
		want  string
		extra []string
	}{
		"no such call":               {"481", []string{"Replaces: nobody;to-tag=x;from-tag=y"}},
		"the tags the wrong way":     {"481", []string{"Replaces: " + old.invite.get("call-id") + ";to-tag=a;from-tag=" + old.invite.tag("from")}},
		"one tag only":               {"400", []string{"Replaces: " + old.invite.get("call-id") + ";to-tag=a"}},
		"two of them":                {"400", []string{"Replaces: " + right, "Replaces: " + right}},
		"beside a Join":              {"400", []string{"Replaces: " + right, "Join: " + right}},
		"early only, but it is late": {"486", []string{"Replaces: " + right + ";early-only"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPhone(t, d)
			p.request("INVITE", req{body: plainSDP, extra: x.extra})
			m := p.expectOf("SIP/2.0", "cseq", "INVITE")
			for strings.Contains(m.start, " 1") {
				m = p.expectOf("SIP/2.0", "cseq", "INVITE")
			}
			if !strings.Contains(m.start, x.want) {
				t.Errorf("%s, want %s", m.start, x.want)
			}
		})
	}
	select {
	case <-old.leg.Done():
		t.Error("the call ended")
	default:
	}
}

// RFC 3891 §3: an early call that the door did not begin is no match.
func TestReplacesOfACallThatRingsHere(t *testing.T) {
	d := open(t, func(in media.Incoming) { _ = in.Ring(); <-in.Gone() })
	p, q := newPhone(t, d), newPhone(t, d)
	p.request("INVITE", req{body: plainSDP, branch: "z9hG4bKearly"})
	ringing := p.expect("180")
	q.request("INVITE", req{body: plainSDP, extra: []string{"Replaces: " + p.call + ";to-tag=" + ringing.tag("to") + ";from-tag=" + p.tag}})
	q.expect("481")
	p.request("CANCEL", req{branch: "z9hG4bKearly", seq: 1})
	p.expect("487")
}

// RFC 3891 §3: an early call of the door's own is cancelled, and the new call takes its place.
func TestReplacesPicksUpACallThatRingsElsewhere(t *testing.T) {
	d, p, q := open(t, nil, func(_ *Config, deps *Deps) { deps.Answerer = answers(func(media.Incoming) {}) }), newPhone(t, nil), (*phone)(nil)
	q = newPhone(t, d)
	c := place(t, d, trunkAt(p))
	invite := p.expect("INVITE")
	p.reply(invite, "180 Ringing", "a", "")
	for c.rings.Load() == 0 {
		p.drain(1)
	}
	q.request("INVITE", req{body: plainSDP, extra: []string{replacesOf(invite) + ";early-only"}})
	ok := q.expect("200 OK")
	q.ack(ok)
	p.canceled(invite)
	get(t, "the leg", c.done)
	if c.err != nil {
		t.Fatal(c.err)
	}
	q.request("BYE", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
	get(t, "the end", c.leg.Done())
	if c.leg.Cause() != media.EndRemote {
		t.Error(c.leg.Cause())
	}
}

// RFC 3891 §3: who was not part of the call needs more than its tags.
func TestStrangersReplaceNothing(t *testing.T) {
	d := open(t, nil, func(c *Config, deps *Deps) {
		c.Accept = Accept{Any: true}
		deps.Answerer = answers(func(media.Incoming) {})
	})
	old := talkTo(t, d, newPhone(t, nil))
	// The same address may: it is part of the call. Another one is tried in the rule alone, since loopback has only this one here.
	if over, wrong := d.replaced(parsed(t, replacesOf(old.invite), "192.0.2.7:5060"), judgement{}); over != nil || wrong == nil || wrong.status != 403 {
		t.Errorf("%+v, %+v", over, wrong)
	}
	if over, wrong := d.replaced(parsed(t, replacesOf(old.invite), "192.0.2.7:5060"), judgement{trunk: "t1"}); over == nil || wrong != nil {
		t.Errorf("the call's own trunk: %+v", wrong)
	}
}
