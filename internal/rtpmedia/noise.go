package rtpmedia

import "math"

const (
	// ComfortNoisePayload is the static payload type of comfort noise (RFC 3551 §6).
	ComfortNoisePayload = 13
	// order is how many coefficients of a spectrum are used; RFC 3389 §3.2 names no bound, senders use up to ten.
	order = 12
)

// Noise makes the background that a comfort noise packet describes (RFC 3389): its level, and its spectrum as reflection coefficients of
// an all-pole filter. The zero value makes silence.
type Noise struct {
	gain   float32 // of the white noise before the filter
	order  int
	mirror [order]float32
	state  [order + 1]float32
	seed   uint32
}

// Packet takes the payload of a comfort noise packet: a level in -dBov, and bytes of coefficients, each (N-127)*258/32768 (§3.2).
func (n *Noise) Packet(payload []byte) {
	if len(payload) == 0 {
		return
	}
	level := int(payload[0] & 0x7F)
	if level == 127 {
		n.gain, n.order = 0, 0
		return
	}
	rest := float32(1) // of the power of white noise, what the filter does not add
	n.order = min(len(payload)-1, order)
	for i := range n.order {
		k := float32(int(payload[1+i])-127) * 258 / 32768
		k = min(max(k, -0.98), 0.98) // 0 and 255 would let the filter ring for ever
		n.mirror[i] = k
		rest *= 1 - k*k
	}
	rms := 32768 * math.Pow(10, -float64(level)/20)
	n.gain = float32(rms * math.Sqrt(float64(rest)))
}

// Silent says that there is no noise to be made.
func (n *Noise) Silent() bool { return n.gain == 0 }

// Fill makes the next samples.
func (n *Noise) Fill(pcm []int16) {
	if n.Silent() {
		clear(pcm)
		return
	}
	for i := range pcm {
		pcm[i] = int16(min(max(n.next(), math.MinInt16), math.MaxInt16))
	}
}

// next is a step of the lattice form of the filter, which is stable whatever the coefficients.
func (n *Noise) next() float32 {
	f := n.gain * n.white()
	for i := n.order - 1; i >= 0; i-- {
		f -= n.mirror[i] * n.state[i]
		n.state[i+1] = n.state[i] + n.mirror[i]*f
	}
	n.state[0] = f
	return f
}

// white is noise of power one: three even ones summed up are close enough to Gauss.
func (n *Noise) white() float32 {
	var v float32
	for range 3 {
		n.seed = n.seed*1664525 + 1013904223
		v += float32(int32(n.seed)) / (1 << 31)
	}
	return v
}

// Pauses says what to send while nothing is said: comfort noise at the beginning of a pause and every 200 ms in it, nothing in between
// (RFC 3389 §4). The zero value is ready.
type Pauses struct{ beats int }

// noiseEvery is beats between two comfort noise packets.
const noiseEvery = 10

// hangover is for how many silent beats sound is still sent, so that words do not lose their ends.
const hangover = 10

// Beat says for a beat whether its sound is to be sent, or a comfort noise packet instead.
func (p *Pauses) Beat(speaking bool) (sound, noise bool) {
	if speaking {
		p.beats = 0
		return true, false
	}
	p.beats++
	if p.beats <= hangover {
		return true, false
	}
	return false, (p.beats-hangover)%noiseEvery == 1
}

// AppendNoise appends the payload of a comfort noise packet of a level in -dBov, with no spectrum: white (RFC 3389 §3).
func AppendNoise(b []byte, level uint8) []byte { return append(b, level&0x7F) }
