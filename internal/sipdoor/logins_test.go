package sipdoor

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/icholy/digest"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
)

// solve answers a challenge for a request of a phone's.
func solve(t testing.TB, challenge, method, uri, user, password string, change ...func(*digest.Challenge, *digest.Options)) string {
	t.Helper()
	chal, err := digest.ParseChallenge(challenge)
	if err != nil {
		t.Fatal(err)
	}
	o := digest.Options{Method: method, URI: uri, Username: user, Password: password, Count: 1}
	for _, f := range change {
		f(chal, &o)
	}
	cred, err := digest.Digest(chal, o)
	if err != nil {
		t.Fatal(err)
	}
	return "Authorization: " + cred.String()
}

// challenges asks for them by an INVITE.
func (p *phone) challenges() []string {
	p.t.Helper()
	branch := p.request("INVITE", req{body: plainSDP})
	m := p.expect("401")
	p.request("ACK", req{branch: branch, seq: p.seq, toTag: m.tag("to")})
	return m.header["www-authenticate"]
}

func usersOnly(algorithms ...string) func(*Config, *Deps) {
	return func(c *Config, _ *Deps) {
		c.Accept, c.Digest = Accept{Users: map[string]string{"user": "secret"}}, algorithms
	}
}

func TestChallengesStandInOrderOfPreference(t *testing.T) { // RFC 8760 §2.3
	for _, c := range []struct {
		name         string
		offer, names []string
	}{
		{"MD5 alone when nothing is said", nil, []string{"MD5"}},
		{"both", []string{parley.DigestSHA256, parley.DigestMD5}, []string{"SHA-256", "MD5"}},
		{"SHA-256 alone", []string{parley.DigestSHA256}, []string{"SHA-256"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			legs := make(chan media.Leg, 1)
			d := open(t, pickUp(legs), usersOnly(c.offer...))
			for i := range c.names {
				p := newPhone(t, d)
				offered := p.challenges()
				var names []string
				for _, o := range offered {
					chal, err := digest.ParseChallenge(o)
					if err != nil || !slices.Equal(chal.QOP, []string{"auth"}) {
						t.Fatalf("challenge %q: %v", o, err)
					}
					names = append(names, chal.Algorithm)
				}
				if !slices.Equal(names, c.names) {
					t.Fatalf("offered %v, want %v", names, c.names)
				}
				p.request("INVITE", req{body: plainSDP, extra: []string{solve(t, offered[i], "INVITE", "sip:+15550100@"+p.to.String(), "user", "secret")}})
				ok := p.expect("200 OK")
				p.ack(ok)
				p.request("BYE", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
				p.expect("200 OK")
				get(t, "the leg", legs)
			}
		})
	}
}

func TestCredentialsNotAsChallenged(t *testing.T) { // RFC 7616 §3.4, §3.5
	for _, c := range []struct {
		name, status string
		change       func(*digest.Challenge, *digest.Options)
	}{
		{"auth-int is refused", "400", func(c *digest.Challenge, _ *digest.Options) { c.QOP = []string{"auth-int"} }},
		{"no quality of protection", "400", func(c *digest.Challenge, _ *digest.Options) { c.QOP = nil }},
		{"an algorithm that was not offered", "400", func(c *digest.Challenge, _ *digest.Options) { c.Algorithm = "SHA-256" }},
		{"an answer for another number", "401", func(_ *digest.Challenge, o *digest.Options) { o.URI = "sip:+15550999@127.0.0.1" }},
		{"another realm", "401", func(c *digest.Challenge, _ *digest.Options) { c.Realm = "elsewhere" }},
		{"a nonce of one's own", "401", func(c *digest.Challenge, _ *digest.Options) { c.Nonce = strings.Repeat("0", 56) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPhone(t, open(t, nil, usersOnly()))
			auth := solve(t, p.challenges()[0], "INVITE", "sip:+15550100@"+p.to.String(), "user", "secret", c.change)
			branch := p.request("INVITE", req{body: plainSDP, extra: []string{auth}})
			m := p.expect("SIP/2.0 " + c.status)
			p.request("ACK", req{branch: branch, seq: p.seq, toTag: m.tag("to")})
		})
	}
}

// logged collects lines as the house writes them.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logged) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), part)
}

func logTo(l *logged) func(*Config, *Deps) {
	return func(_ *Config, deps *Deps) { deps.Log = slog.New(slog.NewTextHandler(l, nil)) }
}

// TestOnlyReadersOfChallengesAreAccused keeps a stranger from getting an address banned by datagrams in its name.
func TestOnlyReadersOfChallengesAreAccused(t *testing.T) {
	var out logged
	p := newPhone(t, open(t, nil, usersOnly(), logTo(&out)))
	uri := "sip:+15550100@" + p.to.String()
	forged := solve(t, `Digest realm="parley", nonce="`+strings.Repeat("0", 56)+`", algorithm=MD5, qop="auth"`, "INVITE", uri, "user", "guess")
	branch := p.request("INVITE", req{body: plainSDP, extra: []string{forged}})
	m := p.expect("401")
	p.request("ACK", req{branch: branch, seq: p.seq, toTag: m.tag("to")})
	if n := out.count(msgAuthentication); n != 0 {
		t.Fatalf("%d lines about an address that nobody has proven", n)
	}
	auth := solve(t, m.get("www-authenticate"), "INVITE", uri, "user", "guess")
	branch = p.request("INVITE", req{body: plainSDP, extra: []string{auth}})
	m = p.expect("401")
	p.request("ACK", req{branch: branch, seq: p.seq, toTag: m.tag("to")})
	line := fmt.Sprintf("level=WARN msg=%q source=127.0.0.1 port=%d reason=\"wrong credentials\" method=INVITE", msgAuthentication, p.addr().Port())
	if n := out.count(line); n != 1 {
		t.Errorf("%d lines about a wrong password:\n%s", n, &out.buf)
	}
}

func TestScannersGetNoAnswer(t *testing.T) {
	var out logged
	p := newPhone(t, open(t, func(media.Incoming) { t.Error("served") }, logTo(&out), func(c *Config, _ *Deps) { c.Scanners = []string{"friendly-scanner"} }))
	for _, method := range []string{"OPTIONS", "INVITE", "REGISTER"} {
		p.request(method, req{extra: []string{"User-Agent: Friendly-Scanner 1.0"}})
	}
	p.silent("SIP/2.0")
	p.request("OPTIONS", req{extra: []string{"User-Agent: a phone"}})
	p.expect("200 OK")
	if n := out.count("reason=scanner"); n != 3 {
		t.Errorf("%d lines", n)
	}
}
