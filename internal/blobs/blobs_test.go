package blobs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/parley-voice/parley/internal/store"
	"github.com/parley-voice/parley/internal/store/storetest"
)

func open(t *testing.T, dir string) *Dir {
	t.Helper()
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestContract(t *testing.T) {
	storetest.RunBlobs(t, func(t *testing.T) store.Blobs { return open(t, t.TempDir()) })
}

func put(t *testing.T, d *Dir, key string) {
	t.Helper()
	w, err := d.Create(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("said")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyTheOwnerReads(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "recordings")
	put(t, open(t, dir), "env/agent/call.wav")
	for name, want := range map[string]fs.FileMode{"": 0o700, "env": 0o700, "env/agent": 0o700, "env/agent/call.wav": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: %v, %v; want %v", name, info.Mode().Perm(), err, want)
		}
	}
}

func TestDeleteLeavesNoEmptyDirectories(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	put(t, d, "env/a1/call.wav")
	put(t, d, "env/a2/call.wav")
	if err := d.Delete(t.Context(), "env/a1/call.wav"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "env/a1")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the emptied directory is still there: %v", err)
	}
	if err := d.Delete(t.Context(), "env/a2/call.wav"); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestLinksDoNotLeadOut(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "env")); err != nil {
		t.Fatal(err)
	}
	d := open(t, dir)
	if w, err := d.Create(t.Context(), "env/call.wav"); err == nil {
		w.Close()
		t.Error("a blob was made outside of the directory")
	}
}

func TestFullDiskIsAnErrorOfWrite(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("mounting a small disk needs root: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	w, err := d.Create(t.Context(), "env/call.wav")
	if err != nil {
		t.Fatal(err)
	}
	n, err := w.Write(make([]byte, 1<<20))
	if !errors.Is(err, syscall.ENOSPC) || n == 0 {
		t.Errorf("wrote %d bytes: %v", n, err)
	}
	if err := errors.Join(w.Close(), d.Close()); err != nil {
		t.Error(err)
	}
}
