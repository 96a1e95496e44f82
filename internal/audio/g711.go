package audio

import "math/bits"

// Law is one of the two companding laws of ITU-T G.711: a byte a sample at 8 kHz.
type Law uint8

// The laws, by the names of their RTP payload formats (RFC 3551 §4.5.14).
const (
	PCMU Law = iota // µ-law
	PCMA            // A-law
)

// String is the encoding name as SDP writes it.
func (l Law) String() string {
	if l == PCMA {
		return "PCMA"
	}
	return "PCMU"
}

// PayloadType is the static RTP payload type (RFC 3551 §6).
func (l Law) PayloadType() uint8 {
	if l == PCMA {
		return 8
	}
	return 0
}

// Silence is the byte that stands for zero.
func (l Law) Silence() byte {
	if l == PCMA {
		return 0xD5
	}
	return 0xFF
}

var decoded = [2][256]int16{table(expandMu), table(expandA)}

func table(expand func(byte) int16) (t [256]int16) {
	for i := range t {
		t[i] = expand(byte(i))
	}
	return t
}

// Decode expands src into dst, which must be as long, and returns the number of samples.
func (l Law) Decode(dst []int16, src []byte) int {
	t := &decoded[l&1]
	dst = dst[:len(src)]
	for i, b := range src {
		dst[i] = t[b]
	}
	return len(src)
}

// Encode compresses src into dst, which must be as long, and returns the number of bytes.
func (l Law) Encode(dst []byte, src []int16) int {
	dst = dst[:len(src)]
	if l == PCMA {
		for i, v := range src {
			dst[i] = compressA(v)
		}
		return len(src)
	}
	for i, v := range src {
		dst[i] = compressMu(v)
	}
	return len(src)
}

// bias shifts the chords of the µ-law so that each begins at a power of two (G.711 table 2a, in 16-bit scale).
const bias = 0x84

func expandMu(b byte) int16 {
	b = ^b
	m := (int16(b&0x0F)<<3 + bias) << (b >> 4 & 7)
	if b&0x80 != 0 {
		return bias - m
	}
	return m - bias
}

// compressMu finds the nearest value. Zero has two codes, and the positive one is taken for both, since it is what every
// other end sends as silence.
func compressMu(v int16) byte {
	m, sign := magnitude(v)
	m = min(m, 32635) + bias
	chord := bits.Len32(m) - 8
	b := ^(sign | byte(chord)<<4 | byte(m>>(chord+3))&0x0F)
	if b == 0x7F {
		return 0xFF
	}
	return b
}

func expandA(b byte) int16 {
	b ^= 0x55
	m := int16(b&0x0F)<<4 + 8
	if chord := b >> 4 & 7; chord > 0 {
		m = (m + 0x100) << (chord - 1)
	}
	if b&0x80 == 0 {
		return -m
	}
	return m
}

func compressA(v int16) byte {
	m, sign := magnitude(v)
	m = min(m, 32767)
	b := byte(m >> 4)
	if m >= 256 {
		chord := bits.Len32(m) - 8
		b = byte(chord)<<4 | byte(m>>(chord+3))&0x0F
	}
	return b ^ sign ^ 0xD5
}

func magnitude(v int16) (m uint32, sign byte) {
	if v < 0 {
		return uint32(-int32(v)), 0x80
	}
	return uint32(v), 0
}
