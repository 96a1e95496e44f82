package rtpmedia

import (
	"bytes"
	"math"
	"testing"
	"time"
)

func TestPacketComesBack(t *testing.T) {
	p := Packet{Marker: true, PayloadType: 101, Sequence: 0xABCD, Timestamp: 0x01020304, SSRC: 0xDEADBEEF, Payload: []byte{1, 2, 3}}
	b := p.Append(nil)
	if want := []byte{0x80, 0xE5, 0xAB, 0xCD, 1, 2, 3, 4, 0xDE, 0xAD, 0xBE, 0xEF, 1, 2, 3}; !bytes.Equal(b, want) {
		t.Fatalf("%x", b)
	}
	got, err := Parse(b)
	if err != nil || got.Sequence != p.Sequence || !got.Marker || got.PayloadType != 101 || !bytes.Equal(got.Payload, p.Payload) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestParse(t *testing.T) {
	head := func(first byte, rest ...byte) []byte {
		return append([]byte{first, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1}, rest...)
	}
	for _, c := range []struct {
		name string
		in   []byte
		want []byte // nil: refused
	}{
		{"no payload", head(0x80), []byte{}},
		{"a contributing source is skipped", head(0x81, 9, 9, 9, 9, 5), []byte{5}},
		{"an extension is skipped", head(0x90, 0xBE, 0xDE, 0, 1, 8, 8, 8, 8, 5), []byte{5}},
		{"padding is cut", head(0xA0, 5, 6, 0, 2), []byte{5, 6}},
		{"padding that counts zero is refused", head(0xA0, 5, 0), nil},
		{"padding longer than the packet is refused", head(0xA0, 5, 200), nil},
		{"padding that reaches into the header is refused", head(0xA0, 5, 4), nil},
		{"missing contributing sources are refused", head(0x8F, 1), nil},
		{"a cut extension is refused", head(0x90, 0, 0, 0), nil},
		{"an extension that is too long is refused", head(0x90, 0, 0, 0xFF, 0xFF, 1), nil},
		{"another version is refused", head(0x40, 1), nil},
		{"STUN is refused", append([]byte{0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42}, make([]byte, 12)...), nil},
		{"a short datagram is refused", []byte{0x80, 0}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Parse(c.in)
			if (err != nil) != (c.want == nil) || err == nil && !bytes.Equal(p.Payload, c.want) {
				t.Errorf("%x, %v", p.Payload, err)
			}
		})
	}
}

func TestTalkerMarksTalkSpurtsAndKeepsTime(t *testing.T) {
	k := NewTalker(1, 0xFFFF, math.MaxUint32-Beat+1)
	for i, c := range []struct{ speaking, marker bool }{{false, false}, {true, true}, {true, false}, {false, false}, {true, true}} {
		p := k.Sound(0, 0, c.speaking, make([]byte, Beat))
		if p.Marker != c.marker || p.Sequence != uint16(0xFFFF+i) || p.Timestamp != uint32(i-1)*Beat {
			t.Errorf("packet %d: marker %v, sequence %d, timestamp %d", i, p.Marker, p.Sequence, p.Timestamp)
		}
		k.Tick(Beat)
	}
	k.Tick(Beat) // a beat without a packet
	if p := k.Sound(0, 0, true, nil); p.Timestamp != 5*Beat {
		t.Errorf("after a beat on hold the timestamp is %d", p.Timestamp)
	}
	if n, bytes := k.Sent(); n != 6 || bytes != 5*Beat {
		t.Errorf("%d packets, %d bytes", n, bytes)
	}
}

func received(sequences ...int) *Reception {
	var r Reception
	for i, s := range sequences {
		r.Packet(Packet{Sequence: uint16(s), Timestamp: uint32(i * 160)}, uint32(i*160))
	}
	return &r
}

func TestReceptionCountsLosses(t *testing.T) {
	for _, c := range []struct {
		name    string
		packets []int
		lost    int64
		highest uint32
	}{
		{"all there", []int{1, 2, 3, 4}, 0, 4},
		{"two missing", []int{1, 2, 5}, 2, 5},
		{"out of order", []int{1, 3, 2, 4}, 0, 4},
		{"the counter wraps", []int{65534, 65535, 0, 2}, 1, 65536 + 2},
		{"out of order over the wrap", []int{65535, 1, 0, 2}, 0, 65536 + 2},
		{"a repeated packet counts against it", []int{1, 2, 2}, -1, 2},
		{"one stray number is not believed", []int{1, 2, 30000, 3}, 0, 3},
		{"a restart of the source is, once confirmed", []int{1, 2, 30000, 30001, 30002}, 0, 30002},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := received(c.packets...)
			rep, ok := r.Report()
			if !ok || r.Lost() != c.lost || rep.Highest != c.highest {
				t.Errorf("%d lost, highest %d", r.Lost(), rep.Highest)
			}
		})
	}
}

func TestReportSaysWhatWasLostSinceTheLast(t *testing.T) {
	r := received(1, 2, 3, 5) // one of five
	if rep, _ := r.Report(); rep.FractionLost != 256/5 || rep.TotalLost != 1 {
		t.Errorf("%+v", rep)
	}
	r.Packet(Packet{Sequence: 6}, 0)
	if rep, _ := r.Report(); rep.FractionLost != 0 || rep.TotalLost != 1 {
		t.Errorf("%+v", rep)
	}
	var none Reception
	if _, ok := none.Report(); ok {
		t.Error("a report about nobody")
	}
}

func TestJitterIsThatOfRFC3550(t *testing.T) {
	var r Reception
	for i := range 400 { // every other packet is 80 ticks late, so that all differences are 80
		r.Packet(Packet{Sequence: uint16(i), Timestamp: uint32(i * 160)}, uint32(i*160+i%2*80))
	}
	if j := r.Jitter(); j < 9900*time.Microsecond || j > 10*time.Millisecond {
		t.Errorf("%s, want 10ms", j)
	}
}

func TestRoundTrip(t *testing.T) {
	now := time.Unix(0xE000B710-2208988800, 500_000_000) // the example of RFC 3550 figure 2
	if d, ok := RoundTrip(now, 0xB7052000, 0x00054000); !ok || d != 6125*time.Millisecond {
		t.Errorf("%s, %v", d, ok)
	}
	for name, lsr := range map[string]uint32{"nothing was echoed": 0, "an echo from the future": 0xB7108000 + 70000} {
		if _, ok := RoundTrip(now, lsr, 1); ok {
			t.Error(name)
		}
	}
	if got := NTP(time.Unix(0, 500_000_000)); got != 2208988800<<32|1<<31 {
		t.Errorf("%x", got)
	}
}
