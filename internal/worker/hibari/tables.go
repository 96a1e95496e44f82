package hibari

import (
	"math"
	"math/rand/v2"
)

const steps = 4096 // of the sine table in one turn

// tables hold what every sentence reads. The functions over them are good to some 1e-6, and three times faster than math's,
// which would take two thirds of the synthesis.
type tables struct {
	window  [size]float64                // Hann
	source  [size]float64                // the window in front of the network's gains
	sines   [steps + steps/4 + 2]float32 // one turn and a quarter, for the cosine
	normals [1 << 15]float32             // noise, read from a random place for each frame
}

func newTables() *tables {
	t := &tables{}
	for i := range t.window {
		t.window[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/size)
		t.source[i] = t.window[i] / hop
	}
	for i := range t.sines {
		t.sines[i] = float32(math.Sin(2 * math.Pi * float64(i) / steps))
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range t.normals {
		t.normals[i] = float32(r.NormFloat64())
	}
	return t
}

// sincos takes an angle in turns.
func (t *tables) sincos(turns float64) (sin, cos float32) {
	x := (turns - math.Floor(turns)) * steps
	i := min(int(x), steps-1)
	f := float32(x - float64(i))
	a, b := t.sines[i], t.sines[i+1]
	c, d := t.sines[i+steps/4], t.sines[i+steps/4+1]
	return a + f*(b-a), c + f*(d-c)
}

// exp is e to x for x up to 88; very small results are 0.
func exp(x float32) float32 {
	y := x * math.Log2E
	if !(y > -126) {
		return 0
	}
	k := float32(int32(y+16384.5) - 16384) // rounded
	f := (y - k) * math.Ln2
	p := 1 + f*(1+f*(0.5+f*(1.0/6+f*(1.0/24+f*(1.0/120)))))
	return math.Float32frombits(uint32(int32(k)+127)<<23) * p
}

func tanh(x float32) float32 {
	switch {
	case x > 9:
		return 1
	case x < -9:
		return -1
	}
	e := exp(2 * x)
	return (e - 1) / (e + 1)
}
