package sipdoor

import (
	"context"
	"log/slog"

	"golang.org/x/time/rate"
)

// longest is how much of an attribute is logged: the library logs whole datagrams.
const longest = 200

// quiet is the library's log handler. It lowers errors to warnings, since a stranger's garbage is no fault of ours, lets a few records a
// second pass, cuts what they carry, and puts it in the group pii: start lines hold numbers.
type quiet struct {
	next  slog.Handler
	limit *rate.Limiter
}

func newQuiet(next slog.Handler) *slog.Logger {
	return slog.New(&quiet{next: next, limit: rate.NewLimiter(2, 10)})
}

func lowered(l slog.Level) slog.Level { return min(l, slog.LevelWarn) }

// Enabled implements slog.Handler. The library's debug records cost more than they tell, so they never pass.
func (q *quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l > slog.LevelInfo && q.next.Enabled(ctx, lowered(l))
}

// Handle implements slog.Handler.
func (q *quiet) Handle(ctx context.Context, r slog.Record) error {
	if !q.limit.Allow() {
		return nil
	}
	out := slog.NewRecord(r.Time, lowered(r.Level), "sip stack: "+cut(r.Message), r.PC)
	var attrs []any
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, slog.String(a.Key, cut(a.Value.String())))
		return true
	})
	out.AddAttrs(slog.Group("pii", attrs...))
	return q.next.Handle(ctx, out)
}

// WithAttrs implements slog.Handler; the library's own attributes say nothing.
func (q *quiet) WithAttrs([]slog.Attr) slog.Handler { return q }

// WithGroup implements slog.Handler.
func (q *quiet) WithGroup(string) slog.Handler { return q }

func cut(s string) string {
	if len(s) > longest {
		return s[:longest] + "…"
	}
	return s
}
