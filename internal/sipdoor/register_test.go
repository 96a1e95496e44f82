package sipdoor

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-voice/parley"
)

func registering(p *phone) Trunk {
	return Trunk{
		SIPTrunk: parley.SIPTrunk{ID: "t1", Domain: "127.0.0.1", Port: int(p.addr().Port()), Transport: "udp", Username: "user"}, Password: "secret",
	}
}

// withTrunks lets a door know a list that a test may change.
type trunkList struct {
	mu  sync.Mutex
	all []Trunk
}

func (l *trunkList) set(all ...Trunk) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = all
}

func (l *trunkList) use(_ *Config, deps *Deps) {
	deps.Trunks = func(context.Context) ([]Trunk, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.all, nil
	}
}

func TestRegistersRenewsAndTakesBack(t *testing.T) {
	p := newPhone(t, nil)
	list := &trunkList{}
	list.set(registering(p))
	d := open(t, nil, list.use)
	first := p.expect("REGISTER sip:127.0.0.1")
	if first.get("expires") != "600" || !strings.Contains(first.get("contact"), "<sip:user@"+d.Addr().String()) ||
		!strings.HasPrefix(first.get("to"), "<sip:user@127.0.0.1>") {
		t.Errorf("REGISTER %v", first.header)
	}
	p.reply(first, "401 Unauthorized", "x", "", `WWW-Authenticate: Digest realm="x", nonce="n1", qop="auth"`)
	second := p.expect("REGISTER")
	if c := signed(t, second, "authorization", "secret"); c.Nc != 1 {
		t.Errorf("nonce count %d", c.Nc)
	}
	p.reply(second, "423 Interval Too Brief", "x", "", "Min-Expires: 1800")
	third := p.expect("REGISTER")
	if third.get("expires") != "1800" {
		t.Error(third.get("expires"))
	}
	p.reply(third, "200 OK", "x", "", "Contact: <sip:other@192.0.2.1>;expires=900, "+first.get("contact")+";expires=1", "Expires: 1800")
	renewed := p.expect("REGISTER") // before the second is over
	if c := signed(t, renewed, "authorization", "secret"); c.Nonce != "n1" || c.Nc < 3 {
		t.Errorf("renewed with nonce %q count %d", c.Nonce, c.Nc)
	}
	if renewed.get("expires") != "1800" {
		t.Errorf("renewed for %s s: the trunk's shortest life is forgotten", renewed.get("expires"))
	}
	if renewed.get("call-id") != first.get("call-id") || renewed.get("cseq") == third.get("cseq") {
		t.Error("the renewal is another registration")
	}
	p.reply(renewed, "200 OK", "x", "", "Expires: 600")
	list.set()
	last := p.expect("REGISTER")
	if last.get("expires") != "0" {
		t.Error(last.get("expires"))
	}
	p.reply(last, "200 OK", "x", "")
}

func TestRenewalAnswersANewNonce(t *testing.T) {
	p := newPhone(t, nil)
	list := &trunkList{}
	list.set(registering(p))
	open(t, nil, list.use)
	p.reply(p.expect("REGISTER"), "401 Unauthorized", "x", "", `WWW-Authenticate: Digest realm="x", nonce="n1", qop="auth"`)
	p.reply(p.expect("REGISTER"), "200 OK", "x", "", "Expires: 1")
	p.reply(p.expect("REGISTER"), "401 Unauthorized", "x", "", `WWW-Authenticate: Digest realm="x", nonce="n2", qop="auth"`) // not called stale
	m := p.expect("REGISTER")
	if c := signed(t, m, "authorization", "secret"); c.Nonce != "n2" || c.Nc != 1 {
		t.Errorf("nonce %q count %d", c.Nonce, c.Nc)
	}
	p.reply(m, "200 OK", "x", "", "Expires: 600")
	list.set()
	p.reply(p.expect("REGISTER"), "200 OK", "x", "")
}

