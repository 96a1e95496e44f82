package rtpmedia

const (
	bin      = Beat / 4 // 5 ms: how finely lateness is measured
	bins     = 64       // up to 320 ms; later counts as the last
	recent   = 200      // packets after which half of what was measured is forgotten
	settled  = 25       // packets over which the present delay is judged
	hundred  = 100
	tolerate = 1 // of a hundred packets may come later than sound waits
)

// Delay measures how much later packets come than the earliest ones did, and says by how many beats sound should wait longer or
// shorter, so that 99 of 100 packets come in time. All is in ticks. The zero value is ready.
type Delay struct {
	counts [bins]int32
	total  int32

	begun    bool
	earliest [2]uint32 // transit of the fastest packet, of the present and the last round
	round    int       // packets of the present one

	shortest int32 // how long the most hurried of the judged packets would have waited, had it been as early as the earliest
	judged   int
	known    bool  // shortest is that of a full round
	waits    int32 // of the last full round
}

// Packet takes note of a packet that came at a time and will be played in some ticks, negative for one that is too late.
func (d *Delay) Packet(timestamp, arrival uint32, ahead int32) {
	late := d.lateness(arrival - timestamp)
	if d.total == recent {
		d.total = 0
		for i := range d.counts {
			d.counts[i] /= 2
			d.total += d.counts[i]
		}
	}
	d.counts[min(late/bin, bins-1)]++
	d.total++
	if d.judged == 0 || ahead+late < d.shortest {
		d.shortest = ahead + late
	}
	if d.judged++; d.judged == settled {
		d.waits, d.known, d.judged = d.shortest, true, 0
	}
}

// lateness compares a transit with the shortest of the last minutes' one; clocks that drift apart are followed.
func (d *Delay) lateness(transit uint32) int32 {
	if !d.begun {
		d.begun, d.earliest, d.round = true, [2]uint32{transit, transit}, 0
	}
	if int32(transit-d.earliest[0]) < 0 {
		d.earliest[0] = transit
	}
	first := d.earliest[0]
	if int32(d.earliest[1]-first) < 0 {
		first = d.earliest[1]
	}
	if d.round++; d.round == recent {
		d.earliest, d.round = [2]uint32{transit, d.earliest[0]}, 0
	}
	return int32(transit - first)
}

// Wanted is how long sound should wait: the time within which 99 of 100 packets come, at most 180 ms.
func (d *Delay) Wanted() int32 {
	left := d.total * tolerate / hundred
	i := int32(bins - 1)
	for ; i > 0 && d.counts[i] <= left; i-- {
		left -= d.counts[i]
	}
	return min((i+1)*bin, most-Beat)
}

// Waits is how long the earliest packets wait now; zero until it is known.
func (d *Delay) Waits() int32 { return d.waits }

// Excess is by how many whole beats sound waits longer than it should, negative for shorter. One beat more than needed is left to the
// two clocks, theirs and ours.
func (d *Delay) Excess() int {
	if !d.known {
		return 0
	}
	switch over := d.waits - d.Wanted(); {
	case over < 0:
		return int((over - Beat + 1) / Beat)
	case over >= 2*Beat:
		return int(over/Beat) - 1
	}
	return 0
}

// Moved says that sound waits some ticks longer from now on, negative for shorter.
func (d *Delay) Moved(ticks int32) {
	d.waits += ticks
	d.judged = 0
}

// Jump says that the talker's clock has jumped: what was measured stays, the earliest packet is found anew.
func (d *Delay) Jump() { d.begun, d.judged, d.known, d.waits = false, 0, false, 0 }
