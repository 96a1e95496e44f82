package rtpmedia

import "testing"

func TestGapsAreLossesOnlyWhereAPacketIsMissing(t *testing.T) {
	// Each letter is a beat: s sound, n comfort noise, l a lost packet, . nothing was sent, j a packet that comes a beat late.
	for _, c := range []struct {
		name, beats   string
		covered, runs int64
	}{
		{"all is there", "ssssssss", 0, 0},
		{"a packet is lost", "sssslsss", 1, 1},
		{"two in a row, then one", "sslllsslss", 4, 2},
		{"a pause without comfort noise: the sequence goes on (RFC 3551 §4.1)", "sss......sss", 0, 0},
		{"a pause with comfort noise (RFC 3389 §4)", "sssn....n...sss", 0, 0},
		{"the last packet before a pause was lost", "sssln....sss", 1, 1},
		{"a late packet was covered though it is not missing", "sssjsss", 1, 1},
		{"before the first sound nothing is missing", "....sss", 0, 0},
		{"a talker who went away lost nothing", "sss....................", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var g Gaps
			seq, ts := uint16(65533), uint32(1<<32-500)
			for _, b := range c.beats {
				p := Packet{Sequence: seq, Timestamp: ts}
				got := false
				switch b {
				case 's':
					g.Sound(p, Beat)
					got = true
				case 'n':
					g.Noise(p)
				}
				g.Beat(got)
				if b == 'j' {
					g.Sound(p, Beat)
				}
				if b != '.' {
					seq++
				}
				ts += Beat
			}
			if g.covered != c.covered || g.runs != c.runs {
				t.Errorf("%d beats covered in %d runs, want %d and %d", g.covered, g.runs, c.covered, c.runs)
			}
		})
	}
}
