// Package line is the part of a leg that no network changes: the queue of frames to be said, the ring of ticks to be read, and the
// end. A door's clock calls Beat once per 20 ms; the conversation reads, writes and clears. It holds no goroutine and no socket, and a
// beat allocates nothing.
package line

import (
	"context"
	"sync"

	"github.com/parley-voice/parley/internal/media"
)

const (
	// queued is how many frames may wait to be said: two seconds.
	queued = 100
	// unread is how many ticks may wait for a late reader: one second.
	unread = 50
	digits = 32
)

// Line implements Read, Write, Clear, Digits, Done and Cause of a media.Leg. Make it with New.
type Line struct {
	mu     sync.Mutex
	ticks  [unread]media.Tick
	first  int // oldest unread tick
	have   int
	say    [queued]media.Frame
	next   int // next frame to be said
	waits  int
	played int64
	missed int64
	cause  media.EndCause
	ended  bool

	ready  chan struct{} // a tick is there
	room   chan struct{} // the queue has shrunk
	done   chan struct{}
	digits chan byte
}

// New makes a line.
func New() *Line {
	return &Line{ready: make(chan struct{}, 1), room: make(chan struct{}, 1), done: make(chan struct{}), digits: make(chan byte, digits)}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Beat moves one tick through the line: heard goes to the reader, and said is filled with the next queued frame, or with silence when
// speaking is false.
func (l *Line) Beat(heard *media.Frame, lost bool, said *media.Frame) (speaking bool) {
	l.mu.Lock()
	if speaking = l.waits > 0; speaking {
		*said = l.say[l.next]
		l.next = (l.next + 1) % queued
		l.waits--
		l.played++
	} else {
		*said = media.Frame{}
	}
	if l.have == unread { // late sound is worse than lost sound
		l.first = (l.first + 1) % unread
		l.have--
		l.missed++
	}
	t := &l.ticks[(l.first+l.have)%unread]
	t.Heard, t.Said, t.Lost, t.Played = *heard, *said, lost, l.played
	l.have++
	l.mu.Unlock()
	signal(l.ready)
	if speaking {
		signal(l.room)
	}
	return speaking
}

// Read implements media.Leg.
func (l *Line) Read(ctx context.Context, t *media.Tick) error {
	for {
		l.mu.Lock()
		if l.have > 0 {
			*t = l.ticks[l.first]
			l.first = (l.first + 1) % unread
			l.have--
			l.mu.Unlock()
			return nil
		}
		ended := l.ended
		l.mu.Unlock()
		if ended {
			return media.ErrEnded
		}
		select {
		case <-l.ready:
		case <-l.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Write implements media.Leg.
func (l *Line) Write(ctx context.Context, f *media.Frame) error {
	for {
		l.mu.Lock()
		if l.ended {
			l.mu.Unlock()
			return media.ErrEnded
		}
		if l.waits < queued {
			l.say[(l.next+l.waits)%queued] = *f
			l.waits++
			l.mu.Unlock()
			return nil
		}
		l.mu.Unlock()
		select {
		case <-l.room:
		case <-l.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Clear implements media.Leg.
func (l *Line) Clear() int {
	l.mu.Lock()
	n := l.waits
	l.waits = 0
	l.mu.Unlock()
	signal(l.room)
	return n
}

// Press delivers a digit of the caller; it is dropped when nobody reads them.
func (l *Line) Press(digit byte) {
	select {
	case l.digits <- digit:
	default:
	}
}

// Digits implements media.Leg.
func (l *Line) Digits() <-chan byte { return l.digits }

// End ends the line for a cause and reports whether this call did it; the first cause stays.
func (l *Line) End(cause media.EndCause) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.ended, l.cause = true, cause
	close(l.done)
	return true
}

// Done implements media.Leg.
func (l *Line) Done() <-chan struct{} { return l.done }

// Cause implements media.Leg.
func (l *Line) Cause() media.EndCause {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cause
}

// Missed counts ticks that the reader was too late for.
func (l *Line) Missed() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.missed
}
