package record_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/record"
	"github.com/parley-voice/parley/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// disk is a file in memory that may be slow or full.
type disk struct {
	mu     sync.Mutex
	bytes  []byte
	room   int // 0 is plenty
	stuck  chan struct{}
	closed bool
}

func (d *disk) Write(p []byte) (int, error) {
	if d.stuck != nil {
		<-d.stuck
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(p)
	if d.room > 0 && len(d.bytes)+n > d.room {
		n = d.room - len(d.bytes)
	}
	d.bytes = append(d.bytes, p[:n]...)
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func (d *disk) WriteAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return copy(d.bytes[off:], p), nil
}

func (d *disk) Close() error { d.closed = true; return nil }

func (d *disk) clip(t *testing.T) audio.Clip {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := audio.ParseWAV(append([]byte(nil), d.bytes...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func record8k(t *testing.T, d *disk) *record.Recorder {
	t.Helper()
	return record.New(t.Context(), func(context.Context) (store.Blob, error) { return d, nil }, slog.New(slog.DiscardHandler))
}

func tick(heard, said int16) *media.Tick {
	var k media.Tick
	for i := range k.Heard {
		k.Heard[i], k.Said[i] = heard, said
	}
	return &k
}

func push(r *record.Recorder, k *media.Tick, d time.Duration) {
	for range d / media.FrameTime {
		r.Push(k)
		time.Sleep(media.FrameTime)
	}
}

func TestCallerIsLeftAndAgentRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		r := record8k(t, d)
		push(r, tick(1000, -2000), 2*time.Second)
		if note, saved := r.Close(); note != "" || !saved || !d.closed {
			t.Errorf("note %q, saved %v", note, saved)
		}
		c := d.clip(t)
		if c.Channels != 2 || c.Rate != record.Rate || len(c.PCM) != 2*2*int(record.Rate) {
			t.Fatalf("%d channels at %d Hz, %d samples", c.Channels, c.Rate, len(c.PCM))
		}
		if l, r := c.PCM[len(c.PCM)/2], c.PCM[len(c.PCM)/2+1]; l < 950 || l > 1050 || r < -2100 || r > -1900 {
			t.Errorf("left %d, right %d", l, r)
		}
	})
}

func TestFileIsReadableWhileItIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		r := record8k(t, d)
		push(r, tick(1, 1), 10*time.Second)
		if got := d.clip(t); len(got.PCM) < 2*9*int(record.Rate)-2*int(record.Rate) {
			t.Errorf("after 10 s the header admits to %d samples", len(got.PCM))
		}
		r.Close()
	})
}

func TestFullDiskEndsTheRecordingNotTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{room: 44 + 4*int(record.Rate)}
		r := record8k(t, d)
		push(r, tick(5, 5), 3*time.Second)
		if note, saved := r.Close(); note != "disk full" || !saved {
			t.Errorf("note %q, saved %v", note, saved)
		}
		if n := len(d.clip(t).PCM); n != 2*int(record.Rate) {
			t.Errorf("%d samples, want the second that fitted", n)
		}
	})
}

func TestStuckDiskNeverBlocksAndKeepsTheChannelsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{stuck: make(chan struct{})}
		r := record8k(t, d)
		push(r, tick(5, 5), 5*time.Second)
		close(d.stuck)
		push(r, tick(5, 5), time.Second)
		note, _ := r.Close()
		if !strings.Contains(note, "the disk was too slow") {
			t.Errorf("note %q", note)
		}
		if n := len(d.clip(t).PCM); n != 2*6*int(record.Rate) {
			t.Errorf("%d samples: missed ticks must become silence", n)
		}
	})
}

func TestNoFileNoRecording(t *testing.T) {
	open := func(context.Context) (store.Blob, error) { return nil, errors.New("no such disk") }
	r := record.New(t.Context(), open, slog.New(slog.DiscardHandler))
	if note, saved := r.Close(); note != "" || saved {
		t.Errorf("a recorder that heard nothing has note %q, saved %v", note, saved)
	}
	r = record.New(t.Context(), open, slog.New(slog.DiscardHandler))
	r.Push(tick(1, 1))
	if note, saved := r.Close(); note == "" || saved {
		t.Errorf("note %q, saved %v", note, saved)
	}
}

func TestPushAllocatesNothing(t *testing.T) {
	d := &disk{stuck: make(chan struct{})}
	r := record8k(t, d)
	k := tick(1, 1)
	r.Push(k)
	if n := testing.AllocsPerRun(1000, func() { r.Push(k) }); n != 0 {
		t.Errorf("%.1f allocations a tick", n)
	}
	close(d.stuck)
	r.Close()
}
