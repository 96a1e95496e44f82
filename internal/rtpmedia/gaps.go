package rtpmedia

// Gaps tells losses from pauses. Beats without sound are losses, unless comfort noise announced a pause, or the next packet shows that
// none is missing: its sequence goes on while its timestamp does not, as of talkers that send nothing in silence (RFC 3551 §4.1).
// The zero value is ready.
type Gaps struct {
	begun, paused  bool
	playing        bool // something was played: before, nothing is missing
	sequence       uint16
	end            uint32 // timestamp after the newest packet
	open           int64  // beats of the present gap
	runs           int64  // closed gaps that were losses
	heard, covered int64  // beats of sound; beats that were made up
}

// Sound takes note of a packet of sound that lasts n ticks.
func (g *Gaps) Sound(p Packet, n uint32) {
	next := p.Sequence - g.sequence
	switch {
	case !g.begun:
		g.open = 0
	case next == 0 || next > 1<<15: // older ones tell nothing
		return
	case next == 1 && int32(p.Timestamp-g.end) > 0:
		g.open = 0
	default:
		g.close()
	}
	g.begun, g.paused, g.sequence, g.end = true, false, p.Sequence, p.Timestamp+n
}

// Aside takes note of a packet without sound of its own.
func (g *Gaps) Aside(sequence uint16) {
	if int16(sequence-g.sequence) > 0 {
		g.sequence = sequence
	}
}

// Noise takes note of a comfort noise packet: until the next sound there is a pause.
func (g *Gaps) Noise(p Packet) {
	if g.begun && int16(p.Sequence-g.sequence) <= 0 {
		return
	}
	g.close()
	g.begun, g.paused, g.sequence, g.end = true, true, p.Sequence, p.Timestamp
}

func (g *Gaps) close() {
	if g.open > 0 {
		g.covered += g.open
		g.runs++
	}
	g.open = 0
}

// Beat takes note of a beat that was played; lost says that its sound is missing, which in a pause it is not.
func (g *Gaps) Beat(got bool) (lost bool) {
	if got {
		g.heard++
		g.playing = true
		g.close()
		return false
	}
	if g.playing && !g.paused && g.open < 50 { // a second without a packet is no gap that is covered
		g.open++
	}
	return !g.paused
}

// Paused says that the talker announced silence.
func (g *Gaps) Paused() bool { return g.paused }

// Concealed is the share of beats that were made up, and the mean number of beats in a row of them.
func (g *Gaps) Concealed() (share, run float64) {
	if g.covered == 0 {
		return 0, 0
	}
	return float64(g.covered) / float64(g.heard+g.covered), float64(g.covered) / float64(g.runs)
}

// Restart begins anew with another source; the counters stay.
func (g *Gaps) Restart() {
	g.close()
	g.begun, g.paused, g.playing = false, false, false
}
