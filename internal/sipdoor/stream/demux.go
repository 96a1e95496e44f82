package stream

import (
	"log/slog"
	"net/netip"
)

// kind is what a datagram on the socket of the sound is (RFC 7983 §7).
type kind int

const (
	kindRTP kind = iota
	kindSTUN
	kindDTLS
	kindControl // RTCP, where it shares the socket
)

// kindOf tells by the first byte, and RTCP from RTP by the second (RFC 5761 §4).
func kindOf(b []byte, mux bool) kind {
	switch {
	case len(b) < 2:
		return kindRTP
	case b[0] < 4:
		return kindSTUN
	case b[0] >= 20 && b[0] < 64:
		return kindDTLS
	case mux && b[0]>>6 == 2 && b[1] >= 192 && b[1] <= 223:
		return kindControl
	}
	return kindRTP
}

// refuse counts what a stranger sent.
func (s *Stream) refuse(from netip.AddrPort) {
	if s.in.refused++; s.in.refused == 1 {
		s.log.Warn("sound of a stranger refused", slog.Group("pii", "from", from.String()))
	}
}

// forged counts a packet of the right source that our keys do not open: wrong keys, replayed, changed on the way, or sent in clear.
// Where a handshake is still under way there are no keys to be wrong.
func (s *Stream) forged() {
	if s.vault.in == nil {
		return
	}
	if s.in.forged++; s.in.forged == 1 {
		s.log.Warn("an SRTP packet was not authentic")
	}
}
