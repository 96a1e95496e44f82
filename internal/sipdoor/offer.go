package sipdoor

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley/internal/sipdoor/stream"
)

// ourDTMF is the payload type that we offer telephone-event with (RFC 4733).
const ourDTMF = 101

// Static payload types of RFC 3551.
const (
	payloadPCMU = 0
	payloadPCMA = 8
)

var (
	errSRTP  = errors.New("RTP/AVP only")
	errCodec = errors.New("no common codec: PCMU or PCMA")
)

// agreed is what both sides settled on.
type agreed struct {
	index              int            // of the m-line
	remote             netip.AddrPort // invalid when the peer named none
	codec              stream.Codec
	payload, dtmf      uint8  // dtmf is 0 for none
	direction          string // ours
	sendHold, recvHold bool   // we do not send; the peer does not
}

// choose finds the first audio stream that we can serve and settles its codec, in the describer's order of preference (RFC 3264 §6.1).
func (d *description) choose() (agreed, error) {
	err := errCodec
	for i := range d.media {
		m := &d.media[i]
		port, _, _ := strings.Cut(m.port, "/")
		switch {
		case m.kind != "audio" || port == "0":
		case strings.Contains(m.proto, "SAVP"):
			err = errSRTP
		case m.proto == "RTP/AVP" || m.proto == "RTP/AVPF":
			if a, ok := d.settle(i); ok {
				return a, nil
			}
		}
	}
	return agreed{}, err
}

func (d *description) settle(i int) (agreed, bool) {
	m := &d.media[i]
	a := agreed{index: i, remote: d.at(m)}
	found := false
	for _, f := range m.formats {
		pt, err := strconv.ParseUint(f, 10, 7)
		if err != nil {
			continue
		}
		switch codec, known := codecOf(uint8(pt), m.names[f]); {
		case known && !found:
			a.codec, a.payload, found = codec, uint8(pt), true
		case a.dtmf == 0 && strings.HasPrefix(m.names[f], "TELEPHONE-EVENT/8000"):
			a.dtmf = uint8(pt)
		}
	}
	a.turn(d.directionOf(m), d.unspecified(m))
	return a, found
}

// codecOf reads a payload type: by its name, or by its number where that is static and nothing else is said.
func codecOf(pt uint8, name string) (stream.Codec, bool) {
	switch {
	case strings.HasPrefix(name, "PCMU/8000"), name == "" && pt == payloadPCMU:
		return stream.PCMU, true
	case strings.HasPrefix(name, "PCMA/8000"), name == "" && pt == payloadPCMA:
		return stream.PCMA, true
	}
	return stream.PCMU, false
}

// turn sets our direction from the peer's (RFC 3264 §6.1); address 0.0.0.0 asks us not to send, as old phones hold.
func (a *agreed) turn(theirs string, unspecified bool) {
	a.sendHold = theirs == sendOnly || theirs == inactive || unspecified
	a.recvHold = theirs == recvOnly || theirs == inactive
	switch {
	case a.sendHold && a.recvHold:
		a.direction = inactive
	case a.sendHold:
		a.direction = recvOnly
	case a.recvHold:
		a.direction = sendOnly
	default:
		a.direction = sendRecv
	}
}

// session is our side of the session: it writes our descriptions.
type session struct {
	addr        netip.Addr
	port        int
	id, version uint64
	last        string
}

func newSession(addr netip.Addr, port int) session {
	var b [8]byte
	_, _ = rand.Read(b[:])
	id := binary.BigEndian.Uint64(b[:]) >> 2 // fits the signed numbers that some phones read it into
	return session{addr: addr, port: port, id: id, version: id}
}

// offer describes all that we can do.
func (s *session) offer() []byte {
	return s.write(fmt.Sprintf("m=audio %d RTP/AVP %d %d %d\r\n", s.port, payloadPCMU, payloadPCMA, ourDTMF) +
		rtpmap(payloadPCMU, "PCMU") + rtpmap(payloadPCMA, "PCMA") + events(ourDTMF) + "a=ptime:20\r\na=sendrecv\r\n")
}

// answer answers an offer: the agreed stream in its place, all others refused with port 0 (RFC 3264 §6).
func (s *session) answer(o *description, a agreed) []byte {
	var b strings.Builder
	for i, m := range o.media {
		if i != a.index {
			b.WriteString(refusedLine(&m))
			continue
		}
		b.WriteString(s.agreedLine(&m, a))
	}
	return s.write(b.String())
}

// refusedLine echoes an m-line with port 0. Words that the offer lacks are filled, since a line without a format is none.
func refusedLine(m *medium) string {
	kind, proto, formats := m.kind, m.proto, m.formats
	or(&kind, "application")
	or(&proto, "RTP/AVP")
	if len(formats) == 0 {
		formats = []string{"0"}
	}
	return fmt.Sprintf("m=%s 0 %s %s\r\n", kind, proto, strings.Join(formats, " "))
}

func (s *session) agreedLine(m *medium, a agreed) string {
	name, formats, tail := a.codec.String(), strconv.Itoa(int(a.payload)), ""
	if a.dtmf != 0 {
		formats += " " + strconv.Itoa(int(a.dtmf))
		tail = events(int(a.dtmf))
	}
	return fmt.Sprintf("m=audio %d %s %s\r\n", s.port, m.proto, formats) + rtpmap(int(a.payload), name) + tail +
		"a=ptime:20\r\na=" + a.direction + "\r\n"
}

func rtpmap(pt int, name string) string { return fmt.Sprintf("a=rtpmap:%d %s/8000\r\n", pt, name) }

func events(pt int) string {
	return fmt.Sprintf("a=rtpmap:%d telephone-event/8000\r\na=fmtp:%d 0-16\r\n", pt, pt)
}

// write puts the head before the media lines. The version grows with each change (RFC 3264 §8).
func (s *session) write(media string) []byte {
	if s.last != "" && s.last != media {
		s.version++
	}
	s.last = media
	family := "IP4"
	if s.addr.Is6() {
		family = "IP6"
	}
	return fmt.Appendf(nil, "v=0\r\no=- %d %d IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n%s", s.id, s.version, family, s.addr, family, s.addr, media)
}

// offerOf reads the description in a message.
func offerOf(m *sip.Request) (*description, *refusal) {
	if t := m.ContentType(); t == nil || !isSDP(t.Value()) {
		return nil, refuse(sip.StatusUnsupportedMediaType, "Unsupported Media Type", sip.NewHeader("Accept", "application/sdp"))
	}
	d, err := readSDP(m.Body())
	if err != nil {
		return nil, notAcceptable(err)
	}
	return d, nil
}

func isSDP(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/sdp")
}

// notAcceptable is 488 with the reason as a warning (RFC 3261 §20.43: 305 is an incompatible media format, 302 a transport protocol).
func notAcceptable(err error) *refusal {
	code := 305
	if errors.Is(err, errSRTP) {
		code = 302
	}
	return refuse(sip.StatusNotAcceptableHere, "Not Acceptable Here", sip.NewHeader("Warning", fmt.Sprintf("%d parley \"%s\"", code, err)))
}
