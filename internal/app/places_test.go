package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/config"
)

func TestReceiptsClaimOfBackupsWhatTheOperatorStates(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	claim := func(cfg config.Config) string {
		if f := unreadable(cfg); f != nil {
			return f(at)
		}
		return ""
	}
	models := config.Config{
		LLMURL: "https://api.example.com/v1", Engines: map[string]config.Engine{"own": {BaseURL: "http://127.0.0.1:11434/v1"}},
		ProvidersKeep: []string{"api.example.com=30 days"},
	}
	for _, c := range []struct{ rule, got, want string }{
		{"nothing is claimed of keys that nothing is stated of", claim(config.Config{}), ""},
		{"keys in no backup", claim(config.Config{KeysBackup: "none"}), "cannot be read: no backup holds the key"},
		{"keys in backups of a day", claim(config.Config{KeysBackup: "24h"}), "cannot be read from 2026-03-02T12:00:00Z on"},
		{"backups of which nothing is stated", backups(config.Config{}, at), "not stated"},
		{"backups of two days", backups(config.Config{BackupsFor: config.Duration(48 * time.Hour)}, at), "until 2026-03-03T12:00:00Z"},
		{"no provider", providerCopies(config.Config{}), "no model provider"},
		{"a provider whose terms are stated", providerCopies(models), "api.example.com (30 days, as the operator states)"},
		{"a provider whose terms are not", providerCopies(models), "127.0.0.1 (for how long is not stated)"},
	} {
		if !strings.Contains(c.got, c.want) || c.want == "" && c.got != "" {
			t.Errorf("%s: %q", c.rule, c.got)
		}
	}
}

func TestLinesOfTheLogOfPersonalDataGoInTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pii.log")
	begun := time.Now()
	line := func(at time.Time, text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(`{"time":"` + at.Format(time.RFC3339Nano) + `","text":"` + text + `"}` + "\n"); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
	line(begun.Add(-40*time.Hour), "monday")
	p, err := openPII(path, 72*time.Hour) // as after a restart
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	holds := func() (text string) {
		for _, name := range []string{path, p.old()} {
			b, _ := os.ReadFile(name)
			text += string(b)
		}
		return text
	}
	if err := p.expire(begun); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write([]byte(`{"time":"` + begun.Format(time.RFC3339Nano) + `","text":"wednesday"}` + "\n")); err != nil {
		t.Fatal(err)
	}
	if got := holds(); !strings.Contains(got, "monday") || !strings.Contains(got, "wednesday") {
		t.Errorf("before its time: %q", got)
	}
	if err := p.expire(begun.Add(32 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := holds(); strings.Contains(got, "monday") || !strings.Contains(got, "wednesday") {
		t.Errorf("after 72 hours: %q", got)
	}
	if err := p.expire(begun.Add(36 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	n, done, _, err := p.place().Empty(t.Context(), nil)
	if got := holds(); n != 1 || !done || err != nil || got != "" {
		t.Errorf("after an erasure: %d, %v, %v, %q", n, done, err, got)
	}
	if n, done, _, err := p.place().Empty(t.Context(), nil); n != 0 || !done || err != nil {
		t.Errorf("once more: %d, %v, %v", n, done, err)
	}
}

func TestTheDoctorLooksWhereKeysAndLedgerLie(t *testing.T) {
	for _, c := range []struct {
		rule         string
		cfg          config.Config
		keys, ledger level
	}{
		{"as they are by default", config.Config{Data: "/var/lib/parley"}, warn, warn},
		{"apart", config.Config{Data: "/var/lib/parley", Keys: "/srv/keys", LedgerCopy: "/mnt/ledger"}, fine, fine},
		{"a name that only begins alike", config.Config{Data: "/srv/parley", Keys: "/srv/parley-keys", LedgerCopy: "/srv/parley/copy"}, fine, warn},
	} {
		if got := checkKeys(t.Context(), c.cfg).level; got != c.keys {
			t.Errorf("%s: keys %s", c.rule, got)
		}
		if got := checkLedger(t.Context(), c.cfg).level; got != c.ledger {
			t.Errorf("%s: ledger %s", c.rule, got)
		}
	}
}
