// Package stream carries one call's sound over RTP (RFC 3550, 3551, 4733): a pair of UDP sockets that implements all of media.Leg but
// Hangup, which is the dialog's. Sound is coded on the wire and 16 kHz inside. All streams of a core beat on one clock, the Pacer.
//
// It sends to the offered address, then to where packets come from (symmetric RTP); strangers are refused and counted. It knows no SIP.
package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/media/line"
	"github.com/parley-voice/parley/internal/rtpmedia"
)

// unconfirmed is how many packets go to an offered address that nothing has come from: 15 s. So nobody can be flooded by being named.
const unconfirmed = 750

// lull is after how many beats without a packet no sound is coming.
const lull = 25

// Config says how a stream is made.
type Config struct {
	LocalIP      netip.Addr    // to bind to
	Ports        [2]uint16     // first and last; both zero is any
	Pacer        *Pacer        // whose clock it beats on
	Log          *slog.Logger  // of the call
	MediaTimeout time.Duration // without any packet the stream ends with media.EndSilence; zero is 30 s
}

// Params is what offer and answer agreed on.
type Params struct {
	Remote             netip.AddrPort        // where to send; invalid: wait for the first packet and send to its source
	Control            netip.AddrPort        // where to send RTCP; invalid: to the port after Remote's (RFC 3605)
	AllowedSource      func(netip.Addr) bool // who may send to us; nil: only Remote's address
	Codec              Codec
	PayloadType        uint8
	Tuning             Tuning        // of Codec
	Others             []Format      // that may come as well, though we send Codec (RFC 3264 §6.1)
	PacketTime         time.Duration // of what we send, 10 to 60 ms; zero is 20 ms
	DTMFPayload        uint8         // of telephone-event; 0: not agreed on
	DTMFClock          int           // ticks a second that its durations are counted in; 0 is 8,000
	Noise              bool          // our silence may be comfort noise
	SendHold, RecvHold bool          // we send nothing; we want nothing
	Unanswered         bool          // the call is not answered yet: that nothing comes does not end it
	Holding            bool          // we hold the other side: it hears Music instead of us
	Music              []int16       // 16 kHz, again and again; not to be changed any more. Empty is silence
	Mux                bool          // RTCP shares the port of the sound (RFC 5761)
	SRTP               *SRTP         // keys; nil is none
	DTLS               *DTLS         // makes the keys instead
	ICE                *ICE          // the other side finds the way; nil is without
}

// Format is a codec under a payload type.
type Format struct {
	Codec       Codec
	PayloadType uint8
}

// Stream is the sound of one call. Open makes it, Start begins, End ends, Close frees the sockets.
type Stream struct {
	*line.Line
	log   *slog.Logger
	lane  *lane
	rtp   *net.UDPConn
	rtcp  *net.UDPConn
	limit int    // beats without a packet
	cname string // names us in RTCP; random, so that it tells nothing (RFC 7022)

	readers sync.WaitGroup
	closing sync.Once

	mu      sync.Mutex // between the clock, the readers and the dialog of this call
	p       Params
	started bool
	route   route
	quiet   int // beats since the last packet
	in      inbound
	out     outbound
	control control
	vault   vault
	hands   *handshake // that makes keys; nil for none
	early   early
	ice     nominee
}

// inbound is what comes from the talker.
type inbound struct {
	buffer                  rtpmedia.Buffer
	reception               rtpmedia.Reception
	ssrc                    uint32
	keys                    rtpmedia.Keys
	conceal                 rtpmedia.Concealer
	gaps                    rtpmedia.Gaps
	noise                   rtpmedia.Noise
	tones                   *audio.DTMF
	digits                  digits
	hushed                  bool // the last beat of sound was quiet
	codec                   Codec
	decoder                 decoder
	clock                   clock
	up                      *audio.Resampler
	code                    [rtpmedia.Beat]byte
	pcm                     media.Frame // as decoded; narrow sound fills half of it
	heard                   media.Frame
	refused, before, missed int64 // packets of strangers; received and lost of earlier sources
	forged                  int64 // packets that our keys did not open
}

// outbound is what goes to the talker.
type outbound struct {
	talker   rtpmedia.Talker
	keypad   rtpmedia.Keypad
	codec    Codec
	encoder  encoder
	down     *audio.Resampler
	now      bool                                                          // this beat is sound of ours, not silence
	speaking bool                                                          // so is some of the packet
	pcm      [(longest + media.FrameTime) * media.Rate / time.Second]int16 // of the packet that is being filled
	have     int                                                           // samples of it
	code     [maxPayload]byte
	said     media.Frame
	played   int // samples of the music
	pauses   rtpmedia.Pauses
	hum      []byte // the payload of a comfort noise packet
	packet   []byte
	sent     int64
}

