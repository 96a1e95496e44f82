package phone

import (
	"time"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/speech"
)

const (
	step      = media.Rate / 100         // 10 ms: the resolution of an edge, in samples
	memory    = 128                      // steps that an edge may lie back
	perWindow = speech.Window            // samples
	sure      = 2                        // windows of speech in a row that begin a segment
	begins    = 0.5                      // probability from which a window is speech
	goesOn    = 0.35                     // and while a segment lasts
	hang      = media.Rate * 4 / 10      // 400 ms without speech end a segment
	reachBack = media.Rate * 3 / 10      // how far before the detector's verdict the onset may lie
	tail      = media.Rate / 10          // and how far after its last window the end
	gap       = 3                        // quiet steps within an onset, as in a stop consonant
	quietest  = 130                      // RMS: -48 dBFS; nothing below is sound
	aboveLine = 2.5                      // how far sound stands out of the line's noise
	sound     = 5                        // loud steps that count as having heard something
	never     = time.Duration(1<<63 - 1) // no such moment
)

// moment is a position on the call's timeline, in samples of 16 kHz since the answer.
type moment int64

func (m moment) time() time.Duration { return time.Duration(m) * time.Second / media.Rate }

// ear follows when the other side speaks: the detector says that it does, the waveform says since when.
type ear struct {
	det    speech.Detection
	window [perWindow]int16
	filled int

	now   moment
	loud  [memory]bool
	noise noise
	heard int // loud steps so far

	voiced   int    // windows of speech in a row
	lastVoc  moment // end of the last window of speech
	speaking bool
	onset    moment // of the segment that is or was last
	stop     moment // its end, valid when not speaking
	segments int    // begun so far
}

func newEar(d speech.Detector) (*ear, error) {
	if d == nil {
		d = Energy{}
	}
	det, err := d.Detect()
	if err != nil {
		return nil, err
	}
	return &ear{det: det, noise: noise{block: 4 * media.Rate / step}}, nil
}

func (e *ear) close() { e.det.Close() }

// hear takes 20 ms.
func (e *ear) hear(f *media.Frame) error {
	for i := 0; i < len(f); i += step {
		e.level(f[i : i+step])
		e.now += step
		for pcm := f[i : i+step]; len(pcm) > 0; {
			n := copy(e.window[e.filled:], pcm)
			pcm = pcm[n:]
			if e.filled += n; e.filled < perWindow {
				continue
			}
			e.filled = 0
			p, err := e.det.Probability(e.window[:])
			if err != nil {
				return err
			}
			e.judge(p, e.now-moment(len(pcm)))
		}
	}
	return nil
}

// level notes whether a step is louder than the line's noise, which is the least that was heard lately.
func (e *ear) level(pcm []int16) {
	rms := audio.RMS(pcm)
	loud := rms > max(quietest, e.noise.floor(rms)*aboveLine)
	e.loud[e.now/step%memory] = loud
	if loud {
		e.heard++
	}
}

func (e *ear) loudAt(m moment) bool {
	return m >= 0 && m < e.now && e.now-m <= memory*step && e.loud[m/step%memory]
}

// judge takes the detector's verdict on the window that ended at a moment.
func (e *ear) judge(p float32, end moment) {
	if e.speaking {
		if p >= goesOn {
			e.lastVoc = end
		} else if end-e.lastVoc >= hang {
			e.speaking, e.stop = false, e.lastLoud(e.lastVoc+tail)
		}
		return
	}
	if p < begins {
		e.voiced = 0
		return
	}
	if e.voiced++; e.voiced < sure {
		return
	}
	e.voiced, e.speaking, e.lastVoc = 0, true, end
	e.segments++
	e.onset = e.firstLoud(end - sure*perWindow)
}

// firstLoud is the onset around the beginning of the first window of speech.
func (e *ear) firstLoud(from moment) moment {
	from -= from % step
	first := from
	for !e.loudAt(first) && first < e.now { // the sound began within the window
		first += step
	}
	if first > from {
		return min(first, e.now)
	}
	for quiet, m := 0, from-step; m >= max(0, from-reachBack, e.stop) && quiet <= gap; m -= step {
		quiet++
		if e.loudAt(m) {
			first, quiet = m, 0
		}
	}
	return first
}

// lastLoud is the end of the last sound before a moment.
func (e *ear) lastLoud(before moment) moment {
	m := min(before, e.now)
	m -= m % step
	for m > e.onset && !e.loudAt(m-step) {
		m -= step
	}
	return m
}

// quiet is how long the other side has not spoken; never before its first word.
func (e *ear) quiet() time.Duration {
	switch {
	case e.speaking:
		return 0
	case e.segments == 0:
		return never
	}
	return (e.now - e.stop).time()
}

// heardAnything says whether there was any sound at all.
func (e *ear) heardAnything() bool { return e.heard >= sound }
