package convo

import (
	"time"

	"github.com/parley-voice/parley/internal/speech"
)

const (
	// enter and stay are the probabilities at which a run of voice begins and up to which it goes on.
	enter = 0.5
	stay  = 0.35
	// hushAfter windows below stay end a run: a shorter gap is part of a word.
	hushAfter = 3
	// block is the grain in which the ends of a run are dated by loudness, 4 ms: the detector's windows are too coarse for that.
	block   = 64
	blocks  = speech.Window / block
	history = 4 * blocks // levels that are remembered, to find the onset in windows before the detector woke
	bridge  = 12         // quiet blocks that may lie between the soft beginning of a word and its vowel: the closure of a "t" is 40 ms
	faint   = 40         // the mean level under which nothing is loud, out of 32768
)

// run is a stretch of voice; times count from the start of the session.
type run struct {
	onset, last time.Duration
	windows     int // that the detector took for speech
}

// heard is what a window told.
type heard int

const (
	hearsNothing heard = iota
	hearsVoice
	hearsHush
)

// ear finds runs of voice in a stream of windows. The detector says whether it is a voice, loudness says when it began and ended.
type ear struct {
	detection speech.Detection
	faults    int // windows that the detector failed

	floor  float64 // mean level of a block without voice
	peak   float64 // of the loudest block of this run
	levels [history]float64
	run    run
	on     bool
	quiet  int // windows below stay in a row
}

func newEar(d speech.Detection) *ear { return &ear{detection: d, floor: 60} }

// rest ends a run that nobody listened to the end of.
func (e *ear) rest() { e.on, e.quiet = false, 0 }

func (e *ear) close() { e.detection.Close() }

// window judges the window that ended at now.
func (e *ear) window(now time.Duration, pcm []int16) heard {
	e.measure(pcm)
	p, err := e.detection.Probability(pcm)
	if err != nil {
		e.faults++
		p = e.byLoudness()
	}
	switch {
	case !e.on && p >= enter:
		e.begin(now)
		return hearsVoice
	case !e.on:
		e.learn(p)
		return hearsNothing
	case p >= stay:
		e.extend(now, p)
		return hearsVoice
	}
	if e.quiet++; e.quiet < hushAfter {
		return hearsNothing
	}
	e.on = false
	return hearsHush
}

func (e *ear) measure(pcm []int16) {
	copy(e.levels[:], e.levels[blocks:])
	for b := range blocks {
		sum := 0
		for _, x := range pcm[b*block : (b+1)*block] {
			sum += max(int(x), -int(x))
		}
		e.levels[history-blocks+b] = float64(sum) / block
	}
}

// byLoudness stands in for a detector that fails, so that the call does not go deaf.
func (e *ear) byLoudness() float32 {
	loud := 0
	for _, l := range e.levels[history-blocks:] {
		if l > max(400, 4*e.floor) {
			loud++
		}
	}
	return float32(loud) / blocks
}

func (e *ear) learn(p float32) {
	if p > 0.3 {
		return
	}
	for _, l := range e.levels[history-blocks:] {
		e.floor += (l - e.floor) / 64
	}
}

// loud tells a voice from its echoes; audible tells soft beginnings of words too, such as an "s", from the noise of the line.
func (e *ear) loud(level float64) bool    { return level > max(faint, 3*e.floor, e.peak/10) }
func (e *ear) audible(level float64) bool { return level > max(faint, 3*e.floor) }

// begin dates the onset: back from now over the blocks that are audible.
func (e *ear) begin(now time.Duration) {
	e.on, e.quiet, e.peak = true, 0, 0
	for _, l := range e.levels[history-blocks:] {
		e.peak = max(e.peak, l)
	}
	first, gap := history-blocks, 0
	found := false
	for i := history - 1; i >= 0 && gap <= bridge; i-- {
		switch {
		case e.audible(e.levels[i]):
			first, gap, found = i, 0, true
		case found || i < history-blocks:
			gap++
		}
	}
	e.run = run{onset: now - length((history-first)*block), last: now, windows: 1}
	e.date(now)
}

func (e *ear) extend(now time.Duration, p float32) {
	e.quiet = 0
	for _, l := range e.levels[history-blocks:] {
		e.peak = max(e.peak, l)
	}
	if p >= enter {
		e.run.windows++
	}
	e.date(now)
}

// glimpse looks at the beginning of a window that is not complete yet: while a voice goes on it tells up to 32 ms earlier that it still does.
func (e *ear) glimpse(now time.Duration, pcm []int16) bool {
	if !e.on || e.quiet > 0 || len(pcm) < block {
		return false
	}
	sum := 0
	for _, x := range pcm[len(pcm)-block:] {
		sum += max(int(x), -int(x))
	}
	if !e.loud(float64(sum) / block) {
		return false
	}
	e.run.last = now
	return true
}

// date moves the end of the run to the last loud block of the newest window.
func (e *ear) date(now time.Duration) {
	for i := history - 1; i >= history-blocks; i-- {
		if e.loud(e.levels[i]) {
			e.run.last = now - length((history-1-i)*block)
			return
		}
	}
}

func length(samples int) time.Duration {
	return time.Duration(samples) * time.Second / speech.Rate
}
