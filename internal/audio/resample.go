package audio

import (
	"fmt"
	"math"
)

const (
	// reach is how many samples of the lower rate the filter looks to each side: 2 ms at 8 kHz.
	reach = 16
	// beta shapes the Kaiser window for 70 dB of attenuation outside the band.
	beta = 6.76
)

// Resampler changes the sampling rate of a stream with a polyphase low-pass filter: flat to 0.85 of the lower Nyquist frequency, 70 dB
// down from 1.15 of it. It delays by Delay. It belongs to one goroutine.
type Resampler struct {
	up, down int         // the rates' ratio in lowest terms
	taps     int         // input samples that one output sample is made of
	phases   [][]float32 // one set of weights for each of the up positions between two input samples
	straight int         // the only tap of phase 0 that counts; negative when there are more
	buf      []float32   // input that still matters
	have     int
	zeros    int // of the last samples in buf
	at       int // of the next output sample in buf
	phase    int
}

// NewResampler makes a resampler between two rates of 1 to 192 kHz.
func NewResampler(from, to Hz) (*Resampler, error) {
	if from < 1000 || to < 1000 || from > 192000 || to > 192000 {
		return nil, fmt.Errorf("audio: cannot resample from %d to %d Hz", from, to)
	}
	g := gcd(int(from), int(to))
	r := &Resampler{up: int(to) / g, down: int(from) / g}
	width := float64(reach) * max(1, float64(from)/float64(to))
	r.taps = 2 * int(math.Ceil(width))
	r.phases = make([][]float32, r.up)
	for p := range r.phases {
		r.phases[p] = weights(r.taps, float64(p)/float64(r.up), width)
	}
	r.straight = straight(r.phases[0])
	r.buf = make([]float32, 4*r.taps)
	r.Reset()
	return r, nil
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// weights are a windowed sinc around frac, scaled so that a constant stays as it is.
func weights(taps int, frac, width float64) []float32 {
	w, sum := make([]float64, taps), 0.0
	for k := range w {
		x := float64(k-taps/2+1) - frac
		w[k] = sinc(x*reach/width) * kaiser(x/width)
		sum += w[k]
	}
	out := make([]float32, taps)
	for k := range w {
		out[k] = float32(w[k] / sum)
	}
	return out
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

func kaiser(x float64) float64 {
	if x <= -1 || x >= 1 {
		return 0
	}
	return bessel(beta*math.Sqrt(1-x*x)) / bessel(beta)
}

// bessel is the modified Bessel function of the first kind, order 0, by its series.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1; term > 1e-12*sum; k++ {
		term *= (x / 2) * (x / 2) / float64(k*k)
		sum += term
	}
	return sum
}

// Reset forgets what was heard so far.
func (r *Resampler) Reset() {
	clear(r.buf)
	r.have, r.at, r.phase, r.zeros = r.taps-1, 0, 0, r.taps-1
}

// Delay is how many output samples come before the first input sample's own.
func (r *Resampler) Delay() int { return r.taps / 2 * r.up / r.down }

// Process appends to dst what src gives and returns it. It allocates only while src is longer than ever before or dst too short.
func (r *Resampler) Process(dst, src []int16) []int16 {
	if need := r.have + len(src); need > len(r.buf) {
		r.buf = append(r.buf, make([]float32, need-len(r.buf))...)
	}
	for i, v := range src {
		r.buf[r.have+i] = float32(v)
		if r.zeros++; v != 0 {
			r.zeros = 0
		}
	}
	r.have += len(src)
	for r.at+r.taps <= r.have {
		dst = append(dst, clip(r.sample()))
		r.phase += r.down
		r.at += r.phase / r.up
		r.phase %= r.up
	}
	if keep := min(r.at, r.have); keep > 0 {
		copy(r.buf, r.buf[keep:r.have])
		r.have -= keep
		r.at -= keep
	}
	return dst
}

// straight finds the only tap that counts: between rates of 1:n the samples of the input stay what they are.
func straight(w []float32) int {
	const nothing = 1e-6 // far below half the resolution of a sample
	found := -1
	for k, v := range w {
		switch {
		case v < nothing && v > -nothing:
		case found >= 0:
			return -1
		default:
			found = k
		}
	}
	return found
}

// sample is the next one of the output. Most of what a call carries is silence, which needs no filter.
func (r *Resampler) sample() float32 {
	switch {
	case r.zeros >= r.have:
		return 0
	case r.phase == 0 && r.straight >= 0:
		return r.buf[r.at+r.straight]
	}
	return dot(r.phases[r.phase], r.buf[r.at:r.at+r.taps])
}

// dot keeps four sums, so that an addition need not wait for the one before. Its length is even.
func dot(w, x []float32) float32 {
	x = x[:len(w)]
	var a, b, c, d float32
	i := 0
	for ; i+3 < len(w); i += 4 {
		a += w[i] * x[i]
		b += w[i+1] * x[i+1]
		c += w[i+2] * x[i+2]
		d += w[i+3] * x[i+3]
	}
	for ; i < len(w); i++ {
		a += w[i] * x[i]
	}
	return a + b + c + d
}

// Resample converts a whole clip, without delay.
func Resample(pcm []int16, from, to Hz) ([]int16, error) {
	if from == to {
		return pcm, nil
	}
	r, err := NewResampler(from, to)
	if err != nil {
		return nil, err
	}
	want := int(int64(len(pcm)) * int64(to) / int64(from))
	out := make([]int16, 0, want+2*r.Delay()+2)
	out = r.Process(out, pcm)
	out = r.Process(out, make([]int16, r.taps))
	d := min(r.Delay(), len(out))
	return out[d:min(d+want, len(out))], nil
}
