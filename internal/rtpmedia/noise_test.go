package rtpmedia

import (
	"math"
	"testing"
)

// ring is the correlation of neighbouring samples: 0 is white, near 1 is a rumble, near -1 a hiss.
func ring(pcm []int16) float64 {
	var a, b float64
	for i := 1; i < len(pcm); i++ {
		a += float64(pcm[i]) * float64(pcm[i-1])
		b += float64(pcm[i]) * float64(pcm[i])
	}
	return a / b
}

func TestComfortNoiseOfRFC3389(t *testing.T) {
	for _, c := range []struct {
		name    string
		payload []byte
		ring    float64
	}{
		{"level alone is white noise (§3.1)", []byte{40}, 0},
		{"the first bit is not the level's", []byte{0x80 | 40}, 0},
		{"127 is a coefficient of zero (§3.2)", []byte{40, 127, 127}, 0},
		{"a negative one is low noise", []byte{40, 127 - 64}, 0.5},
		{"a positive one high noise", []byte{40, 127 + 64}, -0.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			var n Noise
			n.Packet(c.payload)
			pcm := make([]int16, 16000)
			n.Fill(pcm)
			if l := 10 * math.Log10(power(pcm)/(32768*32768)); l < -40.6 || l > -39.4 {
				t.Errorf("%.1f dBov, want -40", l)
			}
			if r := ring(pcm); math.Abs(r-c.ring) > 0.06 {
				t.Errorf("correlation %.2f, want %.2f", r, c.ring)
			}
		})
	}
}

func TestComfortNoiseIsBoundedWhateverThePayload(t *testing.T) {
	pcm := make([]int16, 320)
	for _, p := range [][]byte{nil, {0}, {127}, {0, 0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0, 255}, make([]byte, 200)} {
		var n Noise
		n.Packet(p)
		for range 100 {
			n.Fill(pcm)
		}
		if len(p) < 2 && p != nil && p[0] == 127 && power(pcm) > 0 {
			t.Error("-127 dBov is silence")
		}
	}
}

func TestPausesAreAnnouncedAndRepeated(t *testing.T) {
	var p Pauses
	var got []byte
	for i := range 60 {
		switch sound, noise := p.Beat(i < 5 || i == 58); {
		case sound:
			got = append(got, 's')
		case noise:
			got = append(got, 'n')
		default:
			got = append(got, '.')
		}
	}
	want := "sssss" + "ssssssssss" + "n.........n.........n.........n.........n.." + "s" + "s"
	if string(got) != want {
		t.Errorf("\n%s, want\n%s", got, want)
	}
}
