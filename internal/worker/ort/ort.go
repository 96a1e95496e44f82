// Package ort is a small binding to the C API of ONNX Runtime through purego, so that the build needs no cgo. It loads models, holds
// tensors and runs sessions on one thread each; what the models mean is not known here.
//
// OrtApi is a table of function pointers that only ever grows at its end (onnxruntime_c_api.h), so the indexes below hold for
// every later version. Errors of models, names and shapes come back as errors; a fault inside native code ends the process.
package ort

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Indexes into OrtApi.
const (
	fnGetErrorMessage       = 2
	fnCreateEnv             = 3
	fnCreateSession         = 7
	fnRun                   = 9
	fnCreateSessionOptions  = 10
	fnDisableCPUMemArena    = 19
	fnSetLogSeverity        = 22
	fnSetGraphOptimization  = 23
	fnSetIntraThreads       = 24
	fnSetInterThreads       = 25
	fnCreateTensorWithData  = 49
	fnGetTensorMutableData  = 51
	fnGetTensorElementType  = 60
	fnGetDimensionsCount    = 61
	fnGetDimensions         = 62
	fnGetTensorTypeAndShape = 65
	fnCreateCPUMemoryInfo   = 69
	fnReleaseStatus         = 93
	fnReleaseSession        = 95
	fnReleaseValue          = 96
	fnReleaseTensorInfo     = 99
	fnReleaseSessionOptions = 100
	tableSize               = 101 // as far as it is used; the real one is longer

	apiVersion     = 17 // granted by every ONNX Runtime from 1.17 on
	logFatal       = 4  // errors come back as statuses; the log would only repeat them
	optimizeAll    = 99
	deviceArena    = 0 // OrtAllocatorType: device allocator, no arena
	memTypeDefault = 0
)

// Runtime is a loaded ONNX Runtime with its environment. It is safe for concurrent use and lives as long as the process.
type Runtime struct {
	version  string
	fn       *[tableSize]uintptr
	env, cpu uintptr
}

// Open loads the library. A process opens it once; the library cannot be unloaded.
func Open(lib string) (*Runtime, error) {
	h, err := purego.Dlopen(lib, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("load ONNX Runtime: %w", err)
	}
	sym, err := purego.Dlsym(h, "OrtGetApiBase")
	if err != nil {
		return nil, fmt.Errorf("load ONNX Runtime: %w", err)
	}
	p, _, _ := purego.SyscallN(sym)
	base := (*struct{ getAPI, getVersion uintptr })(pointer(p))
	v, _, _ := purego.SyscallN(base.getVersion)
	table, _, _ := purego.SyscallN(base.getAPI, apiVersion)
	if table == 0 {
		return nil, fmt.Errorf("ONNX Runtime %s does not offer API %d", goString(v), apiVersion)
	}
	r := &Runtime{version: goString(v), fn: (*[tableSize]uintptr)(pointer(table))}
	name := cString("parley")
	if err := r.call(fnCreateEnv, logFatal, uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(&r.env))); err != nil {
		return nil, err
	}
	if err := r.call(fnCreateCPUMemoryInfo, deviceArena, memTypeDefault, uintptr(unsafe.Pointer(&r.cpu))); err != nil {
		return nil, err
	}
	return r, nil
}

// Version is that of the library.
func (r *Runtime) Version() string { return r.version }

// call runs entry i and turns its status into an error. The directive makes every uintptr(unsafe.Pointer(&x)) written in the
// argument list escape to the heap and stay alive for the call: without it x may live on a stack that moves while C writes to
// it. The conversion must stand in the argument list itself; a function around it would defeat the directive.
//
//go:uintptrescapes
func (r *Runtime) call(i int, args ...uintptr) error { return r.check(i, args) }

// check is call for arguments that were put together before, over memory that the caller keeps alive and in place.
func (r *Runtime) check(i int, args []uintptr) error {
	st, _, _ := purego.SyscallN(r.fn[i], args...)
	if st == 0 {
		return nil
	}
	m, _, _ := purego.SyscallN(r.fn[fnGetErrorMessage], st)
	err := errors.New("onnxruntime: " + goString(m))
	purego.SyscallN(r.fn[fnReleaseStatus], st)
	return err
}

// release calls one of the Release functions, which return nothing.
func (r *Runtime) release(i int, h uintptr) {
	if h != 0 {
		purego.SyscallN(r.fn[i], h)
	}
}

// pointer turns an address that C returned into a pointer.
func pointer(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }

func goString(p uintptr) string {
	if p == 0 {
		return ""
	}
	n := 0
	for *(*byte)(unsafe.Add(pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(pointer(p)), n))
}

func cString(s string) *byte { return &append([]byte(s), 0)[0] }
