// Package smartturn runs Smart Turn v3.2, which estimates from the last 8 s of sound (16 kHz) whether a talker has finished. On
// telephone sound it is a hint: it finds most complete turns but only some of those cut in the middle.
package smartturn

import (
	"fmt"

	"github.com/parley-voice/parley/internal/worker/ort"
)

// Model is safe for concurrent use.
type Model struct {
	r    *ort.Runtime
	s    *ort.Session
	call *ort.Call
	bank *bank
}

// Load reads the model.
func Load(r *ort.Runtime, path string) (*Model, error) {
	s, err := r.Load(path, ort.Options{})
	if err != nil {
		return nil, err
	}
	return &Model{r: r, s: s, call: s.Call([]string{"input_features"}, []string{"logits"}), bank: newBank()}, nil
}

// Close frees the model; nothing may be running.
func (m *Model) Close() { m.s.Close() }

// Complete is the probability that the speaker of x has finished. Only the last 8 s count.
func (m *Model) Complete(x []float32) (float64, error) {
	v, err := ort.Tensor(m.r, m.bank.features(x), 1, mels, frames)
	if err != nil {
		return 0, err
	}
	defer v.Close()
	out, err := m.call.Run(v)
	if err != nil {
		return 0, err
	}
	defer ort.CloseAll(out...)
	p, err := ort.View[float32](out[0])
	if err != nil {
		return 0, err
	}
	if len(p) != 1 {
		return 0, fmt.Errorf("smartturn: %d results, want 1", len(p))
	}
	return float64(p[0]), nil // the model calls it logits, but it is a probability already
}
