package worker

import (
	"context"
	"errors"
	"sync"
	"time"
)

// keeper is what Run knows of its processes. All but its watchers are Run's goroutine.
type keeper struct {
	s        *Supervisor
	events   chan event
	watchers sync.WaitGroup
	starting bool
	paused   bool // after a start that failed
	delay    time.Duration
	retry    *time.Timer
}

// event says that a process is ready, or has ended.
type event struct {
	p     *process
	ended bool
	err   error
}

// topUp starts a process when one is wanted and none is starting.
func (k *keeper) topUp(ctx context.Context) {
	k.s.mu.Lock()
	have := len(k.s.live)
	k.s.mu.Unlock()
	if k.starting || k.paused || have > k.s.cfg.Workers || ctx.Err() != nil {
		return
	}
	cmd, err := k.s.cfg.Command()
	var p *process
	if err == nil {
		p, err = spawn(cmd)
	}
	if err != nil {
		k.failed(err)
		return
	}
	k.starting = true
	k.watchers.Go(func() { k.watch(ctx, p) })
}

// watch follows a process from its start to its end.
func (k *keeper) watch(ctx context.Context, p *process) {
	stop := context.AfterFunc(ctx, func() { p.conn.Close() })
	defer stop()
	err := p.ready()
	if err == nil {
		k.tell(ctx, event{p: p})
		err = p.run(p.reader)
	}
	k.tell(ctx, event{p: p, ended: true, err: errors.Join(err, p.end(grace))})
}

func (k *keeper) tell(ctx context.Context, e event) {
	select {
	case k.events <- e:
	case <-ctx.Done():
	}
}

// heed takes note of what became of a process.
func (k *keeper) heed(e event) {
	log := k.s.cfg.Log.With("pid", e.p.cmd.Process.Pid)
	if !e.ended {
		k.starting, k.delay = false, 0
		k.s.change(func() { k.s.live, k.s.startErr = append(k.s.live, e.p), nil })
		log.Debug("speech worker ready")
		return
	}
	select {
	case <-e.p.dead: // it had been ready
	default:
		k.starting = false
		k.failed(e.err)
		return
	}
	k.s.drop(e.p)
	if e.p.isRetired() {
		log.Info("speech worker replaced")
		return
	}
	log.Error("speech worker died", "error", e.err, "output", e.p.errs.String())
}

// failed waits before the next start.
func (k *keeper) failed(err error) {
	k.delay = min(max(2*k.delay, firstDelay), lastDelay)
	k.paused = true
	k.retry.Reset(k.delay)
	k.s.change(func() { k.s.startErr = err })
	k.s.cfg.Log.Error("speech worker does not start", "error", err, "retry_in", k.delay)
}

// replaceLarge takes one process out of use that has grown too large, if another can take over, and ends it once its work is done.
func (k *keeper) replaceLarge(ctx context.Context) {
	k.s.mu.Lock()
	var large *process
	for _, p := range k.s.live {
		if len(k.s.live) > 1 && p.memory() > k.s.cfg.MaxMemory {
			large = p
			break
		}
	}
	k.s.mu.Unlock()
	if large == nil {
		return
	}
	k.s.cfg.Log.Warn("speech worker too large", "pid", large.cmd.Process.Pid, "bytes", large.memory())
	k.s.drop(large)
	large.retire()
	k.watchers.Go(func() {
		defer large.conn.Close()
		timer := time.NewTimer(drainTime)
		defer timer.Stop()
		select {
		case <-large.idle:
		case <-large.dead:
		case <-timer.C:
		case <-ctx.Done():
		}
	})
}
