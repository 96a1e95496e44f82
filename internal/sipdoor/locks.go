package sipdoor

import (
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net/netip"
	"strings"

	"github.com/pion/dtls/v3/pkg/crypto/selfsign"

	"github.com/parley-voice/parley/internal/sipdoor/stream"
)

// identity is what the door shows in DTLS handshakes: a certificate of its own making, known by its fingerprint alone.
type identity struct {
	certificate tls.Certificate
	print       stream.Fingerprint
}

func newIdentity() (*identity, error) {
	c, err := selfsign.GenerateSelfSigned()
	if err != nil {
		return nil, fmt.Errorf("sipdoor: certificate for DTLS: %w", err)
	}
	f, err := stream.FingerprintOf(c)
	return &identity{c, f}, err
}

// locks are our side's keys of a session. They stay as long as it does, so that what both sides count by them goes on (RFC 3711 §3.2.1).
type locks struct {
	identity *identity
	keys     map[string][]byte // by suite
	ice      stream.ICE        // our half; empty before it is needed
	proto    string            // profile of our offers
	suites   []suite           // that we offer
	dtls     bool              // we offer a handshake
	mux      bool
	lite     bool // ICE was agreed on
	asked    asked
}

// asked is what our last offer held, which its answers, early and final ones, must keep to.
type asked struct {
	suites []suite // tagged from 1 on
	dtls   bool
	demand bool // the profile wants SRTP
}

// key is our master key, with its salt, for a suite.
func (l *locks) key(s suite) []byte {
	k, ok := l.keys[s.name]
	if !ok {
		k = make([]byte, s.size())
		_, _ = rand.Read(k)
		if l.keys == nil {
			l.keys = map[string][]byte{}
		}
		l.keys[s.name] = k
	}
	return k
}

// propose says what our first offer holds: over TLS keys beside the plain profile, that a peer without SRTP may leave (RFC 8643 §3.1);
// where SRTP is a must its own profile, with keys or else with a handshake.
func (l *locks) propose(rule secrecy) {
	l.proto = "RTP/AVP"
	if rule.off || !rule.keys && !rule.require {
		return
	}
	if rule.keys {
		l.suites = suites()
	} else {
		l.dtls = true
	}
	switch {
	case rule.require && l.dtls:
		l.proto = "UDP/TLS/RTP/SAVP"
	case rule.require:
		l.proto = "RTP/SAVP"
	}
}

// offered are the lines of our offer.
func (l *locks) offered(addr netip.Addr, port int) string {
	l.asked = asked{l.suites, l.dtls, strings.Contains(l.proto, "SAVP")}
	var b strings.Builder
	for i, s := range l.suites {
		b.WriteString(s.line(fmt.Sprint(i+1), l.key(s)))
	}
	if l.dtls {
		b.WriteString(l.shown("actpass"))
	}
	return b.String() + l.candidates(addr, port)
}

// shown is our certificate's fingerprint and our role (RFC 5763 §5).
func (l *locks) shown(setup string) string {
	return fmt.Sprintf("a=fingerprint:%s %s\r\na=setup:%s\r\n", l.identity.print.Hash, l.identity.print.Value, setup)
}

// answered are the lines of our answer. What was agreed on is what later offers of ours hold.
func (l *locks) answered(a agreed, addr netip.Addr, port int) string {
	l.keep(a)
	var b strings.Builder
	switch p := a.shield; {
	case len(p.prints) > 0 && p.active:
		b.WriteString(l.shown("active"))
	case len(p.prints) > 0:
		b.WriteString(l.shown("passive"))
	case p.crypto.tag != "":
		b.WriteString(p.crypto.line(p.crypto.tag, l.key(p.crypto.suite)))
	}
	return b.String() + l.candidates(addr, port)
}

// matches says whether an answer keeps to our offer: keys or a handshake only where we offered them, and no less than we demanded.
func (l *locks) matches(a agreed) error {
	if len(a.prints) > 0 && !l.asked.dtls || l.asked.demand && a.none() {
		return errSRTP
	}
	if a.crypto.tag == "" {
		return nil
	}
	for i, s := range l.asked.suites {
		if a.crypto.tag == fmt.Sprint(i+1) && a.crypto.is == s.is { // RFC 4568 §5.1.3
			return nil
		}
	}
	return errSRTP
}

// keep takes what was agreed on for further offers.
func (l *locks) keep(a agreed) {
	l.proto, l.suites, l.dtls, l.mux, l.lite = a.proto, nil, len(a.prints) > 0, a.mux, a.ufrag != ""
	if a.crypto.tag != "" {
		l.suites = []suite{a.crypto.suite}
	}
	if l.lite && l.ice.LocalUfrag == "" {
		l.ice.LocalUfrag, l.ice.LocalPwd = rand.Text()[:8], rand.Text() // RFC 8445 §5.3 wants 24 and 128 bits
	}
}

// candidates are our addresses as a lite agent (RFC 8839 §5.1): the one that the description names, for RTP and for RTCP.
func (l *locks) candidates(addr netip.Addr, port int) string {
	if !l.lite {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", l.ice.LocalUfrag, l.ice.LocalPwd)
	fmt.Fprintf(&b, "a=candidate:1 1 UDP 2130706431 %s %d typ host\r\n", addr, port)
	if !l.mux {
		fmt.Fprintf(&b, "a=candidate:1 2 UDP 2130706430 %s %d typ host\r\n", addr, port+1)
	}
	return b.String()
}

// set tells the stream what was agreed on.
func (l *locks) set(p *stream.Params, a agreed) {
	l.keep(a)
	switch {
	case len(a.prints) > 0:
		p.DTLS = &stream.DTLS{Certificate: l.identity.certificate, Active: a.active, Fingerprints: a.prints}
	case a.crypto.tag != "":
		p.SRTP = &stream.SRTP{Suite: a.crypto.is, Local: l.key(a.crypto.suite), Remote: a.crypto.key, RemoteMKI: a.crypto.mki}
	}
	if a.ufrag != "" {
		ice := l.ice
		ice.RemoteUfrag, ice.RemotePwd = a.ufrag, a.pwd
		p.ICE = &ice
	}
}

// connectivity reads the describer's ICE (RFC 8839 §5.4). Two lite agents have nobody to make checks and do without.
func (d *description) connectivity(m *medium) (ufrag, pwd string) {
	if _, lite := d.get("ice-lite"); lite {
		return "", ""
	}
	ufrag, _ = d.either(m, "ice-ufrag")
	pwd, _ = d.either(m, "ice-pwd")
	if len(ufrag) < 4 || len(ufrag) > 256 || len(pwd) < 22 || len(pwd) > 256 {
		return "", ""
	}
	return ufrag, pwd
}
