package phone

import (
	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/speech"
)

// noise knows the line's noise: the least that was heard in the last one to two blocks.
type noise struct {
	block         int // in measurements
	n             int
	lately, lower float64 // of this block, of the one before
}

func (f *noise) floor(rms float64) float64 {
	switch {
	case f.n == 0:
		f.lately, f.lower = rms, rms
	case f.n%f.block == 0:
		f.lower, f.lately = f.lately, rms
	}
	f.n++
	f.lately = min(f.lately, rms)
	return min(f.lately, f.lower)
}

// Energy is a speech.Detector for machines without models: everything well above the line's noise is speech.
type Energy struct{}

var _ speech.Detector = Energy{}

// Detect implements speech.Detector.
func (Energy) Detect() (speech.Detection, error) {
	return &energy{noise{block: 4 * speech.Rate / speech.Window}}, nil
}

type energy struct{ noise noise }

func (e *energy) Close() {}

// Probability is 1 for what is above -45 dBFS and 12 dB above the noise, else 0.
func (e *energy) Probability(window []int16) (float32, error) {
	rms := audio.RMS(window)
	if rms > max(184, 4*e.noise.floor(rms)) {
		return 1, nil
	}
	return 0, nil
}
