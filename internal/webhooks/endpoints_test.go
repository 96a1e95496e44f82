package webhooks

import (
	"testing"
	"testing/synctest"
	"time"
)

// take enters without waiting: the clock of the bubble passes by itself.
func take(t *testing.T, e *endpoints, key string, wanted bool) (wait time.Duration) {
	t.Helper()
	wait, ok := e.enter(t.Context(), key)
	if ok != wanted {
		t.Errorf("endpoint %s: entered %v, want %v", key, ok, wanted)
	}
	return wait
}

func TestAnEndpointHasItsSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoints()
		for range slots {
			take(t, e, "a", true)
		}
		start := time.Now()
		if wait := take(t, e, "a", false); wait < comeBack || time.Since(start) != queueFor {
			t.Errorf("one too many waited %v and comes back after %v", time.Since(start), wait)
		}
		take(t, e, "b", true)
		e.leave("a", time.Millisecond, true)
		take(t, e, "a", true)
	})
}

func TestASlotIsHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoints()
		for range slots {
			take(t, e, "a", true)
		}
		order := make(chan int, 2)
		for i := range 2 {
			go func() { take(t, e, "a", true); order <- i }()
			synctest.Wait()
		}
		for i := range 2 {
			e.leave("a", time.Millisecond, true)
			if got := <-order; got != i {
				t.Errorf("%d before %d", got, i)
			}
		}
		for range queueMost {
			go func() { _, _ = e.enter(t.Context(), "a") }()
		}
		synctest.Wait()
		start := time.Now()
		take(t, e, "a", false)
		if time.Since(start) != 0 {
			t.Error("one more waited in a full queue")
		}
	})
}

func TestAnEndpointThatSaysNothingKeepsOneSlot(t *testing.T) {
	e := newEndpoints()
	for range downAfter {
		take(t, e, "a", true)
		e.leave("a", time.Second, false)
	}
	take(t, e, "a", true)
	take(t, e, "a", false) // at once: nobody waits for one that is down
	e.leave("a", time.Second, true)
	for range slots {
		take(t, e, "a", true)
	}
}

func TestTurnedAwayComeBackWhenThoseBeforeHadTheirTurn(t *testing.T) {
	e := newEndpoints()
	for range downAfter {
		take(t, e, "a", true)
		e.leave("a", 8*time.Second, false)
	}
	take(t, e, "a", true)
	first := take(t, e, "a", false)
	for range 1000 {
		take(t, e, "a", false)
	}
	if last := take(t, e, "a", false); first > 2*comeBackMost || last < comeBackMost || last > 2*comeBackMost {
		t.Errorf("the first comes back after %v, one of a thousand after %v", first, last)
	}
}

func TestDelaysGrow(t *testing.T) {
	for n := 1; n < 12; n++ {
		least := schedule[min(n, len(schedule))-1]
		if d := growing(n); d < least || d > least+least/4 {
			t.Errorf("after attempt %d: %v, want %v and up to a quarter more", n, d, least)
		}
	}
}
