package audio

import "testing"

// Values of ITU-T G.711 (tables 1a and 2a, in 16-bit scale): code, value.
var golden = map[Law]map[byte]int16{
	PCMU: {0xFF: 0, 0x7F: 0, 0xFE: 8, 0x7E: -8, 0xF0: 120, 0xEF: 132, 0x80: 32124, 0x00: -32124, 0x8F: 16764, 0x0F: -16764, 0xA0: 7932},
	PCMA: {0xD5: 8, 0x55: -8, 0xD4: 24, 0x54: -24, 0xC5: 264, 0x45: -264, 0xAA: 32256, 0x2A: -32256, 0x85: 4224, 0x80: 5504},
}

func TestG711DecodesAsTheStandardSays(t *testing.T) {
	for law, values := range golden {
		for code, want := range values {
			var got [1]int16
			law.Decode(got[:], []byte{code})
			if got[0] != want {
				t.Errorf("%s %#02x is %d, want %d", law, code, got[0], want)
			}
		}
	}
}

// The decision values of the standard lie half a step of the chord away from its value.
func TestG711EncodesWithinTheStandardsDecisionValues(t *testing.T) {
	halfStep := func(l Law, code byte) int {
		if l == PCMU {
			return 4 << (^code >> 4 & 7)
		}
		return 8 << max(0, int((code^0x55)>>4&7)-1)
	}
	for _, law := range []Law{PCMU, PCMA} {
		for v := -32635; v <= 32635; v++ {
			var code [1]byte
			law.Encode(code[:], []int16{int16(v)})
			if d := distance(law, code[0], v); d > halfStep(law, code[0]) {
				t.Fatalf("%s: %d is coded %#02x, %d away", law, v, code[0], d)
			}
		}
		for _, v := range []int{-32768, 32767} {
			var code [1]byte
			if law.Encode(code[:], []int16{int16(v)}); distance(law, code[0], v) > 700 {
				t.Errorf("%s: %d wraps to %#02x", law, v, code[0])
			}
		}
	}
}

func distance(l Law, code byte, v int) int {
	var got [1]int16
	l.Decode(got[:], []byte{code})
	return max(int(got[0])-v, v-int(got[0]))
}

func TestSilenceIsTheCodeThatOthersSend(t *testing.T) {
	for _, law := range []Law{PCMU, PCMA} {
		codes := make([]byte, 3)
		law.Encode(codes, []int16{0, -1, 1})
		if codes[0] != law.Silence() || law == PCMU && (codes[1] != 0xFF || codes[2] != 0xFF) {
			t.Errorf("%s: %#x", law, codes)
		}
	}
}

func TestG711RoundTripKeepsEveryCode(t *testing.T) {
	for _, law := range []Law{PCMU, PCMA} {
		for c := range 256 {
			pcm, back := make([]int16, 1), make([]byte, 1)
			law.Decode(pcm, []byte{byte(c)})
			law.Encode(back, pcm)
			if back[0] != byte(c) && !(law == PCMU && c == 0x7F) {
				t.Errorf("%s %#02x comes back as %#02x", law, c, back[0])
			}
		}
	}
}

func BenchmarkG711Frame(b *testing.B) {
	pcm, code := make([]int16, 160), make([]byte, 160)
	tone := Tone{Rate: Narrow, Frequency: 440, Peak: 9000}
	tone.Fill(pcm)
	b.ReportAllocs()
	for b.Loop() {
		PCMU.Encode(code, pcm)
		PCMU.Decode(pcm, code)
	}
}
