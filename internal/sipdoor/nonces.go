package sipdoor

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"sync"
	"time"
)

const (
	// nonceLife is how long a nonce is good.
	nonceLife = 5 * time.Minute
	// noncesKept is how many used nonces are remembered; past it all are forgotten and refused as stale.
	noncesKept = 10000
)

// nonces makes what callers prove their passwords with. A nonce is a time and a signature for an address, so that challenges cost no
// memory; used ones are remembered with their count, so that an overheard answer is worth nothing.
type nonces struct {
	secret []byte

	mu    sync.Mutex
	used  map[string]int // highest count by nonce
	since time.Time      // nonces older than this are stale
}

func newNonces(secret []byte) *nonces {
	return &nonces{secret: secret, used: map[string]int{}, since: time.Now()}
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

// made is when a nonce was given to an address; false when it was not: whoever shows it has not read an answer of ours.
func (n *nonces) made(nonce string, to netip.Addr) (time.Time, bool) {
	raw, err := hex.DecodeString(nonce)
	if err != nil || len(raw) != 12+16 || !hmac.Equal([]byte(n.signed(raw[:12:12], to)), []byte(nonce)) {
		return time.Time{}, false
	}
	return time.Unix(0, int64(binary.BigEndian.Uint64(raw))), true
}

// spend takes one use of a nonce; false when it is old, or this use was made (RFC 7616 §3.4, nc).
func (n *nonces) spend(nonce string, made time.Time, count int) bool {
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
