package ort

import (
	"fmt"
	"unsafe"
)

// Value is a tensor, over Go memory (which it keeps alive: Go's heap does not move) or owned by the library. runtime.Pinner is
// not used: a Value that is never closed would panic in its finalizer.
type Value struct {
	r   *Runtime
	h   uintptr
	mem any
}

// Elem is an element type that a tensor may have here.
type Elem interface{ float32 | int64 | bool }

// elemType is the ONNXTensorElementDataType of T.
func elemType[T Elem]() uint32 {
	switch any(*new(T)).(type) {
	case int64:
		return 7
	case bool:
		return 9
	}
	return 1
}

// Tensor makes a tensor over data, which it shares until Close: what is written to data later is what the next run reads.
func Tensor[T Elem](r *Runtime, data []T, dims ...int64) (*Value, error) {
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	if n != int64(len(data)) {
		return nil, fmt.Errorf("onnxruntime: %d elements for shape %v", len(data), dims)
	}
	if len(data) == 0 {
		data = make([]T, 1) // C wants an address even for nothing
	}
	rank := uintptr(len(dims))
	if rank == 0 {
		dims = []int64{0} // a scalar has no dimensions, but their address must be one
	}
	v := &Value{r: r, mem: data}
	err := r.call(fnCreateTensorWithData, r.cpu, uintptr(unsafe.Pointer(&data[0])), uintptr(n)*unsafe.Sizeof(data[0]),
		uintptr(unsafe.Pointer(&dims[0])), rank, uintptr(elemType[T]()), uintptr(unsafe.Pointer(&v.h)))
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Close frees the value; views of it must not be used any more. A nil Value may be closed, and a closed one again.
func (v *Value) Close() {
	if v != nil && v.h != 0 {
		v.r.release(fnReleaseValue, v.h)
		v.h, v.mem = 0, nil
	}
}

// CloseAll closes every value.
func CloseAll(vs ...*Value) {
	for _, v := range vs {
		v.Close()
	}
}

// Dims is the shape.
func (v *Value) Dims() ([]int64, error) {
	_, d, err := v.shape()
	return d, err
}

func (v *Value) shape() (typ uint32, dims []int64, err error) {
	var info, n uintptr
	if err := v.r.call(fnGetTensorTypeAndShape, v.h, uintptr(unsafe.Pointer(&info))); err != nil {
		return 0, nil, err
	}
	defer v.r.release(fnReleaseTensorInfo, info)
	if err := v.r.call(fnGetTensorElementType, info, uintptr(unsafe.Pointer(&typ))); err != nil {
		return 0, nil, err
	}
	if err := v.r.call(fnGetDimensionsCount, info, uintptr(unsafe.Pointer(&n))); err != nil || n == 0 {
		return typ, nil, err
	}
	dims = make([]int64, n)
	return typ, dims, v.r.call(fnGetDimensions, info, uintptr(unsafe.Pointer(&dims[0])), n)
}

// View is the tensor's memory as a slice, valid until Close.
func View[T Elem](v *Value) ([]T, error) {
	typ, dims, err := v.shape()
	if err != nil {
		return nil, err
	}
	if want := elemType[T](); typ != want {
		return nil, fmt.Errorf("onnxruntime: elements of type %d, want %d", typ, want)
	}
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	if n == 0 {
		return nil, nil
	}
	var p uintptr
	if err := v.r.call(fnGetTensorMutableData, v.h, uintptr(unsafe.Pointer(&p))); err != nil {
		return nil, err
	}
	return unsafe.Slice((*T)(pointer(p)), n), nil
}
