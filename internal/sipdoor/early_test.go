package sipdoor

import (
	"context"
	"encoding/binary"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/media"
)

// waiter counts what comes before the answer.
type waiter struct {
	rings, loud atomic.Int32
	heard       chan struct{} // closed by the first frame with sound
}

func newWaiter() *waiter { return &waiter{heard: make(chan struct{})} }

func (w *waiter) Ring() { w.rings.Add(1) }

func (w *waiter) Hear(f *media.Frame) {
	for _, x := range f {
		if x > 4000 {
			if w.loud.Add(1) == 1 {
				close(w.heard)
			}
			return
		}
	}
}

// plays sends loud µ-law to an address until stopped.
func (e *ear) plays(to net.Addr) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		beat := time.NewTicker(media.FrameTime)
		defer beat.Stop()
		for n := uint32(0); ; n++ {
			b := make([]byte, 12+160) // RFC 3550 §5.1
			b[0] = 0x80
			binary.BigEndian.PutUint16(b[2:], uint16(n))
			binary.BigEndian.PutUint32(b[4:], 160*n)
			for i := 12; i < len(b); i++ {
				b[i] = 0x80 + byte(i/4%2)*0x80 // a square wave from full to nothing
			}
			_, _ = e.pc.WriteTo(b, to)
			select {
			case <-beat.C:
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

// RFC 3960 §3.2: sound that the far side's network sends before the answer reaches who waits, after an unreliable and a reliable 183
// (RFC 3262 §5); nothing is told after the answer, and the call goes on with the 200's description.
func TestSoundBeforeTheAnswer(t *testing.T) {
	for name, headers := range map[string][]string{"unreliable": nil, "reliable": {requires100rel, "RSeq: 1"}} {
		t.Run(name, func(t *testing.T) {
			d, p, e, w := open(t, nil), newPhone(t, nil), listenAt(t, "127.0.0.1"), newWaiter()
			target := trunkAt(p)
			target.Waiting = w
			c := place(t, d, target)
			invite := p.expect("INVITE")
			p.reply(invite, "183 Session Progress", "a", e.sdp("sendrecv"), headers...)
			if headers != nil {
				p.reply(p.expect("PRACK"), "200 OK", "", "")
			}
			stop := e.plays(mediaOf(t, invite))
			get(t, "sound before the answer", w.heard)
			if w.rings.Load() != 0 {
				t.Error("a 183 rings")
			}
			p.reply(invite, "200 OK", "a", e.sdp("sendrecv"))
			p.expect("ACK")
			get(t, "the leg", c.done)
			n := w.loud.Load()
			var k media.Tick
			for range 10 {
				if err := c.leg.Read(t.Context(), &k); err != nil {
					t.Fatal(err)
				}
			}
			stop()
			if w.loud.Load() != n {
				t.Error("told after the answer")
			}
			p.hangUp(invite)
			p.expect("200 OK")
		})
	}
}

// RFC 3960 §3.2: without sound who waits learns of a 180 alone; an early description whose sound never comes does not end the call.
func TestNoSoundBeforeTheAnswer(t *testing.T) {
	d, p, e, w := open(t, nil, func(c *Config, _ *Deps) { c.MediaTimeout = fleeting }), newPhone(t, nil), listenAt(t, "127.0.0.1"), newWaiter()
	target := trunkAt(p)
	target.Waiting = w
	c := place(t, d, target)
	invite := p.expect("INVITE")
	p.reply(invite, "180 Ringing", "a", e.sdp("sendrecv"))
	if !e.hears(patience) {
		t.Error("nothing opens the way through NAT")
	}
	for end := time.Now().Add(3 * fleeting); time.Now().Before(end); {
		e.hears(time.Until(end))
	}
	p.reply(invite, "486 Busy Here", "a", "")
	if na := c.notAnswered(t); na.Outcome != media.OutcomeBusy || w.rings.Load() != 1 || w.loud.Load() != 0 {
		t.Errorf("%+v, rang %d times, %d frames", na, w.rings.Load(), w.loud.Load())
	}
}

// Of several phones the last one that spoke is heard; the one that answers is who we talk with.
func TestSoundBeforeTheAnswerOfForks(t *testing.T) {
	d, p, first, second, w := open(t, nil), newPhone(t, nil), listenAt(t, "127.0.0.1"), listenAt(t, "127.0.0.1"), newWaiter()
	target := trunkAt(p)
	target.Waiting = w
	c := place(t, d, target)
	invite := p.expect("INVITE")
	p.reply(invite, "183 Session Progress", "a", first.sdp("sendrecv"))
	if !first.hears(patience) {
		t.Error("no silence to the first")
	}
	p.reply(invite, "183 Session Progress", "b", second.sdp("sendrecv"))
	stop := second.plays(mediaOf(t, invite))
	get(t, "sound of the second", w.heard)
	stop()
	p.reply(invite, "200 OK", "a", first.sdp("sendrecv"))
	p.expect("ACK")
	get(t, "the leg", c.done)
	first.drain()
	if !first.hears(patience) {
		t.Error("no sound to who answered")
	}
	go func() { _ = c.leg.Hangup(context.Background()) }()
	p.reply(p.expect("BYE"), "200 OK", "", "")
}

// mediaOf is where a description of ours wants sound.
func mediaOf(t *testing.T, m *message) net.Addr {
	t.Helper()
	d, err := readSDP([]byte(strings.ReplaceAll(m.body, "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	return net.UDPAddrFromAddrPort(d.at(&d.media[0]))
}
