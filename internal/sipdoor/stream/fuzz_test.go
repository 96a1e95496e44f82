package stream

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/srtp/v3"
	"github.com/pion/stun/v3"

	"github.com/parley-voice/parley/internal/rtpmedia"
)

// An input is a byte that chooses what was agreed on, and then datagrams: a byte of flags, a byte of length, and as many bytes.
const (
	fromStranger = 1 << iota
	thenBeat
	later // 200 ms pass before it
)

const (
	withMux = 4 << iota // the two bits below choose the codec
	withHold
	withICE
	withSRTP
	withLongPackets
)

func datagram(flags byte, b []byte) []byte {
	b = b[:min(len(b), 255)]
	return append([]byte{flags, byte(len(b))}, b...)
}

// fed is a rig that takes the datagrams of an input.
func fed(t *testing.T, choice byte, take func(r *rig, b []byte, from netip.AddrPort, at uint32), input []byte) *rig {
	r := newRig(t)
	p := r.params()
	p.AllowedSource = func(a netip.Addr) bool { return a == loopback }
	p.Codec = []Codec{PCMU, PCMA, G722, PCMU}[choice&3]
	p.Others = []Format{{Codec: PCMA, PayloadType: 8}, {Codec: G722, PayloadType: 9}}
	p.Mux, p.SendHold = choice&withMux != 0, choice&withHold != 0
	if choice&withLongPackets != 0 {
		p.PacketTime = 60 * time.Millisecond
	}
	if choice&withICE != 0 {
		ice := agreedICE
		p.ICE = &ice
	}
	if choice&withSRTP != 0 {
		p.SRTP, _ = ring(srtp.ProtectionProfileAes128CmHmacSha1_80)
	}
	r.Start(p)
	var at uint32
	for n := 0; n < 64 && len(input) >= 2; n++ {
		flags, size := input[0], int(input[1])
		input = input[2:]
		b := input[:min(size, len(input))]
		input = input[len(b):]
		from := r.at
		if flags&fromStranger != 0 {
			from = netip.MustParseAddrPort("192.0.2.66:4000")
		}
		if at += rtpmedia.Beat; flags&later != 0 {
			at += 10 * rtpmedia.Beat
		}
		take(r, append([]byte(nil), b...), from, at)
		if flags&thenBeat != 0 {
			r.beat()
		}
	}
	return r
}

// sane holds what no input may break: the stream goes on, its counts make sense, and a stranger gets nothing.
func sane(t *testing.T, r *rig) {
	t.Helper()
	r.beats(3)
	select {
	case <-r.Done():
		t.Fatalf("the stream has ended: %s", r.Cause())
	default:
	}
	r.report(time.Now())
	s := r.Stats()
	if s.Received < 0 || s.Lost < 0 || s.Late < 0 || s.JitterMillis < 0 || s.RoundTripMillis < 0 {
		t.Errorf("%+v", s)
	}
	if to := r.route.destination(); to.IsValid() && to.Addr() != loopback {
		t.Errorf("sound goes to %s", to)
	}
	if to := r.route.controlDestination(); to.IsValid() && to.Addr() != loopback {
		t.Errorf("RTCP goes to %s", to)
	}
}

// FuzzRTP feeds sound, comfort noise, encrypted packets, and what else the socket of the sound takes.
func FuzzRTP(f *testing.F) {
	packet := func(pt uint8, seq uint16, ts uint32, payload []byte) []byte {
		return rtpmedia.Packet{PayloadType: pt, Sequence: seq, Timestamp: ts, SSRC: 7, Payload: payload}.Append(nil)
	}
	var talk []byte
	for i := range 6 {
		talk = append(talk, datagram(thenBeat, packet(0, uint16(65533+i), uint32(i)*160, make([]byte, 160)))...)
	}
	for choice := range byte(128) {
		if choice&3 != 3 {
			f.Add(choice, talk)
		}
	}
	f.Add(byte(0), append(datagram(thenBeat, packet(13, 1, 160, []byte{40})), datagram(fromStranger, packet(0, 2, 320, make([]byte, 160)))...))
	f.Add(byte(0), datagram(later, append([]byte{0x9F, 0, 0, 1}, make([]byte, 200)...))) // an extension, 15 contributing sources
	f.Add(byte(0), datagram(thenBeat, []byte{0xA0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xFF}))
	f.Fuzz(func(t *testing.T, choice byte, input []byte) {
		sane(t, fed(t, choice, func(r *rig, b []byte, from netip.AddrPort, at uint32) { r.receive(b, from, at) }, input))
	})
}

