package storetest

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/store"
)

// RunBlobs holds a place for recordings to what store.Blobs promises. open returns an empty one.
func RunBlobs(t *testing.T, open func(t *testing.T) store.Blobs) {
	for _, c := range []struct {
		rule string
		test func(t *testing.T, b store.Blobs)
	}{
		{"what is written is read back", blobRoundTrip},
		{"a header can be written last", blobHeaderLast},
		{"a blob can be read while it is written", blobGrows},
		{"reading may begin anywhere", blobSeek},
		{"a missing blob is ErrNoBlob", blobMissing},
		{"a taken key is refused and its blob kept", blobTaken},
		{"deleting removes one blob, and twice is no error", blobDelete},
		{"listing gives the keys under a prefix", blobList},
		{"old ones are found in pages, new ones left out", blobOld},
		{"keys do not lead out", blobEscape},
	} {
		t.Run(c.rule, func(t *testing.T) { c.test(t, open(t)) })
	}
}

func putBlob(t *testing.T, b store.Blobs, key string, content []byte) {
	t.Helper()
	w, err := b.Create(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func wantBlob(t *testing.T, b store.Blobs, key string, want []byte) {
	t.Helper()
	r, size, err := b.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, want) || size != int64(len(want)) {
		t.Fatalf("%s: got %d bytes of size %d (%v), want %d", key, len(got), size, err, len(want))
	}
}

func blobRoundTrip(t *testing.T, b store.Blobs) {
	content := bytes.Repeat([]byte("frame"), 40000)
	putBlob(t, b, "env/agent/call.wav", content)
	wantBlob(t, b, "env/agent/call.wav", content)
}

func blobHeaderLast(t *testing.T, b store.Blobs) {
	w, err := b.Create(t.Context(), "a/b.wav")
	if err != nil {
		t.Fatal(err)
	}
	_, e1 := w.Write([]byte("----body"))
	_, e2 := w.WriteAt([]byte("head"), 0)
	_, e3 := w.Write([]byte("more"))
	if err := errors.Join(e1, e2, e3, w.Close()); err != nil {
		t.Fatal(err)
	}
	wantBlob(t, b, "a/b.wav", []byte("headbodymore"))
}

func blobGrows(t *testing.T, b store.Blobs) {
	w, err := b.Create(t.Context(), "a/b.wav")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("so far")); err != nil {
		t.Fatal(err)
	}
	wantBlob(t, b, "a/b.wav", []byte("so far"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func blobSeek(t *testing.T, b store.Blobs) {
	putBlob(t, b, "a/b.wav", []byte("0123456789"))
	r, _, err := b.Open(t.Context(), "a/b.wav")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Seek(7, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); string(got) != "789" {
		t.Fatalf("from 7: %q, %v", got, err)
	}
}

func blobMissing(t *testing.T, b store.Blobs) {
	putBlob(t, b, "a/b.wav", []byte("x"))
	for _, key := range []string{"a/c.wav", "nowhere/b.wav", "a"} {
		if _, _, err := b.Open(t.Context(), key); !errors.Is(err, store.ErrNoBlob) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func blobTaken(t *testing.T, b store.Blobs) {
	putBlob(t, b, "a/b.wav", []byte("first"))
	if w, err := b.Create(t.Context(), "a/b.wav"); err == nil {
		w.Close()
		t.Error("a second blob of the same key was made")
	}
	wantBlob(t, b, "a/b.wav", []byte("first"))
}

func blobDelete(t *testing.T, b store.Blobs) {
	putBlob(t, b, "env/agent/one.wav", []byte("1"))
	putBlob(t, b, "env/agent/two.wav", []byte("2"))
	for range 2 {
		if err := b.Delete(t.Context(), "env/agent/one.wav"); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := b.Open(t.Context(), "env/agent/one.wav"); !errors.Is(err, store.ErrNoBlob) {
		t.Errorf("after the deletion: %v", err)
	}
	wantBlob(t, b, "env/agent/two.wav", []byte("2"))
	if err := b.Delete(t.Context(), "env/agent/two.wav"); err != nil {
		t.Fatal(err)
	}
	putBlob(t, b, "env/agent/three.wav", []byte("3"))
	wantBlob(t, b, "env/agent/three.wav", []byte("3"))
}

func blobList(t *testing.T, b store.Blobs) {
	for _, key := range []string{"e1/a1/c1.wav", "e1/a1/c2.wav", "e1/a2/c3.wav", "e2/a1/c4.wav"} {
		putBlob(t, b, key, []byte("x"))
	}
	for prefix, want := range map[string][]string{
		"":       {"e1/a1/c1.wav", "e1/a1/c2.wav", "e1/a2/c3.wav", "e2/a1/c4.wav"},
		"e1/a1/": {"e1/a1/c1.wav", "e1/a1/c2.wav"},
		"e1/":    {"e1/a1/c1.wav", "e1/a1/c2.wav", "e1/a2/c3.wav"},
		"e3/":    nil,
	} {
		got, err := b.List(t.Context(), prefix)
		slices.Sort(got)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("under %q: %v, %v; want %v", prefix, got, err, want)
		}
	}
}

func blobOld(t *testing.T, b store.Blobs) {
	all := []string{"a/2.wav", "a/3.wav", "a-b/1.wav", "b/c/1.wav", "d/1.wav"}
	for _, key := range all {
		putBlob(t, b, key, []byte("x"))
	}
	if got, err := b.Old(t.Context(), time.Now().Add(-time.Hour), "", 10); err != nil || len(got) > 0 {
		t.Errorf("an hour old: %v, %v", got, err)
	}
	for _, gone := range []bool{false, true} { // whether the last of a page is deleted before the next
		var seen []string
		for after := ""; ; {
			page, err := b.Old(t.Context(), time.Now().Add(time.Hour), after, 2)
			if err != nil || len(page) > 2 {
				t.Fatal(page, err)
			}
			if len(page) == 0 {
				break
			}
			seen, after = append(seen, page...), page[len(page)-1]
			if gone {
				if err := b.Delete(t.Context(), after); err != nil {
					t.Fatal(err)
				}
			}
		}
		slices.Sort(seen)
		if want := slices.Sorted(slices.Values(all)); !slices.Equal(seen, want) {
			t.Errorf("in pages: %v, want %v", seen, want)
		}
	}
}

func blobEscape(t *testing.T, b store.Blobs) {
	for _, key := range []string{"", "/etc/x", "../x", "a/../../x", "a//b", "a/", ".hidden", "a\\b", "a\x00b", "a b"} {
		if w, err := b.Create(t.Context(), key); err == nil {
			w.Close()
			t.Errorf("key %q was taken", key)
		}
		if _, _, err := b.Open(t.Context(), key); err == nil {
			t.Errorf("key %q was opened", key)
		}
	}
}
