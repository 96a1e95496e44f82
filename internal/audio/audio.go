// Package audio holds the arithmetic of sound: G.711, G.722, resampling, WAV files, levels and tones. Sound is 16-bit linear PCM unless
// a name says otherwise; rates are in Hz. It opens no file, starts no goroutine, and what works on frames allocates nothing.
package audio

import (
	"math"
	"time"
)

// Hz is a sampling rate or a frequency.
type Hz int

// Rates that Parley meets.
const (
	Narrow Hz = 8000  // the telephone's
	Wide   Hz = 16000 // the house's
)

// Samples is how many samples d lasts.
func (r Hz) Samples(d time.Duration) int { return int(time.Duration(r) * d / time.Second) }

// Duration is how long n samples last.
func (r Hz) Duration(n int) time.Duration {
	return time.Duration(float64(n) / float64(r) * float64(time.Second))
}

// clip rounds v to the nearest sample, saturating.
func clip(v float32) int16 {
	switch {
	case v >= math.MaxInt16:
		return math.MaxInt16
	case v <= math.MinInt16:
		return math.MinInt16
	case v >= 0:
		return int16(v + 0.5)
	}
	return int16(v - 0.5)
}

// Gain multiplies pcm by factor in place, saturating.
func Gain(pcm []int16, factor float32) {
	for i, v := range pcm {
		pcm[i] = clip(float32(v) * factor)
	}
}

// RMS is the root mean square of pcm, 0 to 32768.
func RMS(pcm []int16) float64 {
	if len(pcm) == 0 {
		return 0
	}
	var sum float64
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(len(pcm)))
}

// Level is the RMS of pcm in dB below full scale (dBFS); digital silence is -96.
func Level(pcm []int16) float64 {
	return max(-96, 20*math.Log10(RMS(pcm)/32768+1e-9))
}

// Tone is a sine that goes on from one Fill to the next.
type Tone struct {
	Rate      Hz
	Frequency Hz
	Peak      int16
	at        int
}

// Fill writes the next len(dst) samples of the tone.
func (t *Tone) Fill(dst []int16) {
	step := 2 * math.Pi * float64(t.Frequency) / float64(t.Rate)
	for i := range dst {
		dst[i] = clip(float32(float64(t.Peak) * math.Sin(step*float64(t.at))))
		t.at++
	}
}
