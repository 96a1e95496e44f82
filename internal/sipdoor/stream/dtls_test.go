package stream

import (
	"crypto/tls"
	"net/netip"
	"testing"

	"github.com/pion/dtls/v3/pkg/crypto/selfsign"

	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/rtpmedia"
)

type party struct {
	certificate tls.Certificate
	print       Fingerprint
}

func certified(t *testing.T) party {
	t.Helper()
	c, err := selfsign.GenerateSelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	f, err := FingerprintOf(c)
	if err != nil {
		t.Fatal(err)
	}
	return party{c, f}
}

func TestCertificateIsKnownByItsFingerprint(t *testing.T) { // RFC 8122 §5
	p := certified(t)
	der := p.certificate.Certificate[0]
	if !p.print.matches(der) {
		t.Errorf("%+v does not match its own certificate", p.print)
	}
	for name, f := range map[string]Fingerprint{
		"another's":         certified(t).print,
		"MD5 is forbidden":  {"md5", p.print.Value},
		"no hash":           {"", p.print.Value},
		"of another length": {"sha-512", p.print.Value},
		"empty":             {"sha-256", ""},
	} {
		if f.matches(der) {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestACertificateOfAnotherFingerprintGetsNoSound(t *testing.T) { // RFC 5763 §5
	a, b := certified(t), certified(t)
	near, _ := facing(t, func(near, far *Params) {
		near.DTLS = &DTLS{Certificate: a.certificate, Fingerprints: []Fingerprint{a.print}} // not b's
		far.DTLS = &DTLS{Certificate: b.certificate, Fingerprints: []Fingerprint{a.print}, Active: true}
	})
	near.mu.Lock()
	h := near.hands
	near.mu.Unlock()
	<-h.over
	var k media.Tick
	for range 10 {
		if err := near.Read(t.Context(), &k); err != nil {
			t.Fatal(err)
		}
	}
	if s := near.Stats(); s.Sent != 0 || s.Received != 0 {
		t.Errorf("%+v", s)
	}
}

func TestClientHelloThatOvertakesTheAnswerIsNotLost(t *testing.T) { // RFC 5763 §5
	hello := []byte{22, 254, 253, 0}
	for name, c := range map[string]struct {
		early [][]byte
		from  []netip.AddrPort
		want  netip.AddrPort
	}{
		"the talker's":     {[][]byte{hello}, []netip.AddrPort{port(1)}, port(1)},
		"the first counts": {[][]byte{hello, hello}, []netip.AddrPort{port(1), port(2)}, port(1)},
		"no record":        {[][]byte{sound}, []netip.AddrPort{port(1)}, netip.AddrPort{}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			for i := range c.early {
				r.receive(c.early[i], c.from[i], 0)
			}
			p, cert := r.params(), certified(t)
			p.DTLS = &DTLS{Certificate: cert.certificate, Fingerprints: []Fingerprint{cert.print}}
			r.Start(p)
			if r.mu.Lock(); r.hands.from != c.want {
				t.Errorf("the handshake answers %v, want %v", r.hands.from, c.want)
			}
			r.mu.Unlock()
		})
	}
}

func TestSoundInClearIsNoSoundWhereDTLSWasAgreed(t *testing.T) {
	r := newRig(t)
	p, c := r.params(), certified(t)
	p.DTLS = &DTLS{Certificate: c.certificate, Fingerprints: []Fingerprint{c.print}}
	r.Start(p)
	r.talks(r.at, sound)
	r.beats(5)
	if s := r.Stats(); s.Sent != 0 || s.Received != 0 || r.route.established {
		t.Errorf("%+v", s)
	}
}

func TestAStrangersForgedPacketsNeitherMoveNorDisturbAnEncryptedCall(t *testing.T) {
	near, far := ring(suites["AES_CM_128_HMAC_SHA1_80 (RFC 4568 §6.2.1)"])
	r := newRig(t)
	p := r.params()
	p.SRTP = near
	r.Start(p)
	theirs := lock(t, far)
	talks := func() {
		b, _ := theirs.seal(rtpmedia.Packet{Sequence: r.seq, Timestamp: r.ts, SSRC: 77, Payload: sound}.Append(nil))
		r.seq, r.ts = r.seq+1, r.ts+rtpmedia.Beat
		r.receive(b, r.at, r.ts)
	}
	r.receive(rtpmedia.Packet{Sequence: 7, SSRC: 77, Payload: sound}.Append(nil), port(9), 0) // before anything is established
	if r.route.established {
		t.Fatal("a forged packet established its source")
	}
	for range 3 {
		talks()
		r.receive(rtpmedia.Packet{Sequence: r.seq, Timestamp: r.ts, SSRC: 77, Payload: sound}.Append(nil), r.at, r.ts) // its address, not its key
		r.receive(rtpmedia.Packet{Sequence: r.seq, Timestamp: r.ts, SSRC: 77, Payload: sound}.Append(nil), port(9), r.ts)
	}
	if s := r.Stats(); s.Received != 3 || s.Forged != 4 || s.Refused != 3 || s.Lost != 0 || r.route.peer != r.at {
		t.Errorf("%+v", s)
	}
}
