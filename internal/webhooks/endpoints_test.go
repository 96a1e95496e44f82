package webhooks

import "testing"

func TestAnEndpointHasItsSlots(t *testing.T) {
	e := newEndpoints()
	for range slots {
		if _, ok := e.enter("a"); !ok {
			t.Fatal("a slot is refused")
		}
	}
	wait, ok := e.enter("a")
	if ok || wait < comeBack || wait > 4*comeBack {
		t.Errorf("one too many: %v, %v", wait, ok)
	}
	if _, ok := e.enter("b"); !ok {
		t.Error("another endpoint is refused")
	}
	e.leave("a", true)
	if _, ok := e.enter("a"); !ok {
		t.Error("a slot that was given back is refused")
	}
}

func TestAnEndpointThatSaysNothingKeepsOneSlot(t *testing.T) {
	e := newEndpoints()
	for range downAfter {
		e.enter("a")
		e.leave("a", false)
	}
	if _, ok := e.enter("a"); !ok {
		t.Error("nobody may look whether it is back")
	}
	if _, ok := e.enter("a"); ok {
		t.Error("a second request to an endpoint that is down")
	}
	e.leave("a", true)
	for i := range slots {
		if _, ok := e.enter("a"); !ok {
			t.Fatalf("slot %d is refused after an answer", i)
		}
	}
}

func TestTurnedAwayComeBackLaterTheMoreTheyAre(t *testing.T) {
	e := newEndpoints()
	for range slots {
		e.enter("a")
	}
	for range 10000 {
		e.enter("a")
	}
	if wait, _ := e.enter("a"); wait < comeBackMost || wait > 2*comeBackMost {
		t.Errorf("one of ten thousand comes back after %v", wait)
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
