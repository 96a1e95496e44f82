//go:build !race

package stream

import (
	"testing"

	"github.com/parley-voice/parley/internal/rtpmedia"
)

// The race detector empties the pools of the standard library's ciphers at random, so that allocations are counted without it.
func TestSRTPAllocatesNothingForAFrame(t *testing.T) {
	for name, suite := range suites {
		near, far := ring(suite)
		a, b := lock(t, near), lock(t, far)
		d, i := rtpmedia.Packet{SSRC: 77, Payload: sound}.Append(nil), 0
		if n := testing.AllocsPerRun(500, func() {
			i++
			d[2], d[3] = byte(i>>8), byte(i)
			sealed, _ := a.seal(d)
			if _, ok := b.open(sealed); !ok {
				t.Fatal("not opened")
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
