package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/parley-voice/parley/internal/speech"
)

const (
	// patience is how long a request waits for a process when none is there.
	patience = 2 * time.Second
	// grace is how long a process may take to end by itself.
	grace = 2 * time.Second
	// memoryEvery is the time between looks at the processes' memory.
	memoryEvery = 10 * time.Second
	// drainTime is how long a process that is to be replaced may finish what it has begun.
	drainTime = 30 * time.Second
	// firstDelay and lastDelay bound the pause after a start that failed; it doubles.
	firstDelay = 100 * time.Millisecond
	lastDelay  = 2 * time.Second
	// defaultMemory is what a process may grow to: several times what all engines need.
	defaultMemory = 1 << 30
)

// Config says how children run.
type Config struct {
	// Models is the folder that package models filled.
	Models string
	// Workers is how many processes work at once; one more stands by. 0 is 1.
	Workers int
	// MaxMemory is the resident memory in bytes above which a process is replaced; 0 is 1 GiB.
	MaxMemory int64
	// Command makes the command of a child; nil is this binary's own "worker" with Models.
	Command func() (*exec.Cmd, error)
	Log     *slog.Logger
}

// Supervisor keeps worker processes alive and gives them work. Its methods are safe for concurrent use, while Run runs.
type Supervisor struct {
	cfg Config

	mu       sync.Mutex
	live     []*process    // loaded and healthy; the last one stands by when there are more than Workers
	changed  chan struct{} // closed and replaced when live changes
	startErr error         // of the latest start, nil when it was well
}

// New prepares a supervisor; Run starts the processes.
func New(cfg Config) *Supervisor {
	cfg.Workers = max(cfg.Workers, 1)
	if cfg.MaxMemory <= 0 {
		cfg.MaxMemory = defaultMemory
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Command == nil {
		cfg.Command = func() (*exec.Cmd, error) { return command(cfg.Models, cfg.Workers) }
	}
	return &Supervisor{cfg: cfg, changed: make(chan struct{})}
}

// Run starts processes, one at a time, and replaces those that die until ctx ends; then it ends all of them and waits.
func (s *Supervisor) Run(ctx context.Context) error {
	runtime.LockOSThread() // see spawn
	defer runtime.UnlockOSThread()
	k := &keeper{s: s, events: make(chan event), retry: time.NewTimer(0)}
	defer k.watchers.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer k.retry.Stop()
	memory := time.NewTicker(memoryEvery)
	defer memory.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-k.events:
			k.heed(e)
		case <-memory.C:
			k.replaceLarge(ctx)
		case <-k.retry.C:
			k.paused = false
		}
		k.topUp(ctx)
	}
}

// Ready waits until a process can work. When ctx ends before, the error says why the latest start failed.
func (s *Supervisor) Ready(ctx context.Context) error {
	for {
		p, changed, startErr := s.look()
		if p != nil {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), startErr)
		}
	}
}

// look picks the process with the least to do among those that work, or returns nil and a channel that is closed at the next change.
func (s *Supervisor) look() (_ *process, changed <-chan struct{}, startErr error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var best *process
	for _, p := range s.live[:min(s.cfg.Workers, len(s.live))] {
		if best == nil || p.load() < best.load() {
			best = p
		}
	}
	return best, s.changed, s.startErr
}

// pick waits for a process, at most for patience.
func (s *Supervisor) pick(ctx context.Context) (*process, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		p, changed, _ := s.look()
		if p != nil {
			return p, nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return nil, fmt.Errorf("no worker process: %w", speech.ErrUnavailable)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// change edits live and wakes those who wait for it.
func (s *Supervisor) change(edit func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	edit()
	close(s.changed)
	s.changed = make(chan struct{})
}

// drop takes p out of use and says whether it was in use.
func (s *Supervisor) drop(p *process) (was bool) {
	s.change(func() {
		n := len(s.live)
		s.live = slices.DeleteFunc(s.live, func(o *process) bool { return o == p })
		was = len(s.live) < n
	})
	return was
}
