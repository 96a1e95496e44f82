package stream

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/pion/rtcp"

	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/rtpmedia"
)

// reportEvery is the mean time between two reports; each wait is 0.5 to 1.5 of it (RFC 3550 §6.2).
const reportEvery = 5 * time.Second

// control is what RTCP keeps.
type control struct {
	lastReport uint32    // middle 32 bits of the NTP time of the talker's last sender report
	reportedAt time.Time // when it came
	roundTrip  time.Duration
	far        heard
}

// heard is what the talker's reports say of what it hears of us (RFC 3550 §6.4.1).
type heard struct {
	known  bool
	lost   uint32 // packets in all
	jitter time.Duration
}

// readControl takes and sends RTCP until the socket is closed.
func (s *Stream) readControl() {
	buf := make([]byte, maxDatagram)
	next := time.Now().Add(reportWait())
	for {
		if s.rtcp.SetReadDeadline(next) != nil {
			return
		}
		n, from, err := s.rtcp.ReadFromUDPAddrPort(buf)
		switch {
		case err == nil:
			s.takeControl(buf[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), time.Now())
		case errors.Is(err, os.ErrDeadlineExceeded):
			s.report(time.Now())
			next = time.Now().Add(reportWait())
		case errors.Is(err, net.ErrClosed):
			return
		default:
			s.End(media.EndNetwork)
			return
		}
	}
}

func reportWait() time.Duration {
	return time.Duration((0.5 + rand.Float64()) * float64(reportEvery))
}

// takeControl judges what came on the socket of RTCP.
func (s *Stream) takeControl(b []byte, from netip.AddrPort, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.started:
	case kindOf(b, false) == kindSTUN:
		s.check(b, from, s.rtcp)
	default:
		s.heed(b, from, now)
	}
}

// heed reads a compound packet of the talker. Only one that is authentic says where the talker's RTCP comes from.
func (s *Stream) heed(b []byte, from netip.AddrPort, now time.Time) {
	if !s.route.admitsControl(from, s.p.AllowedSource) || s.p.ICE != nil && !s.ice.at.IsValid() {
		return
	}
	b, ok := s.vault.openControl(b)
	if !ok {
		s.forged()
		return
	}
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		return
	}
	s.route.confirmControl(from)
	s.quiet = 0
	for _, p := range packets {
		switch p := p.(type) {
		case *rtcp.SenderReport:
			s.control.lastReport, s.control.reportedAt = uint32(p.NTPTime>>16), now
			s.measure(p.Reports, now)
		case *rtcp.ReceiverReport:
			s.measure(p.Reports, now)
		case *rtcp.Goodbye: // the source is gone (RFC 3550 §6.3.4); whether the call is, the dialog says
			if slices.Contains(p.Sources, s.in.ssrc) {
				s.in.gaps.Restart()
			}
		}
	}
}

func (s *Stream) measure(reports []rtcp.ReceptionReport, now time.Time) {
	for _, r := range reports {
		if r.SSRC != s.out.talker.SSRC {
			continue
		}
		s.control.far = heard{known: true, lost: r.TotalLost, jitter: time.Duration(r.Jitter) * time.Second / time.Duration(s.out.codec.Clock())}
		if d, ok := rtpmedia.RoundTrip(now, r.LastSenderReport, r.Delay); ok {
			s.control.roundTrip = d
		}
	}
}

// report tells the talker what we sent and heard.
func (s *Stream) report(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started && !s.p.SendHold {
		s.sendControl(s.compound(now))
	}
}

// farewell tells the talker that we leave (RFC 3550 §6.6) and ends the handshake.
func (s *Stream) farewell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started {
		s.sendControl(append(s.compound(time.Now()), &rtcp.Goodbye{Sources: []uint32{s.out.talker.SSRC}}))
	}
	s.part()
}

func (s *Stream) sendControl(packets []rtcp.Packet) {
	to, on := s.route.controlDestination(), s.rtcp
	if s.p.Mux { // RFC 5761 §5.1.3
		to, on = s.route.destination(), s.rtp
	}
	if !to.IsValid() {
		return
	}
	b, err := rtcp.Marshal(packets)
	if err != nil {
		s.log.Error("RTCP not written", "error", err)
		return
	}
	b, ok := s.vault.sealControl(b)
	if ok {
		_, _ = on.WriteToUDPAddrPort(b, to) // lost like any other datagram
	}
}

// compound begins with a report and names us (RFC 3550 §6.1).
func (s *Stream) compound(now time.Time) []rtcp.Packet {
	var blocks []rtcp.ReceptionReport
	if r, ok := s.in.reception.Report(); ok {
		block := rtcp.ReceptionReport{
			SSRC: s.in.ssrc, FractionLost: r.FractionLost, TotalLost: r.TotalLost, LastSequenceNumber: r.Highest,
			Jitter: r.Jitter * s.in.codec.scale(), // in the clock of its timestamps
		}
		if c := s.control; !c.reportedAt.IsZero() {
			block.LastSenderReport, block.Delay = c.lastReport, uint32(now.Sub(c.reportedAt)*65536/time.Second)
		}
		blocks = append(blocks, block)
	}
	me := s.out.talker.SSRC
	var first rtcp.Packet = &rtcp.ReceiverReport{SSRC: me, Reports: blocks}
	if packets, octets := s.out.talker.Sent(); packets > 0 {
		first = &rtcp.SenderReport{
			SSRC: me, NTPTime: rtpmedia.NTP(now), RTPTime: s.out.talker.Timestamp(), PacketCount: packets, OctetCount: octets, Reports: blocks,
		}
	}
	return []rtcp.Packet{first, rtcp.NewCNAMESourceDescription(me, s.cname)}
}
