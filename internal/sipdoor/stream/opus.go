package stream

import (
	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/rtpmedia"
	"github.com/parley-voice/parley/internal/sipdoor/opus"
)

const (
	// shelved is how many packets may wait: 200 ms, as long as the jitter buffer keeps, of 5 ms packets are 40.
	shelved = 64
	// nowhere is the tick that no packet covers.
	nowhere = 0xFF
	// perTick is how many samples a tick has.
	perTick = opus.Rate / rtpmedia.ClockRate
	// maxOpus is the longest packet that is taken.
	maxOpus = 1400
)

// opusDecoder keeps whole packets on a shelf, since only whole ones can be decoded. Each of their ticks goes through the jitter buffer
// as the number of their place, so that it orders them as it orders bytes of sound.
type opusDecoder struct {
	lib   *opus.Decoder
	shelf [shelved]shelfPlace
	free  byte // the next place to be taken
	cover [opus.LongestFrame / perTick]byte

	pcm  [opus.LongestFrame]int16 // of the packet that is being played
	have int
	used int
	open int    // its place; -1 for none
	at   uint32 // the tick after the last that was played
}

type shelfPlace struct {
	timestamp uint32
	size      int
	code      [maxOpus]byte
}

func newOpusDecoder() (decoder, error) {
	lib, err := opus.Load()
	if err != nil {
		return nil, err
	}
	d, err := lib.NewDecoder()
	return &opusDecoder{lib: d, open: -1}, err
}

func (d *opusDecoder) ticks(timestamp uint32, payload []byte) []byte {
	n := opus.Samples(payload) / perTick
	if n == 0 || len(payload) > maxOpus {
		return nil
	}
	p := &d.shelf[d.free]
	p.timestamp, p.size = timestamp, copy(p.code[:], payload)
	for i := range n {
		d.cover[i] = d.free
	}
	d.free = (d.free + 1) % shelved
	return d.cover[:n]
}

func (d *opusDecoder) missing() byte { return nowhere }

func (d *opusDecoder) decode(pcm []int16, ticks *[rtpmedia.Beat]byte) {
	for i := 0; i < len(ticks); {
		place, n := ticks[i], 1
		for i+n < len(ticks) && ticks[i+n] == place {
			n++
		}
		d.play(pcm[i*perTick:(i+n)*perTick], place)
		i += n
	}
}

// play fills pcm with the sound of a packet, going on where it was left.
func (d *opusDecoder) play(pcm []int16, place byte) {
	if place >= shelved {
		d.lib.Conceal(pcm, nil)
		d.at += uint32(len(pcm) / perTick)
		return
	}
	p := &d.shelf[place]
	if int(place) != d.open || d.used == d.have {
		d.have, d.used, d.open = d.lib.Decode(d.pcm[:], p.code[:p.size]), 0, int(place)
	}
	n := copy(pcm, d.pcm[d.used:d.have])
	clear(pcm[n:])
	d.used += n
	d.at = p.timestamp + uint32(d.used/perTick)
}

// conceal makes up a beat, of the copy that the packet after it carries where there is one (RFC 7587 §3.3).
func (d *opusDecoder) conceal(pcm []int16) bool {
	d.at += uint32(len(pcm) / perTick)
	d.open = -1
	for i := range d.shelf {
		if p := &d.shelf[i]; p.size > 0 && p.timestamp == d.at {
			return d.lib.Conceal(pcm, p.code[:p.size]) == len(pcm)
		}
	}
	return d.lib.Conceal(pcm, nil) == len(pcm)
}

// opusEncoder codes packets; in a long silence all are alike and the coding is spared.
type opusEncoder struct {
	lib    *opus.Encoder
	silent int // packets of silence in a row
	size   int
	code   [maxPayload]byte
}

// settled is after how many packets of silence the coder's output does not change any more.
const settled = 50

func newOpusEncoder(t Tuning) (encoder, error) {
	lib, err := opus.Load()
	if err != nil {
		return nil, err
	}
	e, err := lib.NewEncoder(opus.Settings(t))
	return &opusEncoder{lib: e}, err
}

func (e *opusEncoder) encode(dst []byte, pcm []int16) []byte {
	if audio.RMS(pcm) > 0 {
		e.silent = 0
	} else {
		e.silent++
	}
	if e.silent <= settled {
		e.size = e.lib.Encode(e.code[:], pcm)
	}
	return append(dst, e.code[:e.size]...)
}
