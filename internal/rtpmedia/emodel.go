package rtpmedia

import (
	"math"
	"time"
)

// Impairment is what a codec does to speech by ITU-T G.113 appendix I: Ie without loss, Bpl how robust it is against loss.
type Impairment struct{ Ie, Bpl float64 }

// ImpairmentG711 is that of G.711 with the concealment of its appendix I, under random loss.
func ImpairmentG711() Impairment { return Impairment{0, 25.1} }

// ImpairmentG722 is that of G.722 at 64 kbit/s on the narrowband scale.
func ImpairmentG722() Impairment { return Impairment{13, 14} }

// Path is what the E-model is told of a connection.
type Path struct {
	Impairment
	Loss  float64       // share of packets that could not be played, 0 to 1
	Burst float64       // mean number of packets lost in a row; below 1 counts as random
	Delay time.Duration // from mouth to ear, one way
}

// clean is R with all parameters of G.107 table 2 at their defaults, before delay and loss.
const clean = 93.2

// Rating is the transmission rating R of the E-model (ITU-T G.107), with all parameters but delay and loss at the defaults of its
// table 2 and no echo.
func (p Path) Rating() float64 {
	return clean - p.delayed() - p.effective()
}

// delayed is the impairment Idd by absolute delay (G.107 §7.4, equations 7-27 and 7-28).
func (p Path) delayed() float64 {
	ms := float64(p.Delay) / float64(time.Millisecond)
	if ms <= 100 {
		return 0
	}
	x := math.Log2(ms / 100)
	return 25 * (math.Pow(1+math.Pow(x, 6), 1.0/6) - 3*math.Pow(1+math.Pow(x/3, 6), 1.0/6) + 2)
}

// effective is the impairment Ie-eff by codec and loss (G.107 §7.5, equation 7-29).
func (p Path) effective() float64 {
	loss := 100 * min(max(p.Loss, 0), 1)
	burst := max(1, p.Burst*(1-loss/100))
	if loss == 0 {
		return p.Ie
	}
	return p.Ie + (95-p.Ie)*loss/(loss/burst+p.Bpl)
}

// MOS is the estimated mean opinion score of a rating, 1 to 4.5 (G.107 annex B).
func MOS(r float64) float64 {
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	return max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6)
}
