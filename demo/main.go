// Command demo is a newcomer's first call, done through the REST API and the wire alone: it starts a server on an empty data directory,
// describes and publishes an agent, calls it with a recorded voice, judges what the caller heard, and erases everything. It exits 1
// when an expected fact was not said, one was invented, the agent did not stop when interrupted, a booking did not arrive, or anything was
// left behind.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/mattn/go-isatty"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	file := flag.String("agent", "demo/clinic.json", "the business: agent, trainings and script")
	binary := flag.String("parley", "bin/parley", "the binary")
	rounds := flag.Int("calls", 1, "how often to call, for latencies over more turns")
	flag.Parse()
	b, err := load(*file)
	if err != nil {
		return err
	}
	path, err := filepath.Abs(*binary)
	if err != nil {
		return err
	}
	fmt.Println("Starting a server on an empty data directory …")
	s, err := boot(ctx, path)
	if s != nil {
		defer func() { err = errors.Join(err, s.stop()) }()
	}
	if err != nil {
		return err
	}
	fmt.Printf("  API http://%s   SIP %s\n", s.http, s.sip)
	fmt.Println("Registering a trunk and a number …")
	did, err := s.register(ctx, b)
	if err != nil {
		return err
	}
	faults, err := s.perform(ctx, b, did, *rounds)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return fmt.Errorf("FAILED:\n  %s", strings.Join(faults, "\n  "))
	}
	fmt.Println("\nPASSED: every expected fact was heard, none was invented, the agent let itself be interrupted, what it was to book arrived, and " +
		"nothing was left behind.")
	return s.offer(ctx, b, did)
}

// perform is the demo from the agent's creation to its receipt; it returns what was wrong with what was heard.
func (s *server) perform(ctx context.Context, b *business, did string, rounds int) (faults []string, err error) {
	fmt.Println("Creating an agent, its trainings and actions; publishing …")
	agent, err := s.publish(ctx, b, did)
	if err != nil {
		return nil, err
	}
	var all []*heard
	for range rounds {
		fmt.Printf("\nCalling %s …\n", b.Number)
		h, err := s.converse(ctx, b)
		if err != nil {
			return nil, err
		}
		wrong, err := s.judge(ctx, b, h)
		if err != nil {
			return nil, err
		}
		all, faults = append(all, h), append(faults, wrong...)
	}
	summarize(os.Stdout, all)
	s.diary.summarize(os.Stdout)
	faults = append(faults, s.diary.faults(b.Booking, rounds)...)
	left, err := s.erase(ctx, b, agent, all[len(all)-1].call)
	return append(faults, left...), err
}

// offer keeps the server up for a person at a terminal.
func (s *server) offer(ctx context.Context, b *business, did string) error {
	if !isatty.IsTerminal(os.Stdin.Fd()) || !isatty.IsTerminal(os.Stdout.Fd()) {
		return nil
	}
	fmt.Print("\nKeep the server up, with the agent published again, to call it yourself? [y/N] ")
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n') // no answer is a no
	if !strings.HasPrefix(strings.ToLower(strings.TrimSpace(answer)), "y") {
		return nil
	}
	if _, err := s.publish(ctx, b, did); err != nil {
		return err
	}
	number := strings.TrimPrefix(b.Number, "+")
	fmt.Printf(`
Call  sip:%s@%s  from any softphone on this machine (UDP, no registration, PCMU or PCMA), or without one:

  bin/parley call sip:%s@%s --say "%s" --transcript

The API is http://%s/api/v1 with the token %s. Press ^C to end it and remove its data.
`, number, s.sip, number, s.sip, b.Script[0].Say, s.http, s.token)
	<-ctx.Done()
	return nil
}
