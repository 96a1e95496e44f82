package models

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func sum(b []byte) string { h := sha256.Sum256(b); return hex.EncodeToString(h[:]) }

// wheel makes a package whose wheel holds these members, and writes the wheel into folder.
func wheel(t *testing.T, folder, name string, members map[string]string) Package {
	t.Helper()
	p := Package{Use: Use(name), Name: name, Version: "1.0", Wheel: name + "-1.0-py3-none-any.whl"}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for m, text := range members {
		w, err := z.Create(m)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(m) != ".py" {
			p.Files = append(p.Files, File{Member: m, Name: filepath.Base(m), Bytes: int64(len(text)), SHA256: sum([]byte(text))})
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	p.Bytes, p.SHA256 = int64(b.Len()), sum(b.Bytes())
	if err := os.WriteFile(filepath.Join(folder, p.Wheel), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// from counts how often wheels are taken from a folder.
func from(folder string, n *int) getter {
	return func(_ context.Context, p Package, _ string, got func(int64)) (string, error) {
		*n++
		got(p.Bytes / 2)
		return filepath.Join(folder, p.Wheel), nil
	}
}

func TestWhatIsMissingIsFetchedOnce(t *testing.T) {
	folder, dir, n := t.TempDir(), t.TempDir(), 0
	all := []Package{
		wheel(t, folder, "ears", map[string]string{"ears/model.onnx": "weights", "ears/code.py": "pass", "ears-1.0.dist-info/LICENSE": "free"}),
		wheel(t, folder, "voice", map[string]string{"voice/model.onnx": "other weights"}),
	}
	var seen []Progress
	fetchAll := func() error {
		return fetch(t.Context(), dir, all, from(folder, &n), func(p Progress) { seen = append(seen, p) })
	}
	if err := fetchAll(); err != nil {
		t.Fatal(err)
	}
	if n != 2 {
		t.Errorf("%d wheels taken", n)
	}
	total := all[0].Bytes + all[1].Bytes
	if last := seen[len(seen)-1]; last.Done != total || last.Total != total {
		t.Errorf("progress ends at %+v, want %d", last, total)
	}
	for i := 1; i < len(seen); i++ {
		if seen[i].Done < seen[i-1].Done {
			t.Errorf("progress went back from %d to %d", seen[i-1].Done, seen[i].Done)
		}
	}
	for path, want := range map[string]string{"ears-1.0/model.onnx": "weights", "ears-1.0/LICENSE": "free", "voice-1.0/model.onnx": "other weights"} {
		if got, err := os.ReadFile(filepath.Join(dir, path)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "ears-1.0/code.py")); err == nil {
		t.Error("a member that is not needed was unpacked")
	}
	if err := fetchAll(); err != nil || n != 2 {
		t.Errorf("the second fetch took %d wheels, %v", n-2, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".fetch-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestADamagedPackageIsFetchedAnew(t *testing.T) {
	for name, harm := range map[string]func(path string) error{
		"another size":   func(path string) error { return os.WriteFile(path, []byte("wait"), 0o600) },
		"the same size":  func(path string) error { return os.WriteFile(path, []byte("weighty"), 0o600) },
		"a missing file": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			folder, dir, n := t.TempDir(), t.TempDir(), 0
			p := wheel(t, folder, "ears", map[string]string{"ears/model.onnx": "weights"})
			path := filepath.Join(dir, p.Folder(), "model.onnx")
			for range 2 {
				if err := fetch(t.Context(), dir, []Package{p}, from(folder, &n), func(Progress) {}); err != nil {
					t.Fatal(err)
				}
				if s := check(dir, p, true); s.State != Present {
					t.Errorf("after the fetch: %s", s.State)
				}
				if n == 1 {
					if err := harm(path); err != nil {
						t.Fatal(err)
					}
					if s := check(dir, p, true); s.State != Damaged || s.Fault == nil {
						t.Errorf("harmed: %s, %v", s.State, s.Fault)
					}
				}
			}
			if n != 2 {
				t.Errorf("%d wheels taken", n)
			}
		})
	}
}

func TestWhatIsNotPinnedIsRefused(t *testing.T) {
	folder, n := t.TempDir(), 0
	good := wheel(t, folder, "ears", map[string]string{"ears/model.onnx": "weights"})
	file := good.Files[0]
	for name, edit := range map[string]func(*Package){
		"another wheel":      func(p *Package) { p.SHA256 = sum(nil) },
		"another member":     func(p *Package) { p.Files = []File{{file.Member, file.Name, file.Bytes, sum(nil)}} },
		"a longer member":    func(p *Package) { p.Files = []File{{file.Member, file.Name, 3, sum([]byte("wei"))}} },
		"a missing member":   func(p *Package) { p.Files = []File{{"ears/nose.onnx", file.Name, file.Bytes, file.SHA256}} },
		"no such wheel":      func(p *Package) { p.Wheel = "nose.whl" },
		"a wheel of no zip":  func(p *Package) { p.Wheel, p.SHA256 = "text.whl", sum([]byte("text")) },
		"one of many failed": func(p *Package) { p.Files = append([]File{file}, File{"ears/nose.onnx", "nose.onnx", 1, sum(nil)}) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(folder, "text.whl"), []byte("text"), 0o600); err != nil {
				t.Fatal(err)
			}
			p, dir := good, t.TempDir()
			edit(&p)
			err := fetch(t.Context(), dir, []Package{p}, from(folder, &n), func(Progress) {})
			if err == nil || !strings.Contains(err.Error(), "ears 1.0") {
				t.Errorf("got %v", err)
			}
			if s := check(dir, p, false); s.State != Missing {
				t.Errorf("the package is %s", s.State)
			}
		})
	}
}

func TestOneFailureDoesNotKeepTheRestAway(t *testing.T) {
	folder, dir, n := t.TempDir(), t.TempDir(), 0
	bad, good := wheel(t, folder, "ears", nil), wheel(t, folder, "voice", map[string]string{"voice/model.onnx": "weights"})
	bad.SHA256 = sum(nil)
	err := fetch(t.Context(), dir, []Package{bad, good}, from(folder, &n), func(Progress) {})
	if !errors.Is(err, errHash) || check(dir, good, true).State != Present {
		t.Errorf("got %v, and the other is %s", err, check(dir, good, true).State)
	}
}

func TestTwoFetchesIntoOneFolderWait(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lock(t.Context(), filepath.Join(dir, ".lock"))
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("no patience")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if err := Fetch(ctx, dir, t.TempDir(), nil); !errors.Is(err, why) {
		t.Errorf("the second got %v", err)
	}
	unlock()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			unlock, err := lock(t.Context(), filepath.Join(dir, ".lock"))
			if err != nil {
				t.Error(err)
				return
			}
			unlock()
		})
	}
	wg.Wait()
}

