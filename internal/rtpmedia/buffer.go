package rtpmedia

const (
	room    = 1 << 13   // ticks that the buffer can hold: about a second
	atFirst = Beat      // how long the first sound waits
	most    = 10 * Beat // no sound waits longer than 200 ms: later sound is worse than lost sound
)

// Buffer is an adaptive jitter buffer for G.711: one byte a tick, kept by timestamp, so that packets of any length may come in any
// order. Sound waits as long as Delay finds needed. A packet that comes too late makes everything after it wait longer, as long as nothing
// after it was played; else Stretch asks for a beat more, and spare time is given back by Shed. The zero value is ready.
type Buffer struct {
	data [room]byte
	full [room]bool

	begun  bool
	next   uint32 // the tick that is played next
	end    uint32 // after the newest tick
	played uint32 // after the newest tick that was really played

	delay Delay

	late, repeated int64
}

// Put takes the sound of a packet that came at a time of any origin, in ticks, and reports whether any of it will be played.
func (b *Buffer) Put(timestamp uint32, sound []byte, arrival uint32) bool {
	n := uint32(len(sound))
	if n == 0 || n > room/2 {
		return false
	}
	ahead := int32(timestamp - b.next)
	if b.begun && !b.jumped(ahead, n) {
		b.delay.Packet(timestamp, arrival, ahead)
	}
	switch {
	case !b.begun || b.jumped(ahead, n):
		b.restart(timestamp)
		b.delay.Packet(timestamp, arrival, atFirst)
	case ahead < 0 && int32(timestamp-b.played) < 0:
		if ahead+int32(n) <= 0 {
			b.late++
			return false
		}
		timestamp, sound = b.next, sound[-ahead:]
	case ahead < 0:
		b.delay.Moved(int32(b.next - timestamp))
		b.next = timestamp
	}
	b.store(timestamp, sound)
	if end := timestamp + uint32(len(sound)); int32(end-b.end) > 0 {
		b.end = end
	}
	if int32(b.end-b.next) > most {
		b.skip(b.end - most)
	}
	return true
}

// jumped says that a packet is so far from what is played that the talker's clock must have jumped.
func (b *Buffer) jumped(ahead int32, n uint32) bool { return ahead > room-int32(n) || ahead < -room/2 }

func (b *Buffer) restart(timestamp uint32) {
	late, repeated, delay := b.late, b.repeated, b.delay
	delay.Jump()
	*b = Buffer{begun: true, next: timestamp - atFirst, end: timestamp, played: timestamp - atFirst, delay: delay, late: late, repeated: repeated}
}

func (b *Buffer) store(timestamp uint32, sound []byte) {
	if b.full[timestamp%room] {
		b.repeated++
		return
	}
	for i, v := range sound {
		at := (timestamp + uint32(i)) % room
		b.data[at], b.full[at] = v, true
	}
}

// Pop plays a beat into dst, which is as long; missing ticks are filled with silence. It reports whether more than half was there.
func (b *Buffer) Pop(dst *[Beat]byte, silence byte) bool {
	if !b.begun {
		for i := range dst {
			dst[i] = silence
		}
		return false
	}
	got := 0
	for i := range dst {
		at := (b.next + uint32(i)) % room
		dst[i] = silence
		if b.full[at] {
			dst[i] = b.data[at]
			b.full[at] = false
			got++
		}
	}
	b.next += Beat
	if got > 0 {
		b.played = b.next
	}
	return got > Beat/2
}

// Shed reports that sound waits a beat longer than it should, so that a quiet beat may be dropped: Pop again instead of playing it.
func (b *Buffer) Shed() bool {
	if b.delay.Excess() <= 0 || int32(b.end-b.next) < Beat {
		return false
	}
	b.delay.Moved(-Beat)
	return true
}

// Stretch reports that sound should wait a beat longer: one is to be made up now instead of a Pop. Where it is loud that is done only
// when more than a beat is missing.
func (b *Buffer) Stretch(quiet bool) bool {
	missing := -b.delay.Excess()
	if !b.begun || missing <= 0 || !quiet && missing == 1 || int32(b.end-b.next) < Beat {
		return false
	}
	b.delay.Moved(Beat)
	return true
}

// skip drops what was to be played before a tick.
func (b *Buffer) skip(to uint32) {
	dropped, jump := int64(0), to-b.next
	for ; b.next != to; b.next++ {
		if b.full[b.next%room] {
			b.full[b.next%room] = false
			dropped++
		}
	}
	b.late += (dropped + Beat - 1) / Beat
	b.played = b.next
	b.delay.Moved(-int32(jump))
}

// Flush forgets all sound, as for a new source; the counters, and how late packets were, stay.
func (b *Buffer) Flush() {
	late, repeated, delay := b.late, b.repeated, b.delay
	delay.Jump()
	*b = Buffer{delay: delay, late: late, repeated: repeated}
}

// Late counts packets that came too late to be played, Repeated those that came more than once.
func (b *Buffer) Late() int64 { return b.late }

// Repeated counts packets whose sound was there already.
func (b *Buffer) Repeated() int64 { return b.repeated }

// Waits is how long sound that came as early as any waits to be played, in ticks; zero until that is known.
func (b *Buffer) Waits() int { return max(0, int(b.delay.Waits())) }

// Waiting is how many ticks of sound, gaps included, wait to be played.
func (b *Buffer) Waiting() int {
	if !b.begun {
		return 0
	}
	return max(0, int(int32(b.end-b.next)))
}
