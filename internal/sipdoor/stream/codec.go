package stream

import (
	"errors"
	"fmt"
	"time"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/rtpmedia"
)

// Codec is a coding on the wire.
type Codec uint8

// The codecs, all with static payload types.
const (
	PCMU Codec = iota // G.711 µ-law
	PCMA              // G.711 A-law
	G722              // 16 kHz, though its RTP clock counts 8,000 a second: an old mistake that stays (RFC 3551 §4.5.2)
)

// Packets may hold any time from shortest to longest; what we send holds usual where nothing was asked for.
const (
	shortest = 10 * time.Millisecond
	usual    = media.FrameTime
	longest  = 60 * time.Millisecond
	// maxPayload is what the longest packet may hold in bytes.
	maxPayload = 480
)

// spec is what is fixed about a codec.
type spec struct {
	name  string
	clock int // RTP ticks a second
	rate  audio.Hz
}

var specs = [...]spec{
	PCMU: {"PCMU", 8000, audio.Narrow}, PCMA: {"PCMA", 8000, audio.Narrow}, G722: {"G722", 8000, audio.Wide},
}

// String is the encoding name as SDP writes it.
func (c Codec) String() string {
	if int(c) < len(specs) {
		return specs[c].name
	}
	return fmt.Sprintf("codec %d", c)
}

// Clock is RTP ticks a second.
func (c Codec) Clock() int { return specs[c].clock }

// PayloadType is the static RTP payload type (RFC 3551 §6).
func (c Codec) PayloadType() uint8 { return [...]uint8{PCMU: 0, PCMA: 8, G722: 9}[c] }

// scale is how many ticks of the codec's clock are one of rtpmedia's.
func (c Codec) scale() uint32 { return uint32(specs[c].clock / rtpmedia.ClockRate) }

// beat is how many samples 20 ms have.
func (c Codec) beat() int { return specs[c].rate.Samples(media.FrameTime) }

// packet is how many samples a packet of about that length has.
func (c Codec) packet(t time.Duration) int {
	if t == 0 {
		t = usual
	}
	return specs[c].rate.Samples(min(max(t, shortest), longest))
}

// decoder turns packets into sound. It belongs to one stream; its work on frames allocates nothing.
type decoder interface {
	// ticks gives the jitter buffer a byte for each tick of a packet; the slice is valid until the next call. None is for no sound.
	ticks(timestamp uint32, payload []byte) []byte
	// missing is the byte of a tick that did not come.
	missing() byte
	// decode makes a beat of sound of the bytes that the jitter buffer gave back.
	decode(pcm []int16, ticks *[rtpmedia.Beat]byte)
}

// encoder turns sound into packets; as decoder.
type encoder interface {
	// encode appends the code of one packet's sound to dst, which has room.
	encode(dst []byte, pcm []int16) []byte
}

var errCodec = errors.New("stream: unknown codec")

func newDecoder(c Codec) (decoder, error) {
	switch c {
	case PCMU:
		return law(audio.PCMU), nil
	case PCMA:
		return law(audio.PCMA), nil
	case G722:
		return &g722Decoder{}, nil
	}
	return nil, errCodec
}

func newEncoder(c Codec) (encoder, error) {
	switch c {
	case PCMU:
		return law(audio.PCMU), nil
	case PCMA:
		return law(audio.PCMA), nil
	case G722:
		return &g722Encoder{}, nil
	}
	return nil, errCodec
}

// law is G.711: a byte is a sample is a tick.
type law audio.Law

func (l law) ticks(_ uint32, payload []byte) []byte { return payload }

func (l law) missing() byte { return audio.Law(l).Silence() }

func (l law) decode(pcm []int16, ticks *[rtpmedia.Beat]byte) { audio.Law(l).Decode(pcm, ticks[:]) }

func (l law) encode(dst []byte, pcm []int16) []byte {
	n := len(dst)
	dst = dst[:n+len(pcm)]
	audio.Law(l).Encode(dst[n:], pcm)
	return dst
}

// g722Decoder has a byte a tick, of two samples each.
type g722Decoder struct{ audio.G722Decoder }

func (d *g722Decoder) ticks(_ uint32, payload []byte) []byte { return payload }

// missing is the code of the smallest steps.
func (d *g722Decoder) missing() byte { return 0xFF }

func (d *g722Decoder) decode(pcm []int16, ticks *[rtpmedia.Beat]byte) { d.Decode(pcm, ticks[:]) }

type g722Encoder struct{ audio.G722Encoder }

func (e *g722Encoder) encode(dst []byte, pcm []int16) []byte {
	n := len(dst)
	dst = dst[:n+len(pcm)/2]
	e.Encode(dst[n:], pcm)
	return dst
}
