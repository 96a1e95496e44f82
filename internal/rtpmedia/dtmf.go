package rtpmedia

import (
	"encoding/binary"
	"strings"
)

// Digits are the keys by their event number (RFC 4733 table 3).
const Digits = "0123456789*#ABCD"

const (
	longest = 0xFFFF // ticks that an event packet can count; a longer press goes on in a new segment
	press   = 5      // beats that we hold a key: 100 ms
	pause   = 3      // beats between two keys
	endings = 3      // the last packet is sent three times (RFC 4733 §2.5.1.4)
)

// Keys finds the key presses in telephone-event packets. The zero value is ready.
type Keys struct {
	begun, ended bool
	timestamp    uint32
	digit        byte
}

// Packet takes a telephone-event packet and gives the digit when it is the first sign of a new key press: all packets of a press have
// one timestamp (RFC 4733 §2.5.1.2), so neither a lost beginning nor a lost end matters, and repeated ends are one press.
func (k *Keys) Packet(p Packet) (digit byte, ok bool) {
	if len(p.Payload) < 4 || int(p.Payload[0]) >= len(Digits) {
		return 0, false
	}
	digit = Digits[p.Payload[0]]
	ended := p.Payload[1]&0x80 != 0
	ahead := int32(p.Timestamp - k.timestamp)
	switch {
	case k.begun && ahead == 0:
		k.ended = k.ended || ended
		return 0, false
	case k.begun && ahead < 0 && ahead > -longest: // an older press, out of order
		return 0, false
	case k.begun && ahead == longest && !k.ended && digit == k.digit: // the next segment of a long press (§2.5.1.3)
		k.timestamp, k.ended = p.Timestamp, ended
		return 0, false
	}
	*k = Keys{begun: true, ended: ended, timestamp: p.Timestamp, digit: digit}
	return digit, true
}

// Stroke says how one packet of a key press is to be sent.
type Stroke struct {
	Timestamp uint32 // of the beginning of the press
	First     bool   // wants the marker
	payload   [4]byte
}

// Payload is the event's four bytes.
func (s *Stroke) Payload() []byte { return s.payload[:] }

// Keypad presses the keys of a queue, one packet a beat. The zero value is ready.
type Keypad struct {
	waiting [32]byte
	head, n int
	digit   byte
	start   uint32
	held    int // beats; 0 is no key down
	ends    int
	rest    int // beats until the next press
}

// Press queues a digit and reports whether it is one and had room.
func (k *Keypad) Press(digit byte) bool {
	if k.n == len(k.waiting) || strings.IndexByte(Digits, digit) < 0 {
		return false
	}
	k.waiting[(k.head+k.n)%len(k.waiting)] = digit
	k.n++
	return true
}

// Beat gives the packet to be sent in the beat with that timestamp, a beat being so many ticks of the events' clock; ok is false when no
// key is down.
func (k *Keypad) Beat(timestamp, beat uint32) (s Stroke, ok bool) {
	if k.held == 0 && !k.next(timestamp) {
		return Stroke{}, false
	}
	first := k.held == 0
	k.held = min(k.held+1, press)
	s = Stroke{Timestamp: k.start, First: first}
	s.payload[0], s.payload[1] = byte(strings.IndexByte(Digits, k.digit)), 10 // 10 is the volume: -10 dBm0
	binary.BigEndian.PutUint16(s.payload[2:], uint16(uint32(k.held)*beat))
	if k.held < press {
		return s, true
	}
	s.payload[1] |= 0x80
	if k.ends++; k.ends == endings {
		k.held, k.ends, k.rest = 0, 0, pause
	}
	return s, true
}

func (k *Keypad) next(timestamp uint32) bool {
	if k.rest > 0 {
		k.rest--
		return false
	}
	if k.n == 0 {
		return false
	}
	k.digit, k.start = k.waiting[k.head], timestamp
	k.head = (k.head + 1) % len(k.waiting)
	k.n--
	return true
}
