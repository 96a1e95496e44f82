package app

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/config"
	"github.com/parley-voice/parley/internal/erasure"
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
	f, err := openPII(c.LogPII)
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

// PIIFile is the log file that may hold personal data.
type PIIFile struct {
	mu sync.Mutex
	f  *os.File
}

func openPII(path string) (*PIIFile, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &PIIFile{f: f}, nil
}

func (p *PIIFile) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.f.Write(b)
}

// Close closes the file; a nil PIIFile has none.
func (p *PIIFile) Close() error {
	if p == nil {
		return nil
	}
	return p.f.Close()
}

// place empties the whole file: its lines are not sorted by agent, and losing the log of others is the lesser harm.
func (p *PIIFile) place() erasure.Place {
	return erasure.Place{Name: "pii_log", Empty: func(context.Context, *parley.Erasure) (int64, bool, string, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		st, err := p.f.Stat()
		if err != nil || st.Size() == 0 {
			return 0, err == nil, "", err
		}
		if err := p.f.Truncate(0); err != nil && !errors.Is(err, fs.ErrClosed) {
			return 0, false, "", err
		}
		return 1, true, "the whole file was emptied", nil
	}}
}
