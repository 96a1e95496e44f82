package sipdoor

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/parley-voice/parley/internal/rtpmedia"
	"github.com/parley-voice/parley/internal/sipdoor/stream"
)

const (
	// ourDTMF is the payload type that we offer telephone-event with (RFC 4733) where the peer has not named one.
	ourDTMF = 101
	// firstDynamic is where payload types without a fixed meaning begin (RFC 3551 §6).
	firstDynamic = 96
)

// session is our side of the session: it writes our descriptions. What was said once stays: the places of m-lines and the meaning of
// payload types (RFC 3264 §8).
type session struct {
	addr        netip.Addr
	port        int
	codecs      []stream.Codec // in our order
	id, version uint64
	last        string
	holding     bool // we hold the peer

	lines    []string               // refused m-lines by their place; ours is empty
	at       int                    // our place
	payloads map[stream.Codec]uint8 // as named by the peer or us
	events   map[int]uint8          // telephone-event by clock
	noise    bool                   // we send comfort noise where the peer takes it
	locks    locks
}

func newSession(addr netip.Addr, port int, codecs []stream.Codec) session {
	var b [8]byte
	_, _ = rand.Read(b[:])
	id := binary.BigEndian.Uint64(b[:]) >> 2 // fits the signed numbers that some phones read it into
	return session{
		addr: addr, port: port, codecs: codecs, id: id, version: id, lines: []string{""}, locks: locks{proto: "RTP/AVP"},
		payloads: map[stream.Codec]uint8{}, events: map[int]uint8{},
	}
}

// offer describes all that we can do.
func (s *session) offer() []byte {
	direction := sendRecv
	if s.holding {
		direction = sendOnly
	}
	var formats, tail strings.Builder
	clocks := []int{8000}
	for _, c := range s.codecs {
		pt := s.payload(c)
		fmt.Fprintf(&formats, " %d", pt)
		tail.WriteString(rtpmap(pt, c))
		if !slices.Contains(clocks, c.Clock()) {
			clocks = append(clocks, c.Clock())
		}
	}
	if s.noise {
		fmt.Fprintf(&formats, " %d", rtpmedia.ComfortNoisePayload)
	}
	for _, clock := range clocks {
		pt := s.event(clock)
		fmt.Fprintf(&formats, " %d", pt)
		tail.WriteString(events(pt, clock))
	}
	tail.WriteString(s.locks.offered(s.addr, s.port))
	return s.write(s.place(fmt.Sprintf("m=audio %d %s%s\r\n%sa=ptime:20\r\na=%s\r\n", s.port, s.locks.proto, formats.String(), tail.String(), direction)))
}

// place puts our m-line among the refused ones.
func (s *session) place(ours string) string {
	var b strings.Builder
	for i, l := range s.lines {
		if i == s.at {
			l = ours
		}
		b.WriteString(l)
	}
	return b.String()
}

// payload is the payload type of a codec in this session.
func (s *session) payload(c stream.Codec) uint8 {
	pt, ok := s.payloads[c]
	if !ok {
		if pt, ok = c.StaticPayload(); !ok {
			pt = s.free(firstDynamic)
		}
		s.payloads[c] = pt
	}
	return pt
}

func (s *session) event(clock int) uint8 {
	pt, ok := s.events[clock]
	if !ok {
		pt = s.free(ourDTMF)
		s.events[clock] = pt
	}
	return pt
}

// free is the first payload type from one on that has no meaning yet.
func (s *session) free(from uint8) uint8 {
	taken := map[uint8]bool{}
	for _, pt := range s.payloads {
		taken[pt] = true
	}
	for _, pt := range s.events {
		taken[pt] = true
	}
	for taken[from] {
		from++
	}
	return from
}

// learn takes the places and payload types of what the peer has said.
func (s *session) learn(d *description, a agreed) {
	s.lines, s.at = s.lines[:0], a.index
	for i := range d.media {
		s.lines = append(s.lines, refusedLine(&d.media[i]))
	}
	formats, events := d.media[a.index].known(s.codecs)
	for _, f := range formats {
		s.forget(f.PayloadType)
		s.payloads[f.Codec] = f.PayloadType
	}
	for clock, pt := range events {
		s.forget(pt)
		s.events[clock] = pt
	}
}

