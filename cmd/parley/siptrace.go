package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/ladder"
)

// sipTrace gathers the SIP messages of a call.
type sipTrace struct {
	mu  sync.Mutex
	all []parley.SIPMessage
}

// when gives what a phone is to hand its messages to; nil when nobody asked.
func (t *sipTrace) when(asked bool) func(parley.SIPMessage) {
	if !asked {
		return nil
	}
	return func(m parley.SIPMessage) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.all = append(t.all, m)
	}
}

// print writes each message and then the ladder of them.
func (t *sipTrace) print(w io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range t.all {
		verb := "received from"
		if m.Sent {
			verb = "sent to"
		}
		_, _ = fmt.Fprintf(w, "--- %s %s %s/%s\n%s\n\n", m.At.UTC().Format(time.RFC3339Nano), verb, m.Peer, m.Transport, shown(m.Raw))
	}
	_, _ = io.WriteString(w, ladder.Draw("me", t.all))
}

// shown keeps a peer's words from steering the terminal.
func shown(raw string) string {
	return strings.TrimRight(strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return -1
		case r == '\n' || r == '\t' || r >= ' ' && r < 0x7f || r > 0x9f:
			return r
		}
		return '?'
	}, raw), "\n")
}
