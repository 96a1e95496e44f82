package parley

import (
	"crypto/md5" // of what phones in use answer challenges with
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strings"
	"time"
)

// Softphone is a person's phone that registers with us: its owner calls agents of the environment from it, and calls are passed to it.
type Softphone struct {
	ID            string
	EnvironmentID string
	Username      string // unique in the environment
	DisplayName   string
	Sealed        []byte // the digest hashes of its password, sealed with the master key; the password itself is kept nowhere
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// Binding is where a softphone is reached for now (RFC 3261 §10).
type Binding struct {
	SoftphoneID string
	Contact     string // the URI that the phone gave
	// CallID and CSeq of the REGISTER that wrote it: an older one changes nothing.
	CallID string
	CSeq   uint32
	Q      float64 // the phone's preference among its bindings, 0 to 1
	// Transport is udp, tcp or tls; Source is where the REGISTER came from, which a phone behind NAT is reached at.
	Transport string
	Source    netip.AddrPort
	NAT       bool // Source is not what the phone takes for its address
	ExpiresAt time.Time
	UpdatedAt time.Time // of the last REGISTER
}

// SIPRealm is the protection space in which digest credentials for us are good. Stored hashes hold it.
const SIPRealm = "parley"

// Digest algorithms of callers, by their names in challenges (RFC 8760 §2.2).
const (
	DigestMD5    = "MD5"
	DigestSHA256 = "SHA-256"
)

// DigestHA1 is the hash of a username, our realm and a password (A1 of RFC 7616 §3.4.2) in hex; empty for an unknown algorithm.
func DigestHA1(algorithm, username, password string) string {
	a1 := []byte(username + ":" + SIPRealm + ":" + password)
	switch algorithm {
	case DigestMD5:
		h := md5.Sum(a1)
		return hex.EncodeToString(h[:])
	case DigestSHA256:
		h := sha256.Sum256(a1)
		return hex.EncodeToString(h[:])
	}
	return ""
}

// SoftphoneLogin is a softphone with what its digest credentials are checked against.
type SoftphoneLogin struct {
	Phone *Softphone
	HA1   map[string]string // by algorithm
}

// SoftphoneAddress reads the username of a softphone from phone:USERNAME, sip:USERNAME or sip:USERNAME@HOST, whatever the host: which
// environment it is in, the one who asks must know. ok is false for all else.
func SoftphoneAddress(address string) (username string, ok bool) {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(address), ":")
	switch strings.ToLower(scheme) {
	case "phone":
	case "sip", "sips":
		rest, _, _ = strings.Cut(rest, "@")
	default:
		return "", false
	}
	return rest, ok && ValidSoftphoneName(rest)
}

// ValidSoftphoneName says whether a username may be a softphone's: 1 to 64 of a-z 0-9 . _ - that begin with a letter, so that it stands
// in URIs as it is and is no phone number.
func ValidSoftphoneName(s string) bool {
	if s == "" || len(s) > 64 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}
