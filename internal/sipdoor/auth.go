package sipdoor

import (
	"bytes"
	"io"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
)

// credentials answer the challenges of trunks and their proxies (RFC 3261 §22, RFC 8760). Nonces are kept and counted, for one user
// at a time.
type credentials struct {
	username, password string
	realm              string // answer no other; empty answers all
	kept               map[string]*keptNonce
}

// keptNonce is a challenge with the number of its uses.
type keptNonce struct {
	challenge *digest.Challenge
	count     int
	proven    bool // an answer to it was taken
}

// newCredentials is nil without a username.
func newCredentials(username, password string, realm *string) *credentials {
	if username == "" {
		return nil
	}
	c := &credentials{username: username, password: password, kept: map[string]*keptNonce{}}
	if realm != nil {
		c.realm = *realm
	}
	return c
}

func (t *Trunk) credentials() *credentials {
	return newCredentials(t.Username, t.Password, t.AuthRealm)
}

// challenged says that a response asks for credentials.
func challenged(res *sip.Response) bool {
	return res.StatusCode == sip.StatusUnauthorized || res.StatusCode == sip.StatusProxyAuthRequired
}

// take keeps the challenge of a response, to be answered by sign; false when there is none that can be answered, or the answer to it was
// refused already.
func (c *credentials) take(res *sip.Response) bool {
	ask, reply := "WWW-Authenticate", "Authorization"
	if res.StatusCode == sip.StatusProxyAuthRequired {
		ask, reply = "Proxy-Authenticate", "Proxy-Authorization"
	}
	for _, h := range res.GetHeaders(ask) { // not only the first: it may be one that nobody knows
		chal, err := digest.ParseChallenge(h.Value())
		if err != nil || !digest.CanDigest(chal) || c.realm != "" && chal.Realm != c.realm {
			continue
		}
		if old := c.kept[reply]; old != nil && !old.proven && !chal.Stale && old.challenge.Realm == chal.Realm {
			return false
		}
		c.kept[reply] = &keptNonce{challenge: chal}
		return true
	}
	return false
}

// proven notes that a signed request was taken: a later challenge means that the nonce is too old, not that the password is wrong.
func (c *credentials) proven() {
	if c == nil {
		return
	}
	for _, k := range c.kept {
		k.proven = true
	}
}

// forget makes the next challenge a first one.
func (c *credentials) forget() { clear(c.kept) }

// sign adds what is known to please the peer.
func (c *credentials) sign(req *sip.Request) bool {
	for name, k := range c.kept {
		k.count++
		cred, err := digest.Digest(k.challenge, digest.Options{
			Method: string(req.Method), URI: req.Recipient.String(), Username: c.username, Password: c.password, Count: k.count,
			GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(req.Body())), nil },
		})
		if err != nil {
			return false
		}
		req.AppendHeader(sip.NewHeader(name, cred.String()))
	}
	return true
}
