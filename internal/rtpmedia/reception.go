package rtpmedia

import "time"

const (
	maxDropout  = 3000 // RFC 3550 appendix A.1
	maxMisorder = 100
)

// Reception keeps the statistics of one source's packets (RFC 3550 appendix A). The zero value is ready.
type Reception struct {
	begun    bool
	highest  uint16
	cycles   uint32
	base     uint32
	bad      uint16 // the sequence that would confirm a restart of the source
	hasBad   bool
	received uint32

	expectedBefore, receivedBefore uint32

	transit uint32
	moving  bool
	jitter  float64
}

// Packet takes note of a packet that arrived at a time in ticks of any origin.
func (r *Reception) Packet(p Packet, arrival uint32) {
	r.sequence(p.Sequence)
	transit := arrival - p.Timestamp
	if r.moving {
		d := float64(int32(transit - r.transit))
		r.jitter += (max(d, -d) - r.jitter) / 16 // appendix A.8
	}
	r.transit, r.moving = transit, true
}

// Aside takes note of a packet that has no time of its own, such as a repeated key press.
func (r *Reception) Aside(p Packet) { r.sequence(p.Sequence) }

// sequence follows the 16-bit counter over its wraps; a big jump is believed when the next packet confirms it (appendix A.1).
func (r *Reception) sequence(seq uint16) {
	if !r.begun {
		r.restart(seq)
	}
	switch ahead := seq - r.highest; {
	case ahead < maxDropout:
		if seq < r.highest {
			r.cycles += 1 << 16
		}
		r.highest = seq
	case ahead <= 0xFFFF-maxMisorder:
		if !r.hasBad || seq != r.bad {
			r.bad, r.hasBad = seq+1, true
			return
		}
		r.restart(seq)
	}
	r.received++
}

func (r *Reception) restart(seq uint16) {
	jitter, moving, transit := r.jitter, r.moving, r.transit
	*r = Reception{begun: true, highest: seq, base: uint32(seq), jitter: jitter, moving: moving, transit: transit}
}

func (r *Reception) extended() uint32 { return r.cycles | uint32(r.highest) }

func (r *Reception) expected() uint32 { return r.extended() - r.base + 1 }

// Received counts packets, repeated ones included.
func (r *Reception) Received() int64 { return int64(r.received) }

// Lost is how many packets are missing; repeated packets count against it, so it may be negative (RFC 3550 §6.4.1).
func (r *Reception) Lost() int64 {
	if !r.begun {
		return 0
	}
	return int64(r.expected()) - int64(r.received)
}

// Jitter is the mean deviation of the packets' spacing.
func (r *Reception) Jitter() time.Duration {
	return time.Duration(r.jitter * float64(time.Second) / ClockRate)
}

// Report is a reception report block (RFC 3550 §6.4.1) without its times.
type Report struct {
	FractionLost uint8
	TotalLost    uint32 // 24 bits
	Highest      uint32
	Jitter       uint32 // ticks
}

// Report sums up, with the fraction lost since the last report; ok is false when nothing came yet.
func (r *Reception) Report() (rep Report, ok bool) {
	if !r.begun {
		return Report{}, false
	}
	expected, received := r.expected()-r.expectedBefore, r.received-r.receivedBefore
	r.expectedBefore, r.receivedBefore = r.expected(), r.received
	if lost := int64(expected) - int64(received); expected > 0 && lost > 0 {
		rep.FractionLost = uint8(min(255, lost*256/int64(expected)))
	}
	rep.TotalLost = uint32(min(max(r.Lost(), 0), 0x7FFFFF))
	rep.Highest, rep.Jitter = r.extended(), uint32(r.jitter)
	return rep, true
}

// NTP is t as RTCP writes it: seconds since 1900 and their 32-bit fraction (RFC 3550 §4).
func NTP(t time.Time) uint64 {
	const from1900 = 2208988800
	return uint64(t.Unix()+from1900)<<32 | uint64(t.Nanosecond())<<32/1e9
}

// RoundTrip is the time from our report to its echo at now, less what the other side kept it; lsr and dlsr are of its reception
// report (RFC 3550 §6.4.1). Without an echo, or with a wrong one, ok is false.
func RoundTrip(now time.Time, lsr, dlsr uint32) (d time.Duration, ok bool) {
	if lsr == 0 {
		return 0, false
	}
	units := int32(uint32(NTP(now)>>16) - lsr - dlsr) // of 1/65536 s
	if units < 0 || units > 60<<16 {
		return 0, false
	}
	return time.Duration(units) * time.Second / 65536, true
}
