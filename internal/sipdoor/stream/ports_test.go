package stream

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/media"
)

// freeRange finds n ports that nobody holds at the moment.
func freeRange(t *testing.T, n uint16) [2]uint16 {
	t.Helper()
	for first := uint16(30000); first < 60000; first += 100 {
		if held, err := hold(first, n); err == nil {
			for _, s := range held {
				s.Close()
			}
			return [2]uint16{first, first + n - 1}
		}
	}
	t.Skip("no free ports")
	return [2]uint16{}
}

type closer interface{ Close() error }

func hold(first, n uint16) (held []closer, err error) {
	for p := first; p < first+n; p++ {
		c, err := listen(loopback, p)
		if err != nil {
			for _, h := range held {
				h.Close()
			}
			return nil, err
		}
		held = append(held, c)
	}
	return held, nil
}

func TestPortsComeInPairsFromTheRangeAndComeBack(t *testing.T) {
	ports := freeRange(t, 4)
	c := Config{LocalIP: loopback, Ports: ports, Pacer: NewPacer(1), Log: slog.New(slog.DiscardHandler)}
	for range 3 {
		a, b := open(t, c), open(t, c)
		if a.Port()%2 != 0 || b.Port()%2 != 0 || a.Port() == b.Port() || a.Port() < int(ports[0]) || a.Port() > int(ports[1]) {
			t.Errorf("ports %d and %d of %v", a.Port(), b.Port(), ports)
		}
		if s, err := Open(c); !errors.Is(err, ErrNoPort) {
			t.Errorf("a third stream: %v, %v", s, err)
		}
		if err := errors.Join(a.Close(), b.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestImpossiblePortsAndAddressesAreRefused(t *testing.T) {
	for name, c := range map[string]Config{
		"no pacer":              {LocalIP: loopback},
		"no address":            {Pacer: NewPacer(1)},
		"an address of another": {LocalIP: netip.MustParseAddr("192.0.2.1"), Pacer: NewPacer(1)},
		"a range of one port":   {LocalIP: loopback, Ports: [2]uint16{40001, 40002}, Pacer: NewPacer(1)},
	} {
		if s, err := Open(c); err == nil {
			t.Error(name)
			s.Close()
		}
	}
}

// Two streams on a running clock: what one says the other hears, and the end takes both out of the clock.
func TestTwoStreamsTalkOnTheClock(t *testing.T) {
	p := NewPacer(0)
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- p.Run(ctx) }()
	a, b := open(t, Config{Pacer: p}), open(t, Config{Pacer: p})
	a.Start(Params{Remote: port(uint16(b.Port()))})
	b.Start(Params{Remote: port(uint16(a.Port()))})
	var f media.Frame
	for i := range f {
		f[i] = int16(8000 * (i / 20 % 2)) // 400 Hz
	}
	for range 10 {
		if err := a.Write(ctx, &f); err != nil {
			t.Fatal(err)
		}
	}
	patience, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var k media.Tick
	for loud := 0; loud < 5; {
		if err := b.Read(patience, &k); err != nil {
			t.Fatal(err)
		}
		if k.Heard[160] != 0 {
			loud++
		}
	}
	a.End(media.EndLocal)
	b.End(media.EndRemote)
	for _, l := range p.lanes {
		if l.size() != 0 {
			t.Errorf("%d streams still beat", l.size())
		}
	}
	stop()
	if err := <-ran; err != nil {
		t.Error(err)
	}
}

func TestAStreamThatEndedBeforeItBeganDoesNotBeat(t *testing.T) {
	p := NewPacer(1)
	s := open(t, Config{Pacer: p})
	s.End(media.EndCanceled)
	s.Start(Params{})
	if n := p.lanes[0].size(); n != 0 {
		t.Errorf("%d streams beat", n)
	}
}

// A stream that comes after a rest begins on the beat: what the rest left out is not made up for.
func TestTheClockRestsWithoutStreams(t *testing.T) {
	p := NewPacer(1)
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- p.Run(ctx) }()
	time.Sleep(10 * media.FrameTime)
	for range 2 {
		s := open(t, Config{Pacer: p})
		begin := time.Now()
		s.Start(Params{})
		var k media.Tick
		for range 3 {
			if err := s.Read(ctx, &k); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(begin); d < 2*media.FrameTime {
			t.Errorf("three beats within %v", d)
		}
		s.End(media.EndLocal)
	}
	stop()
	if err := <-ran; err != nil {
		t.Error(err)
	}
}
