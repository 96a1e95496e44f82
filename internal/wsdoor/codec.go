package wsdoor

import (
	"encoding/base64"
	"sync"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/media"
)

const (
	beatBytes = 160 // 20 ms of G.711
	// patience is how much sound of the client may wait: it may send a sentence at once, but more is dropped.
	patience = 10 * 8000
	// lag is how much may wait before quiet beats are left out, so that a stall of the network does not delay the rest of the call.
	lag = 10 * beatBytes
	// hush is the RMS below which a beat is quiet: -45 dBFS.
	hush = 184
)

// buffer is the client's sound between its messages, which come in any length at any moment, and the clock.
type buffer struct {
	mu      sync.Mutex
	pcm     [patience]int16 // a ring, 8 kHz
	first   int
	have    int
	waited  bool // the first sound after a gap has waited a beat, so that the next message may be a little late
	dropped int64

	beat [beatBytes]int16
	up   *audio.Resampler
}

func newBuffer() (*buffer, error) {
	up, err := audio.NewResampler(audio.Narrow, audio.Wide)
	return &buffer{up: up}, err
}

// put appends G.711; what does not fit is dropped and counted.
func (b *buffer) put(law audio.Law, code []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fits := min(len(code), patience-b.have)
	b.dropped += int64(len(code) - fits)
	for code = code[:fits]; len(code) > 0; {
		at := (b.first + b.have) % patience
		n := min(len(code), patience-at)
		law.Decode(b.pcm[at:at+n], code[:n])
		b.have += n
		code = code[n:]
	}
}

// late counts messages' worth of sound that was dropped.
func (b *buffer) late() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dropped / beatBytes
}

// take fills f with the next beat, or with silence when none is there, and reports which.
func (b *buffer) take(f *media.Frame) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	ok := b.next()
	for ok && b.have > lag && audio.RMS(b.beat[:]) < hush {
		ok = b.next()
	}
	if !ok {
		clear(b.beat[:])
	}
	b.up.Process(f[:0], b.beat[:])
	return ok
}

func (b *buffer) next() bool {
	if b.have == 0 {
		b.waited = false
		return false
	}
	if !b.waited {
		b.waited = true
		return false
	}
	n := min(b.have, beatBytes)
	for i := range n {
		b.beat[i] = b.pcm[(b.first+i)%patience]
	}
	clear(b.beat[n:])
	b.first = (b.first + n) % patience
	b.have -= n
	return true
}

// encoder turns frames into messages.
type encoder struct {
	down *audio.Resampler
	pcm  [beatBytes]int16
	code [beatBytes]byte
}

func newEncoder() (encoder, error) {
	down, err := audio.NewResampler(audio.Wide, audio.Narrow)
	return encoder{down: down}, err
}

const (
	mediaHead = `{"event":"media","media":{"payload":"`
	mediaTail = `"}}`
)

// parcel is a message on its way out, of a fixed size so that none is allocated.
type parcel struct {
	n int
	b [288]byte
}

func (p *parcel) bytes() []byte { return p.b[:p.n] }

// media makes the message that carries a frame.
func (e *encoder) media(law audio.Law, f *media.Frame, p *parcel) {
	e.down.Process(e.pcm[:0], f[:])
	law.Encode(e.code[:], e.pcm[:])
	b := append(p.b[:0], mediaHead...)
	b = base64.StdEncoding.AppendEncode(b, e.code[:])
	p.n = len(append(b, mediaTail...))
}
