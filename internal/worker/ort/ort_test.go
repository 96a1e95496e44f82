package ort_test

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/parley-voice/parley/internal/models"
	"github.com/parley-voice/parley/internal/worker/modelstest"
	"github.com/parley-voice/parley/internal/worker/ort"
)

func TestErrorsComeBackAsErrors(t *testing.T) {
	r := modelstest.Runtime(t)
	if _, err := ort.Open(filepath.Join(t.TempDir(), "none.so")); err == nil {
		t.Error("a library that is not there was opened")
	}
	if _, err := r.Load(filepath.Join(t.TempDir(), "none.onnx"), ort.Options{}); err == nil {
		t.Error("a model that is not there was loaded")
	}
	if _, err := ort.Tensor(r, make([]float32, 5), 2, 3); err == nil {
		t.Error("five elements made a tensor of 2 by 3")
	}
	s := silero(t, r)
	x, state, rate := tensor(t, r, make([]float32, 576), 1, 576), tensor(t, r, make([]float32, 256), 2, 1, 128), tensor(t, r, []int64{16000})
	for _, c := range []struct {
		name    string
		in, out []string
		values  []*ort.Value
		want    string
	}{
		{"an input that the model does not have", []string{"input", "state", "pitch"}, []string{"output"}, []*ort.Value{x, state, rate}, "pitch"},
		{"an output that the model does not have", []string{"input", "state", "sr"}, []string{"mood"}, []*ort.Value{x, state, rate}, "mood"},
		{"a missing input", []string{"input", "state", "sr"}, []string{"output"}, []*ort.Value{x, state}, "2 inputs, want 3"},
		{"a nil input", []string{"input", "state", "sr"}, []string{"output"}, []*ort.Value{x, nil, rate}, "input 1 is closed"},
		{"an input of the wrong type", []string{"input", "state", "sr"}, []string{"output"}, []*ort.Value{rate, state, rate}, "input"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := s.Call(c.in, c.out).Run(c.values...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	if _, err := ort.View[int64](x); err == nil {
		t.Error("floats were viewed as integers")
	}
	s.Close()
	if _, err := s.Call([]string{"input", "state", "sr"}, []string{"output"}).Run(x, state, rate); err == nil {
		t.Error("a closed session ran")
	}
}

func TestRunsAreEqualFromManyGoroutines(t *testing.T) {
	r := modelstest.Runtime(t)
	s := silero(t, r)
	defer s.Close()
	c := s.Call([]string{"input", "state", "sr"}, []string{"output", "stateN"})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			x := make([]float32, 576)
			for i := range x {
				x[i] = float32((i*7919+g)%100)/100 - 0.5
			}
			want := float32(-1)
			for range 20 {
				got := run(t, r, c, x)
				if want >= 0 && got != want {
					t.Errorf("goroutine %d: %v after %v", g, got, want)
				}
				want = got
			}
		})
	}
	wg.Wait()
}

func TestABoundCallAllocatesNothing(t *testing.T) {
	r := modelstest.Runtime(t)
	s := silero(t, r)
	defer s.Close()
	c := s.Call([]string{"input", "state", "sr"}, []string{"output", "stateN"})
	x := make([]float32, 576)
	for i := range x {
		x[i] = float32(i%50)/50 - 0.5
	}
	p := make([]float32, 1)
	b, err := c.Bind(
		[]*ort.Value{tensor(t, r, x, 1, 576), tensor(t, r, make([]float32, 256), 2, 1, 128), tensor(t, r, []int64{16000})},
		[]*ort.Value{tensor(t, r, p, 1, 1), tensor(t, r, make([]float32, 256), 2, 1, 128)})
	if err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(50, func() {
		if err := b.Run(); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations a run", n)
	}
	if want := run(t, r, c, x); p[0] != want {
		t.Errorf("bound gave %v, unbound %v", p[0], want)
	}
}

func silero(t *testing.T, r *ort.Runtime) *ort.Session {
	s, err := r.Load(modelstest.File(t, models.Detector, "silero_vad.onnx"), ort.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func tensor[T ort.Elem](t *testing.T, r *ort.Runtime, data []T, dims ...int64) *ort.Value {
	v, err := ort.Tensor(r, data, dims...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

func run(t *testing.T, r *ort.Runtime, c *ort.Call, x []float32) float32 {
	in := []*ort.Value{tensor(t, r, x, 1, int64(len(x))), tensor(t, r, make([]float32, 256), 2, 1, 128), tensor(t, r, []int64{16000})}
	out, err := c.Run(in...)
	if err != nil {
		t.Error(err)
		return -1
	}
	defer ort.CloseAll(out...)
	p, err := ort.View[float32](out[0])
	if err != nil {
		t.Error(err)
		return -1
	}
	return p[0]
}
