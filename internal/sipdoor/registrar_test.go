package sipdoor

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/icholy/digest"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
)

// cabinet keeps softphones as the house does.
type cabinet struct {
	mu       sync.Mutex
	phones   []parley.SoftphoneLogin
	bindings map[string][]parley.Binding
	away     error
}

var _ Softphones = (*cabinet)(nil)

// newCabinet makes softphones by "environment username password".
func newCabinet(phones ...string) *cabinet {
	c := &cabinet{bindings: map[string][]parley.Binding{}}
	for _, p := range phones {
		f := strings.Fields(p)
		l := parley.SoftphoneLogin{Phone: &parley.Softphone{ID: f[0] + "/" + f[1], EnvironmentID: f[0], Username: f[1]}, HA1: map[string]string{}}
		for _, a := range []string{parley.DigestMD5, parley.DigestSHA256} {
			l.HA1[a] = parley.DigestHA1(a, f[1], f[2])
		}
		c.phones = append(c.phones, l)
	}
	return c
}

func (c *cabinet) open(_ *Config, deps *Deps) { deps.Softphones = c }

func (c *cabinet) phone(id string) *parley.Softphone {
	i := slices.IndexFunc(c.phones, func(l parley.SoftphoneLogin) bool { return l.Phone.ID == id })
	return c.phones[i].Phone
}

func (c *cabinet) Exist(context.Context) (bool, error) { return len(c.phones) > 0, c.away }

func (c *cabinet) Logins(_ context.Context, username string) (out []parley.SoftphoneLogin, err error) {
	for _, l := range c.phones {
		if l.Phone.Username == username {
			out = append(out, l)
		}
	}
	return out, c.away
}

func (c *cabinet) Bindings(_ context.Context, id string) (out []parley.Binding, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for phone, all := range c.bindings {
		if id == "" || id == phone {
			out = append(out, all...)
		}
	}
	return out, c.away
}

func (c *cabinet) count(id string) int {
	all, _ := c.Bindings(context.Background(), id)
	return len(all)
}

func (c *cabinet) Rebind(_ context.Context, id string, change func([]parley.Binding) ([]parley.Binding, error)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	left, err := change(c.bindings[id])
	if err == nil {
		c.bindings[id] = left
	}
	return err
}

// registers sends a REGISTER for a user, answers the challenge with a password, and returns the final answer.
func (p *phone) registers(user, password string, extra ...string) *message {
	p.t.Helper()
	uri := "sip:" + p.to.String()
	as := func(extra []string) {
		p.seq++
		p.write(strings.Join(append([]string{
			"REGISTER " + uri + " SIP/2.0", fmt.Sprintf("Via: SIP/2.0/UDP %s;branch=z9hG4bKr%d;rport", p.via(), time.Now().UnixNano()),
			"From: <sip:" + user + "@parley.test>;tag=" + p.tag, "To: <sip:" + user + "@parley.test>", "Call-ID: " + p.call,
			fmt.Sprintf("CSeq: %d REGISTER", p.seq), "Max-Forwards: 70", "Content-Length: 0",
		}, append(extra, "", "")...), "\n"))
	}
	if extra == nil {
		extra = []string{"Contact: <sip:" + user + "@" + p.addr().String() + ">", "Expires: 600"}
	}
	as(extra)
	m := p.expect("401")
	as(append(slices.Clone(extra), solve(p.t, m.get("www-authenticate"), "REGISTER", uri, user, password)))
	return p.expect("SIP/2.0 ")
}

// via is what the phone takes for its address.
func (p *phone) via() string {
	if p.behind != "" {
		return p.behind
	}
	return p.addr().String()
}

func TestPhonesRegister(t *testing.T) { // RFC 3261 §10.3
	for _, c := range []struct {
		name, user, password, status string
		extra                        []string
	}{
		{"with its password", "anna", "one", "200", nil},
		{"one of the same name elsewhere", "anna", "two", "200", nil},
		{"a wrong password", "anna", "three", "401", nil},
		{"an unknown name", "otto", "one", "401", nil},
		{"a life that is too short", "anna", "one", "423", []string{"Contact: <sip:anna@127.0.0.1>;expires=3"}},
		{"an extension", "anna", "one", "420", []string{"Require: path"}},
		{"a question", "anna", "one", "200", []string{"X-Nothing: 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := newCabinet("a anna one", "b anna two")
			d := open(t, nil, all.open)
			p := newPhone(t, d)
			if c.status == "420" { // before anybody asks who it is (§8.2.2.3)
				p.request("REGISTER", req{extra: c.extra})
				p.expect("420")
				return
			}
			m := p.registers(c.user, c.password, c.extra...)
			if !strings.Contains(m.start, c.status) {
				t.Fatalf("%s, want %s", m.start, c.status)
			}
			switch {
			case c.status == "423" && m.get("min-expires") != "60":
				t.Errorf("Min-Expires %q", m.get("min-expires"))
			case c.status == "200" && c.extra == nil:
				if got := m.get("contact"); got != "<sip:anna@"+p.addr().String()+">;expires=600" || m.get("date") == "" {
					t.Errorf("Contact %q, Date %q", got, m.get("date"))
				}
				if a, b := all.count("a/anna"), all.count("b/anna"); a+b != 1 || (a == 1) != (c.password == "one") {
					t.Errorf("%d bindings of a's phone, %d of b's", a, b)
				}
				if d.standing(p.addr().Addr()) == stranger || !d.lines.at(p.addr()) {
					t.Error("still a stranger")
				}
			}
		})
	}
}

