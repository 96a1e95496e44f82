package audio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrFormat says that bytes are no WAV file that Parley reads.
var ErrFormat = errors.New("audio: not a readable WAV file")

// Format tags of the fmt chunk (RFC 2361).
const (
	tagPCM        = 0x0001
	tagALaw       = 0x0006
	tagMuLaw      = 0x0007
	tagExtensible = 0xFFFE
)

// Clip is sound of one or more channels, interleaved.
type Clip struct {
	Rate     Hz
	Channels int
	PCM      []int16
}

// ParseWAV reads a RIFF WAVE file of 16-bit PCM or G.711. The length in the data chunk is not trusted: a file that was not closed
// properly gives what is there.
func ParseWAV(b []byte) (Clip, error) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return Clip{}, ErrFormat
	}
	var f wavFormat
	for b = b[12:]; len(b) >= 8; {
		id, size := string(b[:4]), int64(binary.LittleEndian.Uint32(b[4:]))
		b = b[8:]
		body := b[:min(size, int64(len(b)))]
		switch id {
		case "fmt ":
			var err error
			if f, err = parseFormat(body); err != nil {
				return Clip{}, err
			}
		case "data":
			return f.decode(body)
		}
		b = b[min(size+size&1, int64(len(b))):] // chunks begin at even offsets
	}
	return Clip{}, fmt.Errorf("%w: no data chunk", ErrFormat)
}

type wavFormat struct {
	tag, channels uint16
	rate          uint32
	bits          uint16
}

func parseFormat(b []byte) (wavFormat, error) {
	if len(b) < 16 {
		return wavFormat{}, ErrFormat
	}
	le := binary.LittleEndian
	f := wavFormat{tag: le.Uint16(b), channels: le.Uint16(b[2:]), rate: le.Uint32(b[4:]), bits: le.Uint16(b[14:])}
	if f.tag == tagExtensible && len(b) >= 26 {
		f.tag = le.Uint16(b[24:]) // the sub-format begins with the tag
	}
	if f.channels < 1 || f.channels > 8 || f.rate < 1000 || f.rate > 192000 {
		return wavFormat{}, fmt.Errorf("%w: %d channels at %d Hz", ErrFormat, f.channels, f.rate)
	}
	return f, nil
}

func (f wavFormat) decode(b []byte) (Clip, error) {
	c := Clip{Rate: Hz(f.rate), Channels: int(f.channels)}
	switch {
	case f.tag == tagPCM && f.bits == 16:
		c.PCM = make([]int16, len(b)/2)
		for i := range c.PCM {
			c.PCM[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
		}
	case f.tag == tagMuLaw && f.bits == 8:
		c.PCM = make([]int16, len(b))
		PCMU.Decode(c.PCM, b)
	case f.tag == tagALaw && f.bits == 8:
		c.PCM = make([]int16, len(b))
		PCMA.Decode(c.PCM, b)
	default:
		return Clip{}, fmt.Errorf("%w: format %#x with %d bits", ErrFormat, f.tag, f.bits)
	}
	c.PCM = c.PCM[:len(c.PCM)/c.Channels*c.Channels]
	return c, nil
}

// Channel is one channel of the clip, counted from 0.
func (c Clip) Channel(n int) []int16 {
	out := make([]int16, 0, len(c.PCM)/c.Channels)
	for i := n; i < len(c.PCM); i += c.Channels {
		out = append(out, c.PCM[i])
	}
	return out
}

// Mono is the mean of all channels at another rate.
func (c Clip) Mono(rate Hz) ([]int16, error) {
	out := c.PCM
	if c.Channels > 1 {
		out = make([]int16, len(c.PCM)/c.Channels)
		for i := range out {
			sum := 0
			for _, v := range c.PCM[i*c.Channels : (i+1)*c.Channels] {
				sum += int(v)
			}
			out[i] = int16(sum / c.Channels)
		}
	}
	return Resample(out, c.Rate, rate)
}

// WAVHeaderSize is the length of a WAVHeader in bytes; the samples begin there.
const WAVHeaderSize = 44

// WAVHeader is the beginning of a 16-bit PCM file with that many sample frames (a sample of each channel). A negative number means "as
// many as follow", so that a file is readable while it is written and after a crash; write the header again when the number is known.
func WAVHeader(rate Hz, channels int, frames int64) [WAVHeaderSize]byte {
	var h [WAVHeaderSize]byte
	block := int64(channels) * 2
	size := uint32(math.MaxUint32)
	if n := frames * block; frames >= 0 && n <= math.MaxUint32-36 {
		size = uint32(n)
	}
	le := binary.LittleEndian
	copy(h[0:], "RIFF")
	le.PutUint32(h[4:], max(size, size+36)) // stays at the maximum when unknown
	copy(h[8:], "WAVEfmt ")
	le.PutUint32(h[16:], 16)
	le.PutUint16(h[20:], tagPCM)
	le.PutUint16(h[22:], uint16(channels))
	le.PutUint32(h[24:], uint32(rate))
	le.PutUint32(h[28:], uint32(int64(rate)*block))
	le.PutUint16(h[32:], uint16(block))
	le.PutUint16(h[34:], 16)
	copy(h[36:], "data")
	le.PutUint32(h[40:], size)
	return h
}

// AppendWAV appends a whole file with the clip to b.
func (c Clip) AppendWAV(b []byte) []byte {
	h := WAVHeader(c.Rate, c.Channels, int64(len(c.PCM)/c.Channels))
	b = append(b, h[:]...)
	for _, v := range c.PCM {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	return b
}
