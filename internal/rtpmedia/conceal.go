package rtpmedia

import "math"

const (
	// widest is how many samples a beat may have: 20 ms at 16 kHz.
	widest = 320
	// memory is how many beats of sound, in sixteenths, a Concealer looks back on: three of the longest periods and a quarter.
	memory = 39
	// faded is how many beats of a gap are filled.
	faded = 3
)

// Concealer fills lost beats as ITU-T G.711 appendix I does: the last pitch period goes on, then the last two and three of them in turn,
// so that a longer gap does not buzz; after 10 ms it fades, and after 60 ms there is silence. Where sound comes back the two are blended.
// Unlike there nothing is delayed: the step to the repeated period is smoothed instead of blended before it. Beats may have 160 samples,
// or 320 as at 16 kHz, but all the same. The zero value is ready.
type Concealer struct {
	past  [widest * memory / 16]int16 // the newest sound, ours included, ends at its end
	cycle [widest * memory / 16]int16 // past as the gap began

	period int     // of the cycle, in samples
	turns  int     // how many periods are repeated
	at     int     // place in them
	step   float32 // between the last sample and the one that the cycle goes on from
	filled int     // samples of this gap
	lost   int     // beats of this gap
}

// Good takes a beat that was there; its beginning is blended with what a gap before it was filled with.
func (c *Concealer) Good(pcm []int16) {
	if len(pcm) > widest {
		return
	}
	if c.lost > 0 && c.lost <= faded {
		n := len(pcm)
		blend := c.period / 4 // the standard blends up to 10 ms, but what really came is worth more to a recognizer
		for i := range blend {
			w := float32(i+1) / float32(blend+1)
			pcm[i] = int16(w*float32(pcm[i]) + (1-w)*c.sample(n))
		}
	}
	c.lost, c.filled = 0, 0
	c.remember(pcm)
}

// Fill makes a beat for one that was not there.
func (c *Concealer) Fill(pcm []int16) {
	n := len(pcm)
	if n > widest {
		return
	}
	if c.lost == 0 {
		c.begin(n)
	}
	if c.lost++; c.lost > faded {
		clear(pcm)
	} else {
		for i := range pcm {
			pcm[i] = int16(c.sample(n))
		}
	}
	c.remember(pcm)
}

// Gap says how many beats in a row were filled.
func (c *Concealer) Gap() int { return c.lost }

func (c *Concealer) remember(pcm []int16) {
	copy(c.past[:], c.past[len(pcm):])
	copy(c.past[len(c.past)-len(pcm):], pcm)
}

func (c *Concealer) begin(n int) {
	c.cycle = c.past
	c.period, c.turns, c.at, c.filled = period(c.past[:], n), 1, 0, 0
	end := len(c.cycle)
	c.step = float32(c.cycle[end-1]) - float32(c.cycle[end-1-c.period])
}

// sample is the next one of the repeated periods: n is the length of a beat.
func (c *Concealer) sample(n int) float32 {
	if c.filled == n/2*c.turns && c.turns < 3 { // after 10 and 20 ms one period more takes part
		c.turns++
		c.at %= c.period
	}
	v := c.wave(c.turns, c.at)
	quarter := c.period / 4
	if into := c.filled - n/2*(c.turns-1); c.turns > 1 && into < quarter { // from the shorter cycle into the longer
		w := float32(into+1) / float32(quarter+1)
		v = w*v + (1-w)*c.wave(c.turns-1, c.at%((c.turns-1)*c.period))
	}
	if c.filled < quarter {
		v += c.step * (1 - float32(c.filled+1)/float32(quarter+1))
	}
	gain := 1 - float32(max(0, c.filled-n/2))/float32(5*n/2) // a fifth less every 10 ms
	if c.at++; c.at == c.turns*c.period {
		c.at = 0
	}
	c.filled++
	return min(max(v*max(gain, 0), math.MinInt16), math.MaxInt16)
}

// wave is a sample of the last periods, the last quarter of which leads over to their beginning.
func (c *Concealer) wave(turns, at int) float32 {
	from := len(c.cycle) - turns*c.period
	v := float32(c.cycle[from+at])
	quarter := c.period / 4
	if left := turns*c.period - at; left <= quarter {
		w := float32(left) / float32(quarter+1)
		v = w*v + (1-w)*float32(c.cycle[from-left])
	}
	return v
}

// period finds the pitch of the end of past, 66 to 200 Hz: the shift by which the last 20 ms are most like what was before them.
// A first round looks at every other sample.
func period(past []int16, n int) int {
	shortest, longest := n/4, 3*n/4
	best, _ := peak(past, n, shortest, longest, 2)
	best, like := peak(past, n, max(shortest, best-1), min(longest, best+1), 1)
	if like < voicing*norm(past[len(past)-n:]) {
		return longest
	}
	return best
}

// voicing is the correlation below which sound has no pitch: its longest stretch is repeated, lest noise be made a tone.
const voicing = 0.6

func norm(pcm []int16) float32 {
	var power float32
	for _, v := range pcm {
		power += float32(v) * float32(v)
	}
	return float32(math.Sqrt(float64(power)))
}

// peak gives the shift of the best likeness, and that likeness: the norm of the end if it is the same.
func peak(past []int16, n, from, to, step int) (at int, best float32) {
	best, at = float32(math.Inf(-1)), from
	end := past[len(past)-n:]
	for lag := from; lag <= to; lag += step {
		before := past[len(past)-n-lag:]
		var like, power float32
		for i := 0; i < n; i += step {
			b := float32(before[i])
			like += float32(end[i]) * b
			power += b * b
		}
		if like /= float32(math.Sqrt(float64(power))) + 1; like > best {
			best, at = like, lag
		}
	}
	return at, best
}
