package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/ledger"
	"github.com/parley-voice/parley/internal/secrets"
	"github.com/parley-voice/parley/internal/sqlstore"
	"github.com/parley-voice/parley/internal/store"
)

// signed makes a key, its JWK set and a statement of an erasure in a state.
func signed(t *testing.T, hex, state string) (keys, statement string) {
	t.Helper()
	k, err := secrets.Parse(strings.Repeat(hex, 32))
	if err != nil {
		t.Fatal(err)
	}
	set, err := k.PublicKeys()
	if err != nil {
		t.Fatal(err)
	}
	if statement, err = k.Attest(map[string]string{"state": state}); err != nil {
		t.Fatal(err)
	}
	return string(set), statement
}

func TestVerifyTellsForgedFromWhatCannotBeChecked(t *testing.T) {
	keys, complete := signed(t, "ab", parley.ErasureComplete)
	_, running := signed(t, "ab", parley.ErasureRunning)
	_, forged := signed(t, "cd", parley.ErasureComplete)
	inAnswer, err := json.Marshal(map[string]any{"data": map[string]string{"statement": complete}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, receipt, keys string
		want                int
	}{
		{"a complete erasure", complete, keys, 0},
		{"as the API answers", string(inAnswer), keys, 0},
		{"not complete yet", running, keys, 3},
		{"signed by another key", forged, keys, 4},
		{"no statement", "{}", keys, 4},
		{"a set without keys", complete, `{"keys":[]}`, 1},
		{"keys that are no set", complete, `{}`, 1},
		{"an empty file of keys", complete, "", 1},
		{"keys that are no JSON", complete, "<html>", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			got := run([]string{"erasure", "verify", put(t, "receipt", c.receipt), "--keys", put(t, "keys", c.keys)}, streams{&out, &errs})
			if got != c.want {
				t.Errorf("exit code %d, want %d: %s", got, c.want, &errs)
			}
			if shown := strings.Contains(out.String(), `"state"`); shown != (c.want == 0 || c.want == 3) {
				t.Errorf("printed %q", &out)
			}
		})
	}
}

func TestSweepCountsAndRemoves(t *testing.T) {
	dir := t.TempDir()
	data := func(args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if code := run(append([]string{"erasure", "sweep", "--data", dir}, args...), streams{&out, &errs}); code != 0 {
			t.Fatalf("exit code %d: %s", code, &errs)
		}
		return out.String()
	}
	book, err := ledger.Open(filepath.Join(dir, "erasures.ledger"), "")
	if err != nil {
		t.Fatal(err)
	}
	if out := data(); out != "nothing is without an owner\n" {
		t.Errorf("of nothing: %q", out)
	}
	stray := filepath.Join(dir, "recordings", "agent", "call.wav")
	if err := os.MkdirAll(filepath.Dir(stray), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(stray, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(stray, old, old); err != nil {
		t.Fatal(err)
	}
	if out := data(); !strings.HasPrefix(out, "1 files are older") {
		t.Errorf("before the server has noted the directory: %q", out)
	}
	s, err := sqlstore.Open(t.Context(), sqlstore.Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
		return tx.SetMeta(ctx, "erasure_met:"+book.ID(), old.Add(-time.Hour).UTC().Format(time.RFC3339Nano))
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	if out := data("--dry-run"); strings.Fields(out)[0] != "recordings" || strings.Fields(out)[1] != "1" {
		t.Errorf("dry: %q", out)
	}
	if _, err := os.Stat(stray); err != nil {
		t.Error("a dry run removed something")
	}
	if out := data(); strings.Fields(out)[1] != "1" {
		t.Errorf("found %q", out)
	}
	if _, err := os.Stat(stray); err == nil {
		t.Error("the recording is still there")
	}
}

// put writes a file and returns its path.
func put(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