func TestNobodyRegistersForAnother(t *testing.T) { // RFC 3261 §10.3, step 4
	p := newPhone(t, open(t, nil, newCabinet("a anna one", "a otto two").open))
	uri := "sip:" + p.to.String()
	p.request("REGISTER", req{uri: uri}) // its To is a number
	auth := solve(t, p.expect("401").get("www-authenticate"), "REGISTER", uri, "anna", "one")
	p.request("REGISTER", req{uri: uri, extra: []string{auth}})
	p.expect("403")
}

func TestWithoutTheDatabaseNobodyRegisters(t *testing.T) {
	all := newCabinet("a anna one")
	p := newPhone(t, open(t, nil, all.open, func(*Config, *Deps) { all.away = context.DeadlineExceeded }))
	if m := p.registers("anna", "one"); !strings.Contains(m.start, "503") || m.get("retry-after") == "" {
		t.Error(m.start)
	}
}

// TestCallsOfPhonesAreAuthorisedByDigest is so even where everybody may call: who it is decides whom it reaches.
func TestCallsOfPhonesAreAuthorisedByDigest(t *testing.T) {
	invites := make(chan media.Invite, 1)
	all := newCabinet("a anna one")
	d := open(t, func(in media.Incoming) { invites <- in.Invite(); _ = in.Reject(media.RefuseBusy) }, all.open)
	for _, c := range []struct {
		name, uri  string
		registered bool
	}{
		{"a number from where a phone is registered", "sip:+15550100@", true},
		{"a name from anywhere", "sip:front-desk@", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPhone(t, d)
			if c.registered {
				p.registers("anna", "one")
			}
			uri := c.uri + p.to.String()
			branch := p.request("INVITE", req{uri: uri, body: plainSDP})
			m := p.expect("401")
			p.request("ACK", req{branch: branch, seq: p.seq, toTag: m.tag("to")})
			auth := solve(t, m.get("www-authenticate"), "INVITE", uri, "anna", "one")
			branch = p.request("INVITE", req{uri: uri, body: plainSDP, extra: []string{auth, "P-Asserted-Identity: <sip:+15550666@x>"}})
			m = p.expect("486")
			p.request("ACK", req{branch: branch, seq: p.seq, toTag: m.tag("to")})
			if inv := get(t, "the call", invites); inv.Phone == nil || inv.Phone.ID != "a/anna" || inv.From != "anna" {
				t.Errorf("%+v", inv)
			}
		})
	}
	t.Run("a number from a friend needs none", func(t *testing.T) {
		p := newPhone(t, d)
		p.request("INVITE", req{body: plainSDP})
		p.expect("486")
		if inv := get(t, "the call", invites); inv.Phone != nil {
			t.Errorf("%+v", inv)
		}
	})
}

// ringAt rings a softphone.
func ringAt(t *testing.T, d *Door, phone *parley.Softphone) *placed {
	t.Helper()
	return place(t, d, media.Target{From: "+1 555/0100", Phone: phone})
}

