package rtpmedia

// fade is by how much each repetition of a lost beat's neighbour is quieter, in 1/256; after three there is silence.
var fade = [3]int32{200, 120, 50}

// Concealer fills lost beats with the last good one, fading out within 60 ms: a single lost packet is hardly heard, and no buzz stays
// in a longer gap. The zero value is ready.
type Concealer struct {
	last [Beat]int16
	lost int
}

// Good takes note of a beat that was there.
func (c *Concealer) Good(pcm *[Beat]int16) { c.last, c.lost = *pcm, 0 }

// Fill makes a beat for one that was not.
func (c *Concealer) Fill(pcm *[Beat]int16) {
	if c.lost >= len(fade) {
		*pcm = [Beat]int16{}
		return
	}
	from, to := int32(256), fade[c.lost]
	if c.lost > 0 {
		from = fade[c.lost-1]
	}
	for i, v := range c.last {
		gain := from + (to-from)*int32(i)/Beat
		pcm[i] = int16(int32(v) * gain / 256)
	}
	c.lost++
}