// FuzzTelephoneEvent feeds key presses (RFC 4733): each packet gives one key at most.
func FuzzTelephoneEvent(f *testing.F) {
	event := func(seq uint16, ts uint32, payload ...byte) []byte {
		return datagram(thenBeat, rtpmedia.Packet{PayloadType: 101, Sequence: seq, Timestamp: ts, SSRC: 7, Payload: payload}.Append(nil))
	}
	f.Add(append(event(1, 160, 5, 10, 0, 160), event(2, 160, 5, 0x8A, 3, 32)...))
	f.Add(append(event(1, 0, 11, 10, 0xFF, 0xFF), event(2, 0xFFFF, 11, 10, 0, 160)...))
	f.Add(event(1, 0, 16, 0))
	f.Fuzz(func(t *testing.T, input []byte) {
		packets, keys := 0, 0
		r := fed(t, 0, func(r *rig, b []byte, from netip.AddrPort, at uint32) {
			packets++
			r.receive(b, from, at)
			for len(r.Digits()) > 0 {
				<-r.Digits()
				keys++
			}
		}, input)
		if keys > packets {
			t.Errorf("%d keys from %d packets", keys, packets)
		}
		sane(t, r)
	})
}

// FuzzRTCP feeds reports, on the socket of RTCP and, where it shares it, on that of the sound.
func FuzzRTCP(f *testing.F) {
	for _, p := range [][]rtcp.Packet{
		{&rtcp.SenderReport{SSRC: 7, NTPTime: 1 << 40, RTPTime: 160, PacketCount: 1, OctetCount: 160, Reports: []rtcp.ReceptionReport{{SSRC: 7, Delay: 65536}}}},
		{&rtcp.ReceiverReport{SSRC: 7}, rtcp.NewCNAMESourceDescription(7, "far")}, {&rtcp.ReceiverReport{}, &rtcp.Goodbye{Sources: []uint32{7}, Reason: "x"}},
		{&rtcp.PictureLossIndication{}}, {&rtcp.TransportLayerNack{Nacks: []rtcp.NackPair{{PacketID: 1}}}},
	} {
		b, err := rtcp.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		for _, choice := range []byte{0, withMux, withSRTP, withMux | withICE} {
			f.Add(choice, datagram(thenBeat, b))
		}
	}
	f.Fuzz(func(t *testing.T, choice byte, input []byte) {
		sane(t, fed(t, choice, func(r *rig, b []byte, from netip.AddrPort, at uint32) {
			r.takeControl(b, from, time.Now())
			r.receive(b, from, at)
		}, input))
	})
}

// FuzzSTUN feeds checks of ICE; none without the password may choose where sound goes.
func FuzzSTUN(f *testing.F) {
	for _, set := range [][]stun.Setter{
		{user("near:far"), priority(9), useIt, stun.NewShortTermIntegrity("guessed")}, {user("near:far"), useIt}, {user("x")}, {controlled, stun.Fingerprint},
		{stun.RawAttribute{Type: 0x8028, Value: []byte{1, 2, 3, 4}}},
	} {
		m, err := stun.Build(append([]stun.Setter{stun.NewTransactionIDSetter([12]byte{1}), stun.BindingRequest}, set...)...)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(datagram(thenBeat, m.Raw))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		r := fed(t, withICE, func(r *rig, b []byte, from netip.AddrPort, at uint32) {
			r.receive(b, from, at)
			r.takeControl(b, from, time.Now())
		}, input)
		sane(t, r)
		if r.ice.at.IsValid() {
			t.Errorf("%s was nominated without the password", r.ice.at)
		}
	})
}
