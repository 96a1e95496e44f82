// Package accounts holds the rules of environments and their tokens: who asks, and what the plan lets them do. Tokens are known by
// their hash alone; SQL and HTTP are elsewhere.
package accounts

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// Accounts answers who a token is and makes new ones.
type Accounts struct {
	store  store.Store
	hash   func(token string) string
	secret func() string
}

// New makes the room; hash is how the store knows tokens, secret makes the part of a personal one that cannot be guessed.
func New(s store.Store, hash func(string) string, secret func() string) *Accounts {
	return &Accounts{store: s, hash: hash, secret: secret}
}

// Authenticate finds whose token it is. An unknown or malformed one answers InvalidToken.
func (a *Accounts) Authenticate(ctx context.Context, token string) (parley.Actor, error) {
	var actor parley.Actor
	if !strings.HasPrefix(token, parley.TokenPrefix) {
		return actor, parley.Errorf(parley.InvalidToken, "not an environment token")
	}
	err := a.store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		t, env, err := tx.TokenByHash(ctx, a.hash(token))
		if err != nil {
			return err
		}
		actor = parley.Actor{TokenID: t.ID, EnvironmentID: env.ID, UserID: env.OwnerID, Abilities: t.Abilities, Limits: env.Limits}
		return nil
	})
	return actor, err
}

// CreateToken keeps the hash of a new token for an environment, which is made with its owner when it is missing. No abilities mean all.
// Unknown abilities are kept, grant nothing, and are returned.
func (a *Accounts) CreateToken(ctx context.Context, environment, hash string, abilities []string) (unknown []string, err error) {
	environment = strings.TrimSpace(environment)
	if environment == "" || len(environment) > 255 {
		return nil, parley.Invalid("environment", "The environment must be 1 to 255 characters.")
	}
	if len(abilities) == 0 {
		abilities = []string{parley.AllAbilities}
	}
	for _, s := range abilities {
		if !slices.Contains(parley.KnownAbilities, s) {
			unknown = append(unknown, s)
		}
	}
	err = a.store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		env, err := tx.EnsureEnvironment(ctx, environment)
		if err != nil {
			return err
		}
		return tx.InsertToken(ctx, &parley.Token{
			ID: parley.NewID(), EnvironmentID: env.ID, Hash: hash, Abilities: abilities, CreatedAt: parley.Stamp(time.Now()),
		})
	})
	return unknown, err
}

// SetLimits replaces the plan settings of an environment, which is made when it is missing.
func (a *Accounts) SetLimits(ctx context.Context, environment string, change func(*parley.Limits)) error {
	return a.store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		env, err := tx.EnsureEnvironment(ctx, environment)
		if err != nil {
			return err
		}
		change(&env.Limits)
		return tx.SetLimits(ctx, env.ID, env.Limits)
	})
}
