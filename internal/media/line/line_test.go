package line

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-voice/parley/internal/media"
)

func frame(v int16) *media.Frame { return &media.Frame{v} }

func TestTickHoldsWhatWasHeardAndSaidTogether(t *testing.T) {
	l, ctx := New(), t.Context()
	if err := l.Write(ctx, frame(7)); err != nil {
		t.Fatal(err)
	}
	var said media.Frame
	if !l.Beat(frame(1), false, &said) || said[0] != 7 {
		t.Fatalf("first beat said %d", said[0])
	}
	if l.Beat(frame(2), true, &said) || said[0] != 0 {
		t.Fatalf("second beat said %d", said[0])
	}
	var k media.Tick
	for _, want := range []struct {
		heard, said int16
		lost        bool
	}{{1, 7, false}, {2, 0, true}} {
		if err := l.Read(ctx, &k); err != nil || k.Heard[0] != want.heard || k.Said[0] != want.said || k.Lost != want.lost || k.Played != 1 {
			t.Errorf("tick %d/%d lost %v played %d, %v", k.Heard[0], k.Said[0], k.Lost, k.Played, err)
		}
	}
}

func TestClearDropsWhatWaitsAndLetsWritersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New()
		wrote := 0
		go func() {
			for range queued + 5 {
				if l.Write(t.Context(), frame(1)) != nil {
					return
				}
				wrote++
			}
		}()
		synctest.Wait()
		if wrote != queued {
			t.Fatalf("%d frames written before the queue was full", wrote)
		}
		if n := l.Clear(); n != queued {
			t.Errorf("cleared %d", n)
		}
		synctest.Wait()
		if wrote != queued+5 {
			t.Errorf("the writer wrote %d after Clear", wrote)
		}
	})
}

func TestEndWakesEverybodyAndKeepsTheFirstCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New()
		errs := make(chan error, 1)
		go func() { var k media.Tick; errs <- l.Read(context.Background(), &k) }()
		synctest.Wait()
		if !l.End(media.EndRemote) || l.End(media.EndLocal) {
			t.Error("only the first End counts")
		}
		if err := <-errs; !errors.Is(err, media.ErrEnded) || l.Cause() != media.EndRemote {
			t.Errorf("%v, %s", err, l.Cause())
		}
		if err := l.Write(context.Background(), frame(1)); !errors.Is(err, media.ErrEnded) {
			t.Errorf("write after the end: %v", err)
		}
	})
}

func TestLateReaderLosesTheOldest(t *testing.T) {
	l := New()
	var said media.Frame
	for i := range unread + 3 {
		l.Beat(frame(int16(i)), false, &said)
	}
	var k media.Tick
	if err := l.Read(t.Context(), &k); err != nil || k.Heard[0] != 3 || l.Missed() != 3 {
		t.Errorf("oldest tick %d, missed %d, %v", k.Heard[0], l.Missed(), err)
	}
}

func TestReaderTimesOutByItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var k media.Tick
		if err := New().Read(ctx, &k); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func BenchmarkBeat(b *testing.B) {
	l, ctx := New(), context.Background()
	var f, said media.Frame
	var k media.Tick
	b.ReportAllocs()
	for b.Loop() {
		_ = l.Write(ctx, &f)
		l.Beat(&f, false, &said)
		_ = l.Read(ctx, &k)
	}
}