func TestPhonesAreRungWhereTheyAreRegistered(t *testing.T) {
	all := newCabinet("a anna one")
	d := open(t, nil, all.open)
	old, young := newPhone(t, d), newPhone(t, d)
	old.call += "old"
	for _, p := range []*phone{old, young} {
		p.registers("anna", "one")
	}
	t.Run("the newest first, then the next", func(t *testing.T) {
		call := ringAt(t, d, all.phone("a/anna"))
		m := young.expect("INVITE sip:anna@" + young.addr().String())
		if !strings.Contains(m.get("from"), "sip:+1+555%2F0100@") {
			t.Errorf("From %q", m.get("from"))
		}
		young.reply(m, "480 Temporarily Unavailable", "y", "")
		m = old.expect("INVITE")
		old.reply(m, "200 OK", "a", plainSDP)
		old.expect("ACK")
		get(t, "the leg", call.done)
		if call.err != nil {
			t.Fatal(call.err)
		}
		old.hangUp(m)
		old.expect("200 OK")
	})
	t.Run("RFC 3261 §16.7 a 6xx speaks for all", func(t *testing.T) {
		call := ringAt(t, d, all.phone("a/anna"))
		young.reply(young.expect("INVITE"), "603 Decline", "y", "")
		if na := call.notAnswered(t); na.Status != 603 {
			t.Errorf("%+v", na)
		}
		old.silent("INVITE")
	})
	t.Run("who is busy at one phone is busy", func(t *testing.T) {
		call := ringAt(t, d, all.phone("a/anna"))
		young.reply(young.expect("INVITE"), "486 Busy Here", "y", "")
		old.reply(old.expect("INVITE"), "404 Not Found", "o", "")
		if na := call.notAnswered(t); na.Outcome != media.OutcomeBusy {
			t.Errorf("%+v", na)
		}
	})
	t.Run("a phone that is not registered", func(t *testing.T) {
		young.registers("anna", "one", "Contact: *", "Expires: 0")
		if na := ringAt(t, d, all.phone("a/anna")).notAnswered(t); na.Reason != reasonNotRegistered {
			t.Errorf("%+v", na)
		}
	})
}

// TestPhoneBehindNAT is reached where it was seen, not where it says, and asked for a sign of life before its NAT forgets it.
func TestPhoneBehindNAT(t *testing.T) {
	all := newCabinet("a anna one")
	d := open(t, nil, all.open, func(c *Config, _ *Deps) { c.Timers.KeepAlive = 20 * time.Millisecond })
	p := newPhone(t, d)
	p.behind = "10.0.0.5:5060"
	p.registers("anna", "one", "Contact: <sip:anna@10.0.0.5:5060>", "Expires: 600")
	if m := p.expect("OPTIONS sip:anna@10.0.0.5:5060"); m.from.String() != d.Addr().String() {
		t.Errorf("from %s", m.from)
	}
	call := ringAt(t, d, all.phone("a/anna"))
	p.reply(p.expect("INVITE sip:anna@10.0.0.5:5060"), "486 Busy Here", "y", "")
	call.notAnswered(t)
}

// TestPhonesNeverNameWhereWeCall keeps a phone from making the door send INVITEs to hosts of its choice.
func TestPhonesNeverNameWhereWeCall(t *testing.T) {
	all := newCabinet("a anna one")
	d, victim := open(t, nil, all.open), newPhone(t, nil)
	p := newPhone(t, d)
	for _, contact := range []string{"sip:anna@localhost:" + fmt.Sprint(victim.addr().Port()), "sip:anna@127.0.0.2:" + fmt.Sprint(victim.addr().Port())} {
		p.registers("anna", "one", "Contact: <"+contact+">", "Expires: 600")
		call := ringAt(t, d, all.phone("a/anna"))
		p.reply(p.expect("INVITE "+contact), "603 Decline", "y", "")
		call.notAnswered(t)
	}
	victim.silent("INVITE")
}

// TestRegistrationsOutliveTheDoor as the house keeps them: a door that begins anew knows the phones, and their old nonces as stale.
func TestRegistrationsOutliveTheDoor(t *testing.T) {
	all := newCabinet("a anna one")
	secret := func(c *Config, _ *Deps) { c.Secret = []byte("secret") }
	first := open(t, nil, all.open, secret)
	p := newPhone(t, first)
	p.registers("anna", "one")
	nonce := first.porter.nonces.fresh(netip.MustParseAddr("127.0.0.1"))
	second := open(t, nil, all.open, secret)
	for !second.lines.at(p.addr()) { // read at the start
		time.Sleep(time.Millisecond)
	}
	call := ringAt(t, second, all.phone("a/anna"))
	p.reply(p.expect("INVITE"), "486 Busy Here", "y", "")
	call.notAnswered(t)
	q := newPhone(t, second)
	uri := "sip:" + q.to.String()
	auth := solve(t, `Digest realm="parley", nonce="`+nonce+`", algorithm=MD5, qop="auth"`, "REGISTER", uri, "anna", "one")
	q.request("REGISTER", req{uri: uri, extra: []string{auth}})
	chal, err := digest.ParseChallenge(q.expect("401").get("www-authenticate"))
	if err != nil || !chal.Stale {
		t.Errorf("%+v, %v: a phone would ask its owner for the password", chal, err)
	}
}