// Open binds the ports.
func Open(c Config) (*Stream, error) {
	if c.Pacer == nil {
		return nil, errors.New("stream: no pacer")
	}
	rtp, rtcp, err := bind(c.LocalIP, c.Ports)
	if err != nil {
		return nil, err
	}
	s := &Stream{Line: line.New(), log: c.Log, lane: c.Pacer.lane(), rtp: rtp, rtcp: rtcp, cname: fmt.Sprintf("%016x", rand.Uint64())}
	if c.MediaTimeout == 0 {
		c.MediaTimeout = 30 * time.Second
	}
	s.limit = int(c.MediaTimeout / media.FrameTime)
	up, err1 := audio.NewResampler(audio.Narrow, audio.Wide)
	down, err2 := audio.NewResampler(audio.Wide, audio.Narrow)
	s.in.up, s.out.down = up, down
	if err = errors.Join(err1, err2, s.in.become(PCMU), s.out.become(PCMU, Tuning{})); err != nil {
		return nil, errors.Join(err, rtp.Close(), rtcp.Close())
	}
	s.out.packet = make([]byte, 0, rtpmedia.HeaderSize+maxPayload)
	s.readers.Go(s.readSound)
	s.readers.Go(s.readControl)
	return s, nil
}

// Port is the local RTP port; RTCP is on the next one.
func (s *Stream) Port() int { return s.rtp.LocalAddr().(*net.UDPAddr).Port }

// Start begins to send and to listen.
func (s *Stream) Start(p Params) {
	s.Update(p)
	s.mu.Lock()
	first := !s.started
	s.started = true
	if s.early.from.IsValid() {
		s.record(s.early.record, s.early.from)
		s.early = early{}
	}
	s.mu.Unlock()
	if first {
		s.lane.join(s)
	}
	select {
	case <-s.Done(): // ended before it began
		s.lane.leave(s)
	default:
	}
}

// Update changes what was agreed on. Only here may an established source lose its place: when the other side names a new address, or
// none at all.
func (s *Stream) Update(p Params) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case p.ICE != nil && (s.p.ICE == nil || *p.ICE != *s.p.ICE): // the other side's checks say where sound goes, not before
		s.ice = nominee{}
		s.route.offer(p.Remote)
		s.route.budget = 0
	case p.ICE != nil:
	case p.Remote != s.p.Remote || !p.Remote.IsValid():
		s.route.offer(p.Remote)
		s.route.control = p.Control
	case s.p.Unanswered && !p.Unanswered && !s.route.established: // the wait is not to have used up what may be sent
		s.route.budget = unconfirmed
	}
	s.protect(&p)
	if p.Codec != s.p.Codec || p.Tuning != s.p.Tuning {
		if err := errors.Join(s.in.become(p.Codec), s.out.become(p.Codec, p.Tuning)); err != nil {
			s.log.Error("codec not changed", "codec", p.Codec, "error", err)
			p.Codec, p.PayloadType = s.p.Codec, s.p.PayloadType
		}
	}
	s.p, s.quiet = p, 0
}

// protect takes what was agreed on to encrypt with. If that is of no use, nothing passes rather than all in clear.
func (s *Stream) protect(p *Params) {
	if s.meet(p.DTLS); p.DTLS != nil {
		return
	}
	if err := s.vault.turn(p.SRTP); err != nil {
		s.log.Error("keys of SRTP", "error", err)
	}
}

// welcome says whether sound from there may be the talker's; with ICE only what was nominated is.
func (s *Stream) welcome(from netip.AddrPort) bool {
	return (s.p.ICE == nil || s.ice.at.IsValid()) && s.route.welcome(from, s.p.AllowedSource)
}

// Sounding says whether packets of sound come, or have within half a second.
func (s *Stream) Sounding() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.p.RecvHold && s.quiet < lull && s.in.reception.Received() > 0
}

// End ends the stream for a cause, tells the other side by RTCP, and reports whether this call did it.
func (s *Stream) End(cause media.EndCause) bool {
	if !s.Line.End(cause) {
		return false
	}
	s.lane.leave(s)
	s.farewell()
	return true
}

// Close ends the stream, if nobody did, and returns when its sockets and goroutines are gone.
func (s *Stream) Close() error {
	var err error
	s.End(media.EndLocal)
	s.closing.Do(func() { err = errors.Join(s.rtp.Close(), s.rtcp.Close()) })
	s.readers.Wait()
	return err
}

// ErrDigit says that a digit cannot be sent: it is none, the other side takes none, or too many wait.
var ErrDigit = errors.New("stream: digit not sent")

// SendDigit implements media.Leg.
func (s *Stream) SendDigit(_ context.Context, digit byte) error {
	select {
	case <-s.Done():
		return media.ErrEnded
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.p.DTMFPayload == 0:
		return ErrNoEvents
	case !s.out.keypad.Press(digit):
		return ErrDigit
	}
	return nil
}

// Stats implements media.Leg.
func (s *Stream) Stats() media.Stats {
	missed := s.Missed()
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &s.in.reception
	received, lost := s.in.before+r.Received(), s.in.missed+max(0, r.Lost())
	return media.Stats{
		Codec: s.p.Codec.String(), Received: received, Lost: lost, Late: s.in.buffer.Late(),
		Refused: s.in.refused, Forged: s.in.forged, Sent: s.out.sent, Missed: missed,
		JitterMillis: float64(r.Jitter()) / float64(time.Millisecond), RoundTripMillis: float64(s.control.roundTrip) / float64(time.Millisecond),
		Quality: s.quality(received, lost),
	}
}