// python puts a program named python3 in front of all others.
func python(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "python3"), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func TestPipIsAskedForTheWheelByHash(t *testing.T) {
	folder, dir := t.TempDir(), t.TempDir()
	p := wheel(t, folder, "ears", map[string]string{"ears/model.onnx": "weights"})
	p.Platform = "manylinux2014_x86_64"
	log := filepath.Join(folder, "log")
	python(t, fmt.Sprintf(`echo "$@" >> %s
case "$3" in --version) exit 0 ;; esac
while [ $# -gt 0 ]; do
  case "$1" in --dest) to=$2 ;; --requirement) cat $2 >> %s ;; esac
  shift
done
cp %s/%s $to`, log, log, folder, p.Wheel))
	if err := fetch(t.Context(), dir, []Package{p}, download, func(Progress) {}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"pip download", "--no-deps", "--require-hashes", "--platform manylinux2014_x86_64", "ears==1.0 --hash=sha256:" + p.SHA256} {
		if !strings.Contains(string(got), want) {
			t.Errorf("pip was not told %q: %s", want, got)
		}
	}
}

func TestPipsFaultsAreTold(t *testing.T) {
	p := Package{Name: "ears", Version: "1.0"}
	t.Run("no pip", func(t *testing.T) {
		python(t, "exit 1")
		err := fetch(t.Context(), t.TempDir(), []Package{p, p}, download, func(Progress) {})
		if !errors.Is(err, errNoPip) || strings.Count(err.Error(), "python3-pip") != 1 {
			t.Errorf("got %v", err)
		}
	})
	t.Run("pip fails", func(t *testing.T) {
		python(t, `case "$3" in --version) exit 0 ;; esac
echo "first line" >&2; echo "ERROR: no matching distribution" >&2; exit 1`)
		err := fetch(t.Context(), t.TempDir(), []Package{p}, download, func(Progress) {})
		if err == nil || !strings.Contains(err.Error(), "no matching distribution") || strings.Contains(err.Error(), "first line") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the fetch is cancelled", func(t *testing.T) {
		python(t, "sleep 60")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := fetch(ctx, t.TempDir(), []Package{p}, download, func(Progress) {}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestTheCatalogueIsWhole(t *testing.T) {
	uses := map[Use]bool{}
	for _, p := range Catalogue() {
		if uses[p.Use] {
			t.Errorf("two packages for %s", p.Use)
		}
		uses[p.Use] = true
		if p.Bytes == 0 || len(p.SHA256) != 64 || p.License == "" || p.What == "" || !strings.HasSuffix(p.Wheel, ".whl") {
			t.Errorf("%s is incomplete", p.Name)
		}
		if (p.Platform != "") != !strings.HasSuffix(p.Wheel, "-any.whl") {
			t.Errorf("%s: platform %q of %s", p.Name, p.Platform, p.Wheel)
		}
		names := map[string]bool{}
		for _, f := range p.Files {
			if names[f.Name] || f.Name != filepath.Base(f.Name) || f.Bytes == 0 || len(f.SHA256) != 64 {
				t.Errorf("%s: %+v", p.Name, f)
			}
			names[f.Name] = true
		}
		if !names["METADATA"] {
			t.Errorf("%s: nothing says what it is and whose", p.Name)
		}
	}
}

func TestAnEmptyFolderIsNotReady(t *testing.T) {
	dir := t.TempDir()
	err := Ready(dir)
	if !errors.Is(err, ErrIncomplete) || !strings.Contains(err.Error(), "parley models fetch") || !strings.Contains(err.Error(), "silero-vad-6.2.3") {
		t.Errorf("got %v", err)
	}
	if err := Ready(dir, Voice); strings.Contains(err.Error(), "silero") {
		t.Errorf("only the voice was asked for: %v", err)
	}
	for _, s := range Verify(dir) {
		if s.State != Missing {
			t.Errorf("%s is %s", s.Name, s.State)
		}
	}
	if got, want := Path("/cache", Detector), "/cache/silero-vad-6.2.3"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
