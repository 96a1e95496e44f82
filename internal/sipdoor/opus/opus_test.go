package opus

import (
	"math"
	"testing"
)

func loaded(t testing.TB) *Library {
	t.Helper()
	l, err := Load()
	if err != nil {
		t.Skip(err)
	}
	return l
}

func pair(t testing.TB, s Settings) (*Encoder, *Decoder) {
	t.Helper()
	l := loaded(t)
	e, err := l.NewEncoder(s)
	if err != nil {
		t.Fatal(err)
	}
	d, err := l.NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	return e, d
}

func tone(freq float64, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*freq*float64(i)/Rate))
	}
	return pcm
}

func amplitude(pcm []int16, freq float64) float64 {
	var re, im float64
	for i, v := range pcm {
		a := 2 * math.Pi * freq * float64(i) / Rate
		re, im = re+float64(v)*math.Cos(a), im+float64(v)*math.Sin(a)
	}
	return 2 * math.Hypot(re, im) / float64(len(pcm))
}

func TestWhatIsCodedIsHeard(t *testing.T) {
	for _, n := range []int{160, 320, 640, 960} {
		for _, s := range []Settings{{}, {FEC: true}, {Bitrate: 16000, Constant: true}, {Playback: 12000}} {
			e, d := pair(t, s)
			in, out := tone(440, 960*40), []int16(nil)
			for at := 0; at < len(in); at += n {
				code, pcm := make([]byte, 480), make([]int16, LongestFrame)
				size := e.Encode(code, in[at:at+n])
				if size == 0 || Samples(code[:size]) != n {
					t.Fatalf("%d samples: %d bytes of %d samples", n, size, Samples(code[:size]))
				}
				if got := d.Decode(pcm, code[:size]); got != n {
					t.Fatalf("%d samples come back as %d", n, got)
				}
				out = append(out, pcm[:n]...)
			}
			if a := amplitude(out[8000:], 440); a < 7000 || a > 9000 {
				t.Errorf("%d samples, %+v: amplitude %.0f", n, s, a)
			}
		}
	}
}

// RFC 7587 §3.3: the packet after a lost one carries a copy of it.
func TestALostPacketIsMadeUpFromTheNext(t *testing.T) {
	const lost = 5
	e, d := pair(t, Settings{FEC: true})
	_, whole := pair(t, Settings{})
	in := tone(300, 320*(lost+2))
	var codes [][]byte
	for at := 0; at < len(in); at += 320 {
		code := make([]byte, 480)
		codes = append(codes, code[:e.Encode(code, in[at:at+320])])
	}
	got, want := make([]int16, 320), make([]int16, 320)
	for _, c := range codes[:lost] {
		d.Decode(got, c)
		whole.Decode(want, c)
	}
	whole.Decode(want, codes[lost])
	if n := d.Conceal(got, codes[lost+1]); n != 320 {
		t.Fatalf("%d samples made up", n)
	}
	var power, fault float64
	for i, v := range want {
		power, fault = power+float64(v)*float64(v), fault+float64(v-got[i])*float64(v-got[i])
	}
	if db := 10 * math.Log10(power/fault); db < 20 { // what is made up of nothing is 11 dB like it
		t.Errorf("%.1f dB like what was lost", db)
	}
	if n := d.Conceal(got, nil); n != 320 {
		t.Errorf("%d samples made up of nothing", n)
	}
}

// RFC 6716 §3.1, table 2.
func TestSamples(t *testing.T) {
	for _, c := range []struct {
		packet []byte
		ms     float64
	}{
		{nil, 0}, {[]byte{0}, 10}, {[]byte{1 << 3}, 20}, {[]byte{2 << 3}, 40}, {[]byte{3 << 3}, 60}, {[]byte{11<<3 | 1}, 120},
		{[]byte{12 << 3}, 10}, {[]byte{15 << 3}, 20}, {[]byte{16 << 3}, 2.5}, {[]byte{31<<3 | 2}, 40}, {[]byte{17<<3 | 3, 4}, 20},
		{[]byte{31<<3 | 3, 7}, 0}, {[]byte{31<<3 | 3}, 0},
	} {
		if got := Samples(c.packet); got != int(c.ms*Rate/1000) {
			t.Errorf("%v holds %d samples, want %.1f ms", c.packet, got, c.ms)
		}
	}
}

func TestGarbageIsNoSound(t *testing.T) {
	_, d := pair(t, Settings{})
	pcm := make([]int16, LongestFrame)
	for i := range 2000 {
		b := []byte{byte(i), byte(i >> 3), byte(i * 7), byte(i * 13)}
		d.Decode(pcm[:320], b[:1+i%4])
		d.Conceal(pcm[:320], b[:1+i%4])
	}
}

func TestCodingAllocatesNothing(t *testing.T) {
	e, d := pair(t, Settings{FEC: true})
	in, out, code := tone(440, 320), make([]int16, LongestFrame), make([]byte, 480)
	if n := testing.AllocsPerRun(200, func() { d.Decode(out, code[:e.Encode(code, in)]) }); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

func BenchmarkFrame(b *testing.B) {
	e, d := pair(b, Settings{FEC: true})
	in, out, code := tone(440, 320), make([]int16, LongestFrame), make([]byte, 480)
	b.ReportAllocs()
	for b.Loop() {
		d.Decode(out, code[:e.Encode(code, in)])
	}
}
