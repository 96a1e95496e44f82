package rtpmedia

const (
	room    = 1 << 13   // ticks that the buffer can hold: about a second
	atFirst = Beat      // how long the first sound waits
	most    = 10 * Beat // no sound waits longer than 200 ms: later sound is worse than lost sound
	watch   = 50        // packets over which the spare time is judged
)

// Buffer is an adaptive jitter buffer for G.711: one byte a tick, kept by timestamp, so that packets of any length may come in any
// order. A packet that comes too late makes everything after it wait longer, as long as nothing after it was played; spare time is given
// back by Shed. The zero value is ready.
type Buffer struct {
	data [room]byte
	full [room]bool

	begun  bool
	next   uint32 // the tick that is played next
	end    uint32 // after the newest tick
	played uint32 // after the newest tick that was really played

	least int32 // how early the latest of the watched packets came
	seen  int
	spare int // beats that sound waits longer than it must

	late, repeated int64
}

// Put takes a packet's sound and reports whether any of it will be played.
func (b *Buffer) Put(timestamp uint32, sound []byte) bool {
	n := uint32(len(sound))
	if n == 0 || n > room/2 {
		return false
	}
	ahead := int32(timestamp - b.next)
	switch {
	case !b.begun || ahead > room-int32(n) || ahead < -room/2: // first packet, or the talker's clock has jumped
		b.restart(timestamp)
	case ahead < 0 && int32(timestamp-b.played) < 0:
		if ahead+int32(n) <= 0 {
			b.late++
			return false
		}
		timestamp, sound = b.next, sound[-ahead:]
	case ahead < 0:
		b.next = timestamp
	}
	b.judge(int32(timestamp - b.next))
	b.store(timestamp, sound)
	if end := timestamp + uint32(len(sound)); int32(end-b.end) > 0 {
		b.end = end
	}
	if int32(b.end-b.next) > most {
		b.skip(b.end - most)
	}
	return true
}

func (b *Buffer) restart(timestamp uint32) {
	late, repeated := b.late, b.repeated
	*b = Buffer{begun: true, next: timestamp - atFirst, end: timestamp, played: timestamp - atFirst, least: room, late: late, repeated: repeated}
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

// judge watches how early packets come. What even the latest of them had to wait beyond a beat is spare: one beat is what the two
// clocks, theirs and ours, need between them.
func (b *Buffer) judge(ahead int32) {
	b.least = min(b.least, ahead)
	if b.seen++; b.seen == watch {
		b.spare = max(0, int(b.least/Beat)-1)
		b.seen, b.least = 0, room
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

// Shed reports that sound waits a beat longer than it must, so that a quiet beat may be dropped: Pop again instead of playing it.
func (b *Buffer) Shed() bool {
	if b.spare == 0 || int32(b.end-b.next) < Beat {
		return false
	}
	b.spare--
	b.seen, b.least = 0, room
	return true
}

// skip drops what was to be played before a tick.
func (b *Buffer) skip(to uint32) {
	dropped := int64(0)
	for ; b.next != to; b.next++ {
		if b.full[b.next%room] {
			b.full[b.next%room] = false
			dropped++
		}
	}
	b.late += (dropped + Beat - 1) / Beat
	b.played = b.next
}

// Flush forgets all sound, as for a new source; the counters stay.
func (b *Buffer) Flush() {
	late, repeated := b.late, b.repeated
	*b = Buffer{late: late, repeated: repeated}
}

// Late counts packets that came too late to be played, Repeated those that came more than once.
func (b *Buffer) Late() int64 { return b.late }

// Repeated counts packets whose sound was there already.
func (b *Buffer) Repeated() int64 { return b.repeated }

// Waiting is how many ticks of sound, gaps included, wait to be played.
func (b *Buffer) Waiting() int {
	if !b.begun {
		return 0
	}
	return max(0, int(int32(b.end-b.next)))
}
