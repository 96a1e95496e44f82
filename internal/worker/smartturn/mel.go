package smartturn

import (
	"math"

	"gonum.org/v1/gonum/dsp/fourier"
)

// Shape of Whisper's log-mel features.
const (
	samples = 128000 // 8 s at 16 kHz
	nfft    = 400
	hop     = 160
	bins    = nfft/2 + 1
	mels    = 80
	frames  = samples / hop
	floor   = 1e-10
)

// bank holds the window and the filters.
type bank struct {
	window  [nfft]float64
	filters [mels]filter
}

// filter weighs bins from the first on.
type filter struct {
	first   int
	weights []float64
}

// newBank builds the periodic Hann window and the Slaney filter bank (area normalised, 0 to 8 kHz).
func newBank() *bank {
	b := &bank{}
	for i := range b.window {
		b.window[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/nfft)
	}
	var edges [mels + 2]float64
	for i := range edges {
		edges[i] = hertz(melOf8k() * float64(i) / (mels + 1))
	}
	for m := range b.filters {
		b.filters[m] = triangle(edges[m], edges[m+1], edges[m+2])
	}
	return b
}

// logStep is the width of a mel above 1 kHz on Slaney's scale, which is linear below.
func logStep() float64 { return math.Log(6.4) / 27 }

func melOf8k() float64 { return 15 + math.Log(8)/logStep() }

func hertz(mel float64) float64 {
	if mel < 15 {
		return 200 * mel / 3
	}
	return 1000 * math.Exp(logStep()*(mel-15))
}

// triangle rises from low to peak and falls to high, with area 1.
func triangle(low, peak, high float64) (f filter) {
	for b := range bins {
		hz := float64(b) * 8000 / (bins - 1)
		w := 2 / (high - low) * min((hz-low)/(peak-low), (high-hz)/(high-peak))
		if w <= 0 {
			continue
		}
		if f.weights == nil {
			f.first = b
		}
		f.weights = append(f.weights, w)
	}
	return f
}

// clip is the last 8 s of a sound, normalised to mean 0 and variance 1, with silence put before a shorter one.
type clip struct {
	x           []float32
	pad         int
	mean, scale float64
}

func newClip(x []float32) clip {
	x = x[max(0, len(x)-samples):]
	c := clip{x: x, pad: samples - len(x)}
	for _, v := range x {
		c.mean += float64(v)
	}
	c.mean /= samples
	variance := float64(c.pad) * c.mean * c.mean
	for _, v := range x {
		variance += (float64(v) - c.mean) * (float64(v) - c.mean)
	}
	c.scale = 1 / math.Sqrt(variance/samples+1e-7)
	return c
}

// at is sample i, reflected at both ends.
func (c *clip) at(i int) float64 {
	if i < 0 {
		i = -i
	}
	if i >= samples {
		i = 2*samples - 2 - i
	}
	if i < c.pad {
		return -c.mean * c.scale
	}
	return (float64(c.x[i-c.pad]) - c.mean) * c.scale
}

// frame fills buf with windowed samples from start on.
func (c *clip) frame(buf *[nfft]float64, start int, window *[nfft]float64) {
	if start >= c.pad && start+nfft <= samples {
		for i, v := range c.x[start-c.pad : start-c.pad+nfft] {
			buf[i] = (float64(v) - c.mean) * c.scale * window[i]
		}
		return
	}
	for i := range buf {
		buf[i] = c.at(start+i) * window[i]
	}
}

// features is the model's input for the end of x, laid out as [mels][frames].
func (b *bank) features(x []float32) []float32 {
	c := newClip(x)
	logs := make([]float64, mels*frames)
	fft := fourier.NewFFT(nfft)
	spec := make([]complex128, bins)
	var buf [nfft]float64
	var power [bins]float64
	for t := range frames {
		if t > 0 && t*hop+nfft/2 <= c.pad { // all in the padding, so equal to the one before
			for m := range mels {
				logs[m*frames+t] = logs[m*frames+t-1]
			}
			continue
		}
		c.frame(&buf, t*hop-nfft/2, &b.window)
		fft.Coefficients(spec, buf[:])
		for k, v := range spec {
			power[k] = real(v)*real(v) + imag(v)*imag(v)
		}
		for m, f := range b.filters {
			logs[m*frames+t] = math.Log10(max(f.apply(&power), floor))
		}
	}
	return compress(logs)
}

func (f filter) apply(power *[bins]float64) (sum float64) {
	for i, w := range f.weights {
		sum += w * power[f.first+i]
	}
	return sum
}

// compress cuts off what is 80 dB below the peak and scales as Whisper does.
func compress(logs []float64) []float32 {
	peak := math.Inf(-1)
	for _, l := range logs {
		peak = max(peak, l)
	}
	out := make([]float32, len(logs))
	for i, l := range logs {
		out[i] = float32((max(l, peak-8) + 4) / 4)
	}
	return out
}
