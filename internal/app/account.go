package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/accounts"
	"github.com/parley-voice/parley/internal/config"
	"github.com/parley-voice/parley/internal/secrets"
	"github.com/parley-voice/parley/internal/sqlstore"
)

// withAccounts opens the database for a command beside the server, which may be running.
func withAccounts(ctx context.Context, cfg config.Config, fn func(*accounts.Accounts) error) error {
	s, err := openStore(ctx, cfg, nil)
	if err != nil {
		return err
	}
	return errors.Join(fn(accounts.New(s, secrets.HashToken, secrets.NewSecret)), s.Close())
}

// CreateToken makes a token of an environment, and the environment when it is missing. Abilities that are not known are returned.
func CreateToken(ctx context.Context, cfg config.Config, environment string, abilities []string) (token string, unknown []string, err error) {
	token, hash := secrets.NewToken()
	err = withAccounts(ctx, cfg, func(a *accounts.Accounts) (err error) {
		unknown, err = a.CreateToken(ctx, environment, hash, abilities)
		return err
	})
	return token, unknown, err
}

// CreateUser makes a user of an environment, and a personal token.
func CreateUser(ctx context.Context, cfg config.Config, p accounts.NewPerson) (token string, err error) {
	err = withAccounts(ctx, cfg, func(a *accounts.Accounts) (err error) {
		token, err = a.CreateUser(ctx, p)
		return err
	})
	return token, err
}

// SetLimits changes the plan settings of an environment.
func SetLimits(ctx context.Context, cfg config.Config, environment string, change func(*parley.Limits)) error {
	return withAccounts(ctx, cfg, func(a *accounts.Accounts) error { return a.SetLimits(ctx, environment, change) })
}

// errWrongKey says that the data was sealed with another key.
var errWrongKey = errors.New("the master key is not the one that this data was sealed with: restore DIR/master.key or PARLEY_MASTER_KEY")

const keyMark = "master_key"

// checkKey compares the key with the mark that the first start left in the database.
func checkKey(ctx context.Context, s *sqlstore.Store, key *secrets.Key) error {
	mark, err := meta(ctx, s, keyMark, key.Fingerprint)
	if err != nil {
		return fmt.Errorf("check the master key: %w", err)
	}
	if mark != key.Fingerprint() {
		return errWrongKey
	}
	return nil
}
