package sipdoor

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"time"
)

const (
	// firstWord is how long an accepted connection may stay silent before its first bytes.
	firstWord = 20 * time.Second
	// strangerIdle is how long a stranger's may be silent later; who is on a call or has a phone registered may be so for idle.
	strangerIdle = 2 * time.Minute
	// pieceOfRate is how many bytes of a stranger's stream are read for each datagram that Limits.Rate and Burst would allow it.
	pieceOfRate = 1 << 10
	// slowest bounds how long a stranger's bytes wait.
	slowest = 5 * time.Second
)

// counted is an accepted connection: it gives its place back when closed, must say something soon, and is read slowly while it is a
// stranger's. Its reader is one goroutine.
type counted struct {
	net.Conn
	of      *listener
	at      netip.Addr
	release func()
	spoken  bool
	until   time.Time // the library's own deadline
}

// SetReadDeadline implements net.Conn; the library sets it before every read.
func (c *counted) SetReadDeadline(t time.Time) error {
	c.until = t
	patience := strangerIdle
	if !c.spoken {
		patience = firstWord
	} else if c.of.standing(c.at) != stranger {
		return c.Conn.SetReadDeadline(t)
	}
	if first := time.Now().Add(patience); t.IsZero() || t.After(first) {
		t = first
	}
	return c.Conn.SetReadDeadline(t)
}

// Read implements net.Conn.
func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && c.spoken && time.Now().Before(c.until) && c.of.standing(c.at) != stranger {
		_ = c.Conn.SetReadDeadline(c.until) // no stranger any more since the read began
		n, err = c.Conn.Read(b)
	}
	c.spoken = c.spoken || n > 0
	if n > 0 && c.of.standing(c.at) == stranger {
		c.of.slow(c.at, n)
	}
	return n, err
}

// slow waits until a stranger may have sent n bytes.
func (l *listener) slow(at netip.Addr, n int) {
	d := l.speeds.delay(at, n)
	if d <= 0 {
		return
	}
	t := time.NewTimer(min(d, slowest))
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.done:
	}
}

// Close implements net.Conn.
func (c *counted) Close() error {
	c.release()
	return c.Conn.Close()
}
