package stream

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/fingerprint"
	"github.com/pion/logging"
	"github.com/pion/srtp/v3"
	"github.com/pion/transport/v4/packetio"
)

const (
	// handshakeTime bounds a handshake.
	handshakeTime = 20 * time.Second
	// records is how many DTLS records may wait to be read.
	records = 32
)

// DTLS says how the keys of SRTP are made by a handshake on the way of the sound (RFC 5764).
type DTLS struct {
	Certificate  tls.Certificate // ours
	Active       bool            // we begin, as setup:active (RFC 5763 §5)
	Fingerprints []Fingerprint   // the other side's certificate must have one of them
}

// Fingerprint is a=fingerprint (RFC 8122 §5): a hash as it is named there, and its bytes in hexadecimal with colons.
type Fingerprint struct{ Hash, Value string }

// FingerprintOf gives the fingerprint of a certificate by SHA-256.
func FingerprintOf(c tls.Certificate) (Fingerprint, error) {
	if len(c.Certificate) == 0 {
		return Fingerprint{}, errors.New("stream: no certificate")
	}
	x, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		return Fingerprint{}, fmt.Errorf("stream: certificate: %w", err)
	}
	v, err := fingerprint.Fingerprint(x, crypto.SHA256)
	return Fingerprint{"sha-256", strings.ToUpper(v)}, err
}

// Usable says that the hash is known and not broken (RFC 8122 §5 forbids MD2 and MD5).
func (f Fingerprint) Usable() bool {
	switch f.Hash {
	case "sha-1", "sha-224", "sha-256", "sha-384", "sha-512":
		return true
	}
	return false
}

// matches says that a certificate in DER has the fingerprint.
func (f Fingerprint) matches(der []byte) bool {
	if !f.Usable() {
		return false
	}
	h, err := fingerprint.HashFromString(f.Hash)
	if err != nil || !h.Available() {
		return false
	}
	sum := h.New()
	sum.Write(der)
	return strings.EqualFold(hex.EncodeToString(sum.Sum(nil)), strings.ReplaceAll(f.Value, ":", ""))
}

// dtlsProfiles are the suites that a handshake may choose, best first.
func dtlsProfiles() []dtls.SRTPProtectionProfile {
	return []dtls.SRTPProtectionProfile{
		dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80, dtls.SRTP_AES128_CM_HMAC_SHA1_32,
	}
}

// handshake is a DTLS association of a stream.
type handshake struct {
	of      DTLS
	records *packetio.Buffer // that came
	from    netip.AddrPort   // where the last one came from, and where answers go; of the stream's lock
	cancel  context.CancelFunc
	over    chan struct{} // closed when nobody answers records any more
}

var _ net.PacketConn = (*recordConn)(nil)

// recordConn is a handshake's view of the stream's socket.
type recordConn struct {
	*handshake
	s *Stream
}

// ReadFrom implements net.PacketConn.
func (c *recordConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := c.records.Read(b)
	return n, c.RemoteAddr(), err
}

// WriteTo implements net.PacketConn. What has nowhere to go yet is lost; the handshake repeats it.
func (c *recordConn) WriteTo(b []byte, _ net.Addr) (int, error) {
	if to := c.to(); to.IsValid() {
		return c.s.rtp.WriteToUDPAddrPort(b, to)
	}
	return len(b), nil
}

func (c *recordConn) to() netip.AddrPort {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	to := c.s.route.destination()
	if c.from.IsValid() && !c.s.route.established {
		to = c.from
	}
	return to
}

// Close implements net.PacketConn; the socket stays.
func (c *recordConn) Close() error { return c.records.Close() }

// LocalAddr implements net.PacketConn.
func (c *recordConn) LocalAddr() net.Addr { return c.s.rtp.LocalAddr() }

// RemoteAddr is a name: records go to where the other side is.
func (c *recordConn) RemoteAddr() net.Addr { return c.s.rtp.LocalAddr() }

// SetDeadline implements net.PacketConn.
func (c *recordConn) SetDeadline(t time.Time) error { return c.records.SetReadDeadline(t) }

// SetReadDeadline implements net.PacketConn.
func (c *recordConn) SetReadDeadline(t time.Time) error { return c.records.SetReadDeadline(t) }

// SetWriteDeadline implements net.PacketConn.
func (c *recordConn) SetWriteDeadline(time.Time) error { return nil }

// meet begins a handshake, unless the one with the same terms is there: a new fingerprint or role is a new association (RFC 8842 §4).
// The stream is locked.
func (s *Stream) meet(d *DTLS) {
	if d != nil && s.hands != nil && s.hands.of.Active == d.Active && reflect.DeepEqual(s.hands.of.Fingerprints, d.Fingerprints) {
		return
	}
	s.part()
	if d == nil {
		return
	}
	s.vault = vault{locked: true}
	select {
	case <-s.Done():
		return
	default:
	}
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTime)
	h := &handshake{of: *d, records: packetio.NewBuffer(), cancel: cancel, over: make(chan struct{})}
	h.records.SetLimitCount(records)
	s.hands = h
	s.readers.Go(func() { s.shake(ctx, h) })
}

