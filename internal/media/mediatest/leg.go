// Package mediatest holds a caller's side in virtual time: a leg whose caller plays what a test gives it and keeps what he was told,
// incoming calls and a dialer with scripted outcomes, and the suite that every leg passes. Use the scripted parts inside a
// testing/synctest bubble: their clock is the bubble's.
package mediatest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/media/line"
)

// Leg is a media.Leg without a network. Its clock beats every 20 ms from Start to the end of the call.
type Leg struct {
	*line.Line
	started time.Time

	mu      sync.Mutex
	plays   []int16 // what the caller has still to say
	said    []int16 // all that left for the caller, silence included
	sounded time.Time
	pressed []byte
	stalled bool
}

var _ media.Leg = (*Leg)(nil)

// Start makes a leg and runs its clock until the leg ends; at the end of the test it hangs up and waits for the clock.
func Start(t testing.TB) *Leg {
	l := &Leg{Line: line.New(), started: time.Now(), sounded: time.Now()}
	stopped := make(chan struct{})
	go func() { defer close(stopped); l.clock() }()
	t.Cleanup(func() { l.End(media.EndRemote); <-stopped })
	return l
}

func (l *Leg) clock() {
	beat := time.NewTicker(media.FrameTime)
	defer beat.Stop()
	var heard, said media.Frame
	for {
		select {
		case <-beat.C:
			l.beat(&heard, &said)
		case <-l.Done():
			return
		}
	}
}

func (l *Leg) beat(heard, said *media.Frame) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stalled {
		return
	}
	*heard = media.Frame{}
	n := copy(heard[:], l.plays)
	l.plays = l.plays[n:]
	if l.Beat(heard, false, said) {
		l.sounded = time.Now()
	}
	l.said = append(l.said, said[:]...)
}

// Play makes the caller say pcm, after what he is saying now.
func (l *Leg) Play(pcm []int16) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.plays = append(l.plays, pcm...)
}

// Playing says whether the caller is still saying something.
func (l *Leg) Playing() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.plays) > 0
}

// Said returns all that the caller was told since Start, silence included: its index is the time.
func (l *Leg) Said() []int16 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]int16(nil), l.said...)
}

// Quiet says for how long the caller has been told nothing.
func (l *Leg) Quiet() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.sounded)
}

// Age is the time since Start.
func (l *Leg) Age() time.Duration { return time.Since(l.started) }

// Stall stops the clock, as a broken network thread would; the leg does not end.
func (l *Leg) Stall() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stalled = true
}

// HangUp makes the caller hang up.
func (l *Leg) HangUp() { l.End(media.EndRemote) }

// SendDigit implements media.Leg; Pressed returns them.
func (l *Leg) SendDigit(_ context.Context, digit byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.Done():
		return media.ErrEnded
	default:
	}
	l.pressed = append(l.pressed, digit)
	return nil
}

// Pressed returns the digits that the caller was sent.
func (l *Leg) Pressed() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.pressed)
}

// Hangup implements media.Leg.
func (l *Leg) Hangup(context.Context) error {
	l.End(media.EndLocal)
	return nil
}

// Stats implements media.Leg.
func (l *Leg) Stats() media.Stats { return media.Stats{Codec: "scripted", Missed: l.Missed()} }