// forget takes its meaning from a payload type that the peer has given another one.
func (s *session) forget(pt uint8) {
	maps.DeleteFunc(s.payloads, func(_ stream.Codec, p uint8) bool { return p == pt })
	maps.DeleteFunc(s.events, func(_ int, p uint8) bool { return p == pt })
}

// answer answers an offer: the agreed stream in its place, all others refused with port 0 (RFC 3264 §6).
func (s *session) answer(o *description, a agreed) []byte {
	s.learn(o, a)
	return s.write(s.place(s.agreedLine(&o.media[a.index], a)))
}

// settle agrees on an offer within the dialog.
func (d *dialog) settle(offer *description) (agreed, error) {
	a, err := offer.choose(d.door.cfg.Codecs, d.door.cfg.Encryption.over(d.peer.source.network))
	if err != nil {
		return a, err
	}
	if to := a.remote.Addr(); to.IsValid() && to.Is4() != d.sound.addr.Is4() {
		return a, errFamily // our socket stays
	}
	if d.sound.holding {
		a.turn(offer.directionOf(&offer.media[a.index]), offer.unspecified(&offer.media[a.index]), true)
	}
	return a, nil
}

// accepted agrees on the answer to an offer of ours. What we offered under another payload type may come under that one (RFC 3264 §5.1).
func (d *dialog) accepted(answer *description) (agreed, error) {
	a, err := d.settle(answer)
	if err != nil {
		return a, err
	}
	if err := d.sound.locks.matches(a); err != nil {
		return a, err
	}
	for _, f := range append([]stream.Format{{Codec: a.codec, PayloadType: a.payload}}, a.others...) {
		if pt, ok := d.sound.payloads[f.Codec]; ok && pt != f.PayloadType {
			a.others = append(a.others, stream.Format{Codec: f.Codec, PayloadType: pt})
		}
	}
	return a, nil
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
	formats, tail := strconv.Itoa(int(a.payload)), rtpmap(a.payload, a.codec)
	if a.noise && s.noise {
		formats += " " + strconv.Itoa(rtpmedia.ComfortNoisePayload)
	}
	if a.dtmf != 0 {
		formats += " " + strconv.Itoa(int(a.dtmf))
		tail += events(a.dtmf, a.dtmfClock)
	}
	if a.mux {
		tail += "a=rtcp-mux\r\n"
	}
	tail += s.locks.answered(a, s.addr, s.port)
	return fmt.Sprintf("m=audio %d %s %s\r\n%sa=ptime:%d\r\na=%s\r\n", s.port, m.proto, formats, tail, a.ptime.Milliseconds(), a.direction)
}

// rtpmap names a codec. Opus always has two channels there, and is told that more than 16 kHz is wasted on us (RFC 7587 §6.1, §7).
func rtpmap(pt uint8, c stream.Codec) string {
	if c == stream.Opus {
		return fmt.Sprintf("a=rtpmap:%d opus/48000/2\r\na=fmtp:%d useinbandfec=1;maxplaybackrate=16000;sprop-maxcapturerate=16000\r\n", pt, pt)
	}
	return fmt.Sprintf("a=rtpmap:%d %s/%d\r\n", pt, c, c.Clock())
}

func events(pt uint8, clock int) string {
	return fmt.Sprintf("a=rtpmap:%d telephone-event/%d\r\na=fmtp:%d 0-16\r\n", pt, clock, pt)
}

// write puts the head before the media lines. The version grows with each change (RFC 3264 §8).
func (s *session) write(media string) []byte {
	if s.last != "" && s.last != media {
		s.version++
	}
	s.last = media
	family, lite := "IP4", ""
	if s.locks.lite { // stands for the session (RFC 8839 §5.3)
		lite = "a=ice-lite\r\n"
	}
	if s.addr.Is6() {
		family = "IP6"
	}
	return fmt.Appendf(nil, "v=0\r\no=- %d %d IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n%s%s",
		s.id, s.version, family, s.addr, family, s.addr, lite, media)
}
