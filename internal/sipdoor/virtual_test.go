package sipdoor

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/sipdoor/stream"
)

// cable is one end of a wire between two sockets that exist in memory alone, so that whole calls pass in virtual time.
type cable struct {
	at, there *net.UDPAddr
	in, out   chan []byte
	once      sync.Once
	closed    chan struct{}
}

func (c *cable) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case m := <-c.in:
		return copy(b, m), c.there, nil
	case <-c.closed:
		return 0, nil, net.ErrClosed
	}
}

func (c *cable) WriteTo(b []byte, _ net.Addr) (int, error) {
	c.out <- append([]byte{}, b...)
	return len(b), nil
}

func (c *cable) Close() error                     { c.once.Do(func() { close(c.closed) }); return nil }
func (c *cable) LocalAddr() net.Addr              { return c.at }
func (c *cable) SetDeadline(time.Time) error      { return nil }
func (c *cable) SetReadDeadline(time.Time) error  { return nil }
func (c *cable) SetWriteDeadline(time.Time) error { return nil }

// virtually runs a test with a door and a phone at the ends of a cable, with the true timers of calls and in virtual time. The door answers
// the first call that comes, with sound that nobody plays.
func virtually(t *testing.T, test func(t *testing.T, d *Door, p *phone)) {
	sound, err := stream.Open(stream.Config{LocalIP: netip.MustParseAddr("127.0.0.1"), Pacer: stream.NewPacer(1), Log: discard()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sound.Close() }()
	synctest.Test(t, func(t *testing.T) {
		one, two := make(chan []byte, 1000), make(chan []byte, 1000)
		a, b := net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:5060")), net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:5090"))
		d := unplugged(t, &cable{at: a, there: b, in: one, out: two, closed: make(chan struct{})}, sound)
		theirs := &cable{at: b, there: a, in: two, out: one}
		p := &phone{t: t, pc: theirs, to: a, in: make(chan *message, 1000), call: "c@test", tag: "their-tag"}
		ended, deaf := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(deaf)
			for {
				select {
				case m := <-theirs.in:
					got := parse(m)
					got.from = a
					p.in <- got
				case <-ended:
					return
				}
			}
		}()
		defer func() {
			d.endAll()
			d.stack.close()
			d.wg.Wait()
			close(ended)
			<-deaf
		}()
		test(t, d, p)
	})
}

// unplugged is a door on a socket in memory.
func unplugged(t *testing.T, pc net.PacketConn, sound *stream.Stream) *Door {
	d, err := newDoor(Config{Addr: "127.0.0.1:5060", Codecs: []stream.Codec{stream.PCMU}, Accept: Accept{Loopback: true}}, Deps{
		Log: discard(), Answerer: answers(func(in media.Incoming) { answerSilently(in.(*incoming), sound) }),
	})
	if err != nil {
		t.Fatal(err)
	}
	nobody := func() *listener { return newListener(nil, d.cfg.Limits, d.standing) }
	d.attach(&binding{udp: newUDPSocket(pc, d.cfg.Limits, d.standing), tcp: nobody(), tls: nobody(), ip: netip.MustParseAddr("127.0.0.1")})
	d.stack.serve()
	close(d.started)
	return d
}

func answerSilently(in *incoming, sound *stream.Stream) {
	d := in.s.dialog
	d.box.put(func() {
		d.phase, d.stream, d.sound = confirmed, sound, newSession(netip.MustParseAddr("127.0.0.1"), sound.Port(), d.door.cfg.Codecs)
		in.s.accept(d.sound.answer(in.offer, in.agreed))
	})
}

// within waits for a message whose first line holds what, drops others, and says when it came.
func (p *phone) within(limit time.Duration, what string) (*message, time.Duration) {
	p.t.Helper()
	begun := time.Now()
	for {
		m := p.next(limit - time.Since(begun))
		if m == nil {
			p.t.Fatalf("no %q within %s", what, limit)
		}
		if os.Getenv("SIP_LOG") != "" {
			fmt.Println(time.Since(begun), m.start)
		}
		if strings.Contains(m.start, what) {
			return m, time.Since(begun)
		}
	}
}
