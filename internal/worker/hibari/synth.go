package hibari

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/dsp/fourier"
)

// Rate is the sampling rate of the sound, in Hz.
const Rate = 24000

const (
	hop  = 300     // samples from frame to frame: 12.5 ms
	size = 4 * hop // samples of a frame
	bins = size/2 + 1
)

// spectra is what the network says of a sentence. All but pitch are [bins][frames].
type spectra struct {
	harmonic []float32 // log gain of the pulse train
	turn     []float32 // its phase shift, as the inverse tanh of half turns
	noise    []float32 // log gain of the noise
	free     []float32 // log gain of a part with a phase of its own,
	phase    []float32 // and that phase in radians
	pitch    []float32 // Hz for each frame, below voiced where the voice is silent
}

const (
	voiced  = 40    // Hz; a lower pitch means no voice
	ceiling = 11000 // Hz; the pulse train has no harmonics above it
	loudest = 7     // log gains end here
)

// speech renders one sentence, frame by frame. It belongs to one goroutine.
type speech struct {
	spectra
	*tables
	frames int

	k     int       // next frame
	turns float64   // phase of the pulse train
	pulse []float64 // the pulse train so far, half a frame ahead of k
	tail  []float64 // overlap-add: size samples from k*hop-size/2 on
	norm  []float64 // summed squared windows at the same places
	fft   *fourier.FFT
	frame []float64
	spec  []complex128
	rng   *rand.Rand // nil leaves the noise out
}

func newSpeech(t *tables, s spectra, rng *rand.Rand) *speech {
	return &speech{spectra: s, tables: t, frames: len(s.pitch), rng: rng, fft: fourier.NewFFT(size),
		tail: make([]float64, size), norm: make([]float64, size), frame: make([]float64, size), spec: make([]complex128, bins)}
}

// next renders n frames and appends the finished samples to dst; done comes with the last ones.
func (s *speech) next(dst []float32, n int) (_ []float32, done bool) {
	for range n {
		if s.k == s.frames {
			break
		}
		s.excite()
		s.shape()
		dst = s.overlap(dst)
	}
	if s.k < s.frames {
		return dst, false
	}
	for i := range min(size/2, s.frames*hop) { // the second half of the last frame
		dst = append(dst, s.sample(i))
	}
	return dst, true
}

func (s *speech) sample(i int) float32 { return float32(s.tail[i] / max(s.norm[i], 1e-11)) }

// excite puts the spectrum of the pulse train around sample k*hop into spec. The train is mirrored at both ends.
func (s *speech) excite() {
	for len(s.pulse) < s.frames*hop && len(s.pulse) < s.k*hop+size/2+1 {
		s.extend(len(s.pulse) / hop)
	}
	last := s.frames*hop - 1
	for i := range s.frame {
		p := s.k*hop + i - size/2
		if p < 0 {
			p = -p
		}
		if p > last {
			p = 2*last - p
		}
		s.frame[i] = s.pulse[min(max(0, p), len(s.pulse)-1)] * s.source[i]
	}
	s.fft.Coefficients(s.spec, s.frame)
}

// extend makes the pulse train of frame k: every harmonic of the pitch below ceiling at unit amplitude, as the closed form
// sin((h+1/2)x) / 2sin(x/2) - 1/2 of their sum; nothing where there is no voice.
func (s *speech) extend(k int) {
	at := func(k int) float64 { return float64(s.pitch[max(0, min(k, s.frames-1))]) }
	before, here, after := at(k-1), at(k), at(k+1)
	for j := range hop {
		x := (float64(j)+0.5)/hop - 0.5 // the pitch is read between the middles of frames
		f := here*(1-x) + after*x
		if x < 0 {
			f = here*(1+x) - before*x
		}
		silent := f <= voiced
		f = max(f, voiced)
		s.turns += f / Rate
		s.turns -= math.Floor(s.turns)
		v := 0.0
		if !silent {
			h := math.Floor(ceiling/f) + 0.5
			half, _ := s.sincos(s.turns / 2)
			if d := 2 * float64(half); math.Abs(d) > 2e-3 {
				n, _ := s.sincos(h * s.turns)
				v = float64(n)/d - 0.5
			} else {
				v = h - 0.5
			}
		}
		s.pulse = append(s.pulse, v)
	}
}

// shape filters the pulse train in spec and adds the noise and the part with a phase of its own.
func (s *speech) shape() {
	var noise []float32
	if s.rng != nil {
		noise = s.normals[s.rng.IntN(len(s.normals)-2*bins):]
	}
	for b := range s.spec {
		q := b*s.frames + s.k
		sin, cos := s.sincos(float64(tanh(s.turn[q]) / 2))
		g := exp(min(s.harmonic[q], loudest))
		v := s.spec[b] * complex(float64(g*cos), float64(g*sin))
		sin, cos = s.sincos(float64(s.phase[q]) / (2 * math.Pi))
		g = exp(min(s.free[q], loudest))
		re, im := g*cos, g*sin
		if noise != nil {
			g = exp(min(s.noise[q], loudest))
			re += g * noise[2*b]
			im += g * noise[2*b+1]
		}
		s.spec[b] = v + complex(float64(re), float64(im))
	}
}

// overlap adds frame k to its neighbours. The samples before the next frame's begin are finished then; the first half of the
// first frame lies before the sentence.
func (s *speech) overlap(dst []float32) []float32 {
	s.fft.Sequence(s.frame, s.spec)
	for i, v := range s.frame {
		s.tail[i] += v / size * s.window[i]
		s.norm[i] += s.window[i] * s.window[i]
	}
	s.k++
	if s.k > size/2/hop {
		for i := range hop {
			dst = append(dst, s.sample(i))
		}
	}
	copy(s.tail, s.tail[hop:])
	clear(s.tail[size-hop:])
	copy(s.norm, s.norm[hop:])
	clear(s.norm[size-hop:])
	return dst
}
