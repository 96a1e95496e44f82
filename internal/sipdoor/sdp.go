package sipdoor

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"
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

// section is the head of a description, or one of its m-lines with what follows it.
type section struct {
	addr       netip.Addr // invalid for none or a name
	hasAddr    bool
	attributes []attribute
}

type attribute struct{ name, value string }

// get is the first attribute of a name.
func (s *section) get(name string) (value string, ok bool) {
	for _, a := range s.attributes {
		if a.name == name {
			return a.value, true
		}
	}
	return "", false
}

// description is what we use of an SDP body (RFC 8866).
type description struct {
	section
	media []medium
}

// medium is an m-line with its attributes.
type medium struct {
	section
	kind, port, proto string
	formats           []string
}

var errSDP = errors.New("no session description")

// readSDP reads a description. It is tolerant: phones send lines out of order, unknown letters, no s= or t=, bare newlines, text where
// numbers belong. Only a body without any m-line is refused.
func readSDP(body []byte) (*description, error) {
	d := &description{}
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
	at := &d.section
	if len(d.media) > 0 {
		at = &d.media[len(d.media)-1].section
	}
	switch letter {
	case 'm':
		d.begin(value)
	case 'c':
		at.addr, at.hasAddr = connection(value), true
	case 'a':
		name, rest, _ := strings.Cut(value, ":")
		at.attributes = append(at.attributes, attribute{name, strings.TrimSpace(rest)})
	}
}

// begin starts a medium. Words that are missing stay empty, so that the line can still be refused in its place.
func (d *description) begin(value string) {
	if len(d.media) == sdpMedia {
		return
	}
	f := strings.Fields(value)
	var m medium
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

// rtpmap is the name of a format in capitals, such as "PCMU/8000"; empty where none is given.
func (m *medium) rtpmap(format string) string { return strings.ToUpper(m.about("rtpmap", format)) }

// about is what an attribute says about a format.
func (m *medium) about(name, format string) string {
	for _, a := range m.attributes {
		if a.name != name {
			continue
		}
		if f, rest, ok := strings.Cut(a.value, " "); ok && f == format {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// millis reads an attribute such as ptime; zero where it is missing or no number.
func (m *medium) millis(name string) time.Duration {
	v, _ := m.get(name)
	ms, err := strconv.ParseFloat(v, 64)
	if err != nil || ms < 1 || ms > 1000 {
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}

// off says that a medium is not wanted: its port is 0 (RFC 3264 §5.1).
func (m *medium) off() bool {
	port, _, _ := strings.Cut(m.port, "/")
	return port == "0"
}

// connectionOf is the address that goes for a medium.
func (d *description) connectionOf(m *medium) netip.Addr {
	if m.hasAddr {
		return m.addr
	}
	return d.addr
}

// at is where a medium's packets go; invalid when it says nowhere.
func (d *description) at(m *medium) netip.AddrPort {
	port, _, _ := strings.Cut(m.port, "/")
	return endpoint(d.connectionOf(m), port)
}

func endpoint(a netip.Addr, port string) netip.AddrPort {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || !a.IsValid() || a.IsUnspecified() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a, uint16(n))
}

// controlAt is where a medium's RTCP goes when it says so: "a=rtcp:PORT" or "a=rtcp:PORT IN IP4 ADDRESS" (RFC 3605 §2.1).
func (d *description) controlAt(m *medium) netip.AddrPort {
	v, ok := m.get("rtcp")
	if !ok {
		return netip.AddrPort{}
	}
	port, rest, named := strings.Cut(v, " ")
	a := d.connectionOf(m)
	if named {
		a = connection(rest)
	}
	return endpoint(a, port)
}

// unspecified says that a medium's address is 0.0.0.0 or ::, which means hold (RFC 3264 §8.4, RFC 6157 §5.1).
func (d *description) unspecified(m *medium) bool {
	a := d.connectionOf(m)
	return a.IsValid() && a.IsUnspecified()
}

// directionOf is a medium's direction: its own, else the session's, else both ways; of several the last one counts.
func (d *description) directionOf(m *medium) string {
	direction := sendRecv
	for _, s := range []*section{&d.section, &m.section} {
		for _, a := range s.attributes {
			switch a.name {
			case sendRecv, sendOnly, recvOnly, inactive:
				direction = a.name
			}
		}
	}
	return direction
}
