package rtpmedia

import (
	"math"
	"math/rand/v2"
	"testing"
)

// network is a line with delay that varies: packets come late by it, in ticks; -1 is lost.
type network func(i int) int

// over plays packets of a beat over a network and gives, from the warm-up on, the share of packets that were late and the mean wait of
// the earliest ones in beats, and the most ticks that ever waited. talking says in which beats there is speech: only the others may be dropped.
func over(n network, packets, warmUp int, talking func(i int) bool) (late, wait float64, worst int) {
	var b Buffer
	arrivals := map[int][]int{}
	for i := range packets {
		if d := n(i); d >= 0 {
			at := (i*Beat + d) / Beat
			arrivals[at] = append(arrivals[at], i)
		}
	}
	var beat [Beat]byte
	before, waits, beats := int64(0), 0, 0
	for t := range packets {
		for _, i := range arrivals[t] {
			b.Put(uint32(i*Beat), make([]byte, Beat), uint32(i*Beat+n(i)))
		}
		worst = max(worst, b.Waiting())
		quiet := !talking(t)
		if b.Stretch(quiet) {
			continue
		}
		b.Pop(&beat, 0xFF)
		if quiet && b.Shed() {
			b.Pop(&beat, 0xFF)
		}
		if t == warmUp {
			before = b.Late()
		}
		if t >= warmUp {
			waits += b.Waits()
			beats++
		}
	}
	return float64(b.Late()-before) / float64(packets-warmUp), float64(waits) / float64(beats) / Beat, worst
}

// jittery draws once for each packet.
func jittery(packets int, draw func(r *rand.Rand) float64) network {
	r, d := rand.New(rand.NewPCG(3, 4)), make([]int, packets)
	for i := range d {
		d[i] = int(math.Max(0, draw(r)) * 8)
	}
	return func(i int) int { return d[i] }
}

func always(int) bool { return true }

func halfOfTheTime(i int) bool { return i/100%2 == 0 }

func TestDelayFollowsWhatItMeasures(t *testing.T) {
	const packets = 4000
	for _, c := range []struct {
		name              string
		n                 network
		late, least, most float64 // share; beats
	}{
		{"a punctual line", func(int) int { return 0 }, 0, 0.9, 2},
		{"one that is slow but even", func(int) int { return 700 }, 0, 0.9, 2},
		{"10 ms of jitter", jittery(packets, func(r *rand.Rand) float64 { return 30 + 5*r.NormFloat64() }), 0.015, 0.9, 3.2},
		{"40 ms of jitter", jittery(packets, func(r *rand.Rand) float64 { return 100 + 20*r.NormFloat64() }), 0.02, 4, 8},
		{"one packet of 500 is 300 ms late: not worth waiting for", func(i int) int { return i % 500 / 499 * 2400 }, 0.0025, 0.9, 3},
		{"the talker's clock is slow by 100 ppm", func(i int) int { return i * Beat / 10000 }, 0.005, 0.9, 2.2},
	} {
		t.Run(c.name, func(t *testing.T) {
			late, wait, _ := over(c.n, packets, 500, halfOfTheTime)
			if late > c.late || wait < c.least || wait > c.most {
				t.Errorf("%.2f %% late, sound waits %.1f beats", 100*late, wait)
			}
		})
	}
}

func TestDelayGrowsAtOnceAndShrinksInPauses(t *testing.T) {
	bad := jittery(3000, func(r *rand.Rand) float64 { return 80 * r.Float64() })
	rough := func(i int) int { // 10 s even, 20 s rough, 30 s even
		if i < 500 || i >= 1500 {
			return 0
		}
		return bad(i)
	}
	if late, _, _ := over(rough, 3000, 600, always); late > 0.01 {
		t.Errorf("%.2f %% late from 2 s after the line became rough", 100*late)
	}
	if _, wait, _ := over(rough, 3000, 2500, halfOfTheTime); wait > 2.2 {
		t.Errorf("20 s after the line became even again sound waits %.1f beats", wait)
	}
	if _, wait, _ := over(rough, 3000, 2500, always); wait < 3 {
		t.Errorf("speech was dropped: sound waits %.1f beats", wait)
	}
}

func TestDelayNeverExceedsItsBound(t *testing.T) {
	awful := jittery(2000, func(r *rand.Rand) float64 { return 500 * r.Float64() })
	if _, _, worst := over(awful, 2000, 500, halfOfTheTime); worst > most || worst < most/2 {
		t.Errorf("%d ticks waited at worst", worst)
	}
}
