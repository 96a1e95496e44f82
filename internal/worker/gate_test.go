package worker

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-voice/parley/internal/speech"
)

// job is work that comes at a time and lasts for one.
type job struct {
	name      string
	partial   bool
	at, lasts time.Duration
	cancel    time.Duration // 0 is never
}

const ms = time.Millisecond

// play runs jobs through a gate and lists what began, what ended early and how, in order.
func play(t *testing.T, slots int, jobs []job) (log []string) {
	t.Helper()
	var mu sync.Mutex
	note := func(s string) { mu.Lock(); log = append(log, s); mu.Unlock() }
	g := newGate(slots)
	var wg sync.WaitGroup
	for _, j := range jobs {
		wg.Go(func() {
			time.Sleep(j.at)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if j.cancel > 0 {
				defer time.AfterFunc(j.cancel-j.at, cancel).Stop()
			}
			ctx, leave, err := g.enter(ctx, j.partial)
			if err == nil {
				note(j.name)
				select {
				case <-time.After(j.lasts):
				case <-ctx.Done():
					err = context.Cause(ctx)
				}
				leave()
			}
			switch {
			case errors.Is(err, speech.ErrStale):
				note(j.name + " stale")
			case err != nil:
				note(j.name + " cancelled")
			}
		})
	}
	wg.Wait()
	if g.free != slots || len(g.finals)+len(g.partials)+len(g.running) != 0 {
		t.Errorf("gate is left with %d free slots of %d, %d+%d waiting, %d running", g.free, slots, len(g.finals), len(g.partials), len(g.running))
	}
	return log
}

func TestGate(t *testing.T) {
	for _, c := range []struct {
		name  string
		slots int
		jobs  []job
		want  []string
	}{
		{"finals go in the order they came", 1,
			[]job{{"a", false, 0, 100 * ms, 0}, {"b", false, 1 * ms, 100 * ms, 0}, {"c", false, 2 * ms, 100 * ms, 0}}, []string{"a", "b", "c"}},
		{"once the first is overdue the last goes first", 1,
			[]job{{"a", false, 0, 2500 * ms, 0}, {"b", false, 1 * ms, 100 * ms, 0}, {"c", false, 1000 * ms, 100 * ms, 0}, {"d", false, 2000 * ms, 100 * ms, 0}},
			[]string{"a", "d", "c", "b"}},
		{"a final goes before partials that came first", 1,
			[]job{{"a", false, 0, 100 * ms, 0}, {"p", true, 1 * ms, 10 * ms, 0}, {"b", false, 2 * ms, 100 * ms, 0}}, []string{"a", "b", "p"}},
		{"the newest partial goes first", 1,
			[]job{{"a", false, 0, 100 * ms, 0}, {"p", true, 1 * ms, 10 * ms, 0}, {"q", true, 2 * ms, 10 * ms, 0}}, []string{"a", "q", "p"}},
		{"a partial that waited too long is stale", 1,
			[]job{{"a", false, 0, 500 * ms, 0}, {"p", true, 1 * ms, 10 * ms, 0}}, []string{"a", "p stale"}},
		{"a final that has to wait stops a partial", 1,
			[]job{{"p", true, 0, 250 * ms, 0}, {"a", false, 1 * ms, 10 * ms, 0}}, []string{"p", "p stale", "a"}},
		{"but not when a slot is free", 2,
			[]job{{"p", true, 0, 250 * ms, 0}, {"a", false, 1 * ms, 10 * ms, 0}}, []string{"p", "a"}},
		{"each final stops one partial", 2,
			[]job{{"p", true, 0, 250 * ms, 0}, {"q", true, 1 * ms, 250 * ms, 0}, {"a", false, 2 * ms, 10 * ms, 0}}, []string{"p", "q", "p stale", "a"}},
		{"who gives up leaves the queue", 1,
			[]job{{"a", false, 0, 100 * ms, 0}, {"b", false, 1 * ms, 100 * ms, 50 * ms}, {"c", false, 2 * ms, 10 * ms, 0}}, []string{"a", "b cancelled", "c"}},
		{"who is cancelled at work gives the slot back", 1,
			[]job{{"a", false, 0, 100 * ms, 50 * ms}, {"b", false, 1 * ms, 10 * ms, 0}}, []string{"a", "a cancelled", "b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := play(t, c.slots, c.jobs); !slices.Equal(sorted(c.want, got), got) {
					t.Errorf("got %q, want %q", got, c.want)
				}
			})
		})
	}
}

// sorted is want, with the two notes of one moment (an end and the beginning that it allows) in the order in which they came.
func sorted(want, got []string) []string {
	want = slices.Clone(want)
	for i := 0; i+1 < len(want) && i+1 < len(got); i++ {
		if want[i] == got[i+1] && want[i+1] == got[i] {
			want[i], want[i+1] = want[i+1], want[i]
		}
	}
	return want
}

func TestGateUnderLoadLosesNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var jobs []job
		for i := range 200 {
			j := job{partial: i%3 == 0, at: time.Duration(i%40) * ms, lasts: time.Duration(i%7+1) * 3 * ms}
			if i%5 == 0 {
				j.cancel = j.at + time.Duration(i%11+1)*2*ms
			}
			jobs = append(jobs, j)
		}
		play(t, 3, jobs)
	})
}
