package audio

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// dialled is sound in which keys are pressed for on and released for off; gain is of the column's tone against the row's.
type dialled struct {
	rate    Hz
	keys    string
	on, off time.Duration
	peak    float64
	gain    float64
	shift   float64 // share by which both frequencies are off
	noise   float64 // peak of white noise
	lead    time.Duration
}

func (d dialled) sound() (pcm []int16) {
	r := rand.New(rand.NewPCG(1, 2))
	silence := func(t time.Duration) {
		for range d.rate.Samples(t) {
			pcm = append(pcm, int16(d.noise*(2*r.Float64()-1)))
		}
	}
	silence(d.lead)
	for _, k := range []byte(d.keys) {
		var row, column float64
		for i := range keypad {
			if keypad[i] == k {
				row, column = rows[i/4]*(1+d.shift), columns[i%4]*(1+d.shift)
			}
		}
		for i := range d.rate.Samples(d.on) {
			t := 2 * math.Pi * float64(i) / float64(d.rate)
			v := d.peak*math.Sin(t*row) + d.peak*d.gain*math.Sin(t*column) + d.noise*(2*r.Float64()-1)
			pcm = append(pcm, int16(v))
		}
		silence(d.off)
	}
	silence(100 * time.Millisecond)
	return pcm
}

// keysIn hears whole frames; lost says which are missing.
func keysIn(rate Hz, pcm []int16, lost func(i int) bool) (keys string) {
	d := NewDTMF(rate)
	n := rate.Samples(20 * time.Millisecond)
	for i := 0; len(pcm) >= n; i, pcm = i+1, pcm[n:] {
		if lost(i) {
			d.Gap()
		} else if k, ok := d.Frame(pcm[:n]); ok {
			keys += string(k)
		}
	}
	return keys
}

func never(int) bool { return false }

func TestKeysAreHeardInSound(t *testing.T) {
	const ms = time.Millisecond
	all := "0123456789*#ABCD"
	for _, c := range []struct {
		name string
		d    dialled
		want string
	}{
		{"all keys", dialled{keys: all, on: 80 * ms, off: 80 * ms, peak: 6000, gain: 1}, all},
		{"one key again and again", dialled{keys: "5555", on: 60 * ms, off: 60 * ms, peak: 6000, gain: 1}, "5555"},
		{"short ones (Q.24: 50 ms)", dialled{keys: all, on: 50 * ms, off: 50 * ms, peak: 6000, gain: 1}, all},
		{"too short ones (Q.24: under 23 ms)", dialled{keys: all, on: 22 * ms, off: 50 * ms, peak: 6000, gain: 1}, ""},
		{"faint ones", dialled{keys: all, on: 80 * ms, off: 80 * ms, peak: 300, gain: 1}, all},
		{"loud ones", dialled{keys: all, on: 80 * ms, off: 80 * ms, peak: 16000, gain: 1}, all},
		{"a column 7 dB above the row", dialled{keys: all, on: 80 * ms, off: 80 * ms, peak: 5000, gain: 2.2}, all},
		{"a row 7 dB above the column", dialled{keys: all, on: 80 * ms, off: 80 * ms, peak: 8000, gain: 0.45}, all},
		{"1.5 % too high (Q.24)", dialled{keys: all, on: 80 * ms, off: 80 * ms, peak: 6000, gain: 1, shift: 0.015}, all},
		{"1.5 % too low", dialled{keys: all, on: 80 * ms, off: 80 * ms, peak: 6000, gain: 1, shift: -0.015}, all},
		{"with noise 20 dB below", dialled{keys: all, on: 80 * ms, off: 80 * ms, peak: 6000, gain: 1, noise: 1500}, all},
		{"held for five seconds", dialled{keys: "7", on: 5000 * ms, off: 80 * ms, peak: 6000, gain: 1}, "7"},
		{"a row alone", dialled{keys: "7", on: 500 * ms, off: 80 * ms, peak: 6000, gain: 0}, ""},
		{"noise alone", dialled{keys: "7", on: 500 * ms, off: 80 * ms, noise: 8000}, ""},
	} {
		for _, rate := range []Hz{Narrow, Wide} {
			for lead := range 4 {
				d := c.d
				d.rate, d.lead = rate, time.Duration(lead)*5*ms
				t.Run(fmt.Sprintf("%s, %d Hz, %v", c.name, rate, d.lead), func(t *testing.T) {
					if got := keysIn(rate, d.sound(), never); got != c.want {
						t.Errorf("%q, want %q", got, c.want)
					}
				})
			}
		}
	}
}

func TestALostFrameDoesNotRepeatAKey(t *testing.T) {
	d := dialled{rate: Narrow, keys: "58", on: 300 * time.Millisecond, off: 100 * time.Millisecond, peak: 6000, gain: 1}
	for gap := range 20 {
		lost := func(i int) bool { return i == gap || i == gap+1 }
		if got := keysIn(Narrow, d.sound(), lost); got != "58" {
			t.Errorf("without frames %d and %d: %q", gap, gap+1, got)
		}
	}
}

func TestDTMFAllocatesNothing(t *testing.T) {
	d, pcm := NewDTMF(Narrow), make([]int16, 160)
	for i := range pcm {
		pcm[i] = int16(i * 100)
	}
	if n := testing.AllocsPerRun(100, func() { d.Frame(pcm) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
