package river

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// calmFor is how long a message of River's is not repeated: while the database is away it comes several times a second.
	calmFor = 10 * time.Second
	// calmMessages bounds how many messages are remembered; River has a few dozen.
	calmMessages = 200
)

// calm is a log handler for River: it passes warnings and errors, the same message at most once in calmFor, with the number of those
// that it held back.
type calm struct {
	slog.Handler
	said *said
}

func newCalm(log *slog.Logger) *slog.Logger {
	return slog.New(calm{log.Handler(), &said{last: map[string]time.Time{}, held: map[string]int{}}})
}

// Enabled implements slog.Handler.
func (c calm) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && c.Handler.Enabled(ctx, l)
}

// Handle implements slog.Handler.
func (c calm) Handle(ctx context.Context, r slog.Record) error {
	held, pass := c.said.note(r.Message, r.Time)
	if !pass {
		return nil
	}
	if held > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("repeated", held))
	}
	return c.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (c calm) WithAttrs(a []slog.Attr) slog.Handler { return calm{c.Handler.WithAttrs(a), c.said} }

// WithGroup implements slog.Handler.
func (c calm) WithGroup(name string) slog.Handler { return calm{c.Handler.WithGroup(name), c.said} }

// said remembers when a message was passed, and how often it was held back since.
type said struct {
	mu   sync.Mutex
	last map[string]time.Time
	held map[string]int
}

func (s *said) note(message string, now time.Time) (held int, pass bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, known := s.last[message]
	if known && now.Sub(last) < calmFor {
		s.held[message]++
		return 0, false
	}
	if !known && len(s.last) >= calmMessages {
		clear(s.last)
		clear(s.held)
	}
	held, s.held[message] = s.held[message], 0
	s.last[message] = now
	return held, true
}
