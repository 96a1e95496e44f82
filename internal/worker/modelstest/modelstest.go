// Package modelstest gives tests the fetched models, or skips them by name with the command that fetches them. The folder is
// PARLEY_MODELS, or the user's cache when that is not set.
package modelstest

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/parley-voice/parley/internal/models"
	"github.com/parley-voice/parley/internal/worker/ort"
)

// Dir is the models' folder, with the packages for these uses in it (none given: all).
func Dir(t testing.TB, uses ...models.Use) string {
	t.Helper()
	dir := os.Getenv("PARLEY_MODELS")
	if dir == "" {
		var err error
		if dir, err = models.DefaultDir(); err != nil {
			t.Fatal(err)
		}
	}
	if err := models.Ready(dir, uses...); err != nil {
		t.Skipf("needs models: run `bin/parley models fetch` (%v)", err)
	}
	return dir
}

// File is the path of one file of a package.
func File(t testing.TB, use models.Use, name string) string {
	t.Helper()
	return filepath.Join(models.Path(Dir(t, use), use), name)
}

// loaded is the library of this process, which can be loaded only once.
var loaded struct {
	sync.Mutex
	r *ort.Runtime
}

// Runtime is ONNX Runtime, loaded once for all tests of a process.
func Runtime(t testing.TB) *ort.Runtime {
	t.Helper()
	path := File(t, models.Runtime, "libonnxruntime.so")
	loaded.Lock()
	defer loaded.Unlock()
	if loaded.r == nil {
		r, err := ort.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		loaded.r = r
	}
	return loaded.r
}
