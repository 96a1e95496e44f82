package rtpmedia

import (
	"math"
	"testing"
	"time"
)

func TestEModelOfG107(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name   string
		p      Path
		r, mos float64
	}{
		{"the default connection (G.107 table 2): R 93.2, MOS 4.41", Path{Impairment: ImpairmentG711()}, 93.2, 4.41},
		{"a delay of 100 ms costs nothing (§7.4)", Path{Impairment: ImpairmentG711(), Delay: 100 * ms}, 93.2, 4.41},
		{"one of 200 ms little", Path{Impairment: ImpairmentG711(), Delay: 200 * ms}, 90.2, 4.34},
		{"one of 400 ms much", Path{Impairment: ImpairmentG711(), Delay: 400 * ms}, 69.2, 3.57},
		{"3 % random loss (§7.5)", Path{Impairment: ImpairmentG711(), Loss: 0.03, Burst: 1}, 93.2 - 95*3/(3+25.1), 4.14},
		{"bursts are worse", Path{Impairment: ImpairmentG711(), Loss: 0.03, Burst: 3}, 93.2 - 95*3/(3/2.91+25.1), 4.12},
		{"nothing comes through", Path{Impairment: ImpairmentG711(), Loss: 1}, 93.2 - 95*100/125.1, 1.18},
	} {
		r := c.p.Rating()
		if mos := MOS(r); math.Abs(r-c.r) > 0.15 || math.Abs(mos-c.mos) > 0.02 {
			t.Errorf("%s: R %.2f, MOS %.3f, want %.1f and %.2f", c.name, r, mos, c.r, c.mos)
		}
	}
	if MOS(-5) != 1 || MOS(120) != 4.5 || MOS(3) != 1 {
		t.Error("outside of the scale (annex B)")
	}
}
