package phone

import (
	"context"
	"sync"
	"time"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/media/line"
	"github.com/parley-voice/parley/internal/speech/speechtest"
)

// agent is the other side: it greets after a second, and answers each line of ours.
type agent struct {
	greeting string
	answers  []string
	after    time.Duration // our end, until it answers
	stops    time.Duration // after our beginning, when it is speaking; 0 never
	hangsUp  int           // a second after that many answers; 0 never
	noise    int16         // of its line
}

// leg is a media.Leg with the agent behind it, on virtual time.
type leg struct {
	*line.Line
	agent
	clock sync.WaitGroup

	beats    int
	plays    []int16
	speaking bool // we are
	began    int  // beat of our sound
	last     int
	answered int
	pressed  []byte
	seed     uint32
}

func newLeg(a agent) *leg {
	l := &leg{Line: line.New(), agent: a}
	l.clock.Go(l.run)
	return l
}

func (l *leg) run() {
	beat := time.NewTicker(media.FrameTime)
	defer beat.Stop()
	var heard, said media.Frame
	for {
		select {
		case <-beat.C:
			l.hiss(&heard)
			copy(heard[:], l.plays)
			l.plays = l.plays[min(len(l.plays), len(heard)):]
			l.Beat(&heard, false, &said)
			l.beats++
			l.think(&said)
		case <-l.Done():
			return
		}
	}
}

func (l *leg) hiss(f *media.Frame) {
	for i := range f {
		l.seed = l.seed*1664525 + 1013904223
		f[i] = int16(int32(l.seed>>16)%(2*int32(l.noise)+1) - int32(l.noise))
	}
}

func (l *leg) since(beat int) time.Duration { return time.Duration(l.beats-beat) * media.FrameTime }

func (l *leg) think(said *media.Frame) {
	if l.beats == 50 {
		l.plays = speechtest.Sound(l.greeting)
	}
	if audio.RMS(said[:]) > 1000 {
		if l.last = l.beats; !l.speaking {
			l.speaking, l.began = true, l.beats
		}
		if l.stops > 0 && l.since(l.began) >= l.stops {
			l.plays = nil
		}
	}
	if l.speaking && l.since(l.last) >= l.after {
		l.speaking = false
		if l.answered < len(l.answers) {
			l.plays = speechtest.Sound(l.answers[l.answered])
			l.answered++
		}
	}
	if l.hangsUp > 0 && l.answered == l.hangsUp && l.since(l.last) >= l.after+time.Second {
		l.End(media.EndRemote)
	}
}

func (l *leg) SendDigit(_ context.Context, digit byte) error {
	l.pressed = append(l.pressed, digit)
	return nil
}

func (l *leg) Hangup(context.Context) error {
	l.End(media.EndLocal)
	l.clock.Wait()
	return nil
}

func (l *leg) Stats() media.Stats { return media.Stats{Codec: "scripted"} }
