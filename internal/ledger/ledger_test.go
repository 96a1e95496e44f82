package ledger

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/erasure"
)

func entry(id string) erasure.Entry {
	return erasure.Entry{ErasureID: id, EnvironmentID: "env", AgentID: "agent " + id, At: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
}

func open(t *testing.T, path, copied string) *File {
	t.Helper()
	f, err := Open(path, copied)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func add(t *testing.T, f *File, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if _, err := f.Append(entry(id)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEntriesOutliveTheProcessAndComeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "ledger")
	f := open(t, path, "")
	add(t, f, "1", "2", "1")
	again := open(t, path, "")
	if again.ID() != f.ID() || again.Head() != 2 {
		t.Errorf("ledger %s with %d entries, want %s with 2", again.ID(), again.Head(), f.ID())
	}
	if seq, err := again.Append(entry("2")); err != nil || seq != 2 {
		t.Errorf("an entry that is there: %d, %v", seq, err)
	}
	add(t, again, "3")
	list, err := again.After(1)
	if err != nil || len(list) != 2 || list[0].ErasureID != "2" || list[0].Seq != 2 || list[1].AgentID != "agent 3" || !list[1].At.Equal(entry("").At) {
		t.Errorf("after 1: %+v, %v", list, err)
	}
	if _, err := again.After(4); err == nil {
		t.Error("what is not there was read")
	}
	read, err := Read(path)
	if err != nil || read.Head() != 3 || read.ID() != f.ID() {
		t.Errorf("read: %+v, %v", read, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestALineThatACrashCutShortIsDropped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	add(t, open(t, path, ""), "1", "2")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, whole[:len(whole)-7], 0o600); err != nil {
		t.Fatal(err)
	}
	f := open(t, path, "")
	if f.Head() != 1 {
		t.Fatalf("%d entries", f.Head())
	}
	add(t, f, "2")
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, whole) {
		t.Errorf("written again:\n%s\nwant\n%s", after, whole)
	}
}

func TestChangesAreSeen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	add(t, open(t, path, ""), "1", "2", "3")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(whole, []byte("\n"))
	for name, text := range map[string][]byte{
		"a line taken out":   bytes.Join([][]byte{lines[0], lines[1], lines[3]}, nil),
		"a line changed":     bytes.Replace(whole, []byte("agent 2"), []byte("agent 9"), 1),
		"lines exchanged":    bytes.Join([][]byte{lines[0], lines[2], lines[1], lines[3]}, nil),
		"the head taken out": bytes.Join(lines[1:], nil),
		"another head":       bytes.Replace(whole, []byte(`{"ledger":"`), []byte(`{"ledger":"x`), 1),
		"garbage":            []byte("hello\n"),
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, ""); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheLongerCopyFillsUpTheOther(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "far", "b")
	f := open(t, a, b)
	add(t, f, "1")
	old, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	add(t, f, "2")
	if err := os.WriteFile(a, old, 0o600); err != nil { // the disk was restored from a backup
		t.Fatal(err)
	}
	if f := open(t, a, b); f.Head() != 2 {
		t.Errorf("%d entries after one copy was put back", f.Head())
	}
	if err := os.Remove(b); err != nil {
		t.Fatal(err)
	}
	if f := open(t, a, b); f.Head() != 2 {
		t.Errorf("%d entries after one copy was lost", f.Head())
	}
	one, errA := os.ReadFile(a)
	two, errB := os.ReadFile(b)
	if errA != nil || errB != nil || !bytes.Equal(one, two) {
		t.Error("the copies differ")
	}
	other := filepath.Join(dir, "c")
	add(t, open(t, other, ""), "9")
	if _, err := Open(a, other); !errors.Is(err, ErrDamaged) {
		t.Errorf("another ledger as copy: %v", err)
	}
}

// A copy that cannot be written leaves the first one as it was.
func TestAnAppendThatFailsLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	f := open(t, a, b)
	add(t, f, "1")
	before, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(b), os.Mkdir(b, 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Append(entry("2")); err == nil {
		t.Error("an entry was taken that only one copy holds")
	}
	if after, err := os.ReadFile(a); err != nil || !bytes.Equal(after, before) {
		t.Errorf("left behind: %s", after)
	}
	if err := os.Remove(b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b, before, 0o600); err != nil {
		t.Fatal(err)
	}
	if seq, err := f.Append(entry("2")); err != nil || seq != 2 {
		t.Errorf("once the copy is back: %d, %v", seq, err)
	}
}
