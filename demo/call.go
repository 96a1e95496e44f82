package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/parley-voice/parley/internal/phone"
)

// heard is a call as the caller knows it, and as the API tells it.
type heard struct {
	call   call
	report phone.Result
	wav    string // the caller's own recording: left is the caller, right the agent
}

// converse lets a second process call the agent, and shows the conversation as the API tells it meanwhile.
func (s *server) converse(ctx context.Context, b *business) (*heard, error) {
	dir := filepath.Dir(s.data)
	h := &heard{wav: filepath.Join(dir, "caller.wav")}
	report := filepath.Join(dir, "report.json")
	args := []string{"call", "sip:" + strings.TrimPrefix(b.Number, "+") + "@" + s.sip, "--from", b.Caller, "--record", h.wav, "--report", report}
	for _, l := range b.Script {
		if l.InterruptAfter != "" {
			args = append(args, "--interrupt-after", l.InterruptAfter)
		}
		if l.Audio != "" {
			args = append(args, "--play", b.audio(l))
		} else {
			args = append(args, "--say", l.Say)
		}
	}
	cmd := exec.CommandContext(ctx, s.binary, args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	seen := make(chan error, 1)
	go func() {
		var err error
		h.call, err = s.watch(watching, os.Stdout)
		seen <- err
	}()
	waited := cmd.Wait()
	raw, err := os.ReadFile(report)
	if err == nil {
		err = json.Unmarshal(raw, &h.report)
	}
	if err != nil {
		return nil, fmt.Errorf("the caller: %w", errors.Join(waited, err))
	}
	if c := h.report.Code; c != phone.CodeOK && c != phone.CodeHungUp {
		return nil, fmt.Errorf("the caller ended with code %d: %w", c, waited)
	}
	select {
	case err := <-seen:
		return h, err
	case <-time.After(20 * time.Second):
		return nil, errors.New("the call is not final 20 s after it ended")
	}
}

// measured are the latencies of all lines, sorted: mouth to ear of each answer, and how long the agent went on when interrupted.
func measured(all []*heard) (replies, stops []time.Duration) {
	for _, h := range all {
		for _, l := range h.report.Lines {
			if l.Reply != nil {
				replies = append(replies, time.Duration(*l.Reply))
			}
			if l.Stop != nil {
				stops = append(stops, time.Duration(*l.Stop))
			}
		}
	}
	slices.Sort(replies)
	slices.Sort(stops)
	return replies, stops
}

// percentile of sorted values, by nearest rank.
func percentile(sorted []time.Duration, p int) int64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, max(0, (p*len(sorted)+99)/100-1))].Milliseconds()
}

func summarize(w io.Writer, all []*heard) {
	replies, stops := measured(all)
	fmt.Fprintf(w, "\nMouth to ear, as the caller measured it on the wire: p50 %d ms, p95 %d ms over %d answers\n",
		percentile(replies, 50), percentile(replies, 95), len(replies))
	if len(stops) > 0 {
		fmt.Fprintf(w, "Silent after an interruption: p50 %d ms, p95 %d ms over %d\n", percentile(stops, 50), percentile(stops, 95), len(stops))
	}
	last := all[len(all)-1].call
	fmt.Fprintf(w, "GET /api/v1/calls: %s, status %s, %s, %d turns\n", last.ID, last.Status, last.EndedReason, len(last.Turns))
	fmt.Fprintf(w, "Recording: %s\n", last.RecordingURL)
}
