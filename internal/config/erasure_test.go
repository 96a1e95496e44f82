package config

import (
	"testing"
	"time"
)

func TestStatementsAboutBackupsAreBounded(t *testing.T) {
	for _, c := range []struct {
		text   string
		life   time.Duration
		stated bool
		ok     bool
	}{
		{"", 0, false, true}, {"none", 0, true, true}, {"24h", 24 * time.Hour, true, true}, {"168h", 168 * time.Hour, true, true},
		{"169h", 0, false, false}, {"0s", 0, false, false}, {"-1h", 0, false, false}, {"a week", 0, false, false},
	} {
		cfg := Config{KeysBackup: c.text}
		life, stated, err := cfg.KeysBackedUp()
		if life != c.life || stated != c.stated || (err == nil) != c.ok {
			t.Errorf("erasure.keys_backup %q: %s, %v, %v", c.text, life, stated, err)
		}
	}
	for text, ok := range map[string]bool{"api.example.com=30 days": true, "api.example.com": false, "=30 days": false, "api.example.com=": false} {
		cfg := Config{ProvidersKeep: []string{text}}
		if _, err := cfg.Keepers(); (err == nil) != ok {
			t.Errorf("erasure.providers_keep %q: %v", text, err)
		}
	}
}
