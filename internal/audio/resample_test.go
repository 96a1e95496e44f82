package audio

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

func tone(rate, freq Hz, n int) []int16 {
	pcm := make([]int16, n)
	t := Tone{Rate: rate, Frequency: freq, Peak: 10000}
	t.Fill(pcm)
	return pcm
}

// power of one frequency in pcm, as an amplitude.
func power(pcm []int16, rate, freq Hz) float64 {
	var re, im float64
	for i, v := range pcm {
		a := 2 * math.Pi * float64(freq) * float64(i) / float64(rate)
		re, im = re+float64(v)*math.Cos(a), im+float64(v)*math.Sin(a)
	}
	return 2 * math.Hypot(re, im) / float64(len(pcm))
}

func TestResamplingKeepsWhatIsInTheBand(t *testing.T) {
	for _, c := range []struct{ from, to, freq Hz }{
		{8000, 16000, 300}, {8000, 16000, 1000}, {8000, 16000, 3300}, {16000, 8000, 300}, {16000, 8000, 3300}, {24000, 16000, 1000}, {24000, 16000, 6500},
		{22050, 16000, 3000}, {44100, 16000, 3000}, {48000, 16000, 6000}, {44100, 8000, 3000},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			got, err := Resample(tone(c.from, c.freq, int(c.from)), c.from, c.to)
			if err != nil || len(got) != int(c.to) {
				t.Fatalf("%d samples, %v", len(got), err)
			}
			if db := 20 * math.Log10(power(got[400:len(got)-400], c.to, c.freq)/10000); math.Abs(db) > 0.1 {
				t.Errorf("%.2f dB", db)
			}
		})
	}
}

func TestResamplingKeepsOutWhatWouldFoldBack(t *testing.T) {
	for _, c := range []struct{ from, to, freq, ghost Hz }{
		{16000, 8000, 4700, 3300}, {16000, 8000, 7000, 1000}, {24000, 16000, 9500, 6500}, {48000, 16000, 15000, 1000}, {8000, 16000, 3300, 4700},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			got, err := Resample(tone(c.from, c.freq, int(c.from)), c.from, c.to)
			if err != nil {
				t.Fatal(err)
			}
			if db := 20 * math.Log10(power(got[400:len(got)-400], c.to, c.ghost)/10000); db > -60 {
				t.Errorf("ghost at %d Hz with %.1f dB", c.ghost, db)
			}
		})
	}
}

// Silence is not filtered; what surrounds it must not be heard of that.
func TestSoundAroundSilenceIsWhole(t *testing.T) {
	for _, c := range []struct{ from, to Hz }{{8000, 16000}, {16000, 8000}, {24000, 16000}} {
		in := slices.Concat(make([]int16, 1000), tone(c.from, 400, 500), make([]int16, 1000), tone(c.from, 400, 500), make([]int16, 1000))
		got, err1 := Resample(in, c.from, c.to)
		for i := range in { // the same but for a hiss that keeps the filter at work
			in[i] += int16(i%2)*2 - 1
		}
		want, err2 := Resample(in, c.from, c.to)
		if err := errors.Join(err1, err2); err != nil || len(got) != len(want) {
			t.Fatalf("%d and %d samples, %v", len(got), len(want), err)
		}
		for i := range got {
			if d := int(got[i]) - int(want[i]); d < -4 || d > 4 {
				t.Fatalf("%v: sample %d is %d, want about %d", c, i, got[i], want[i])
			}
		}
	}
}

func TestStreamEqualsWhole(t *testing.T) {
	in := tone(24000, 900, 4800)
	whole, err := NewResampler(24000, 16000)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := NewResampler(24000, 16000)
	if err != nil {
		t.Fatal(err)
	}
	want := whole.Process(nil, in)
	var got []int16
	for size := 1; len(in) > 0; size = size%97 + 13 {
		n := min(size, len(in))
		got, in = parts.Process(got, in[:n]), in[n:]
	}
	if len(got) != len(want) {
		t.Fatalf("%d samples, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("sample %d is %d, want %d", i, got[i], want[i])
		}
	}
}

func TestFramesStayFrames(t *testing.T) {
	for _, c := range []struct{ from, to Hz }{{8000, 16000}, {16000, 8000}} {
		r, err := NewResampler(c.from, c.to)
		if err != nil {
			t.Fatal(err)
		}
		in, out := tone(c.from, 440, c.from.Samples(20*time.Millisecond)), make([]int16, 0, 320)
		for range 5 {
			if got := r.Process(out[:0], in); len(got) != c.to.Samples(20*time.Millisecond) {
				t.Errorf("%d to %d: %d samples", c.from, c.to, len(got))
			}
		}
		if n := testing.AllocsPerRun(100, func() { r.Process(out[:0], in) }); n != 0 {
			t.Errorf("%d to %d: %v allocations a frame", c.from, c.to, n)
		}
	}
}

func TestDelayIsWhatIsSaid(t *testing.T) {
	for _, c := range []struct{ from, to Hz }{{8000, 16000}, {16000, 8000}, {24000, 16000}, {44100, 16000}} {
		r, err := NewResampler(c.from, c.to)
		if err != nil {
			t.Fatal(err)
		}
		in := make([]int16, 2000)
		in[0] = 20000
		peak, at := int16(0), 0
		for i, v := range r.Process(nil, in) {
			if v > peak {
				peak, at = v, i
			}
		}
		if d := at - r.Delay(); d < -1 || d > 1 {
			t.Errorf("%d to %d: the click comes at %d, Delay says %d", c.from, c.to, at, r.Delay())
		}
	}
}

func TestImpossibleRatesAreRefused(t *testing.T) {
	if _, err := NewResampler(0, 8000); err == nil {
		t.Error("0 Hz was taken")
	}
}

func BenchmarkResampleFrame(b *testing.B) {
	for _, c := range []struct{ from, to Hz }{{8000, 16000}, {16000, 8000}} {
		b.Run(fmt.Sprintf("%d-%d", c.from, c.to), func(b *testing.B) {
			r, err := NewResampler(c.from, c.to)
			if err != nil {
				b.Fatal(err)
			}
			in, out := tone(c.from, 440, int(c.from)/50), make([]int16, 0, 320)
			b.ReportAllocs()
			for b.Loop() {
				out = r.Process(out[:0], in)
			}
		})
	}
}
