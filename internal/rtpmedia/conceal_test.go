package rtpmedia

import (
	"fmt"
	"math"
	"testing"
)

// voiced is a sum of harmonics like a vowel's, n samples a beat.
func voiced(n int, pitch float64) func() []int16 {
	at := 0
	return func() []int16 {
		pcm := make([]int16, n)
		for i := range pcm {
			var v float64
			for h := 1.0; h <= 6; h++ {
				v += 3000 / h * math.Sin(2*math.Pi*pitch*h*float64(at)/float64(n*50))
			}
			pcm[i] = int16(v)
			at++
		}
		return pcm
	}
}

// off is how far a beat is from what it should have been, in dB of its power: 0 is as wrong as silence.
func off(got, want []int16) float64 {
	var e, p float64
	for i := range got {
		d := float64(got[i]) - float64(want[i])
		e += d * d
		p += float64(want[i]) * float64(want[i])
	}
	return 10 * math.Log10(e/p+1e-9)
}

func TestG711AppendixIConcealsALostBeatOfAVowelByItsPitch(t *testing.T) {
	for _, n := range []int{160, 320} {
		for _, pitch := range []float64{70, 110, 123.4, 150, 190} {
			t.Run(fmt.Sprintf("%d samples a beat, %v Hz", n, pitch), func(t *testing.T) {
				var c Concealer
				talk := voiced(n, pitch)
				for range 5 {
					c.Good(talk())
				}
				want, got := talk(), make([]int16, n)
				c.Fill(got)
				if e := off(got, want); e > -8 {
					t.Errorf("%.1f dB off", e)
				}
			})
		}
	}
}

func TestConcealmentHasNoSteps(t *testing.T) {
	for _, n := range []int{160, 320} {
		var c Concealer
		talk := voiced(n, 123.4)
		var heard []int16
		for i := range 20 {
			pcm := talk()
			if i == 8 || i == 9 || i == 14 {
				c.Fill(pcm)
			} else {
				c.Good(pcm)
			}
			heard = append(heard, pcm...)
		}
		steepest := func(pcm []int16) (s float64) {
			for i := 1; i < len(pcm); i++ {
				s = max(s, math.Abs(float64(pcm[i])-float64(pcm[i-1])))
			}
			return s
		}
		if clean, gap := steepest(heard[:8*n]), steepest(heard[8*n:]); gap > 1.3*clean {
			t.Errorf("%d samples a beat: a step of %.0f, clean sound has %.0f", n, gap, clean)
		}
	}
}

func TestConcealmentFadesOutWithin60ms(t *testing.T) {
	for _, n := range []int{160, 320} {
		var c Concealer
		talk := voiced(n, 100)
		for range 5 {
			c.Good(talk())
		}
		last, got := math.Inf(1), make([]int16, n)
		for i := range 3 {
			c.Fill(got)
			p := power(got)
			if p > last || p == 0 {
				t.Errorf("beat %d has the power %.0f after %.0f", i, p, last)
			}
			last = p
		}
		if tail := power(got[n/2:]); tail > 0.1*power(talk()) {
			t.Errorf("the power is %.0f before the end", tail)
		}
		if c.Fill(got); power(got) != 0 {
			t.Error("there is still sound after 60 ms")
		}
	}
}

func power(pcm []int16) (p float64) {
	for _, v := range pcm {
		p += float64(v) * float64(v)
	}
	return p / float64(len(pcm))
}

func TestNothingIsMadeUpOfNothing(t *testing.T) {
	var c Concealer
	got := []int16{1, 2, 3, 4, 5, 6, 7, 8}
	got = append(got, make([]int16, 152)...)
	if c.Fill(got); power(got) != 0 {
		t.Error("sound out of nothing")
	}
}

func TestConcealmentAllocatesNothing(t *testing.T) {
	var c Concealer
	pcm := voiced(320, 120)()
	if n := testing.AllocsPerRun(100, func() { c.Good(pcm); c.Fill(pcm); c.Good(pcm) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkConceal(b *testing.B) {
	var c Concealer
	pcm := voiced(320, 120)()
	b.ReportAllocs()
	for b.Loop() {
		c.Good(pcm)
		c.Fill(pcm)
	}
}
