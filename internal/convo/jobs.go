package convo

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// obeyWithin is how long an engine may take to end work that is not wanted any more.
const obeyWithin = 10 * time.Second

// jobs are the goroutines of a session's slow work.
type jobs struct {
	ctx    context.Context // of the session's life, which begins with Run
	stop   context.CancelFunc
	wg     sync.WaitGroup
	failed func(error) // takes a panic of a job; may be called by any goroutine
}

func (j *jobs) start(ctx context.Context, failed func(error)) {
	j.ctx, j.stop = context.WithCancel(ctx)
	j.failed = failed
}

// do runs work beside the session. Its ctx ends with the session. A panic ends the call, not the process.
func (j *jobs) do(work func(ctx context.Context)) {
	j.wg.Go(func() {
		if err := caught(func() error { work(j.ctx); return nil }); err != nil {
			j.failed(err)
		}
	})
}

// end stops all work and waits for it. An engine that does not obey must not keep the call open: after a while it is left alone, and
// end says false.
func (j *jobs) end() bool {
	j.stop()
	ended := make(chan struct{})
	go func() { j.wg.Wait(); close(ended) }()
	timer := time.NewTimer(obeyWithin)
	defer timer.Stop()
	select {
	case <-ended:
		return true
	case <-timer.C:
		return false
	}
}

// caught turns a panic of f into an error that holds its stack.
func caught(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("convo: panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}
