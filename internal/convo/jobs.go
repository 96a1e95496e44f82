package convo

import (
	"context"
	"sync"
)

// jobs are the goroutines of a session's slow work.
type jobs struct {
	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup
}

func (j *jobs) start(ctx context.Context) { j.ctx, j.stop = context.WithCancel(ctx) }

// do runs work beside the session. Its ctx ends with the session.
func (j *jobs) do(work func(ctx context.Context)) {
	j.wg.Go(func() { work(j.ctx) })
}

func (j *jobs) end() {
	j.stop()
	j.wg.Wait()
}
