package audio

// G.722 (ITU-T, 64 kbit/s) codes 16 kHz sound as a byte for two samples: a filter bank halves the band, and each half is coded by an
// adaptive predictor, the lower with 6 bits a sample and the upper with 2. The blocks of the recommendation are named in capitals.

// G722Encoder codes one stream of sound. The zero value is ready; it belongs to one goroutine.
type G722Encoder struct {
	lower, upper subBand
	past         [qmfTaps]int32
	begun        bool
}

// G722Decoder decodes one stream of sound. The zero value is ready; it belongs to one goroutine.
type G722Decoder struct {
	lower, upper subBand
	past         [qmfTaps]int32
	begun        bool
}

// qmfTaps is the length of the filter bank (§3.1, table 11); its second half mirrors the first.
const qmfTaps = 24

var qmf = [qmfTaps / 2]int32{3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11}

// Encode codes an even number of 16 kHz samples into dst, which has room for half as many bytes, and returns their number.
func (e *G722Encoder) Encode(dst []byte, src []int16) int {
	if !e.begun {
		e.begun = true
		e.lower.scale, e.upper.scale = 32, 8
	}
	n := len(src) / 2
	dst = dst[:n]
	for i := range dst {
		lower, upper := e.split(int32(src[2*i]), int32(src[2*i+1]))
		dst[i] = e.upper.codeUpper(upper)<<6 | e.lower.codeLower(lower)
	}
	return n
}

// split is the transmit filter bank.
func (e *G722Encoder) split(first, second int32) (lower, upper int32) {
	copy(e.past[:], e.past[2:])
	e.past[qmfTaps-2], e.past[qmfTaps-1] = first, second
	var odd, even int32
	for i, c := range qmf {
		odd += e.past[2*i] * c
		even += e.past[2*i+1] * qmf[len(qmf)-1-i]
	}
	return (even + odd) >> 14, (even - odd) >> 14
}

// Decode expands src into dst, which has room for two samples a byte, and returns their number.
func (d *G722Decoder) Decode(dst []int16, src []byte) int {
	if !d.begun {
		d.begun = true
		d.lower.scale, d.upper.scale = 32, 8
	}
	dst = dst[:2*len(src)]
	for i, code := range src {
		lower, upper := d.lower.soundLower(int32(code&0x3F)), d.upper.soundUpper(int32(code>>6))
		dst[2*i], dst[2*i+1] = d.join(lower, upper)
	}
	return len(dst)
}

// join is the receive filter bank.
func (d *G722Decoder) join(lower, upper int32) (first, second int16) {
	copy(d.past[:], d.past[2:])
	d.past[qmfTaps-2], d.past[qmfTaps-1] = lower+upper, lower-upper
	var odd, even int32
	for i, c := range qmf {
		even += d.past[2*i] * c
		odd += d.past[2*i+1] * qmf[len(qmf)-1-i]
	}
	return int16(saturate(odd >> 11)), int16(saturate(even >> 11))
}

func saturate(v int32) int32 { return min(max(v, -32768), 32767) }

// subBand is the state of one half: quantizer scale, and the predictor of two poles and six zeros.
type subBand struct {
	log   int32    // NABLA: of the scale factor
	scale int32    // DET: the quantizer's step
	pole  [2]int32 // A
	zero  [6]int32 // B
	diff  [6]int32 // D: differences, newest first
	sound [2]int32 // R: reconstructed
	part  [2]int32 // P: reconstructed by the zeros alone
	zeros int32    // SZ: what the zeros predict
	guess int32    // S: what is predicted
}

// Tables of the lower band: decision levels (table 4), codes for negative and positive differences (table 5), 4- and 6-bit values
// (tables 6 and 7, the latter also 8), and the logarithmic factors (tables 9 and 10).
var (
	lowerLevels = [30]int32{
		0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219, 1339, 1458, 1612, 1765,
		1980, 2195, 2557, 2919,
	}
	lowerValues4 = [16]int32{
		0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0,
	}
	lowerValues6 = [64]int32{
		-136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856,
		-7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040, -728,
		24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
		4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
	}
	lowerFactors = [16]int32{-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60}
	antilog      = [32]int32{
		2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
		2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
	}
	upperValues  = [4]int32{-7408, -1616, 7408, 1616}
	upperFactors = [4]int32{798, -214, 798, -214}
)

// upperLevel is the only decision level of the upper band.
const upperLevel = 564

