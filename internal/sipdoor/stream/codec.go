package stream

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/rtpmedia"
	"github.com/parley-voice/parley/internal/sipdoor/opus"
)

// Codec is a coding on the wire.
type Codec uint8

// The codecs.
const (
	PCMU Codec = iota // G.711 µ-law
	PCMA              // G.711 A-law
	G722              // 16 kHz, though its RTP clock counts 8,000 a second: an old mistake that stays (RFC 3551 §4.5.2)
	Opus              // RFC 7587; 16 kHz here
)

// Tuning is what the other side asks of a codec; only Opus knows any.
type Tuning opus.Settings

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
	fixed int // static RTP payload type (RFC 3551 §6); -1 for none
}

var specs = [...]spec{
	PCMU: {"PCMU", 8000, audio.Narrow, 0}, PCMA: {"PCMA", 8000, audio.Narrow, 8}, G722: {"G722", 8000, audio.Wide, 9},
	Opus: {"opus", 48000, audio.Wide, -1},
}

// Codecs are those that can be used both ways, in the order that we like best. Opus needs libopus on the system.
func Codecs() []Codec {
	all := []Codec{G722, PCMU, PCMA}
	if _, err := opus.Load(); err == nil {
		all = slices.Insert(all, 0, Opus)
	}
	return all
}

// CodecNamed finds a codec by its name in any case.
func CodecNamed(name string) (Codec, bool) {
	for i := range specs {
		if strings.EqualFold(name, specs[i].name) {
			return Codec(i), true
		}
	}
	return 0, false
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

// StaticPayload is the RTP payload type that needs no rtpmap; false for none.
func (c Codec) StaticPayload() (uint8, bool) {
	return uint8(max(0, specs[c].fixed)), specs[c].fixed >= 0
}

// PacketTime is how long our packets are when the other side asks for a time; zero is nothing asked. Opus has lengths of its own.
func (c Codec) PacketTime(asked time.Duration) time.Duration {
	if asked == 0 {
		asked = usual
	}
	asked = min(max(asked, shortest), longest)
	if c != Opus {
		return asked
	}
	for _, t := range []time.Duration{60 * time.Millisecond, 40 * time.Millisecond, 20 * time.Millisecond} {
		if asked >= t {
			return t
		}
	}
	return shortest
}

// scale is how many ticks of the codec's clock are one of rtpmedia's.
func (c Codec) scale() uint32 { return uint32(specs[c].clock / rtpmedia.ClockRate) }

// beat is how many samples 20 ms have.
func (c Codec) beat() int { return specs[c].rate.Samples(media.FrameTime) }

// packet is how many samples a packet of ours has when a time is asked for.
func (c Codec) packet(asked time.Duration) int { return specs[c].rate.Samples(c.PacketTime(asked)) }

// decoder turns packets into sound. It belongs to one stream; its work on frames allocates nothing.
type decoder interface {
	// ticks gives the jitter buffer a byte for each tick of a packet; the slice is valid until the next call. None is for no sound.
	ticks(timestamp uint32, payload []byte) []byte
	// missing is the byte of a tick that did not come.
	missing() byte
	// decode makes a beat of sound of the bytes that the jitter buffer gave back.
	decode(pcm []int16, ticks *[rtpmedia.Beat]byte)
	// conceal makes up a lost beat; false leaves it to others.
	conceal(pcm []int16) bool
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
	case Opus:
		return newOpusDecoder()
	}
	return nil, errCodec
}

func newEncoder(c Codec, t Tuning) (encoder, error) {
	switch c {
	case PCMU:
		return law(audio.PCMU), nil
	case PCMA:
		return law(audio.PCMA), nil
	case G722:
		return &g722Encoder{}, nil
	case Opus:
		return newOpusEncoder(t)
	}
	return nil, errCodec
}

// law is G.711: a byte is a sample is a tick.
type law audio.Law

func (l law) ticks(_ uint32, payload []byte) []byte { return payload }

func (l law) missing() byte { return audio.Law(l).Silence() }

func (l law) decode(pcm []int16, ticks *[rtpmedia.Beat]byte) { audio.Law(l).Decode(pcm, ticks[:]) }

func (l law) conceal([]int16) bool { return false }

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

func (d *g722Decoder) conceal([]int16) bool { return false }

type g722Encoder struct{ audio.G722Encoder }

func (e *g722Encoder) encode(dst []byte, pcm []int16) []byte {
	n := len(dst)
	dst = dst[:n+len(pcm)/2]
	e.Encode(dst[n:], pcm)
	return dst
}
