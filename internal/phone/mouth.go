package phone

import (
	"context"
	"math"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/media"
)

// notYet is a moment that never comes.
const notYet = moment(math.MaxInt64)

// mouth says one line: it keeps the leg's queue short, and notes where the line's sound lies in what has really left.
type mouth struct {
	rest    []int16
	saying  bool
	written int64 // frames, of all lines
	played  int64
	loud    float64 // RMS from which a step of the line is sound
	first   moment  // of the line's sound on the wire
	last    moment  // its end
	sounded bool
}

// begin begins a line.
func (m *mouth) begin(pcm []int16) {
	m.rest, m.saying, m.sounded, m.first = pcm, true, false, notYet
	peak := 0.0
	for i := 0; i+step <= len(pcm); i += step {
		peak = max(peak, audio.RMS(pcm[i:i+step]))
	}
	m.loud = max(quietest, peak/20) // -26 dB: the line's own noise is below
}

// feed keeps frames waiting in the leg until the line is written.
func (m *mouth) feed(ctx context.Context, leg media.Leg) error {
	for len(m.rest) > 0 && m.written-m.played < ahead {
		var f media.Frame
		n := copy(f[:], m.rest)
		m.rest = m.rest[n:]
		if err := leg.Write(ctx, &f); err != nil {
			return err
		}
		m.written++
	}
	return nil
}

// heard takes a tick that began at a moment and reports whether the line ended with it.
func (m *mouth) heard(t *media.Tick, at moment) (ended bool) {
	m.played = t.Played
	if !m.saying {
		return false
	}
	for i := 0; i < len(t.Said); i += step {
		if audio.RMS(t.Said[i:i+step]) <= m.loud {
			continue
		}
		if !m.sounded {
			m.first, m.sounded = at+moment(i), true
		}
		m.last = at + moment(i) + step
	}
	if len(m.rest) > 0 || m.played < m.written {
		return false
	}
	m.saying = false
	if !m.sounded { // a silent line
		m.first, m.last = at, at
	}
	return true
}
