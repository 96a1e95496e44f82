package app

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/config"
	"github.com/parley-voice/parley/internal/erasure"
)

// outside are the places that no deletion reaches. Receipts name them, with what the operator states of how long they keep something.
func outside(cfg config.Config) []erasure.Place {
	return []erasure.Place{
		named("worker_memory", func(time.Time) string {
			return "speech workers hold sound and words while they work on them; memory that was freed is not overwritten before it is used again"
		}),
		named("provider_copies", func(time.Time) string { return providerCopies(cfg) }),
		named("backups", func(at time.Time) string { return backups(cfg, at) }),
	}
}

// named is a place of which a receipt only tells.
func named(name string, note func(at time.Time) string) erasure.Place {
	return erasure.Place{Name: name, Outside: true, Empty: func(context.Context, *parley.Erasure) (int64, bool, string, error) {
		return 0, true, note(time.Now()), nil
	}}
}

// providerCopies names the hosts that language models are asked at. They offer no deletion of single requests.
func providerCopies(cfg config.Config) string {
	hosts := map[string]bool{}
	for _, e := range cfg.Engines {
		hosts[host(e.BaseURL)] = true
	}
	if cfg.LLMURL != "" {
		hosts[host(cfg.LLMURL)] = true
	}
	const receivers = "receivers of webhooks, actions and e-mails, and carriers, keep what they were sent by their own rules"
	if len(hosts) == 0 {
		return "no model provider is configured; " + receivers
	}
	keepers, _ := cfg.Keepers() // checked
	var list []string
	for _, h := range slices.Sorted(maps.Keys(hosts)) {
		keeps := "for how long is not stated"
		if k, ok := keepers[h]; ok {
			keeps = k + ", as the operator states"
		}
		list = append(list, h+" ("+keeps+")")
	}
	return "words of calls were sent to language models, where these were used, and may be kept there: " + strings.Join(list, ", ") + "; " + receivers
}

func host(raw string) string {
	if u, err := url.Parse(raw); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	return raw
}

// backups says what is in those that were made before, and until when.
func backups(cfg config.Config, at time.Time) string {
	const what = "backups of the database hold numbers, times and the agent's texts in the clear"
	if cfg.BackupsFor == 0 {
		return what + "; how long they live is not stated"
	}
	return fmt.Sprintf("%s until %s, as the operator states", what, stamp(at.Add(duration(cfg.BackupsFor))))
}

// unreadable is what receipts claim of backups, by where the operator states that copies of keys lie; nil when nothing is stated.
func unreadable(cfg config.Config) func(at time.Time) string {
	life, stated, _ := cfg.KeysBackedUp() // checked
	if !stated {
		return nil
	}
	return func(at time.Time) string {
		if life == 0 {
			return "transcripts and recordings in backups cannot be read: no backup holds the key, as the operator states"
		}
		return "transcripts and recordings in backups cannot be read from " + stamp(at.Add(life)) +
			" on, when the last copy of the key has expired, as the operator states"
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
