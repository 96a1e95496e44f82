package httpapi

import (
	"fmt"
	"testing"
	"time"

	"github.com/parley-voice/parley"
)

func TestLimiter(t *testing.T) {
	noon := time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	own := 1
	plain, narrow := parley.Actor{TokenID: "a"}, parley.Actor{TokenID: "b", Limits: parley.Limits{APIRate: &own}}
	l := newLimiter(2)
	for _, c := range []struct {
		name  string
		actor parley.Actor
		at    time.Duration
		limit int
		left  int
		over  bool
	}{
		{"the first request", plain, 0, 2, 1, false},
		{"the second", plain, time.Second, 2, 0, false},
		{"one too many", plain, 2 * time.Second, 2, 0, true},
		{"another token counts for itself", narrow, 3 * time.Second, 1, 0, false},
		{"an environment's own limit", narrow, 4 * time.Second, 1, 0, true},
		{"the next minute begins anew", plain, time.Minute, 2, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := noon.Add(c.at)
			a := l.take(c.actor, now)
			if a.limit != c.limit || a.left != c.left || a.over != c.over || (a.err(now) != nil) != c.over {
				t.Errorf("%+v", a)
			}
			if want := now.Truncate(time.Minute).Add(time.Minute); !a.reset.Equal(want) {
				t.Errorf("reset %s, want %s", a.reset, want)
			}
		})
	}
}

func TestStrangersAreCountedInBoundedMemory(t *testing.T) {
	noon := time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	l := newLimiter(5)
	for i := range strangersKept + 20 {
		l.takeStranger(fmt.Sprint(i), noon)
	}
	if n := len(l.strangers); n > strangersKept+1 {
		t.Errorf("%d addresses are kept", n)
	}
	if !l.takeStranger("yet another", noon).over {
		t.Error("those beyond the bound do not share one count")
	}
	if l.takeStranger("0", noon).over {
		t.Error("one that was counted before is counted with the others")
	}
}

func TestRetryAfterIsNeverZero(t *testing.T) {
	reset := time.Date(2026, 3, 5, 12, 1, 0, 0, time.UTC)
	for _, c := range []struct {
		before time.Duration
		want   int
	}{{time.Minute, 60}, {1500 * time.Millisecond, 2}, {time.Millisecond, 1}} {
		err := allowance{over: true, reset: reset}.err(reset.Add(-c.before)).(*parley.Error)
		if got := retryAfter(err); got != c.want {
			t.Errorf("%s before the end: wait %d s, want %d", c.before, got, c.want)
		}
	}
}
