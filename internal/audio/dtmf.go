package audio

import "math"

// The tones of keys (ITU-T Q.23): a row's and a column's at once.
var (
	rows    = [4]float64{697, 770, 852, 941}
	columns = [4]float64{1209, 1336, 1477, 1633}
)

const keypad = "123A456B789C*0#D"

const (
	hits    = 3    // windows of 20 ms, every 10 ms, that must hear a key: with less than 40 ms of it there is none (ITU-T Q.24)
	misses  = 3    // windows without it end a press
	pure    = 0.55 // share of the power that the two tones must have, 1.5 % off as they may be: speech seldom has it, and never for so long
	twist   = 6.3  // one tone may be 8 dB stronger than the other
	apart   = 4.0  // and 6 dB above the others of its group
	faint   = 80   // RMS below which there is no key: -52 dBFS
	windows = 2    // that begin in 20 ms
)

// DTMF hears the keys of a telephone in its sound, by Goertzel's filters. It is for lines that carry keys in no better way: it
// would rather miss a short or noisy key than take speech for one. Make it with NewDTMF.
type DTMF struct {
	step   int // samples of 10 ms
	turn   [8]float64
	recent []int16 // the last 10 ms
	have   bool    // recent is sound that is followed by the next
	heard  byte    // by the last window; 0 for none
	run    int     // of windows that heard it
	down   byte    // the key that is pressed; 0 for none
	absent int     // windows since it was heard
}

// NewDTMF makes a detector for a sampling rate.
func NewDTMF(rate Hz) *DTMF {
	d := &DTMF{step: int(rate) / 100}
	d.recent = make([]int16, d.step)
	for i, f := range append(rows[:], columns[:]...) {
		d.turn[i] = 2 * math.Cos(2*math.Pi*f/float64(rate))
	}
	return d
}

// Frame takes the next 20 ms and gives a key once it is sure that it is pressed.
func (d *DTMF) Frame(pcm []int16) (key byte, ok bool) {
	if len(pcm) != windows*d.step {
		return 0, false
	}
	if d.have {
		key, ok = d.window(d.recent, pcm[:d.step])
	}
	if k, also := d.window(pcm[:d.step], pcm[d.step:]); also {
		key, ok = k, true
	}
	copy(d.recent, pcm[d.step:])
	d.have = true
	return key, ok
}

// Gap says that the next 20 ms are missing; a key that was pressed before and is after them is the same.
func (d *DTMF) Gap() { d.have = false }

func (d *DTMF) window(a, b []int16) (byte, bool) {
	k := d.listen(a, b)
	if k != 0 && k == d.heard {
		d.run++
	} else {
		d.heard, d.run = k, 1
	}
	if k == d.down {
		d.absent = 0
	} else if d.absent++; d.absent >= misses {
		d.down = 0
	}
	if k == 0 || k == d.down || d.run < hits {
		return 0, false
	}
	d.down, d.absent = k, 0
	return k, true
}

// listen gives the key of one window, 0 for none.
func (d *DTMF) listen(a, b []int16) byte {
	total := energy(a) + energy(b)
	n := float64(len(a) + len(b))
	if total < n*faint*faint {
		return 0
	}
	var power [8]float64
	for i, t := range d.turn {
		power[i] = goertzel(t, a, b) * 2 / n
	}
	row, column := loudest(power[:4]), loudest(power[4:])
	if row < 0 || column < 0 {
		return 0
	}
	r, c := power[row], power[4+column]
	if r+c < pure*total || r > twist*c || c > twist*r {
		return 0
	}
	return keypad[4*row+column]
}

// loudest finds the tone that stands above the others, -1 for none.
func loudest(power []float64) int {
	best := 0
	for i, p := range power {
		if p > power[best] {
			best = i
		}
	}
	for i, p := range power {
		if i != best && p*apart > power[best] {
			return -1
		}
	}
	return best
}

func energy(pcm []int16) (e float64) {
	for _, v := range pcm {
		e += float64(v) * float64(v)
	}
	return e
}

// goertzel is the squared magnitude of one frequency.
func goertzel(turn float64, a, b []int16) float64 {
	var s1, s2 float64
	for _, v := range a {
		s1, s2 = float64(v)+turn*s1-s2, s1
	}
	for _, v := range b {
		s1, s2 = float64(v)+turn*s1-s2, s1
	}
	return s1*s1 + s2*s2 - turn*s1*s2
}
