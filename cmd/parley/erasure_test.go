package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/secrets"
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

// put writes a file and returns its path.
func put(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
