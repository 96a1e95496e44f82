package mcp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/actions"
)

const (
	// grace is how long a use may take to leave: to take back what it asked for, and to end its session.
	grace = time.Second
	// mostEvent bounds a message of a server that comes in a stream, in bytes.
	mostEvent = 1 << 20
)

var errLeft = errors.New("mcp: the server did not let go within 1s")

// life is the time in which the requests of a use may run: its context's, and the grace.
type life struct {
	ctx  context.Context
	stop context.CancelCauseFunc
	of   func() bool // unties it from the context of the use

	mu    sync.Mutex
	timer *time.Timer
}

func newLife(ctx context.Context) *life {
	l := &life{}
	l.ctx, l.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	l.of = context.AfterFunc(ctx, l.closing)
	return l
}

// closing starts the grace.
func (l *life) closing() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer == nil {
		l.timer = time.AfterFunc(grace, func() { l.stop(errLeft) })
	}
}

func (l *life) end() {
	l.of()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
	l.stop(nil)
}

// headersOf are what the settings and the action add to each request.
func headersOf(o *actions.Order) []parley.Header {
	all := o.Headers
	if a := o.Config.Text("authorization"); a != "" {
		all = append(all[:len(all):len(all)], parley.Header{Key: "Authorization", Value: a})
	}
	return all
}

// dressed adds headers to requests, but takes none from the protocol, and ends requests with their life.
type dressed struct {
	next    http.RoundTripper // nil is http.DefaultTransport
	headers []parley.Header
	life    context.Context
}

// RoundTrip implements http.RoundTripper.
func (d *dressed) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	untie := context.AfterFunc(d.life, func() { cancel(context.Cause(d.life)) })
	leave := func() { untie(); cancel(nil) }
	r = r.Clone(ctx)
	for _, h := range d.headers {
		if r.Header.Get(h.Key) == "" {
			r.Header.Set(h.Key, h.Value)
		}
	}
	next := d.next
	if next == nil {
		next = http.DefaultTransport
	}
	res, err := next.RoundTrip(r)
	if err != nil {
		leave()
		return nil, err
	}
	res.Body = &body{res.Body, leave}
	return res, nil
}

// body is an answer that says when it is not read any more.
type body struct {
	io.ReadCloser
	leave func()
}

// Close implements io.Closer.
func (b *body) Close() error {
	defer b.leave()
	return b.ReadCloser.Close()
}
