package river

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRiverRepeatsItselfOnlyOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := newCalm(slog.New(slog.NewTextHandler(&out, nil))).With("part", "river")
		lines := func() (n int) { return strings.Count(out.String(), "\n") }
		log.Info("job counts")
		if lines() != 0 {
			t.Errorf("information came through: %s", &out)
		}
		for range 50 {
			log.Error("no jobs fetched")
			time.Sleep(100 * time.Millisecond)
		}
		log.Warn("another matter")
		if lines() != 2 {
			t.Errorf("within five seconds: %s", &out)
		}
		time.Sleep(calmFor)
		log.Error("no jobs fetched")
		if !strings.HasSuffix(out.String(), "part=river repeated=49\n") || lines() != 3 {
			t.Errorf("after a while: %s", &out)
		}
	})
}

func TestMemoryOfMessagesIsBounded(t *testing.T) {
	s := &said{last: map[string]time.Time{}, held: map[string]int{}}
	for i := range 10 * calmMessages {
		if _, pass := s.note(strings.Repeat("x", i), time.Now()); !pass {
			t.Fatal("a new message was held back")
		}
	}
	if len(s.last) > calmMessages || len(s.held) > calmMessages {
		t.Errorf("%d messages are remembered", len(s.last))
	}
}
