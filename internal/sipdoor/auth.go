package sipdoor

import (
	"bytes"
	"io"
	"strings"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
)

// credentials answer the challenges of trunks and their proxies (RFC 3261 §22, RFC 8760). Nonces are kept and counted, for one user
// at a time.
type credentials struct {
	username, password string
	realm              string // answer no other; empty answers all
	kept               map[protection]*keptNonce
}

// realms is how many protection spaces one request answers: those of proxies on the way, and of the far end.
const realms = 4

// protection is a space in which credentials are good: the header that they stand in, and the realm.
type protection struct{ reply, realm string }

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
	c := &credentials{username: username, password: password, kept: map[protection]*keptNonce{}}
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

// take keeps the challenges of a response, to be answered by sign; false when none can be answered, or the answers were refused already.
// Each realm, the server's or a proxy's on the way, is answered once: by the first of its challenges that we know (RFC 8760 §2.4).
func (c *credentials) take(res *sip.Response) bool {
	ask, reply := "WWW-Authenticate", "Authorization"
	if res.StatusCode == sip.StatusProxyAuthRequired {
		ask, reply = "Proxy-Authenticate", "Proxy-Authorization"
	}
	taken := map[protection]*digest.Challenge{}
	for _, h := range res.GetHeaders(ask) {
		chal, err := digest.ParseChallenge(h.Value())
		if err != nil {
			continue
		}
		for i := range chal.QOP {
			chal.QOP[i] = strings.TrimSpace(chal.QOP[i])
		}
		space := protection{reply, chal.Realm}
		if taken[space] == nil && len(taken) < realms && digest.CanDigest(chal) && (c.realm == "" || chal.Realm == c.realm) {
			taken[space] = chal
		}
	}
	news := false
	for space, chal := range taken {
		if old := c.kept[space]; old == nil || old.proven || chal.Stale {
			c.kept[space], news = &keptNonce{challenge: chal}, true
		}
	}
	return news && len(c.kept) <= realms
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
	for space, k := range c.kept {
		k.count++
		cred, err := digest.Digest(k.challenge, digest.Options{
			Method: string(req.Method), URI: req.Recipient.String(), Username: c.username, Password: c.password, Count: k.count,
			GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(req.Body())), nil },
		})
		if err != nil {
			return false
		}
		req.AppendHeader(sip.NewHeader(space.reply, cred.String()))
	}
	return true
}
