package app

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/parley-voice/parley/internal/config"
)

// piiGroup is the attribute group that holds what callers said and dialled. It never reaches standard error.
const piiGroup = "pii"

// NewLog makes the server's log: every record without its pii group to w, and the whole record to the file that log.pii names.
func NewLog(c config.Config, w io.Writer) (*slog.Logger, *PIIFile, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return nil, nil, err
	}
	o := &slog.HandlerOptions{Level: level}
	h := &splitHandler{open: slog.NewTextHandler(w, o)}
	if c.LogPII == "" {
		return slog.New(h), nil, nil
	}
	f, err := openPII(c.LogPII, duration(c.PIIFor))
	if err != nil {
		return nil, nil, err
	}
	h.full = slog.NewJSONHandler(f, o)
	return slog.New(h), f, nil
}

// splitHandler drops the pii group for one handler and keeps it for the other.
type splitHandler struct {
	open slog.Handler
	full slog.Handler // nil for none
}

func (h *splitHandler) Enabled(ctx context.Context, l slog.Level) bool { return h.open.Enabled(ctx, l) }

func (h *splitHandler) Handle(ctx context.Context, r slog.Record) error {
	var errs []error
	if h.full != nil {
		errs = append(errs, h.full.Handle(ctx, r.Clone()))
	}
	public := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != piiGroup {
			public.AddAttrs(a)
		}
		return true
	})
	return errors.Join(append(errs, h.open.Handle(ctx, public))...)
}

func (h *splitHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	n := &splitHandler{}
	var public []slog.Attr
	for _, a := range attrs {
		if a.Key != piiGroup {
			public = append(public, a)
		}
	}
	n.open = h.open.WithAttrs(public)
	if h.full != nil {
		n.full = h.full.WithAttrs(attrs)
	}
	return n
}

func (h *splitHandler) WithGroup(name string) slog.Handler {
	n := &splitHandler{open: h.open.WithGroup(name)}
	if name == piiGroup {
		n.open = slog.DiscardHandler
	}
	if h.full != nil {
		n.full = h.full.WithGroup(name)
	}
	return n
}
