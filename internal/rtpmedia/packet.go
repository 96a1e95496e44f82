// Package rtpmedia puts a talker's RTP packets back in order and hands their sound out on the beat; it decodes and encodes key presses,
// conceals what was lost, and keeps the statistics that RTCP reports. Time is counted in RTP clock ticks of 8 kHz (RFC 3550 §5.1), a
// beat is 20 ms. It opens no socket, starts no goroutine, knows no wall clock, and allocates nothing per packet.
package rtpmedia

import (
	"encoding/binary"
	"errors"
)

const (
	// ClockRate is ticks a second.
	ClockRate = 8000
	// Beat is 20 ms in ticks; with G.711 also in bytes.
	Beat = 160
	// HeaderSize is the size of a header that we write.
	HeaderSize = 12
)

// ErrPacket says that a datagram is no RTP packet.
var ErrPacket = errors.New("rtpmedia: not an RTP packet")

// Packet is an RTP packet (RFC 3550 §5.1). Payload lies in the datagram it was parsed from.
type Packet struct {
	Marker      bool
	PayloadType uint8
	Sequence    uint16
	Timestamp   uint32
	SSRC        uint32
	Payload     []byte
}

// Parse reads a datagram. Contributing sources and header extensions are skipped.
func Parse(b []byte) (Packet, error) {
	if len(b) < HeaderSize || b[0]>>6 != 2 {
		return Packet{}, ErrPacket
	}
	p := Packet{
		Marker: b[1]&0x80 != 0, PayloadType: b[1] & 0x7F, Sequence: binary.BigEndian.Uint16(b[2:]),
		Timestamp: binary.BigEndian.Uint32(b[4:]), SSRC: binary.BigEndian.Uint32(b[8:]),
	}
	start := HeaderSize + 4*int(b[0]&0x0F)
	if b[0]&0x10 != 0 { // an extension: 16 bits of profile, 16 bits of length in words (§5.3.1)
		if len(b) < start+4 {
			return Packet{}, ErrPacket
		}
		start += 4 + 4*int(binary.BigEndian.Uint16(b[start+2:]))
	}
	end := len(b)
	if b[0]&0x20 != 0 { // padding: the last byte counts it, itself included
		if b[end-1] == 0 {
			return Packet{}, ErrPacket
		}
		end -= int(b[end-1])
	}
	if start > end {
		return Packet{}, ErrPacket
	}
	p.Payload = b[start:end]
	return p, nil
}

// Append appends the packet's bytes to b.
func (p Packet) Append(b []byte) []byte {
	second := p.PayloadType & 0x7F
	if p.Marker {
		second |= 0x80
	}
	b = append(b, 2<<6, second)
	b = binary.BigEndian.AppendUint16(b, p.Sequence)
	b = binary.BigEndian.AppendUint32(b, p.Timestamp)
	b = binary.BigEndian.AppendUint32(b, p.SSRC)
	return append(b, p.Payload...)
}

// Talker numbers what we send: sequence and timestamp begin anywhere (RFC 3550 §5.1) and go on without a jump.
type Talker struct {
	SSRC      uint32
	sequence  uint16
	timestamp uint32
	talking   bool
	packets   uint32
	octets    uint32
}

// NewTalker makes a talker; the three numbers should be random.
func NewTalker(ssrc uint32, sequence uint16, timestamp uint32) Talker {
	return Talker{SSRC: ssrc, sequence: sequence, timestamp: timestamp}
}

// Tick lets time pass, in ticks of the codec's clock, whether or not anything is sent in it.
func (t *Talker) Tick(ticks uint32) { t.timestamp += ticks }

// Pause says that nothing is sent for a while: the next talk spurt is a new one.
func (t *Talker) Pause() { t.talking = false }

// Timestamp is the time of the current beat.
func (t *Talker) Timestamp() uint32 { return t.timestamp }

// Sound makes a packet whose sound began so many ticks before the current beat. The marker stands on the first one of a talk spurt
// (RFC 3551 §4.1).
func (t *Talker) Sound(payloadType uint8, before uint32, speaking bool, payload []byte) Packet {
	p := t.packet(payloadType, t.timestamp-before, payload)
	p.Marker = speaking && !t.talking
	t.talking = speaking
	return p
}

// Key makes the packet of a telephone event that began at a timestamp.
func (t *Talker) Key(payloadType uint8, s Stroke, payload []byte) Packet {
	p := t.packet(payloadType, s.Timestamp, payload)
	p.Marker = s.First
	return p
}

func (t *Talker) packet(payloadType uint8, timestamp uint32, payload []byte) Packet {
	p := Packet{PayloadType: payloadType, Sequence: t.sequence, Timestamp: timestamp, SSRC: t.SSRC, Payload: payload}
	t.sequence++
	t.packets++
	t.octets += uint32(len(payload))
	return p
}

// Sent is how many packets and payload bytes went out, for the sender's report.
func (t *Talker) Sent() (packets, octets uint32) { return t.packets, t.octets }
