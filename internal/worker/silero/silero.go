// Package silero runs Silero's voice activity detector, version 6, at 16 kHz (windows of 512 samples) or 8 kHz (256): 32 ms of
// sound in, the probability of speech out. One Model serves a process; each talker has a Stream.
package silero

import (
	"errors"
	"fmt"

	"github.com/parley-voice/parley/internal/worker/ort"
)

const (
	memory = 2 * 128 // the network's state of one talker
	scale  = 1.0 / 32768
)

// errClosed says that a stream is used after its end.
var errClosed = errors.New("silero: stream is closed")

// Model is a loaded detector for one sampling rate. It is safe for concurrent use.
type Model struct {
	r       *ort.Runtime
	s       *ort.Session
	call    *ort.Call
	rate    *ort.Value
	window  int
	context int // samples of the last window that the network wants in front of the next
}

// Load reads the model for a rate of 8,000 or 16,000 Hz.
func Load(r *ort.Runtime, path string, rate int) (*Model, error) {
	if rate != 8000 && rate != 16000 {
		return nil, fmt.Errorf("silero: no model for %d Hz", rate)
	}
	s, err := r.Load(path, ort.Options{})
	if err != nil {
		return nil, err
	}
	m := &Model{r: r, s: s, window: rate * 32 / 1000, context: rate * 4 / 1000}
	if m.rate, err = ort.Tensor(r, []int64{int64(rate)}); err != nil {
		s.Close()
		return nil, err
	}
	m.call = s.Call([]string{"input", "state", "sr"}, []string{"output", "stateN"})
	return m, nil
}

// Window is how many samples a stream judges at once.
func (m *Model) Window() int { return m.window }

// Close frees the model; its streams must be closed before.
func (m *Model) Close() {
	m.rate.Close()
	m.s.Close()
}

// Stream follows one talker. It belongs to one goroutine.
type Stream struct {
	m           *Model
	run         *ort.Bound
	values      []*ort.Value // over the slices below
	input       []float32    // context and window
	state, next []float32
	probability []float32
}

// Open starts a stream with the memory of silence.
func (m *Model) Open() (*Stream, error) {
	n := m.context + m.window
	s := &Stream{m: m, input: make([]float32, n), state: make([]float32, memory), next: make([]float32, memory), probability: make([]float32, 1)}
	x, err1 := ort.Tensor(m.r, s.input, 1, int64(n))
	state, err2 := ort.Tensor(m.r, s.state, 2, 1, 128)
	p, err3 := ort.Tensor(m.r, s.probability, 1, 1)
	next, err4 := ort.Tensor(m.r, s.next, 2, 1, 128)
	s.values = []*ort.Value{x, state, p, next}
	err := errors.Join(err1, err2, err3, err4)
	if err == nil {
		s.run, err = m.call.Bind([]*ort.Value{x, state, m.rate}, []*ort.Value{p, next})
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Probability judges the next window: 0 silence or noise, 1 speech. It allocates nothing.
func (s *Stream) Probability(window []int16) (float32, error) {
	if s.run == nil {
		return 0, errClosed
	}
	if len(window) != s.m.window {
		return 0, fmt.Errorf("silero: %d samples, want %d", len(window), s.m.window)
	}
	c := s.m.context
	copy(s.input, s.input[len(s.input)-c:])
	for i, v := range window {
		s.input[c+i] = float32(v) * scale
	}
	if err := s.run.Run(); err != nil {
		return 0, err
	}
	copy(s.state, s.next)
	return s.probability[0], nil
}

// Close frees the stream. Repeating it is harmless.
func (s *Stream) Close() {
	s.run = nil
	ort.CloseAll(s.values...)
}
