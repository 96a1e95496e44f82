package main

import (
	"context"

	"github.com/parley-voice/parley/internal/worker"
)

// workerCmd is the child process that runs native code; the server starts it.
type workerCmd struct {
	Args []string `arg:"" optional:"" passthrough:""`
}

// Run leaves signals to the parent: a ^C reaches both, and calls go on to the end of their grace.
func (c workerCmd) Run(ctx context.Context) error {
	return worker.Main(context.WithoutCancel(ctx), c.Args)
}
