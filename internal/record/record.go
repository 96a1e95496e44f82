// Package record writes a call to a WAV file as it happens: the caller left, the agent right, aligned tick by tick. A Recorder has a
// bounded queue and a goroutine of its own, so that no disk ever holds up a call. The header is written anew every second: the file is
// readable at any moment, also after the process was killed.
//
// The file is 16-bit PCM at 8 kHz. A telephone line carries nothing above 4 kHz, and this is half the size of the 16 kHz that the
// engines work with: 32 kB a second for both channels.
package record

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/store"
)

// Rate is the sampling rate of a recording.
const Rate = audio.Narrow

const (
	channels  = 2
	perTick   = media.FrameSamples * int(Rate) / media.Rate
	queued    = 150 // ticks that may wait for the disk: three seconds
	gather    = 200 * time.Millisecond
	rewrite   = time.Second
	patience  = 10 * time.Second
	byteFrame = 2 * channels
)

type pair struct{ heard, said media.Frame }

// Recorder records one call. Make it with New.
type Recorder struct {
	ctx  context.Context // of the goroutine that the first tick starts
	log  *slog.Logger
	open func(context.Context) (store.Blob, error)

	mu     sync.Mutex
	begun  bool
	queue  [queued]pair
	first  int
	have   int
	missed int // ticks that found the queue full since the last drain; silence stands for them

	stop chan struct{}
	done chan struct{}

	// Below belongs to the goroutine until done is closed.
	left, right *audio.Resampler
	narrow      [channels][]int16
	bytes       []byte
	blob        store.Blob
	frames      int64 // sample frames in the file
	stamped     time.Time
	lost        int
	note        string
	failed      bool
}

// New makes a recorder that begins with the first tick. open makes the file; it is called by the recorder's goroutine, so a slow disk
// costs the call nothing.
func New(ctx context.Context, open func(context.Context) (store.Blob, error), log *slog.Logger) *Recorder {
	return &Recorder{ctx: ctx, log: log, open: open, stop: make(chan struct{}), done: make(chan struct{})}
}

// Push takes a tick. It never blocks and allocates nothing but at the first; a tick that finds the queue full becomes silence.
func (r *Recorder) Push(t *media.Tick) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.begun {
		r.begun = true
		go func() { defer close(r.done); r.run() }()
	}
	if r.have == queued {
		r.missed++
		return
	}
	p := &r.queue[(r.first+r.have)%queued]
	p.heard, p.said = t.Heard, t.Said
	r.have++
}

// Close ends the recording, waits for the file to be complete and says why it is short; note is empty when it is not. saved is false
// when there is no file. A disk that does not answer at all is waited for no longer than patience.
func (r *Recorder) Close() (note string, saved bool) {
	r.mu.Lock()
	begun := r.begun
	r.mu.Unlock()
	if !begun {
		return "", false
	}
	close(r.stop)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-r.done:
		return r.note, r.blob != nil
	case <-timer.C:
		return "the disk does not answer", true
	}
}

func (r *Recorder) run() {
	if err := r.begin(); err != nil {
		r.fail(err)
	}
	beat := time.NewTicker(gather)
	defer beat.Stop()
	for {
		select {
		case <-beat.C:
			r.drain()
		case <-r.stop:
			r.drain()
			r.finish()
			return
		}
	}
}

func (r *Recorder) begin() (err error) {
	if r.left, err = audio.NewResampler(media.Rate, Rate); err != nil {
		return err
	}
	if r.right, err = audio.NewResampler(media.Rate, Rate); err != nil {
		return err
	}
	blob, err := r.open(r.ctx)
	if err != nil {
		return err
	}
	r.blob = blob
	r.header()
	return nil
}

// pop takes the oldest tick, and the ticks that were missed once the queue is empty.
func (r *Recorder) pop(p *pair) (ok bool, missed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.have == 0 {
		missed, r.missed = r.missed, 0
		return false, missed
	}
	*p = r.queue[r.first]
	r.first = (r.first + 1) % queued
	r.have--
	return true, 0
}

func (r *Recorder) drain() {
	var p pair
	for {
		ok, missed := r.pop(&p)
		if !ok {
			r.lost += missed
			for range missed {
				r.put(&pair{})
			}
			break
		}
		r.put(&p)
	}
	r.flush()
}

// put adds a tick to the bytes that go to the file next.
func (r *Recorder) put(p *pair) {
	if r.failed {
		return
	}
	r.narrow[0] = r.left.Process(r.narrow[0][:0], p.heard[:])
	r.narrow[1] = r.right.Process(r.narrow[1][:0], p.said[:])
	for i := range min(len(r.narrow[0]), len(r.narrow[1])) {
		r.bytes = binary.LittleEndian.AppendUint16(r.bytes, uint16(r.narrow[0][i]))
		r.bytes = binary.LittleEndian.AppendUint16(r.bytes, uint16(r.narrow[1][i]))
	}
}

func (r *Recorder) flush() {
	if r.failed || len(r.bytes) == 0 {
		return
	}
	n, err := r.blob.Write(r.bytes)
	r.frames += int64(n / byteFrame)
	r.bytes = r.bytes[:0]
	if err != nil {
		r.fail(err)
		return
	}
	if time.Since(r.stamped) >= rewrite {
		r.header()
	}
}

// header writes how long the file is so far.
func (r *Recorder) header() {
	h := audio.WAVHeader(Rate, channels, r.frames)
	var err error
	if r.stamped.IsZero() {
		_, err = r.blob.Write(h[:])
	} else {
		_, err = r.blob.WriteAt(h[:], 0)
	}
	r.stamped = time.Now()
	if err != nil {
		r.fail(err)
	}
}

// fail ends the recording; the call goes on.
func (r *Recorder) fail(err error) {
	if r.failed {
		return
	}
	r.failed, r.bytes = true, nil
	r.note = "writing failed"
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		r.note = "disk full"
	}
	r.log.Error("recording ended early", "note", r.note, "seconds", r.frames/int64(Rate), "error", err)
}

// finish completes the file. After a failure the header still gets the length that was reached: it lies over bytes that exist.
func (r *Recorder) finish() {
	if r.blob == nil {
		return
	}
	r.header()
	if err := r.blob.Close(); err != nil {
		r.fail(err)
	}
	if r.note == "" && r.lost > 0 {
		r.note = fmt.Sprintf("%d ms are missing: the disk was too slow", r.lost*int(media.FrameTime/time.Millisecond))
	}
}
