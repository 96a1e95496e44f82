package sipdoor

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley/internal/rtpmedia"
	"github.com/parley-voice/parley/internal/sipdoor/stream"
)

var (
	errSRTP   = errors.New("no usable SRTP")
	errCodec  = errors.New("no common codec")
	errFamily = errors.New("another family of addresses than the call's")
)

// agreed is what both sides settled on.
type agreed struct {
	index              int            // of the m-line
	remote             netip.AddrPort // invalid when the peer named none
	control            netip.AddrPort // of RTCP, where the peer named it
	mux                bool           // RTCP comes and goes on the port of RTP (RFC 5761)
	codec              stream.Codec   // that we send
	payload            uint8
	others             []stream.Format // that may come as well
	tuning             stream.Tuning   // of the codec
	ptime              time.Duration   // of what we send
	dtmf               uint8           // 0 for none
	dtmfClock          int             // of its durations
	noise              bool            // the peer takes comfort noise
	direction          string          // ours
	sendHold, recvHold bool            // we do not send; the peer does not
	shield
	proto      string // the profile
	ufrag, pwd string // of the peer's ICE; empty without
}

// choose finds the first audio stream that we can serve and settles its codec, in the describer's order of preference (RFC 3264 §6.1).
func (d *description) choose(codecs []stream.Codec, rule secrecy) (agreed, error) {
	err := errCodec
	for i := range d.media {
		m := &d.media[i]
		if m.kind != "audio" || m.off() || !profile(m.proto) {
			continue
		}
		p, wrong := d.protect(m, rule)
		if wrong != nil {
			err = wrong
			continue
		}
		if a, ok := d.settle(i, codecs); ok {
			a.shield, a.proto = p, m.proto
			a.ufrag, a.pwd = d.connectivity(m)
			return a, nil
		}
	}
	return agreed{}, err
}

func (d *description) settle(i int, codecs []stream.Codec) (agreed, bool) {
	m := &d.media[i]
	formats, events := m.known(codecs)
	if len(formats) == 0 {
		return agreed{}, false
	}
	first := formats[0]
	a := agreed{index: i, remote: d.at(m), control: d.controlAt(m), codec: first.Codec, payload: first.PayloadType, others: formats[1:]}
	_, a.mux = m.get("rtcp-mux")
	a.noise = first.Codec.Clock() == rtpmedia.ClockRate && slices.Contains(m.formats, strconv.Itoa(rtpmedia.ComfortNoisePayload))
	a.ptime = first.Codec.PacketTime(m.packetTime())
	if first.Codec == stream.Opus {
		a.tuning = tuningOf(m.about("fmtp", strconv.Itoa(int(first.PayloadType))))
	}
	for _, clock := range []int{8000, first.Codec.Clock()} { // best is the clock of the sound (RFC 4733 §2.1)
		if pt, ok := events[clock]; ok {
			a.dtmf, a.dtmfClock = pt, clock
		}
	}
	a.turn(d.directionOf(m), d.unspecified(m), false)
	return a, true
}

// known are the formats that we take, in the describer's order, and the payload types of telephone-event by its clock.
func (m *medium) known(codecs []stream.Codec) (formats []stream.Format, events map[int]uint8) {
	events = map[int]uint8{}
	for _, f := range m.formats {
		pt, err := strconv.ParseUint(f, 10, 7)
		if err != nil {
			continue
		}
		name := m.rtpmap(f)
		if rest, ok := strings.CutPrefix(name, "TELEPHONE-EVENT/"); ok {
			clock, _ := strconv.Atoi(rest)
			if _, there := events[clock]; !there && pt != 0 {
				events[clock] = uint8(pt)
			}
			continue
		}
		for _, c := range codecs {
			if isCodec(c, uint8(pt), name) {
				formats = append(formats, stream.Format{Codec: c, PayloadType: uint8(pt)})
			}
		}
	}
	return formats, events
}

// isCodec reads a payload type: by its name, or by its number where that is static and nothing else is said.
func isCodec(c stream.Codec, pt uint8, name string) bool {
	if name == "" {
		static, ok := c.StaticPayload()
		return ok && static == pt
	}
	want := strings.ToUpper(c.String())
	encoding, rest, _ := strings.Cut(name, "/")
	clock, _, _ := strings.Cut(rest, "/")
	return encoding == want && (clock == strconv.Itoa(c.Clock()) || c == stream.G722 && clock == "16000") // as some write it wrongly
}

// tuningOf reads the parameters of Opus (RFC 7587 §6.1).
func tuningOf(fmtp string) (t stream.Tuning) {
	for p := range strings.SplitSeq(fmtp, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || n < 0 {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "maxaveragebitrate":
			t.Bitrate = n
		case "maxplaybackrate":
			t.Playback = n
		case "useinbandfec":
			t.FEC = n == 1
		case "cbr":
			t.Constant = n == 1
		}
	}
	return t
}

// packetTime is how long the packets are that the describer wants; zero where it does not say (RFC 8866 §6.4).
func (m *medium) packetTime() time.Duration {
	asked, most := m.millis("ptime"), m.millis("maxptime")
	if most > 0 && (asked > most || asked == 0 && most < 20*time.Millisecond) {
		return most
	}
	return asked
}

// turn sets our direction from the peer's (RFC 3264 §6.1); address 0.0.0.0 asks us not to send, as old phones hold. Who is held by us
// need not send.
func (a *agreed) turn(theirs string, unspecified, holding bool) {
	a.sendHold = theirs == sendOnly || theirs == inactive || unspecified
	a.recvHold = theirs == recvOnly || theirs == inactive || holding
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

// notAcceptable is 488 with the reason as a warning (RFC 3261 §20.43: 301 is incompatible addresses, 302 a transport protocol, 305 a
// media format).
func notAcceptable(err error) *refusal {
	code := 305
	switch {
	case errors.Is(err, errSRTP), errors.Is(err, errClear), errors.Is(err, errKeys):
		code = 302
	case errors.Is(err, errFamily):
		code = 301
	}
	return refuse(sip.StatusNotAcceptableHere, "Not Acceptable Here", sip.NewHeader("Warning", fmt.Sprintf("%d parley \"%s\"", code, err)))
}
