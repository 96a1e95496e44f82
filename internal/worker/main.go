package worker

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"runtime/debug"
)

// exitStuck is the exit status of a child whose native code hangs.
const exitStuck = 70

// Main is the child process: `parley worker --models DIR --slots N`, started by a Supervisor with one end of a socket pair. It returns
// when the parent closes its end or is gone, or when ctx ends.
func Main(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	dir := flags.String("models", "", "directory of the models")
	slots := flags.Int("slots", runtime.GOMAXPROCS(0), "pieces of work at once")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	return child(ctx, *slots, func() (Engines, error) { return loadEngines(*dir) })
}

// child loads the engines and serves them on the inherited socket.
func child(ctx context.Context, slots int, load func() (Engines, error)) error {
	conn, err := inherited()
	if err != nil {
		return err
	}
	defer conn.Close()
	e, err := load()
	if err != nil {
		return errors.Join(err, refuse(conn, err))
	}
	debug.FreeOSMemory() // reading the tables took more than they hold
	return serve(ctx, conn, e, slots, func() {
		fmt.Fprintf(os.Stderr, "worker: work did not end within %v\n", stuckAfter)
		os.Exit(exitStuck)
	})
}

// refuse tells the parent why this process cannot work.
func refuse(conn net.Conn, why error) error {
	f, err := newFrame(sayReady, 0, readiness{Fault: why.Error()}, nil)
	if err != nil {
		return err
	}
	return writeFrame(bufio.NewWriter(conn), f)
}
