package stream

import (
	"bytes"
	"testing"

	"github.com/pion/srtp/v3"

	"github.com/parley-voice/parley/internal/rtpmedia"
)

// ring is a pair of keys: what one side sends with the other receives with.
func ring(s Suite) (near, far *SRTP) {
	k, _ := s.KeyLen()
	n, _ := s.SaltLen()
	a, b := bytes.Repeat([]byte{1}, k+n), bytes.Repeat([]byte{2}, k+n)
	return &SRTP{Suite: s, Local: a, Remote: b}, &SRTP{Suite: s, Local: b, Remote: a}
}

var suites = map[string]Suite{
	"AES_CM_128_HMAC_SHA1_80 (RFC 4568 §6.2.1)": srtp.ProtectionProfileAes128CmHmacSha1_80,
	"AES_CM_128_HMAC_SHA1_32 (RFC 4568 §6.2.2)": srtp.ProtectionProfileAes128CmHmacSha1_32,
	"AEAD_AES_128_GCM (RFC 7714 §14.2)":         srtp.ProtectionProfileAeadAes128Gcm,
	"AEAD_AES_256_GCM (RFC 7714 §14.2)":         srtp.ProtectionProfileAeadAes256Gcm,
}

func lock(t *testing.T, k *SRTP) *vault {
	t.Helper()
	var v vault
	if err := v.turn(k); err != nil {
		t.Fatal(err)
	}
	return &v
}

func TestWhatOneSideSealsTheOtherOpens(t *testing.T) {
	for name, suite := range suites {
		t.Run(name, func(t *testing.T) {
			near, far := ring(suite)
			a, b := lock(t, near), lock(t, far)
			for i := range 70000 { // the sequence wraps, the rollover counter does not stand in the packet (RFC 3711 §3.3.1)
				if i > 300 && i < 65400 {
					continue
				}
				plain := rtpmedia.Packet{Sequence: uint16(i), Timestamp: uint32(i * 160), SSRC: 9, Payload: sound}.Append(nil)
				sealed, ok := a.seal(plain)
				if !ok || bytes.Contains(sealed, sound[:16]) {
					t.Fatal("sent in plain")
				}
				opened, ok := b.open(sealed)
				if !ok || !bytes.Equal(opened, plain) {
					t.Fatalf("packet %d was not opened", i)
				}
				if _, ok := b.open(sealed); ok {
					t.Fatal("a replayed packet was opened (RFC 3711 §3.3.2)")
				}
			}
			rr := []byte{0x80, 201, 0, 1, 0, 0, 0, 9}
			c, _ := a.sealControl(rr)
			if opened, ok := b.openControl(c); !ok || !bytes.Equal(opened, rr) {
				t.Error("RTCP was not opened (RFC 3711 §3.4)")
			}
			if _, ok := b.openControl(rr); ok {
				t.Error("RTCP in plain passed")
			}
		})
	}
}

func TestNothingPassesUnderAWrongKeyOrInClear(t *testing.T) {
	for name, suite := range suites {
		t.Run(name, func(t *testing.T) {
			near, far := ring(suite)
			far.Remote = bytes.Repeat([]byte{3}, len(far.Remote))
			a, b := lock(t, near), lock(t, far)
			plain := rtpmedia.Packet{Sequence: 1, SSRC: 9, Payload: sound}.Append(nil)
			sealed, _ := a.seal(plain)
			if _, ok := b.open(sealed); ok {
				t.Error("opened with another key")
			}
			if _, ok := b.open(plain); ok {
				t.Error("passed in plain")
			}
			for n := range sealed {
				if _, ok := b.open(sealed[:n]); ok {
					t.Fatalf("%d bytes of a packet were opened", n)
				}
			}
		})
	}
}

func TestAKeyThatStaysGoesOnCounting(t *testing.T) { // RFC 3711 §3.2.1: the rollover counter belongs to the key
	near, far := ring(srtp.ProtectionProfileAes128CmHmacSha1_80)
	a, b := lock(t, near), lock(t, far)
	for i := 65530; i < 65550; i++ {
		sealed, _ := a.seal(rtpmedia.Packet{Sequence: uint16(i), SSRC: 9, Payload: sound}.Append(nil))
		if _, ok := b.open(sealed); !ok {
			t.Fatalf("packet %d was not opened", i)
		}
		again := *far
		if err := b.turn(&again); err != nil {
			t.Fatal(err)
		}
	}
}
