package sipdoor

import (
	"crypto/sha512"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/icholy/digest"

	"github.com/parley-voice/parley/internal/media"
)

// signed checks the credentials in a request of the door's.
func signed(t *testing.T, m *message, header, password string) *digest.Credentials {
	t.Helper()
	c, err := digest.ParseCredentials(m.get(header))
	if err != nil {
		t.Fatalf("%s: %v", m.start, err)
	}
	f := strings.Fields(m.start)
	chal := &digest.Challenge{Realm: c.Realm, Nonce: c.Nonce, Algorithm: c.Algorithm}
	if c.QOP != "" {
		chal.QOP = []string{c.QOP}
	}
	want, err := digest.Digest(chal, digest.Options{
		Method: f[0], URI: f[1], Username: "user", Password: password, Cnonce: c.Cnonce, Count: c.Nc,
	})
	if err != nil || want.Response != c.Response || c.URI != f[1] {
		t.Errorf("credentials %+v are wrong: %v", c, err)
	}
	return c
}

func withUser(target media.Target) media.Target {
	target.Trunk.Username, target.Password = "user", "secret"
	return target
}

func TestInviteAnswersChallenges(t *testing.T) {
	for _, c := range []struct {
		name, status, reply string
		ask                 []string
	}{
		{"401 with MD5", "401 Unauthorized", "authorization", []string{`WWW-Authenticate: Digest realm="x", nonce="n1", algorithm=MD5, qop="auth"`}},
		{"401 with SHA-256", "401 Unauthorized", "authorization", []string{`WWW-Authenticate: Digest realm="x", nonce="n1", algorithm=SHA-256, qop="auth"`}},
		{"the first of several that we know (RFC 8760 §2.4)", "401 Unauthorized", "authorization", []string{
			`WWW-Authenticate: Digest realm="x", nonce="n1", algorithm=SHA-512-256, qop="auth"`,
			`WWW-Authenticate: Digest realm="x", nonce="n2", algorithm=SHA-256, qop="auth"`,
			`WWW-Authenticate: Digest realm="x", nonce="n3", algorithm=MD5, qop="auth"`}},
		{"407 of a proxy", "407 Proxy Authentication Required", "proxy-authorization",
			[]string{`Proxy-Authenticate: Digest realm="x", nonce="n1", qop="auth,auth-int"`}},
		{"an old one without qop", "401 Unauthorized", "authorization", []string{`WWW-Authenticate: Digest realm="x", nonce="n1"`}},
		{"a second one when nobody knows the first", "401 Unauthorized", "authorization", []string{
			`WWW-Authenticate: Digest realm="x", nonce="n0", algorithm=AKAv1-MD5`, `WWW-Authenticate: Basic realm="x"`,
			`WWW-Authenticate: Digest realm="x", nonce="n1", algorithm=MD5, qop="auth"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, p := open(t, nil), newPhone(t, nil)
			call := place(t, d, withUser(trunkAt(p)))
			first := p.expect("INVITE")
			p.reply(first, c.status, "x", "", c.ask...)
			p.expect("ACK")
			second := p.expect("INVITE")
			if cred := signed(t, second, c.reply, "secret"); cred.Nonce != "n1" {
				t.Errorf("nonce %q", cred.Nonce)
			}
			if second.get("call-id") != first.get("call-id") || second.get("cseq") == first.get("cseq") || second.get("via") == first.get("via") ||
				second.tag("from") != first.tag("from") || second.tag("to") != "" {
				t.Errorf("second INVITE %v", second.header)
			}
			p.reply(second, "200 OK", "a", plainSDP)
			signedAck := p.expect("ACK")
			if signedAck.get(c.reply) != second.get(c.reply) {
				t.Error("the ACK lacks the credentials of the INVITE")
			}
			get(t, "the leg", call.done)
			if call.err != nil {
				t.Fatal(call.err)
			}
			p.hangUp(second)
			p.expect("200 OK")
		})
	}
}

// RFC 7616 §3.4.1 with SHA-512/256, worked out here by hand.
func TestSHA512256(t *testing.T) {
	d, p := open(t, nil), newPhone(t, nil)
	call := place(t, d, withUser(trunkAt(p)))
	p.reply(p.expect("INVITE"), "401 Unauthorized", "x", "", `WWW-Authenticate: Digest realm="x", nonce="n1", algorithm=SHA-512-256, qop="auth"`)
	second := p.expect("INVITE")
	c, err := digest.ParseCredentials(second.get("authorization"))
	if err != nil {
		t.Fatal(err)
	}
	h := func(parts ...string) string {
		sum := sha512.Sum512_256([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(sum[:])
	}
	want := h(h("user", "x", "secret"), "n1", "00000001", c.Cnonce, "auth", h("INVITE", strings.Fields(second.start)[1]))
	if c.Response != want || c.Algorithm != "SHA-512-256" {
		t.Errorf("%s by %s, want %s", c.Response, c.Algorithm, want)
	}
	p.reply(second, "486 Busy Here", "a", "")
	call.notAnswered(t)
}

// RFC 3261 §22.3: a proxy that forks gathers the challenges of several realms in one response; each gets its credentials.
func TestSeveralRealmsInOneResponse(t *testing.T) {
	d, p := open(t, nil), newPhone(t, nil)
	call := place(t, d, withUser(trunkAt(p)))
	p.reply(p.expect("INVITE"), "407 Proxy Authentication Required", "x", "", `Proxy-Authenticate: Digest realm="p", nonce="p1", qop="auth"`,
		`Proxy-Authenticate: Digest realm="q", nonce="q1", algorithm=SHA-256, qop="auth"`)
	second := p.expect("INVITE")
	realms := map[string]string{}
	for _, v := range second.header["proxy-authorization"] {
		one := &message{start: second.start, header: map[string][]string{"proxy-authorization": {v}}}
		c := signed(t, one, "proxy-authorization", "secret")
		realms[c.Realm] = c.Nonce
	}
	if len(realms) != 2 || realms["p"] != "p1" || realms["q"] != "q1" {
		t.Errorf("credentials for %v", realms)
	}
	p.reply(second, "486 Busy Here", "a", "")
	call.notAnswered(t)
}

func TestProxyAndFarEndBothChallenge(t *testing.T) {
	d, p := open(t, nil), newPhone(t, nil)
	call := place(t, d, withUser(trunkAt(p)))
	p.reply(p.expect("INVITE"), "407 Proxy Authentication Required", "x", "", `Proxy-Authenticate: Digest realm="p", nonce="p1", qop="auth"`)
	p.reply(p.expect("INVITE"), "401 Unauthorized", "y", "", `WWW-Authenticate: Digest realm="x", nonce="n1", qop="auth"`)
	third := p.expect("INVITE")
	signed(t, third, "authorization", "secret")
	if c := signed(t, third, "proxy-authorization", "secret"); c.Nc != 2 {
		t.Errorf("nonce count %d", c.Nc)
	}
	p.reply(third, "486 Busy Here", "a", "")
	if na := call.notAnswered(t); na.Outcome != media.OutcomeBusy {
		t.Errorf("%+v", na)
	}
}

func TestWrongPasswordFailsAfterOneTry(t *testing.T) {
	d, p := open(t, nil), newPhone(t, nil)
	call := place(t, d, withUser(trunkAt(p)))
	ask := `WWW-Authenticate: Digest realm="x", nonce="n%", qop="auth"`
	p.reply(p.expect("INVITE"), "401 Unauthorized", "x", "", strings.Replace(ask, "%", "1", 1))
	p.reply(p.expect("INVITE"), "401 Unauthorized", "x", "", strings.Replace(ask, "%", "2", 1))
	if na := call.notAnswered(t); na.Reason != "sip_401" || na.Outcome != media.OutcomeFailed {
		t.Errorf("%+v", na)
	}
}

func TestStaleNonceIsAnsweredAgain(t *testing.T) {
	d, p := open(t, nil), newPhone(t, nil)
	call := place(t, d, withUser(trunkAt(p)))
	p.reply(p.expect("INVITE"), "401 Unauthorized", "x", "", `WWW-Authenticate: Digest realm="x", nonce="n1", qop="auth"`)
	p.reply(p.expect("INVITE"), "401 Unauthorized", "x", "", `WWW-Authenticate: Digest realm="x", nonce="n2", stale=true, qop="auth"`)
	third := p.expect("INVITE")
	if c := signed(t, third, "authorization", "secret"); c.Nonce != "n2" {
		t.Errorf("nonce %q", c.Nonce)
	}
	p.reply(third, "486 Busy Here", "a", "")
	call.notAnswered(t)
}

func TestByeAnswersItsChallenge(t *testing.T) {
	d, p := open(t, nil), newPhone(t, nil)
	call := place(t, d, withUser(trunkAt(p)))
	p.reply(p.expect("INVITE"), "407 Proxy Authentication Required", "", "", `Proxy-Authenticate: Digest realm="x", nonce="n0", qop="auth"`)
	p.reply(p.expect("INVITE"), "200 OK", "a", plainSDP)
	p.expect("ACK sip:trunk@")
	get(t, "the leg", call.done)
	told := make(chan error, 1)
	go func() { told <- call.leg.Hangup(t.Context()) }()
	p.reply(p.expect("BYE"), "407 Proxy Authentication Required", "", "", `Proxy-Authenticate: Digest realm="x", nonce="n1", qop="auth"`)
	again := p.expect("BYE")
	signed(t, again, "proxy-authorization", "secret")
	p.reply(again, "200 OK", "", "")
	if err := get(t, "the return of Hangup", told); err != nil {
		t.Error(err)
	}
}

// TestCallersCredentials is digest as a server: who may call is listed with a password.
func TestCallersCredentials(t *testing.T) {
	for _, c := range []struct {
		name, user, password string
		admitted             bool
	}{
		{"the right password", "user", "secret", true},
		{"a wrong password", "user", "guess", false},
		{"an unknown user", "other", "secret", false},
		{"an unknown user with an empty password", "other", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			legs := make(chan media.Leg, 1)
			d := open(t, pickUp(legs), func(cfg *Config, _ *Deps) { cfg.Accept = Accept{Users: map[string]string{"user": "secret"}} })
			p := newPhone(t, d)
			auth := p.challengedFor(c.user, c.password)
			p.request("INVITE", req{body: plainSDP, extra: []string{auth}})
			if !c.admitted {
				m := p.expect("401")
				p.request("ACK", req{seq: p.seq, toTag: m.tag("to")})
				return
			}
			ok := p.expect("200 OK")
			p.ack(ok)
			p.request("BYE", req{uri: ok.uri("contact"), toTag: ok.tag("to")})
			p.expect("200 OK")
			p.call += "replayed"
			p.request("INVITE", req{body: plainSDP, extra: []string{auth}})
			if m := p.expect("401"); !strings.Contains(m.get("www-authenticate"), "stale=true") {
				t.Error("an overheard answer was not refused as stale")
			}
		})
	}
}

// challengedFor asks for a challenge by an INVITE and returns the Authorization header that answers it.
func (p *phone) challengedFor(user, password string) string {
	p.t.Helper()
	branch := p.request("INVITE", req{body: plainSDP})
	m := p.expect("401")
	p.request("ACK", req{branch: branch, seq: p.seq, toTag: m.tag("to")})
	offered := m.header["www-authenticate"]
	if len(offered) != 1 { // several are more than some phones bear
		p.t.Fatalf("challenges %q", offered)
	}
	chal, err := digest.ParseChallenge(offered[0])
	if err != nil {
		p.t.Fatal(err)
	}
	cred, err := digest.Digest(chal, digest.Options{
		Method: "INVITE", URI: "sip:+15550100@" + p.to.String(), Username: user, Password: password, Count: 1,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return "Authorization: " + cred.String()
}
