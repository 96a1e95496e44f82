package stream

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/rtpmedia"
)

const (
	maxDatagram = 2048
	// hush is the RMS below which a beat may be dropped to shorten the delay: -45 dBFS.
	hush = 184
)

// readSound takes packets until the socket is closed.
func (s *Stream) readSound() {
	buf := make([]byte, maxDatagram)
	begin := time.Now()
	for {
		n, from, err := s.rtp.ReadFromUDPAddrPort(buf)
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				s.End(media.EndNetwork)
			}
			return
		}
		arrival := uint32(time.Since(begin) * rtpmedia.ClockRate / time.Second)
		s.receive(buf[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), arrival)
	}
}

// receive judges and stores one datagram; arrival is in ticks.
func (s *Stream) receive(b []byte, from netip.AddrPort, arrival uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started {
		s.tooEarly(b, from)
		return
	}
	switch kindOf(b, s.p.Mux) {
	case kindSTUN:
		s.check(b, from, s.rtp)
	case kindDTLS:
		s.record(b, from)
	case kindControl:
		s.heed(b, from, time.Now())
	default:
		s.take(b, from, arrival)
	}
}

// take judges and stores a packet of sound. Only one that is authentic makes its source the talker's.
func (s *Stream) take(b []byte, from netip.AddrPort, arrival uint32) {
	if !s.welcome(from) {
		s.refuse(from)
		return
	}
	b, ok := s.vault.open(b)
	if !ok {
		s.forged()
		return
	}
	p, err := rtpmedia.Parse(b)
	if err != nil {
		return
	}
	key := s.p.DTMFPayload != 0 && p.PayloadType == s.p.DTMFPayload
	noise := p.PayloadType == rtpmedia.ComfortNoisePayload
	if !key && !noise && !s.expect(p.PayloadType) {
		return
	}
	s.quiet = 0
	if !s.route.established {
		s.route.establish(from)
	}
	s.in.follow(p.SSRC)
	switch {
	case key:
		s.in.reception.Aside(p)
		s.in.gaps.Aside(p.Sequence)
		s.in.digits.events = true
		if d, ok := s.in.keys.Packet(p); ok {
			s.Press(d)
		}
	case noise:
		p.Timestamp = s.in.clock.ticks(p.Timestamp)
		s.in.reception.Aside(p)
		s.in.gaps.Noise(p)
		s.in.noise.Packet(p.Payload)
	default:
		p.Timestamp = s.in.clock.ticks(p.Timestamp)
		s.in.reception.Packet(p, arrival)
		if !s.p.RecvHold {
			if ticks := s.in.decoder.ticks(p.Timestamp, p.Payload); len(ticks) > 0 {
				s.in.gaps.Sound(p, uint32(len(ticks)))
				s.in.buffer.Put(p.Timestamp, ticks, arrival)
			}
		}
	}
}

// expect says whether a payload type was agreed on for sound, and turns to its codec where the talker has turned to it.
func (s *Stream) expect(payloadType uint8) bool {
	codec, agreed := s.p.Codec, payloadType == s.p.PayloadType
	for _, f := range s.p.Others {
		if !agreed && f.PayloadType == payloadType {
			codec, agreed = f.Codec, true
		}
	}
	return agreed && (codec == s.in.codec || s.in.become(codec) == nil)
}

// become makes the talker's codec another one.
func (in *inbound) become(c Codec) error {
	d, err := newDecoder(c)
	if err != nil {
		return err
	}
	in.codec, in.decoder, in.clock = c, d, clock{scale: c.scale()}
	in.buffer.Flush()
	in.gaps.Restart()
	in.conceal, in.tones = rtpmedia.Concealer{}, audio.NewDTMF(specs[c].rate)
	in.up.Reset()
	return nil
}

// clock turns timestamps of a codec's clock into ticks of rtpmedia's, over their wraps.
type clock struct {
	scale uint32
	begun bool
	last  uint32
	sum   int64
}

func (c *clock) ticks(timestamp uint32) uint32 {
	if c.scale == 1 {
		return timestamp
	}
	if !c.begun {
		c.begun, c.last, c.sum = true, timestamp, 1<<40 // far above zero, so that what is older rounds alike
	}
	c.sum += int64(int32(timestamp - c.last))
	c.last = timestamp
	return uint32(c.sum / int64(c.scale))
}

// follow begins anew when the talker has become another source, as after a transfer.
func (in *inbound) follow(ssrc uint32) {
	if in.reception.Received() > 0 && ssrc != in.ssrc {
		in.before += in.reception.Received()
		in.missed += max(0, in.reception.Lost())
		in.reception, in.keys, in.noise = rtpmedia.Reception{}, rtpmedia.Keys{}, rtpmedia.Noise{}
		in.gaps.Restart()
		in.buffer.Flush()
	}
	in.ssrc = ssrc
}

