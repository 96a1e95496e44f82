package secrets

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// vault is the transit engine as a client sees it: it wraps by turning bytes around.
func vault(t *testing.T) {
	t.Helper()
	turned := func(s string) string {
		b := []byte(s)
		for i := range len(b) / 2 {
			b[i], b[len(b)-1-i] = b[len(b)-1-i], b[i]
		}
		return string(b)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Plaintext, Ciphertext string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("X-Vault-Token") != "token" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		switch r.URL.Path {
		case "/v1/transit/encrypt/parley":
			_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]string{"ciphertext": "vault:v1:" + turned(in.Plaintext)}})
		case "/v1/transit/decrypt/parley":
			plain := turned(strings.TrimPrefix(in.Ciphertext, "vault:v1:"))
			_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]string{"plaintext": plain}})
		default:
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]any{"errors": []string{"encryption key not found"}})
		}
	}))
	t.Cleanup(srv.Close)
	t.Setenv("VAULT_ADDR", srv.URL)
	t.Setenv("VAULT_TOKEN", "token")
	t.Setenv("VAULT_MAX_RETRIES", "0")
}

func TestAServiceForKeysOpensTheMasterKey(t *testing.T) {
	vault(t)
	other := base64.URLEncoding.EncodeToString(make([]byte, keySize))
	for _, address := range []string{"hashivault://parley", "base64key://" + base64.URLEncoding.EncodeToString([]byte(strings.Repeat("k", keySize)))} {
		scheme, _, _ := strings.Cut(address, ":")
		t.Run(scheme, func(t *testing.T) {
			dir := t.TempDir()
			first, err := Load(address, dir)
			if err != nil {
				t.Fatal(err)
			}
			again, err := Load(address, dir)
			if err != nil || again.Fingerprint() != first.Fingerprint() {
				t.Fatalf("the next start has another key: %v", err)
			}
			if _, err := os.Stat(filepath.Join(dir, FileName)); err == nil {
				t.Error("the key lies there unwrapped")
			}
			if _, err := Load("base64key://"+other, dir); err == nil {
				t.Error("another key opens what was wrapped")
			}
		})
	}
}

func TestAKeyThatWasThereIsWrapped(t *testing.T) {
	vault(t)
	dir := t.TempDir()
	plain, err := Load("", dir)
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := Load("hashivault://parley", dir)
	if err != nil || wrapped.Fingerprint() != plain.Fingerprint() {
		t.Fatalf("what was sealed cannot be read any more: %v", err)
	}
}

func TestAServiceForKeysThatCannotBeUsedIsNamed(t *testing.T) {
	vault(t)
	for address, want := range map[string]string{
		"awskms://alias/parley": "no service for keys that is known",
		"hashivault://unknown":  "hashivault",
		"base64key://hush":      "32 bytes",
		"base64key://":          "32 bytes",
	} {
		dir := t.TempDir()
		_, err := Load(address, dir)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", address, err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s leaves %v", address, left)
		}
	}
}
