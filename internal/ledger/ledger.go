// Package ledger keeps the list of erasures in a file outside the database: one JSON object a line, each holding the hash of the line
// before it, so that nothing can be taken out or changed unseen. The file is only ever appended to, and synced before an append returns.
// A second copy may lie elsewhere; the longer of the two fills up the other when they are opened. It holds ids and keyed hashes.
package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/erasure"
)

// ErrDamaged says that a line does not follow from the one before it.
var ErrDamaged = errors.New("ledger: damaged")

// head is the first line of a file.
type head struct {
	Ledger string `json:"ledger"` // id
}

// line is an entry with the hash of the line before it, in hex.
type line struct {
	erasure.Entry
	Prev string `json:"prev"`
}

// File is an open ledger. It is safe for concurrent use; only one process may append.
type File struct {
	paths []string

	mu      sync.Mutex
	id      string
	last    string // hash of the last line
	entries []erasure.Entry
	known   map[string]int64 // number by erasure
}

var _ erasure.Ledger = (*File)(nil)

// Open opens the ledger at a path, and its copy if that is not empty; both are made when missing. A line that a crash cut short is dropped.
func Open(path, copied string) (*File, error) {
	f := &File{paths: []string{path}}
	if copied != "" {
		f.paths = append(f.paths, copied)
	}
	texts := make([][]byte, len(f.paths))
	longest := 0
	for i, p := range f.paths {
		var err error
		if texts[i], err = whole(p); err != nil {
			return nil, fmt.Errorf("ledger of erasures: %w", err)
		}
		if len(texts[i]) > len(texts[longest]) {
			longest = i
		}
	}
	text := texts[longest]
	if len(text) == 0 {
		b, err := json.Marshal(head{parley.NewID()})
		if err != nil {
			return nil, err
		}
		text = append(b, '\n')
	}
	for i, p := range f.paths {
		if !bytes.HasPrefix(text, texts[i]) {
			return nil, fmt.Errorf("%w: %s and %s are of different histories; move away the one that is wrong", ErrDamaged, p, f.paths[longest])
		}
		if err := extend(p, text[len(texts[i]):]); err != nil {
			return nil, fmt.Errorf("ledger of erasures: %w", err)
		}
	}
	return f, f.load(text)
}

// Read reads the ledger at a path without changing it.
func Read(path string) (*File, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := &File{}
	return f, f.load(b[:bytes.LastIndexByte(b, '\n')+1])
}

// whole reads the complete lines of a file, and cuts off what follows them; nil when there is no file.
func whole(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err != nil {
		return nil, err
	}
	n := bytes.LastIndexByte(b, '\n') + 1
	if n < len(b) {
		err = os.Truncate(path, int64(n))
	}
	return b[:n], err
}

// extend appends to a file and syncs it.
func extend(path string, more []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if len(more) > 0 {
		_, err = f.Write(more)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func hash(line []byte) string {
	h := sha256.Sum256(line)
	return hex.EncodeToString(h[:])
}

// load checks the chain and keeps the entries.
func (f *File) load(text []byte) error {
	f.known = map[string]int64{}
	for i, b := range bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
		if i == 0 {
			var h head
			if err := json.Unmarshal(b, &h); err != nil || h.Ledger == "" {
				return fmt.Errorf("%w: the first line names no ledger", ErrDamaged)
			}
			f.id = h.Ledger
		} else {
			var l line
			if err := json.Unmarshal(b, &l); err != nil || l.Prev != f.last || l.Seq != int64(i) {
				return fmt.Errorf("%w: line %d does not follow from the one before", ErrDamaged, i+1)
			}
			f.entries = append(f.entries, l.Entry)
			f.known[l.ErasureID] = l.Seq
		}
		f.last = hash(b)
	}
	return nil
}

// ID tells ledgers apart.
func (f *File) ID() string { return f.id }

// Head is the number of the last entry; 0 when there is none.
func (f *File) Head() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return int64(len(f.entries))
}

// After returns the entries after a number, oldest first.
func (f *File) After(seq int64) ([]erasure.Entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if seq < 0 || seq > int64(len(f.entries)) {
		return nil, fmt.Errorf("ledger: there is no entry %d", seq)
	}
	return append([]erasure.Entry(nil), f.entries[seq:]...), nil
}

// Append adds an entry to all copies, unless one of its erasure is there, and returns its number when it is on the disk. When a copy fails,
// what was written of the entry is taken back, so that the next attempt finds all copies alike.
func (f *File) Append(e erasure.Entry) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if seq, ok := f.known[e.ErasureID]; ok {
		return seq, nil
	}
	e.Seq = int64(len(f.entries)) + 1
	b, err := json.Marshal(line{e, f.last})
	if err != nil {
		return 0, err
	}
	sizes := make([]int64, len(f.paths))
	for i, p := range f.paths {
		info, err := os.Stat(p)
		if err != nil {
			return 0, fmt.Errorf("ledger: %w", err)
		}
		sizes[i] = info.Size()
	}
	for i, p := range f.paths {
		if err := extend(p, append(b, '\n')); err != nil {
			for j := range i + 1 {
				err = errors.Join(err, os.Truncate(f.paths[j], sizes[j]))
			}
			return 0, fmt.Errorf("ledger: %w", err)
		}
	}
	f.last = hash(b)
	f.entries = append(f.entries, e)
	f.known[e.ErasureID] = e.Seq
	return e.Seq, nil
}
