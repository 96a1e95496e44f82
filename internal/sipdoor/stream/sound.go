package stream

import (
	"errors"
	"log/slog"
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
		return
	}
	if !s.route.welcome(from, s.p.AllowedSource) {
		if s.in.refused++; s.in.refused == 1 {
			s.log.Warn("sound of a stranger refused", slog.Group("pii", "from", from.String()))
		}
		return
	}
	p, err := rtpmedia.Parse(b)
	if err != nil {
		return
	}
	key := s.p.DTMFPayload != 0 && p.PayloadType == s.p.DTMFPayload
	if !key && p.PayloadType != s.p.PayloadType && p.PayloadType != rtpmedia.ComfortNoisePayload {
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
		if d, ok := s.in.keys.Packet(p); ok {
			s.Press(d)
		}
	case p.PayloadType == rtpmedia.ComfortNoisePayload:
		s.in.reception.Aside(p)
		s.in.gaps.Noise(p)
		s.in.noise.Packet(p.Payload)
	default:
		s.in.reception.Packet(p, arrival)
		if !s.p.RecvHold {
			s.in.gaps.Sound(p, uint32(len(p.Payload)))
			s.in.buffer.Put(p.Timestamp, p.Payload, arrival)
		}
	}
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
	lost := s.in.beat(s.p.Codec)
	speaking := s.Beat(&s.in.heard, lost, &s.out.said)
	s.speak(speaking)
	s.out.talker.Tick()
	if !s.p.RecvHold {
		s.quiet++
	}
	silent := s.quiet >= s.limit
	s.mu.Unlock()
	if silent {
		s.End(media.EndSilence)
	}
}

// beat takes the talker's next 20 ms out of the buffer and reports whether they are made up for a loss.
func (in *inbound) beat(codec Codec) (lost bool) {
	switch {
	case in.buffer.Stretch(in.hushed):
		in.conceal.Fill(in.pcm[:])
	case in.buffer.Pop(&in.code, codec.Silence()):
		codec.Decode(in.pcm[:], in.code[:])
		if in.hushed = audio.RMS(in.pcm[:]) < hush; in.hushed && in.buffer.Shed() && in.buffer.Pop(&in.code, codec.Silence()) {
			codec.Decode(in.pcm[:], in.code[:])
		}
		in.conceal.Good(in.pcm[:])
		in.gaps.Beat(true)
	default:
		if lost = in.gaps.Beat(false); lost {
			in.conceal.Fill(in.pcm[:])
		} else {
			in.noise.Fill(in.pcm[:])
			in.conceal.Good(in.pcm[:])
		}
	}
	in.up.Process(in.heard[:0], in.pcm[:])
	return lost
}

// speak sends the beat's sound, silence included, so that the stream never pauses, and the packet of a key that is held.
func (s *Stream) speak(speaking bool) {
	o := &s.out
	if s.p.SendHold {
		o.speaking = false
		o.talker.Pause()
		return
	}
	if speaking || o.speaking {
		o.down.Process(o.pcm[:0], o.said[:])
		s.p.Codec.Encode(o.code[:], o.pcm[:])
	} else {
		for i := range o.code {
			o.code[i] = s.p.Codec.Silence()
		}
	}
	o.speaking = speaking
	to := s.route.destination()
	if !to.IsValid() {
		return
	}
	s.send(o.talker.Sound(s.p.PayloadType, speaking, o.code[:]), to)
	if s.p.DTMFPayload == 0 {
		return
	}
	if k, ok := o.keypad.Beat(o.talker.Timestamp()); ok {
		s.send(o.talker.Key(s.p.DTMFPayload, k, k.Payload()), to)
	}
}

// send writes a packet. A datagram that the system does not take is lost like any other.
func (s *Stream) send(p rtpmedia.Packet, to netip.AddrPort) {
	s.out.packet = p.Append(s.out.packet[:0])
	if _, err := s.rtp.WriteToUDPAddrPort(s.out.packet, to); err == nil {
		s.out.sent++
	}
	s.route.spend()
}
