package worker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/parley-voice/parley/internal/speech"
)

// maxInbox bounds the sound that waits for one caller, in bytes: four minutes.
const maxInbox = 8 << 20

// errDied says that the child ended before it answered.
var errDied = errors.New("worker: process died")

// client speaks to one child. It is safe for concurrent use; run must be running.
type client struct {
	conn    net.Conn
	writing sync.Mutex
	w       *bufio.Writer

	mu      sync.Mutex
	next    uint32
	pending map[uint32]*inbox
	idle    chan struct{} // closed when the last request of a retired client has ended
	retired bool
	dead    chan struct{} // closed when the connection has ended
}

func newClient(conn net.Conn) *client {
	return &client{conn: conn, w: bufio.NewWriter(conn), pending: map[uint32]*inbox{}, idle: make(chan struct{}), dead: make(chan struct{})}
}

// run hands frames to those who wait for them until the connection ends. It never waits for a caller, who may be slow.
func (c *client) run(r *bufio.Reader) error {
	defer close(c.dead)
	defer c.conn.Close()
	for {
		f, err := readFrame(r)
		if err != nil {
			return err
		}
		c.mu.Lock()
		box := c.pending[f.id] // nil when the caller has gone
		c.mu.Unlock()
		if box != nil {
			box.put(f)
		}
	}
}

// ask sends a request and gives its sounds (of askSay) to each, then returns the result. errDied means that the child is gone.
func (c *client) ask(ctx context.Context, k kind, head any, body []byte, each func(frame) error) (frame, error) {
	if ctx.Err() != nil {
		return frame{}, context.Cause(ctx)
	}
	id, box := c.register()
	defer c.forget(id)
	f, err := newFrame(k, id, head, body)
	if err != nil {
		return frame{}, err
	}
	if err := c.send(f); err != nil {
		return frame{}, errDied
	}
	for {
		f, err := box.take(ctx, c.dead)
		switch {
		case err != nil:
		case f.kind == sayFailed:
			return frame{}, asError(f)
		case f.kind == sayResult:
			return f, nil
		case f.kind == saySound && k == askSay:
			err = each(f)
		default:
			err = fmt.Errorf("worker: answer of kind %d", f.kind)
		}
		if err != nil {
			if !errors.Is(err, errDied) {
				_ = c.send(frame{kind: cancelAsk, id: id}) // a dead child needs no telling
			}
			return frame{}, err
		}
	}
}

func (c *client) register() (uint32, *inbox) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	box := &inbox{wake: make(chan struct{}, 1)}
	c.pending[c.next] = box
	return c.next, box
}

func (c *client) forget(id uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, id)
	c.settle()
}

// load is how many requests are under way.
func (c *client) load() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.pending)
}

// retire closes idle once nothing is under way; nobody asks any more.
func (c *client) retire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.retired = true
	c.settle()
}

func (c *client) isRetired() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.retired
}

func (c *client) settle() {
	if !c.retired || len(c.pending) > 0 {
		return
	}
	select {
	case <-c.idle:
	default:
		close(c.idle)
	}
}

// send writes a frame. A child that does not take it in time is as good as dead, and half a frame could not be repaired.
func (c *client) send(f frame) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	err := c.conn.SetWriteDeadline(time.Now().Add(writeTime))
	if err == nil {
		err = writeFrame(c.w, f)
	}
	if err != nil {
		c.conn.Close()
	}
	return err
}

// asError turns a failure into the error that the contracts promise.
func asError(f frame) error {
	var why failure
	if err := f.into(&why); err != nil {
		return err
	}
	switch why.Cause {
	case failedStale:
		return speech.ErrStale
	case failedCanceled:
		return context.Canceled
	case failedUnavailable:
		return fmt.Errorf("worker: %s: %w", why.Text, speech.ErrUnavailable)
	}
	return errors.New("worker: " + why.Text)
}

// inbox holds the frames of one request until its caller takes them.
type inbox struct {
	mu     sync.Mutex
	frames []frame
	bytes  int
	over   bool
	wake   chan struct{}
}

func (b *inbox) put(f frame) {
	b.mu.Lock()
	if b.bytes += len(f.body); b.bytes > maxInbox {
		b.over = true
	} else {
		b.frames = append(b.frames, f)
	}
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// pop is the next frame, if there is one.
func (b *inbox) pop() (frame, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return frame{}, false, fmt.Errorf("worker: more than %d bytes wait for a caller", maxInbox)
	}
	if len(b.frames) == 0 {
		return frame{}, false, nil
	}
	f := b.frames[0]
	b.frames = b.frames[1:]
	b.bytes -= len(f.body)
	return f, true, nil
}

// take waits for the next frame. What arrived before the death of the child is still handed out.
func (b *inbox) take(ctx context.Context, dead <-chan struct{}) (frame, error) {
	for {
		gone := false
		select {
		case <-dead:
			gone = true
		default:
		}
		if ctx.Err() != nil {
			return frame{}, context.Cause(ctx)
		}
		if f, ok, err := b.pop(); ok || err != nil {
			return f, err
		}
		if gone {
			return frame{}, errDied
		}
		select {
		case <-b.wake:
		case <-dead:
		case <-ctx.Done():
		}
	}
}