// part ends the handshake and what it led to.
func (s *Stream) part() {
	if s.hands != nil {
		s.hands.cancel()
		_ = s.hands.records.Close()
		s.hands = nil
	}
}

// record takes a DTLS record of whoever may send sound. The stream is locked.
func (s *Stream) record(b []byte, from netip.AddrPort) {
	if !s.welcome(from) {
		s.refuse(from)
		return
	}
	if s.hands == nil {
		return
	}
	s.hands.from = from
	_, _ = s.hands.records.Write(b) // full: the other side repeats it
}

// early is a DTLS record that came before Start. The first ClientHello may overtake the answer (RFC 5763 §5) or our own way to Start; the
// other side would repeat it only after a second.
type early struct {
	record []byte
	from   netip.AddrPort
}

// tooEarly keeps the first record that came before Start; nothing is believed yet. The stream is locked.
func (s *Stream) tooEarly(b []byte, from netip.AddrPort) {
	if kindOf(b, false) == kindDTLS && !s.early.from.IsValid() {
		s.early = early{bytes.Clone(b), from}
	}
}

// shake makes the keys and stays to answer repeated records until the association is closed.
func (s *Stream) shake(ctx context.Context, h *handshake) {
	defer close(h.over)
	defer h.cancel()
	conn, err := h.connect(s)
	if err == nil {
		defer conn.Close()
		err = conn.HandshakeContext(ctx)
	}
	var keys *SRTP
	if err == nil {
		keys, err = keysOf(conn, h.of.Active)
	}
	if err != nil {
		if ctx.Err() == nil || errors.Is(ctx.Err(), context.DeadlineExceeded) {
			s.log.Warn("DTLS handshake failed: the call has no sound", "error", err)
		}
		return
	}
	if !s.keyed(h, keys) {
		return
	}
	rest := make([]byte, maxDatagram)
	for {
		if _, err := conn.Read(rest); err != nil {
			return
		}
	}
}

func (h *handshake) connect(s *Stream) (*dtls.Conn, error) {
	verify := func(certificates [][]byte, _ [][]*x509.Certificate) error {
		for _, f := range h.of.Fingerprints {
			if len(certificates) > 0 && f.matches(certificates[0]) {
				return nil
			}
		}
		return errors.New("the certificate has none of the fingerprints in the description (RFC 5763 §5)")
	}
	quiet := &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled}
	c := &recordConn{h, s}
	shared := []dtls.Option{
		dtls.WithCertificates(h.of.Certificate), dtls.WithSRTPProtectionProfiles(dtlsProfiles()...), dtls.WithLoggerFactory(quiet),
		dtls.WithInsecureSkipVerify(true), dtls.WithVerifyPeerCertificate(verify), // the fingerprint is what counts, nobody signs for phones
		dtls.WithExtendedMasterSecret(dtls.RequestExtendedMasterSecret), dtls.WithFlightInterval(500 * time.Millisecond),
	}
	if h.of.Active {
		var opts []dtls.ClientOption
		for _, o := range shared {
			opts = append(opts, o)
		}
		return dtls.ClientWithOptions(c, c.RemoteAddr(), opts...)
	}
	opts := []dtls.ServerOption{dtls.WithClientAuth(dtls.RequireAnyClientCert)}
	for _, o := range shared {
		opts = append(opts, o)
	}
	return dtls.ServerWithOptions(c, c.RemoteAddr(), opts...)
}

// keysOf exports the keys of both directions (RFC 5764 §4.2): client's key, server's key, client's salt, server's salt.
func keysOf(conn *dtls.Conn, client bool) (*SRTP, error) {
	profile, ok := conn.SelectedSRTPProtectionProfile()
	if !ok {
		return nil, errors.New("no SRTP suite in common")
	}
	state, ok := conn.ConnectionState()
	if !ok {
		return nil, errors.New("no state of the association")
	}
	suite := srtp.ProtectionProfile(profile)
	k, err := suite.KeyLen()
	if err != nil {
		return nil, err
	}
	n, err := suite.SaltLen()
	if err != nil {
		return nil, err
	}
	m, err := state.ExportKeyingMaterial("EXTRACTOR-dtls_srtp", nil, 2*(k+n))
	if err != nil {
		return nil, err
	}
	theirs := append(append([]byte{}, m[:k]...), m[2*k:2*k+n]...)
	ours := append(append([]byte{}, m[k:2*k]...), m[2*k+n:]...)
	if client {
		theirs, ours = ours, theirs
	}
	return &SRTP{Suite: suite, Local: ours, Remote: theirs}, nil
}

// keyed lets packets pass under the keys of a handshake, unless it is no longer the stream's.
func (s *Stream) keyed(h *handshake, k *SRTP) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hands != h {
		return false
	}
	if err := s.vault.turn(k); err != nil {
		s.log.Error("keys of the DTLS handshake", "error", err)
		return false
	}
	s.log.Info("sound is encrypted", "by", "DTLS-SRTP", "suite", k.Suite.String())
	return true
}
