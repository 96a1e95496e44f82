package config

import (
	"fmt"
	"strings"
	"time"
)

// longestKeysBackup is how long a backup may hold keys of agents that were deleted since.
const longestKeysBackup = 7 * 24 * time.Hour

// KeysBackedUp is erasure.keys_backup: how long a copy of an agent's key may outlive it, and whether the operator says so at all.
func (c *Config) KeysBackedUp() (life time.Duration, stated bool, err error) {
	switch c.KeysBackup {
	case "":
		return 0, false, nil
	case "none":
		return 0, true, nil
	}
	life, err = time.ParseDuration(c.KeysBackup)
	if err != nil || life <= 0 || life > longestKeysBackup {
		return 0, false, fmt.Errorf("erasure.keys_backup: %q is neither none nor a time of up to %s", c.KeysBackup, longestKeysBackup)
	}
	return life, true, nil
}

// Keepers is erasure.providers_keep: by host, how long what was sent there is kept, in the operator's words.
func (c *Config) Keepers() (map[string]string, error) {
	keepers := make(map[string]string, len(c.ProvidersKeep))
	for _, s := range c.ProvidersKeep {
		host, keeps, ok := strings.Cut(s, "=")
		if !ok || host == "" || keeps == "" {
			return nil, fmt.Errorf("erasure.providers_keep: %q is not of the form api.example.com=30 days", s)
		}
		keepers[host] = keeps
	}
	return keepers, nil
}
