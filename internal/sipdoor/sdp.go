package sipdoor

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// Directions of a stream, as its describer sees it (RFC 8866 §6.7).
const (
	sendRecv = "sendrecv"
	sendOnly = "sendonly"
	recvOnly = "recvonly"
	inactive = "inactive"
)

const (
	// sdpLines and sdpMedia bound what is read of a description.
	sdpLines = 1000
	sdpMedia = 16
)

// description is what we use of an SDP body (RFC 8866).
type description struct {
	addr      netip.Addr // of the session; invalid for none or a name
	direction string
	media     []medium
}

// medium is an m-line with its attributes.
type medium struct {
	kind, port, proto string
	formats           []string
	addr              netip.Addr // invalid takes the session's
	hasAddr           bool
	direction         string            // empty takes the session's
	names             map[string]string // rtpmap: "PCMU/8000" by format
}

var errSDP = errors.New("no session description")

// readSDP reads a description. It is tolerant: phones send lines out of order, unknown letters, no s= or t=, bare newlines, text where
// numbers belong. Only a body without any m-line is refused.
func readSDP(body []byte) (*description, error) {
	d := &description{direction: sendRecv}
	n := 0
	for line := range strings.Lines(string(body)) {
		if n++; n > sdpLines {
			break
		}
		letter, value, ok := strings.Cut(strings.TrimRight(line, "\r\n\x00 "), "=")
		if ok && len(letter) == 1 {
			d.line(letter[0], strings.TrimSpace(value))
		}
	}
	if len(d.media) == 0 {
		return nil, errSDP
	}
	return d, nil
}

func (d *description) line(letter byte, value string) {
	var m *medium
	if len(d.media) > 0 {
		m = &d.media[len(d.media)-1]
	}
	switch letter {
	case 'm':
		d.begin(value)
	case 'c':
		if a := connection(value); m != nil {
			m.addr, m.hasAddr = a, true
		} else {
			d.addr = a
		}
	case 'a':
		d.attribute(m, value)
	}
}

// begin starts a medium. Words that are missing stay empty, so that the line can still be refused in its place.
func (d *description) begin(value string) {
	if len(d.media) == sdpMedia {
		return
	}
	f := strings.Fields(value)
	m := medium{names: map[string]string{}}
	for i, p := range []*string{&m.kind, &m.port, &m.proto} {
		if i < len(f) {
			*p = f[i]
		}
	}
	if len(f) > 3 {
		m.formats = f[3:min(len(f), 3+64)]
	}
	d.media = append(d.media, m)
}

// connection reads "IN IP4 192.0.2.1", also with a time to live behind the address.
func connection(value string) netip.Addr {
	f := strings.Fields(value)
	if len(f) < 3 {
		return netip.Addr{}
	}
	host, _, _ := strings.Cut(f[2], "/")
	a, _ := netip.ParseAddr(host)
	return a.Unmap().WithZone("")
}

func (d *description) attribute(m *medium, value string) {
	name, rest, _ := strings.Cut(value, ":")
	switch name {
	case sendRecv, sendOnly, recvOnly, inactive:
		if m != nil {
			m.direction = name
		} else {
			d.direction = name
		}
	case "rtpmap":
		if format, codec, ok := strings.Cut(strings.TrimSpace(rest), " "); ok && m != nil && len(m.names) < 64 {
			m.names[format] = strings.ToUpper(strings.TrimSpace(codec))
		}
	}
}

// at is where a medium's packets go; invalid when it says nowhere.
func (d *description) at(m *medium) netip.AddrPort {
	a := d.addr
	if m.hasAddr {
		a = m.addr
	}
	port, _, _ := strings.Cut(m.port, "/")
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || !a.IsValid() || a.IsUnspecified() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a, uint16(n))
}

// unspecified says that a medium's address is 0.0.0.0, which means hold (RFC 3264 §8.4).
func (d *description) unspecified(m *medium) bool {
	if m.hasAddr {
		return m.addr.IsValid() && m.addr.IsUnspecified()
	}
	return d.addr.IsValid() && d.addr.IsUnspecified()
}

func (d *description) directionOf(m *medium) string {
	if m.direction != "" {
		return m.direction
	}
	return d.direction
}
