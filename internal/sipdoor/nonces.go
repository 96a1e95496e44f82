package sipdoor

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
)

const (
	// realm is the protection space that callers see.
	realm = "parley"
	// nonceLife is how long a nonce is good.
	nonceLife = 5 * time.Minute
	// noncesKept is how many used nonces are remembered; past it all are forgotten and refused as stale.
	noncesKept = 10000
)

// nonces challenges callers and checks their answers. A nonce is a time and a signature, so that challenges cost no memory; used ones
// are remembered with their count, so that an overheard answer is worth nothing.
type nonces struct {
	secret []byte

	mu    sync.Mutex
	used  map[string]int // highest count by nonce
	since time.Time      // nonces older than this are stale
}

func newNonces(secret []byte) *nonces {
	return &nonces{secret: secret, used: map[string]int{}}
}

func (n *nonces) signed(head []byte, to netip.Addr) string {
	h := hmac.New(sha256.New, n.secret)
	h.Write([]byte("nonce"))
	h.Write(head)
	h.Write(to.AsSlice())
	return hex.EncodeToString(append(head, h.Sum(nil)[:16]...))
}

func (n *nonces) fresh(to netip.Addr) string {
	head := binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixNano()))
	var salt [4]byte
	_, _ = rand.Read(salt[:])
	return n.signed(append(head, salt[:]...), to)
}

// challenge is the 401 for a caller. It offers MD5 alone: phones in use, baresip 1.0 among them, give up on an answer that also offers what
// they do not know, where RFC 8760 §2.4 would have them go on to the next. Passwords that matter go over TLS.
func (n *nonces) challenge(to netip.Addr, stale bool) *refusal {
	c := digest.Challenge{Realm: realm, Nonce: n.fresh(to), Algorithm: "MD5", QOP: []string{"auth"}, Stale: stale}
	return refuse(sip.StatusUnauthorized, "Unauthorized", sip.NewHeader("WWW-Authenticate", c.String()))
}

// verify looks for credentials of one of the users. Stale ones were right but for their nonce.
func (n *nonces) verify(req *sip.Request, users map[string]string) (user string, stale, sound bool) {
	for _, h := range req.GetHeaders("Authorization") {
		c, err := digest.ParseCredentials(h.Value())
		if err != nil || c.Realm != realm || c.QOP != "auth" || c.Userhash {
			continue
		}
		password, there := users[c.Username]
		if !n.matches(req, c, password) || !there {
			continue
		}
		if n.spend(c.Nonce, from(req).addr.Addr(), c.Nc) {
			return c.Username, false, true
		}
		stale = true
	}
	return "", stale, false
}

// matches recomputes the answer. The URI must be for the same user, so that an answer for one number opens no other.
func (n *nonces) matches(req *sip.Request, c *digest.Credentials, password string) bool {
	var u sip.Uri
	if sip.ParseUri(c.URI, &u) != nil || userOf(&u) != userOf(&req.Recipient) {
		return false
	}
	if c.Algorithm != "" && !strings.EqualFold(c.Algorithm, "MD5") {
		return false
	}
	want, err := digest.Digest(
		&digest.Challenge{Realm: realm, Nonce: c.Nonce, Algorithm: c.Algorithm, QOP: []string{"auth"}},
		digest.Options{Method: string(req.Method), URI: c.URI, Username: c.Username, Password: password, Cnonce: c.Cnonce, Count: c.Nc},
	)
	return err == nil && c.Nc > 0 && c.Cnonce != "" && subtle.ConstantTimeCompare([]byte(want.Response), []byte(c.Response)) == 1
}

// spend takes one use of a nonce of ours; false when it is old, another's, or this use was made.
func (n *nonces) spend(nonce string, by netip.Addr, count int) bool {
	raw, err := hex.DecodeString(nonce)
	if err != nil || len(raw) != 12+16 || !hmac.Equal([]byte(n.signed(raw[:12:12], by)), []byte(nonce)) {
		return false
	}
	made := time.Unix(0, int64(binary.BigEndian.Uint64(raw)))
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.used) >= noncesKept {
		n.used, n.since = map[string]int{}, time.Now()
	}
	if time.Since(made) > nonceLife || made.Before(n.since) || count <= n.used[nonce] {
		return false
	}
	n.used[nonce] = count
	return true
}
