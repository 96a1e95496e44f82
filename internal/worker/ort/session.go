package ort

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"
)

// Options sets up a session. The zero value is what the house runs: one thread and no memory arena, which would keep the largest
// buffers ever used (495 MB instead of 250 MB for all models).
type Options struct {
	Threads int // within one operator; 0 is 1
}

// Session is a loaded model. It may run for many goroutines at once.
type Session struct {
	r *Runtime
	h uintptr
}

// Load reads a model file (.onnx, or .ort by its extension).
func (r *Runtime) Load(path string, o Options) (*Session, error) {
	var so uintptr
	if err := r.call(fnCreateSessionOptions, uintptr(unsafe.Pointer(&so))); err != nil {
		return nil, err
	}
	defer r.release(fnReleaseSessionOptions, so)
	err := errors.Join(
		r.call(fnSetIntraThreads, so, uintptr(max(o.Threads, 1))),
		r.call(fnSetInterThreads, so, 1),
		r.call(fnSetGraphOptimization, so, optimizeAll),
		r.call(fnSetLogSeverity, so, logFatal),
		r.call(fnDisableCPUMemArena, so),
	)
	if err != nil {
		return nil, err
	}
	s, p := &Session{r: r}, cString(path)
	if err := r.call(fnCreateSession, r.env, uintptr(unsafe.Pointer(p)), so, uintptr(unsafe.Pointer(&s.h))); err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	return s, nil
}

// Close frees the session; nothing may run on it any more. Repeating it is harmless.
func (s *Session) Close() { s.r.release(fnReleaseSession, s.h); s.h = 0 }

// Call is a session with the inputs and outputs of one kind of run named once. It is safe for concurrent use.
type Call struct {
	s       *Session
	in, out []*byte
}

// Call names the inputs that Run takes and the outputs that it returns, in this order. A name that the model does not have is an
// error of Run.
func (s *Session) Call(in, out []string) *Call {
	c := &Call{s: s}
	for _, n := range in {
		c.in = append(c.in, cString(n))
	}
	for _, n := range out {
		c.out = append(c.out, cString(n))
	}
	return c
}

// Run runs the model. The caller closes the results; those of one Run may be inputs of the next without a copy.
func (c *Call) Run(in ...*Value) ([]*Value, error) {
	ins, outs := make([]uintptr, len(in)), make([]uintptr, len(c.out))
	if err := c.handles(in, ins); err != nil {
		return nil, err
	}
	err := c.s.r.call(fnRun, c.s.h, 0,
		uintptr(unsafe.Pointer(unsafe.SliceData(c.in))), uintptr(unsafe.Pointer(unsafe.SliceData(ins))), uintptr(len(ins)),
		uintptr(unsafe.Pointer(unsafe.SliceData(c.out))), uintptr(len(outs)), uintptr(unsafe.Pointer(unsafe.SliceData(outs))))
	runtime.KeepAlive(in)
	if err != nil {
		return nil, err
	}
	out := make([]*Value, len(outs))
	for i, h := range outs {
		out[i] = &Value{r: c.s.r, h: h}
	}
	return out, nil
}

// handles fills ins with the handles of in. C would follow a closed one, so it is refused here.
func (c *Call) handles(in []*Value, ins []uintptr) error {
	if len(in) != len(c.in) {
		return fmt.Errorf("onnxruntime: %d inputs, want %d", len(in), len(c.in))
	}
	if c.s.h == 0 {
		return errors.New("onnxruntime: session is closed")
	}
	for i, v := range in {
		if v == nil || v.h == 0 {
			return fmt.Errorf("onnxruntime: input %d is closed", i)
		}
		ins[i] = v.h
	}
	return nil
}

// Bound is a call whose inputs and outputs are fixed tensors over Go memory, so that running it allocates nothing: write the
// inputs' memory, Run, read the outputs' memory. It belongs to one goroutine.
type Bound struct {
	c         *Call
	in, out   []*Value  // kept alive: C writes to their memory
	ins, outs []uintptr // their handles in the order of the names
	args      []uintptr // of OrtApi.Run; the memory they name is held by c, ins and outs, and Go's heap does not move
}

// Bind fixes the tensors of a call. They stay the caller's to close, after the last Run.
func (c *Call) Bind(in, out []*Value) (*Bound, error) {
	if len(out) != len(c.out) {
		return nil, fmt.Errorf("onnxruntime: %d outputs, want %d", len(out), len(c.out))
	}
	b := &Bound{c: c, in: in, out: out, ins: make([]uintptr, len(in)), outs: make([]uintptr, len(out))}
	if err := c.handles(in, b.ins); err != nil {
		return nil, err
	}
	for i, v := range out {
		if v == nil || v.h == 0 {
			return nil, fmt.Errorf("onnxruntime: output %d is closed", i)
		}
		b.outs[i] = v.h
	}
	b.args = []uintptr{c.s.h, 0,
		uintptr(unsafe.Pointer(unsafe.SliceData(c.in))), uintptr(unsafe.Pointer(unsafe.SliceData(b.ins))), uintptr(len(in)),
		uintptr(unsafe.Pointer(unsafe.SliceData(c.out))), uintptr(len(out)), uintptr(unsafe.Pointer(unsafe.SliceData(b.outs)))}
	return b, nil
}

// Run runs the model once more. Neither the session nor a tensor may have been closed since Bind.
func (b *Bound) Run() error {
	err := b.c.s.r.check(fnRun, b.args)
	runtime.KeepAlive(b)
	return err
}
