package stream

import (
	"context"
	"sync"
	"testing"

	"github.com/pion/srtp/v3"

	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/media/mediatest"
)

// leg adds the dialog's part.
type leg struct{ *Stream }

func (l leg) Hangup(context.Context) error {
	l.End(media.EndLocal)
	return nil
}

// farEnd is a second stream as the caller's phone; hang is the BYE that the dialog would bring.
type farEnd struct {
	*Stream
	ctx  context.Context
	hang func()
	wg   sync.WaitGroup

	mu   sync.Mutex
	said []int16
}

func (f *farEnd) Play(pcm []int16) {
	f.wg.Go(func() {
		for ; len(pcm) >= media.FrameSamples; pcm = pcm[media.FrameSamples:] {
			if f.Write(f.ctx, (*media.Frame)(pcm)) != nil {
				return
			}
		}
	})
}

func (f *farEnd) listen() {
	var k media.Tick
	for f.Read(f.ctx, &k) == nil {
		f.mu.Lock()
		f.said = append(f.said, k.Heard[:]...)
		f.mu.Unlock()
	}
}

func (f *farEnd) Said() []int16 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]int16(nil), f.said...)
}

func (f *farEnd) Press(digit byte) { _ = f.SendDigit(f.ctx, digit) }

func (f *farEnd) HangUp() { f.hang() }

// facing opens two streams that beat and are connected as agree says.
func facing(t *testing.T, agree func(near, far *Params)) (*Stream, *farEnd) {
	p := NewPacer(0)
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- p.Run(ctx) }()
	near := open(t, Config{Pacer: p})
	far := &farEnd{Stream: open(t, Config{Pacer: p}), ctx: ctx, hang: func() { near.End(media.EndRemote) }}
	a, b := Params{Remote: port(uint16(far.Port())), DTMFPayload: 101}, Params{Remote: port(uint16(near.Port())), DTMFPayload: 101}
	agree(&a, &b)
	near.Start(a)
	far.Start(b)
	far.wg.Go(far.listen)
	t.Cleanup(func() {
		stop()
		far.wg.Wait()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
	return near, far
}

func contract(t *testing.T, agree func(near, far *Params)) {
	mediatest.Run(t, func(t *testing.T) (media.Leg, mediatest.Far) {
		near, far := facing(t, agree)
		return leg{near}, far
	})
}

func TestContract(t *testing.T) { contract(t, func(_, _ *Params) {}) }

func TestContractOverSRTP(t *testing.T) {
	contract(t, func(near, far *Params) {
		near.SRTP, far.SRTP = ring(srtp.ProtectionProfileAes128CmHmacSha1_80)
		near.Mux, far.Mux = true, true
	})
}

func TestContractOverDTLS(t *testing.T) { // RFC 5764
	a, b := certified(t), certified(t)
	contract(t, func(near, far *Params) {
		near.DTLS = &DTLS{Certificate: a.certificate, Fingerprints: []Fingerprint{b.print}}
		far.DTLS = &DTLS{Certificate: b.certificate, Fingerprints: []Fingerprint{a.print}, Active: true}
	})
}
