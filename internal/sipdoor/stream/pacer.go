package stream

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/parley-voice/parley/internal/media"
)

// hopeless is how far behind the clock catches up; beyond, as after a suspended machine, the missed beats are dropped.
const hopeless = 500 * time.Millisecond

// Pacer is the clock of all streams: one thread a core beats those that it holds every 20 ms. Run must be running.
type Pacer struct{ lanes []*lane }

// NewPacer makes a clock of that many threads; 0 is one a core.
func NewPacer(threads int) *Pacer {
	if threads < 1 {
		threads = runtime.GOMAXPROCS(0)
	}
	p := &Pacer{}
	for range threads {
		l := &lane{wake: make(chan struct{}, 1)}
		l.streams.Store(new([]*Stream))
		p.lanes = append(p.lanes, l)
	}
	return p
}

// Run beats until ctx ends; it fails only if the system has no usable clock.
func (p *Pacer) Run(ctx context.Context) error {
	errs := make([]error, len(p.lanes))
	var threads sync.WaitGroup
	for i, l := range p.lanes {
		threads.Go(func() { errs[i] = l.run(ctx) })
	}
	threads.Wait()
	return errors.Join(errs...)
}

// lane picks the one with the fewest streams.
func (p *Pacer) lane() *lane {
	return slices.MinFunc(p.lanes, func(a, b *lane) int { return a.size() - b.size() })
}

// lane is one thread's streams. The list is copied when it changes, so that a beat takes no lock.
type lane struct {
	changing sync.Mutex
	streams  atomic.Pointer[[]*Stream]
	wake     chan struct{} // tells a lane at rest that there is a stream
}

func (l *lane) size() int { return len(*l.streams.Load()) }

func (l *lane) join(s *Stream) {
	l.changing.Lock()
	defer l.changing.Unlock()
	with := append(slices.Clone(*l.streams.Load()), s)
	l.streams.Store(&with)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *lane) leave(s *Stream) {
	l.changing.Lock()
	defer l.changing.Unlock()
	without := slices.DeleteFunc(slices.Clone(*l.streams.Load()), func(o *Stream) bool { return o == s })
	l.streams.Store(&without)
}

// run sleeps to absolute times on a thread of its own, which is what keeps the packets' spacing even under load; a beat that comes late
// is followed by the next one in time, so that none is left out. Without streams the lane rests.
func (l *lane) run(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	next, err := monotonic()
	for err == nil && ctx.Err() == nil {
		if l.size() == 0 {
			l.rest(ctx)
			next, err = monotonic()
			continue
		}
		next += media.FrameTime
		var now time.Duration
		if now, err = sleepUntil(next); now-next > hopeless {
			next = now
		}
		for _, s := range *l.streams.Load() {
			s.beat()
		}
	}
	return err
}

// rest waits for a stream, or for one that has come and gone meanwhile.
func (l *lane) rest(ctx context.Context) {
	select {
	case <-l.wake:
	case <-ctx.Done():
	}
}

func monotonic() (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0, fmt.Errorf("stream: read the clock: %w", err)
	}
	return time.Duration(t.Nano()), nil
}

// sleepUntil returns the time after the sleep.
func sleepUntil(at time.Duration) (time.Duration, error) {
	t := unix.NsecToTimespec(int64(at))
	for {
		err := unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &t, nil)
		if err == nil {
			return monotonic()
		}
		if !errors.Is(err, unix.EINTR) {
			return 0, fmt.Errorf("stream: sleep: %w", err)
		}
	}
}
