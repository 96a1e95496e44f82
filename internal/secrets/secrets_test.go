package secrets

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func key(t *testing.T) *Key {
	t.Helper()
	k, err := Load("", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealedValuesOpenOnlyForTheirKeyAndContext(t *testing.T) {
	k, other := key(t), key(t)
	sealed, err := k.Seal([]byte("hunter2"), "trunk:1")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("hunter2")) {
		t.Error("the sealed value shows its content")
	}
	if got, err := k.Open(sealed, "trunk:1"); err != nil || string(got) != "hunter2" {
		t.Errorf("opened %q, %v", got, err)
	}
	damaged := bytes.Clone(sealed)
	damaged[len(damaged)-1] ^= 1
	for _, c := range []struct {
		name    string
		key     *Key
		sealed  []byte
		context string
	}{
		{"another key", other, sealed, "trunk:1"},
		{"another context", k, sealed, "trunk:2"},
		{"a flipped bit", k, damaged, "trunk:1"},
		{"too short", k, sealed[:5], "trunk:1"},
		{"nothing", k, nil, "trunk:1"},
	} {
		if _, err := c.key.Open(c.sealed, c.context); !errors.Is(err, ErrOpen) {
			t.Errorf("%s: %v, want ErrOpen", c.name, err)
		}
	}
}

func TestMasterKeyIsMadeOnceAndForItsOwnerAlone(t *testing.T) {
	dir := t.TempDir()
	first, err := Load("", dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Load("", dir)
	if err != nil || again.Fingerprint() != first.Fingerprint() {
		t.Errorf("second load gave key %s (%v), want %s", again.Fingerprint(), err, first.Fingerprint())
	}
	st, err := os.Stat(filepath.Join(dir, FileName))
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
}

func TestKeyThatFoundNoRoomIsMadeAtTheNextStart(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4k"); err != nil {
		t.Skipf("needs root to mount a small disk: run `make test` as root (%v)", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load("", dir); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("on a full disk: %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if _, err := Load("", dir); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("files %v, %v", files, err)
	}
}

func TestBadKeysAreRefused(t *testing.T) {
	for _, v := range []string{"secret", "abcd", strings.Repeat("0", 63)} {
		if _, err := Load(v, t.TempDir()); err == nil || strings.Contains(err.Error(), v) {
			t.Errorf("key %q: error %v, want one that does not show it", v, err)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load("", dir); err == nil || !strings.Contains(err.Error(), FileName) {
		t.Errorf("damaged file: %v", err)
	}
}

func TestSignaturesBindEveryPart(t *testing.T) {
	k := key(t)
	tag := k.Sign("voice", "12")
	if !k.Signed(tag, "voice", "12") {
		t.Error("own signature refused")
	}
	for _, parts := range [][]string{{"voice", "13"}, {"voice1", "2"}, {"voice"}} {
		if k.Signed(tag, parts...) {
			t.Errorf("signature holds for %q too", parts)
		}
	}
}

func TestTokensAreDistinctAndHashed(t *testing.T) {
	a, ha := NewToken()
	b, _ := NewToken()
	if a == b || !strings.HasPrefix(a, "talq_") || len(ha) != 64 || ha != HashToken(a) {
		t.Errorf("tokens %q %q, hash %q", a, b, ha)
	}
}
