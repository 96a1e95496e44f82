package sipdoor

import (
	"context"
	"crypto/subtle"
	"net/netip"
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"github.com/parley-voice/parley"
)

// answersRead is how many sets of credentials of one request are looked at.
const answersRead = 4

// login is an account whose password a request may prove.
type login struct {
	user  string
	phone *parley.Softphone             // nil for one of the operator's users
	ha1   func(algorithm string) string // hash of user, realm and password (RFC 7616 §3.4.2); empty when there is none
}

// proof is what a request's credentials are worth.
type proof int

const (
	unproven proof = iota // none that answer a challenge of ours
	improper              // by an algorithm or with a quality of protection that was not offered (RFC 7616 §3.5)
	stale                 // right but for the age of their nonce
	wrong
	sound
)

// porter checks the digest credentials of callers (RFC 3261 §22, RFC 7616, RFC 8760).
type porter struct {
	nonces     *nonces
	algorithms []string // offered, the preferred one first
	named      func(ctx context.Context, user string) ([]login, error)
}

// challenge is the 401 for a caller: a header for each algorithm, in order of preference (RFC 8760 §2.3).
func (p *porter) challenge(to netip.Addr, old bool) *refusal {
	var headers []sip.Header
	for _, a := range p.algorithms {
		c := digest.Challenge{Realm: parley.SIPRealm, Nonce: p.nonces.fresh(to), Algorithm: a, QOP: []string{"auth"}, Stale: old}
		headers = append(headers, sip.NewHeader("WWW-Authenticate", c.String()))
	}
	return refuse(sip.StatusUnauthorized, "Unauthorized", headers...)
}

// verify looks for sound credentials. Credentials on a nonce that the sender's address was not given prove nothing, and so accuse nobody
// either: who is noted for a wrong password has read our challenge, so that its address is no invention.
func (p *porter) verify(ctx context.Context, req *sip.Request) (login, proof, error) {
	best, looked := unproven, 0
	for _, h := range req.GetHeaders("Authorization") {
		c, err := digest.ParseCredentials(h.Value())
		if err != nil || c.Realm != parley.SIPRealm || looked == answersRead {
			continue
		}
		looked++
		l, worth, err := p.judge(ctx, req, c)
		if err != nil || worth == sound {
			return l, worth, err
		}
		best = max(best, worth)
	}
	return login{}, best, nil
}

func (p *porter) judge(ctx context.Context, req *sip.Request, c *digest.Credentials) (login, proof, error) {
	made, ours := p.nonces.made(c.Nonce, from(req).addr.Addr())
	switch {
	case !ours:
		return login{}, unproven, nil
	case c.QOP != "auth" || c.Nc <= 0 || c.Cnonce == "" || c.Userhash: // such as auth-int, or none
		return login{}, improper, nil
	}
	algorithm := strings.ToUpper(c.Algorithm)
	or(&algorithm, parley.DigestMD5) // of credentials that name none (RFC 7616 §3.3)
	if !slices.Contains(p.algorithms, algorithm) {
		return login{}, improper, nil
	}
	var u sip.Uri // for the same user, so that an answer for one number opens no other
	if sip.ParseUri(c.URI, &u) != nil || userOf(&u) != userOf(&req.Recipient) {
		return login{}, wrong, nil
	}
	logins, err := p.named(ctx, c.Username)
	if err != nil {
		return login{}, unproven, err
	}
	for _, l := range logins {
		if !solves(req, c, l.ha1(algorithm)) {
			continue
		}
		if p.nonces.spend(c.Nonce, made, c.Nc) {
			return l, sound, nil
		}
		return login{}, stale, nil
	}
	return login{}, wrong, nil
}

// solves recomputes the response.
func solves(req *sip.Request, c *digest.Credentials, ha1 string) bool {
	if ha1 == "" {
		return false
	}
	want, err := digest.Digest(
		&digest.Challenge{Realm: c.Realm, Nonce: c.Nonce, Algorithm: c.Algorithm, QOP: []string{"auth"}},
		digest.Options{Method: string(req.Method), URI: c.URI, Username: c.Username, A1: ha1, Cnonce: c.Cnonce, Count: c.Nc},
	)
	return err == nil && subtle.ConstantTimeCompare([]byte(want.Response), []byte(strings.ToLower(c.Response))) == 1
}

// logins are the accounts of a name: the operator's user, and softphones of whatever environment. Which of them it is, the password says.
func (d *Door) logins(ctx context.Context, user string) ([]login, error) {
	var all []login
	if password, ok := d.cfg.Accept.Users[user]; ok {
		all = append(all, login{user: user, ha1: func(algorithm string) string { return parley.DigestHA1(algorithm, user, password) }})
	}
	if d.deps.Softphones == nil {
		return all, nil
	}
	phones, err := d.deps.Softphones.Logins(ctx, user)
	for _, p := range phones {
		all = append(all, login{user: user, phone: p.Phone, ha1: func(algorithm string) string { return p.HA1[algorithm] }})
	}
	return all, err
}