func TestFailedRegistrationIsTriedAgain(t *testing.T) {
	p := newPhone(t, nil)
	list := &trunkList{}
	list.set(registering(p))
	open(t, nil, list.use)
	p.reply(p.expect("REGISTER"), "503 Service Unavailable", "x", "")
	p.reply(p.expect("REGISTER"), "403 Forbidden", "x", "")
	p.reply(p.expect("REGISTER"), "200 OK", "x", "", "Expires: 600")
	changed := registering(p)
	changed.Password = "other"
	list.set(changed)
	one, two := p.expect("REGISTER"), p.expect("REGISTER")
	if one.get("expires") == "600" { // the new one and the end of the old one come in any order
		one, two = two, one
	}
	if one.get("expires") != "0" || two.get("expires") != "600" || one.get("call-id") == two.get("call-id") {
		t.Errorf("%v\n%v", one.header, two.header)
	}
	p.reply(one, "200 OK", "x", "")
	p.reply(two, "200 OK", "x", "", "Expires: 600")
	list.set()
	p.reply(p.expect("REGISTER"), "200 OK", "x", "")
}

func TestGivenLife(t *testing.T) {
	for life, want := range map[time.Duration]time.Duration{
		600 * time.Second: 595 * time.Second, 60 * time.Second: 55 * time.Second, 8 * time.Second: 6 * time.Second, time.Second: 750 * time.Millisecond,
		0: 500 * time.Millisecond,
	} {
		if got := renewIn(life); got != want {
			t.Errorf("a life of %s is renewed after %s, want %s", life, got, want)
		}
	}
}

func TestProbe(t *testing.T) {
	ask := `WWW-Authenticate: Digest realm="x", nonce="n1", qop="auth"`
	for _, c := range []struct {
		name     string
		user     bool
		options  string
		register []string
		err      string
	}{
		{"a trunk without registration", false, "200 OK", nil, ""},
		{"one that does not know OPTIONS", false, "405 Method Not Allowed", nil, ""},
		{"one in trouble", false, "503 Service Unavailable", nil, "answers 503"},
		{"credentials that it takes", true, "200 OK", []string{"401 Unauthorized", "200 OK"}, ""},
		{"credentials that it refuses", true, "200 OK", []string{"401 Unauthorized", "401 Unauthorized"}, "refused the credentials"},
		{"an account that is shut", true, "200 OK", []string{"401 Unauthorized", "403 Forbidden"}, "refused the credentials"},
		{"one that registers nobody", true, "200 OK", []string{"405 Method Not Allowed"}, ""},
		{"nobody there", false, "", nil, "no answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, p := open(t, nil, func(cfg *Config, _ *Deps) { cfg.Timers.Reply = 300 * time.Millisecond }), newPhone(t, nil)
			target := trunkAt(p)
			if c.user {
				target = withUser(target)
			}
			result := make(chan error, 1)
			go func() { _, err := d.Probe(context.Background(), target); result <- err }()
			if m := p.expect("OPTIONS sip:127.0.0.1"); c.options != "" {
				p.reply(m, c.options, "x", "")
			}
			for i, status := range c.register {
				m := p.expect("REGISTER")
				if i > 0 {
					signed(t, m, "authorization", "secret")
				}
				if m.get("contact") != "" {
					t.Error("the probe changes the registrations")
				}
				p.reply(m, status, "x", "", ask)
			}
			err := get(t, "the result", result)
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v, want %q", err, c.err)
			}
		})
	}
}

// TestRegistrationWithoutALifeBacksOff takes a 200 that keeps nothing for a failure, not for a reason to ask again at once.
func TestRegistrationWithoutALifeBacksOff(t *testing.T) {
	p, list := newPhone(t, nil), &trunkList{}
	list.set(registering(p))
	open(t, nil, list.use, func(c *Config, _ *Deps) { c.Timers.Retry = time.Hour })
	first := p.expect("REGISTER")
	p.reply(first, "200 OK", "x", "", "Contact: "+first.get("contact")+";expires=0")
	p.silent("REGISTER")
}
