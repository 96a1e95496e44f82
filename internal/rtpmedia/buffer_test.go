package rtpmedia

import (
	"math/rand/v2"
	"testing"
)

// talk sends packets of n ticks, the bytes of which count up, and plays a beat every 160 ticks. delay says how late packet i comes,
// in ticks; a negative one loses it.
type talk struct {
	first   uint32 // timestamp
	size    int
	packets int
	delay   func(i int) int
}

func (k talk) play(b *Buffer, beats int) (heard []byte, missing int) {
	arrivals := map[int][]int{}
	for i := range k.packets {
		if d := k.delay(i); d >= 0 {
			at := (i*k.size + d) / Beat
			arrivals[at] = append(arrivals[at], i)
		}
	}
	var beat [Beat]byte
	for t := range beats {
		for _, i := range arrivals[t] {
			sound := make([]byte, k.size)
			for j := range sound {
				sound[j] = byte((i*k.size + j) / Beat % 100)
			}
			b.Put(k.first+uint32(i*k.size), sound, uint32(i*k.size+k.delay(i)))
		}
		if !b.Pop(&beat, 0xFF) {
			missing++
		}
		heard = append(heard, beat[Beat/2])
	}
	return heard, missing
}

func punctual(int) int { return 0 }

func wantSequence(t *testing.T, heard []byte, lost int) {
	t.Helper()
	last, gaps := -1, 0
	for i, v := range heard {
		if v == 0xFF {
			continue
		}
		if last >= 0 {
			switch step := (int(v) - last + 100) % 100; {
			case step == 0 || step > 50:
				t.Fatalf("beat %d plays %d after %d", i, v, last)
			default:
				gaps += step - 1
			}
		}
		last = int(v)
	}
	if gaps != lost {
		t.Errorf("%d beats were never heard, want %d", gaps, lost)
	}
}

func TestPunctualTalkIsPlayedWholeWhateverItsPackets(t *testing.T) {
	for _, size := range []int{80, 160, 240, 320, 480, 640} {
		for _, first := range []uint32{0, 1<<32 - 800, 1 << 31} { // the timestamp wraps (RFC 3550 §5.1)
			var b Buffer
			heard, missing := talk{first, size, 6400 / size, punctual}.play(&b, 45)
			wantSequence(t, heard, 0)
			if missing > 45-6400/size*size/160 {
				t.Errorf("packets of %d from %d: %d beats missing", size, first, missing)
			}
		}
	}
}

func TestLostPacketIsAGap(t *testing.T) {
	var b Buffer
	heard, _ := talk{7, 160, 50, func(i int) int {
		if i == 20 || i == 21 {
			return -1
		}
		return 0
	}}.play(&b, 55)
	wantSequence(t, heard, 2)
	if b.Late() != 0 {
		t.Errorf("%d late", b.Late())
	}
}

func TestSwappedPacketsAreOrdered(t *testing.T) {
	var b Buffer
	heard, _ := talk{7, 160, 50, func(i int) int {
		if i%5 == 3 {
			return 170 // comes after its successor
		}
		return 0
	}}.play(&b, 56)
	wantSequence(t, heard, 0)
}

func TestJitterMakesSoundWaitInsteadOfLosingIt(t *testing.T) {
	var b Buffer
	r := rand.New(rand.NewPCG(1, 2))
	heard, _ := talk{7, 160, 500, func(int) int { return r.IntN(5 * Beat) }}.play(&b, 510)
	wantSequence(t, heard[:100], int(b.Late()))
	if b.Late() > 4 {
		t.Errorf("%d of 500 packets late at a jitter of 100 ms", b.Late())
	}
	if w := b.Waiting(); w > most {
		t.Errorf("%d ticks wait", w)
	}
}

func TestStallIsBoundedAndShedAgain(t *testing.T) {
	var b Buffer
	k := talk{7, 160, 1000, func(i int) int {
		if i >= 50 && i < 80 {
			return (80 - i) * 160 // 600 ms of nothing, then all at once
		}
		return 0
	}}
	arrivals := map[int][]int{}
	for i := range k.packets {
		at := i + k.delay(i)/Beat
		arrivals[at] = append(arrivals[at], i)
	}
	var beat [Beat]byte
	worst := 0
	for t := range 900 {
		for _, i := range arrivals[t] {
			b.Put(k.first+uint32(i*160), make([]byte, 160), uint32(t*Beat))
		}
		b.Pop(&beat, 0xFF)
		worst = max(worst, b.Waiting())
		if b.Shed() {
			b.Pop(&beat, 0xFF)
		}
	}
	if worst > most || worst < most-Beat {
		t.Errorf("%d ticks waited at worst", worst)
	}
	if w := b.Waiting(); w > 2*Beat {
		t.Errorf("%d ticks still wait", w)
	}
}