// beat is the stream's part of the clock: 20 ms in, 20 ms out.
func (s *Stream) beat() {
	s.mu.Lock()
	lost := s.in.beat()
	s.listen(lost)
	speaking := s.Beat(&s.in.heard, lost, &s.out.said)
	if s.p.Holding {
		speaking = s.out.music(s.p.Music)
	}
	s.speak(speaking)
	s.out.talker.Tick(rtpmedia.Beat * s.out.codec.scale())
	if !s.p.RecvHold {
		s.quiet++
	}
	silent := s.quiet >= s.limit && !s.p.Unanswered
	s.mu.Unlock()
	if silent {
		s.End(media.EndSilence)
	}
}

// beat takes the talker's next 20 ms out of the buffer and reports whether they are made up for a loss.
func (in *inbound) beat() (lost bool) {
	pcm := in.pcm[:in.codec.beat()]
	switch {
	case in.buffer.Stretch(in.hushed):
		in.conceal.Fill(pcm)
	case in.buffer.Pop(&in.code, in.decoder.missing()):
		in.decoder.decode(pcm, &in.code)
		if in.hushed = audio.RMS(pcm) < hush; in.hushed && in.buffer.Shed() && in.buffer.Pop(&in.code, in.decoder.missing()) {
			in.decoder.decode(pcm, &in.code)
		}
		in.conceal.Good(pcm)
		in.gaps.Beat(true)
	default:
		if lost = in.gaps.Beat(false); lost && in.decoder.conceal(pcm) {
			in.conceal.Good(pcm)
		} else if lost {
			in.conceal.Fill(pcm)
		} else {
			in.noise.Fill(pcm)
			in.conceal.Good(pcm)
		}
	}
	if len(pcm) == len(in.heard) {
		in.heard = in.pcm
	} else {
		in.up.Process(in.heard[:0], pcm)
	}
	return lost
}

// become makes our codec another one. Where its clock is another we become another talker, since one's timestamps have one clock
// (RFC 7160 §4.1).
func (o *outbound) become(c Codec, t Tuning) error {
	e, err := newEncoder(c, t)
	if err != nil {
		return err
	}
	if o.encoder == nil || c.scale() != o.codec.scale() {
		o.talker = rtpmedia.NewTalker(rand.Uint32(), uint16(rand.Uint32()), rand.Uint32())
	}
	o.codec, o.encoder, o.have = c, e, 0
	o.down.Reset()
	return nil
}

// music makes the beat one of music, or of silence where there is none, and reports whether it is music.
func (o *outbound) music(pcm []int16) bool {
	clear(o.said[:])
	for n := 0; n < len(o.said) && len(pcm) > 0; o.played %= len(pcm) {
		m := copy(o.said[n:], pcm[min(o.played, len(pcm)):])
		n, o.played = n+m, o.played+m
	}
	return len(pcm) > 0
}

// take adds the beat that is to be said to the packet that is being filled.
func (o *outbound) take(speaking bool) {
	o.now, o.speaking = speaking, o.speaking || speaking
	into := o.pcm[o.have:o.have]
	if o.codec.beat() == len(o.said) {
		into = append(into, o.said[:]...)
	} else {
		into = o.down.Process(into, o.said[:])
	}
	o.have += len(into)
}

// give makes a packet of n samples once there are as many.
func (o *outbound) give(payloadType uint8, n int) (p rtpmedia.Packet, ok bool) {
	if o.have < n {
		return rtpmedia.Packet{}, false
	}
	code := o.encoder.encode(o.code[:0], o.pcm[:n])
	p = o.talker.Sound(payloadType, o.before(), o.speaking, code)
	o.drop(n)
	return p, true
}

// speak sends the beat's sound, silence included, so that the stream never pauses, and the packet of a key that is held.
func (s *Stream) speak(speaking bool) {
	o := &s.out
	to := s.route.destination()
	if s.p.SendHold || !to.IsValid() {
		o.speaking, o.have = false, 0
		o.talker.Pause()
		return
	}
	o.take(speaking)
	for n := o.codec.packet(s.p.PacketTime); o.have >= n; {
		p, ok, paused := rtpmedia.Packet{}, false, false
		if s.p.Noise {
			p, ok, paused = o.pause(n)
		}
		if !paused {
			p, ok = o.give(s.p.PayloadType, n)
		}
		if ok {
			s.send(p, to)
		}
	}
	if s.p.DTMFPayload == 0 {
		return
	}
	if k, ok := o.keypad.Beat(o.talker.Timestamp(), s.keyBeat()); ok {
		s.send(o.talker.Key(s.p.DTMFPayload, k, k.Payload()), to)
	}
}

// keyBeat is how long a beat is in the clock of key presses.
func (s *Stream) keyBeat() uint32 {
	if s.p.DTMFClock == 0 {
		return rtpmedia.Beat
	}
	return uint32(s.p.DTMFClock / int(time.Second/media.FrameTime))
}

// send writes a packet. A datagram that the system does not take is lost like any other.
func (s *Stream) send(p rtpmedia.Packet, to netip.AddrPort) {
	s.out.packet = p.Append(s.out.packet[:0])
	b, ok := s.vault.seal(s.out.packet)
	if !ok {
		return
	}
	if _, err := s.rtp.WriteToUDPAddrPort(b, to); err == nil {
		s.out.sent++
	}
	s.route.spend()
}
