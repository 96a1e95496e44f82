package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/erasure"
)

// PIIFile is the log file that may hold personal data. Its lines go after a while: halfway it becomes PATH.old, which is removed in the end.
type PIIFile struct {
	path string
	keep time.Duration // 0 of what is no file

	mu    sync.Mutex
	f     *os.File
	since time.Time // of its first line; zero when it is empty
}

// piiLook is how often lines are looked at that may have to go.
const piiLook = time.Minute

func openPII(path string, keep time.Duration) (*PIIFile, error) {
	p := &PIIFile{path: path, keep: keep}
	if err := p.open(); err != nil {
		return nil, err
	}
	if st, err := p.f.Stat(); err != nil || !st.Mode().IsRegular() { // a pipe or a device keeps nothing here
		p.keep = 0
		return p, err
	}
	p.since = firstLine(path)
	return p, nil
}

func (p *PIIFile) open() (err error) {
	p.f, err = os.OpenFile(p.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	return err
}

func (p *PIIFile) old() string { return p.path + ".old" }

// firstLine is the time of the first line of a log file; zero when it has none.
func firstLine(path string) time.Time {
	f, err := os.Open(path)
	if err != nil {
		return time.Time{}
	}
	defer func() { _ = f.Close() }()
	var line struct{ Time time.Time }
	if b, err := bufio.NewReader(f).ReadBytes('\n'); err == nil && json.Unmarshal(b, &line) == nil {
		return line.Time
	}
	if st, err := f.Stat(); err == nil && st.Size() > 0 {
		return st.ModTime() // no line of ours
	}
	return time.Time{}
}

func (p *PIIFile) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.since.IsZero() {
		p.since = time.Now()
	}
	return p.f.Write(b)
}

// Run removes lines whose time is over until ctx ends.
func (p *PIIFile) Run(ctx context.Context, log *slog.Logger) error {
	t := time.NewTicker(piiLook)
	defer t.Stop()
	for {
		if err := p.expire(time.Now()); err != nil {
			log.Error("log of personal data: lines whose time is over are still there", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// expire removes what is too old by now.
func (p *PIIFile) expire(now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keep == 0 {
		return nil
	}
	if old := firstLine(p.old()); !old.IsZero() && now.Sub(old) >= p.keep-piiLook {
		if err := os.Remove(p.old()); err != nil {
			return err
		}
	}
	if p.since.IsZero() || now.Sub(p.since) < p.keep/2-piiLook {
		return nil
	}
	// The older half has gone by now, unless nobody looked for long: then it goes here, and the newer one in its turn.
	if err := os.Rename(p.path, p.old()); err != nil {
		return err
	}
	err := p.f.Close()
	p.since = time.Time{}
	return errors.Join(err, p.open())
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
		err := os.Remove(p.old())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, false, "", err
		}
		st, failed := p.f.Stat()
		if failed != nil || st.Size() == 0 && err != nil {
			return 0, failed == nil, "", failed
		}
		if err := p.f.Truncate(0); err != nil {
			return 0, false, "", err
		}
		p.since = time.Time{}
		return 1, true, "the whole file was emptied", nil
	}}
}