func TestSteadyTalkShedsNothing(t *testing.T) {
	var b Buffer
	var beat [Beat]byte
	for i := range 1000 {
		b.Put(uint32(i*160), make([]byte, 160), uint32(i*160))
		b.Pop(&beat, 0xFF)
		if b.Shed() {
			t.Fatalf("beat %d is shed", i)
		}
	}
}

func TestRepeatedPacketIsHeardOnce(t *testing.T) {
	var b Buffer
	sound := make([]byte, 160)
	b.Put(1000, sound, 0)
	b.Put(1000, sound, 0)
	if b.Repeated() != 1 || b.Waiting() != 2*Beat {
		t.Errorf("%d repeated, %d ticks wait", b.Repeated(), b.Waiting())
	}
	var beat [Beat]byte
	b.Pop(&beat, 0xFF)
	b.Pop(&beat, 0xFF)
	if b.Put(1000, sound, 400) || b.Late() != 1 {
		t.Errorf("a packet whose sound was played counts as %d late", b.Late())
	}
}

func TestJumpOfTheTalkersClockIsFollowed(t *testing.T) {
	for _, jump := range []uint32{1 << 16, 1 << 31, 0xFFFF0000, 0xFFFFC000} {
		var b Buffer
		var beat [Beat]byte
		for i := range 10 {
			b.Put(uint32(i*160), make([]byte, 160), uint32(i*160))
			b.Pop(&beat, 0xFF)
		}
		got := 0
		for i := range 10 {
			b.Put(jump+uint32(i*160), make([]byte, 160), uint32(i*160))
			if b.Pop(&beat, 0xFF) {
				got++
			}
		}
		if got < 9 {
			t.Errorf("after a jump of %d only %d of 10 beats were heard", jump, got)
		}
	}
}

func TestSilenceAfterAPauseInTheTalkIsNoDelay(t *testing.T) {
	var b Buffer
	var beat [Beat]byte
	for i := range 300 {
		if i < 100 || i >= 200 { // two seconds without packets, the timestamp goes on
			b.Put(uint32(i*160), make([]byte, 160), uint32(i*160))
		}
		b.Pop(&beat, 0xFF)
	}
	if b.Waiting() > 2*Beat || b.Late() != 0 {
		t.Errorf("%d wait, %d late", b.Waiting(), b.Late())
	}
}

func TestEmptyBufferPlaysSilence(t *testing.T) {
	var b Buffer
	var beat [Beat]byte
	if b.Pop(&beat, 0xD5) || beat[0] != 0xD5 || beat[159] != 0xD5 {
		t.Errorf("%#x", beat[0])
	}
}

func TestBufferAllocatesNothing(t *testing.T) {
	var b Buffer
	var beat [Beat]byte
	sound, ts := make([]byte, 160), uint32(0)
	if n := testing.AllocsPerRun(1000, func() { b.Put(ts, sound, ts); b.Pop(&beat, 0xFF); b.Shed(); ts += 160 }); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte{0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 0xFF, 0xFE}, uint32(0))
	f.Add([]byte{0xB1, 0x80, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 9, 9, 9, 9, 0, 1, 0, 1, 5, 5, 5, 5, 7, 7, 2}, uint32(9))
	f.Fuzz(func(t *testing.T, datagram []byte, arrival uint32) {
		var b Buffer
		var r Reception
		var k Keys
		var beat [Beat]byte
		for shift := range 6 { // as sent, and again with its numbers changed
			p, err := Parse(datagram)
			if err != nil {
				return
			}
			if len(p.Payload) > len(datagram)-HeaderSize {
				t.Fatalf("%d bytes of payload in %d", len(p.Payload), len(datagram))
			}
			r.Packet(p, arrival)
			b.Put(p.Timestamp, p.Payload, arrival)
			k.Packet(p)
			b.Pop(&beat, 0xFF)
			if w := b.Waiting(); w > most {
				t.Fatalf("%d ticks wait", w)
			}
			r.Report()
			datagram[2+shift] ^= byte(arrival >> shift)
		}
	})
}