// codeLower quantizes a sample of the lower band (QUANTL) and adapts.
func (b *subBand) codeLower(v int32) byte {
	diff := saturate(v - b.guess)
	size, i := diff, 1
	if diff < 0 {
		size = -(diff + 1)
	}
	for i < len(lowerLevels) && size >= lowerLevels[i]*b.scale>>12 {
		i++
	}
	code := int32(62 - i) // positive: 61 down to 32
	switch {
	case diff < 0 && i < 3: // the two smallest negative ones stand at the end
		code = int32(64 - i)
	case diff < 0:
		code = int32(34 - i)
	}
	b.adaptLower(code >> 2)
	return byte(code)
}

// soundLower reconstructs a sample of the lower band from its code (INVQBL, LIMIT) and adapts.
func (b *subBand) soundLower(code int32) int32 {
	v := b.guess + b.scale*lowerValues6[code]>>15
	b.adaptLower(code >> 2)
	return min(max(v, -16384), 16383)
}

// adaptLower follows the four upper bits of a code, so that both ends stay alike in all modes (INVQAL, LOGSCL, SCALEL).
func (b *subBand) adaptLower(code int32) {
	diff := b.scale * lowerValues4[code] >> 15
	b.log = min(max(b.log*127>>7+lowerFactors[code], 0), 18432)
	b.rescale(8)
	b.predict(diff)
}

// codeUpper quantizes a sample of the upper band (QUANTH) and adapts.
func (b *subBand) codeUpper(v int32) byte {
	diff := saturate(v - b.guess)
	size, code := diff, int32(3)
	if diff < 0 {
		size, code = -(diff + 1), 1
	}
	if size >= upperLevel*b.scale>>12 {
		code--
	}
	b.adaptUpper(code)
	return byte(code)
}

// soundUpper reconstructs a sample of the upper band from its code and adapts.
func (b *subBand) soundUpper(code int32) int32 {
	v := b.guess + b.scale*upperValues[code]>>15
	b.adaptUpper(code)
	return min(max(v, -16384), 16383)
}

// adaptUpper is INVQAH, LOGSCH and SCALEH.
func (b *subBand) adaptUpper(code int32) {
	diff := b.scale * upperValues[code] >> 15
	b.log = min(max(b.log*127>>7+upperFactors[code], 0), 22528)
	b.rescale(10)
	b.predict(diff)
}

// rescale turns the logarithm into the quantizer's step.
func (b *subBand) rescale(base int32) {
	step, shift := antilog[b.log>>6&31], base-b.log>>11
	if shift < 0 {
		step <<= -shift
	} else {
		step >>= shift
	}
	b.scale = step << 2
}

// predict takes the quantized difference of a sample and predicts the next one (block 4).
func (b *subBand) predict(diff int32) {
	sound, part := saturate(b.guess+diff), saturate(b.zeros+diff) // RECONS, PARREC
	second := b.secondPole(part)
	first := b.firstPole(part, second)
	b.moveZeros(diff)
	b.pole = [2]int32{first, second}
	b.sound[0], b.sound[1] = sound, b.sound[0]
	b.part[0], b.part[1] = part, b.part[0]
	copy(b.diff[1:], b.diff[:5])
	b.diff[0] = diff

	poles := saturate(first*saturate(2*b.sound[0])>>15 + second*saturate(2*b.sound[1])>>15) // FILTEP
	b.zeros = 0
	for i, d := range b.diff { // FILTEZ
		b.zeros += b.zero[i] * saturate(2*d) >> 15
	}
	b.zeros = saturate(b.zeros)
	b.guess = saturate(poles + b.zeros)
}

// signed gives v, or -v where two signs differ.
func signed(v, a, b int32) int32 {
	if (a < 0) != (b < 0) {
		return -v
	}
	return v
}

// secondPole is UPPOL2.
func (b *subBand) secondPole(part int32) int32 {
	turn := min(-signed(saturate(b.pole[0]<<2), part, b.part[0]), 32767)
	v := signed(128, part, b.part[1]) + turn>>7 + b.pole[1]*32512>>15
	return min(max(v, -12288), 12288)
}

// firstPole is UPPOL1.
func (b *subBand) firstPole(part, second int32) int32 {
	v := saturate(signed(192, part, b.part[0]) + b.pole[0]*32640>>15)
	most := saturate(15360 - second)
	return min(max(v, -most), most)
}

// moveZeros is UPZERO.
func (b *subBand) moveZeros(diff int32) {
	step := int32(128)
	if diff == 0 {
		step = 0
	}
	for i, d := range b.diff {
		b.zero[i] = saturate(signed(step, d, diff) + b.zero[i]*32640>>15)
	}
}
