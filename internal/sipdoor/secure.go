package sipdoor

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/pion/srtp/v3"

	"github.com/parley-voice/parley/internal/sipdoor/stream"
)

// Encryption is the operator's rule for SRTP. The zero value takes it where it is offered, with keys in SDP only over TLS.
type Encryption struct {
	Off, Require bool
	KeysInClear  bool // keys in SDP also over UDP and TCP, where anybody on the way can read them
}

// secrecy is the rule for one call: what may be agreed on over its signalling.
type secrecy struct {
	off, require bool
	keys         bool // in SDP
}

func (e Encryption) over(network string) secrecy {
	return secrecy{off: e.Off, require: e.Require, keys: e.KeysInClear || network == "tls"}
}

var (
	errClear = errors.New("SRTP required")
	errKeys  = errors.New("SRTP keys only over TLS")
)

// suite is a way to protect packets that SDP can name (RFC 4568 §6.2, RFC 7714 §14.2).
type suite struct {
	name string
	is   stream.Suite
}

// suites are those that we know, as we offer them: the one that every phone has comes first.
func suites() []suite {
	return []suite{
		{"AES_CM_128_HMAC_SHA1_80", srtp.ProtectionProfileAes128CmHmacSha1_80},
		{"AES_CM_128_HMAC_SHA1_32", srtp.ProtectionProfileAes128CmHmacSha1_32},
		{"AEAD_AES_128_GCM", srtp.ProtectionProfileAeadAes128Gcm},
		{"AEAD_AES_256_GCM", srtp.ProtectionProfileAeadAes256Gcm},
	}
}

func suiteNamed(name string) (suite, bool) {
	for _, s := range suites() {
		if strings.EqualFold(s.name, name) {
			return s, true
		}
	}
	return suite{}, false
}

// size is the length of a master key with its salt.
func (s suite) size() int {
	k, _ := s.is.KeyLen()
	n, _ := s.is.SaltLen()
	return k + n
}

// crypto is an a=crypto line (RFC 4568 §4.1, §6.1) of a suite that we know.
type crypto struct {
	tag string
	suite
	key, mki []byte
}

var errCrypto = errors.New("no usable a=crypto")

// readCrypto reads the value of an a=crypto line. What it cannot use is an error, so that the next line may be tried.
func readCrypto(value string) (c crypto, err error) {
	f := strings.Fields(value)
	if len(f) < 3 || len(f[0]) > 9 || strings.Trim(f[0], "0123456789") != "" {
		return c, errCrypto
	}
	known := false
	if c.suite, known = suiteNamed(f[1]); !known {
		return c, errCrypto
	}
	c.tag = f[0]
	for _, p := range f[3:] { // of the session parameters only the window's size changes nothing; "-" asks for what may be left (§6.3.7)
		if !strings.HasPrefix(p, "WSH=") && !strings.HasPrefix(p, "-") {
			return c, errCrypto
		}
	}
	first, more, several := strings.Cut(f[2], ";") // keys beyond the first are told apart by their MKI; senders may use any
	if several && more != "" {
		return c, errCrypto
	}
	method, rest, _ := strings.Cut(first, ":")
	if !strings.EqualFold(method, "inline") {
		return c, errCrypto
	}
	parts := strings.Split(rest, "|")
	if c.key, err = base64.StdEncoding.DecodeString(parts[0]); err != nil {
		c.key, err = base64.RawStdEncoding.DecodeString(parts[0]) // without its padding, as some write it
	}
	if err != nil || len(c.key) != c.size() {
		return c, errCrypto
	}
	return c, c.readIndex(parts[1:])
}

// readIndex reads what follows the key: a lifetime, which no call outlives, and a master key identifier with its length in bytes.
func (c *crypto) readIndex(parts []string) error {
	for _, p := range parts {
		value, length, isMKI := strings.Cut(p, ":")
		if !isMKI {
			continue
		}
		v, err := strconv.ParseUint(value, 10, 63)
		n, err2 := strconv.ParseUint(length, 10, 8)
		if err != nil || err2 != nil || n == 0 || n > 128 || n < 8 && v>>(8*n) != 0 {
			return errCrypto
		}
		c.mki = make([]byte, n)
		for i := len(c.mki) - 1; i >= 0 && v > 0; i-- {
			c.mki[i] = byte(v)
			v >>= 8
		}
	}
	return nil
}

// line is the attribute with our key.
func (s suite) line(tag string, key []byte) string {
	return fmt.Sprintf("a=crypto:%s %s inline:%s\r\n", tag, s.name, base64.StdEncoding.EncodeToString(key))
}

// shield is how the sound of a call is protected, as the peer described it.
type shield struct {
	crypto crypto               // tag is empty without
	prints []stream.Fingerprint // of DTLS; empty without
	active bool                 // we begin the handshake
}

func (p *shield) none() bool { return p.crypto.tag == "" && len(p.prints) == 0 }

// protect settles how a medium is protected. A handshake, whose keys no signalling sees, goes before keys in SDP; a profile without
// SRTP may bring keys all the same (RFC 8643).
func (d *description) protect(m *medium, rule secrecy) (p shield, err error) {
	demands := strings.Contains(m.proto, "SAVP")
	if rule.off {
		if demands {
			err = errSRTP
		}
		return p, err
	}
	p.prints, p.active = d.handshake(m)
	if len(p.prints) > 0 {
		return p, nil
	}
	for _, a := range m.attributes {
		if a.name != "crypto" || p.crypto.tag != "" {
			continue
		}
		if c, wrong := readCrypto(a.value); wrong == nil {
			p.crypto = c
		}
	}
	switch {
	case p.crypto.tag != "" && !rule.keys:
		p.crypto = crypto{}
		if demands || rule.require {
			err = errKeys
		}
	case p.none() && demands:
		err = errSRTP
	case p.none() && rule.require:
		err = errClear
	}
	return p, err
}

// handshake reads what the describer says of DTLS: its fingerprints (RFC 8122 §5) and the role that it leaves us (RFC 5763 §5). Where
// we may choose we wait: so we send nothing to an address before something came from it.
func (d *description) handshake(m *medium) (prints []stream.Fingerprint, active bool) {
	setup, _ := d.either(m, "setup")
	switch strings.ToLower(setup) {
	case "passive":
		active = true
	case "active", "actpass", "":
	default:
		return nil, false
	}
	for _, s := range []*section{&m.section, &d.section} {
		for _, a := range s.attributes {
			hash, value, ok := strings.Cut(a.value, " ")
			f := stream.Fingerprint{Hash: strings.ToLower(hash), Value: strings.TrimSpace(value)}
			if a.name == "fingerprint" && ok && f.Usable() && len(prints) < 8 {
				prints = append(prints, f)
			}
		}
		if len(prints) > 0 {
			break
		}
	}
	return prints, active
}

// either is the first attribute of a name, the medium's before the session's.
func (d *description) either(m *medium, name string) (string, bool) {
	if v, ok := m.get(name); ok {
		return v, true
	}
	return d.get(name)
}

// profiles are the transports that we can serve.
func profile(proto string) bool {
	switch proto {
	case "RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF":
		return true
	}
	return false
}
