package app

import (
	"context"
	"errors"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/config"
	"github.com/parley-voice/parley/internal/secrets"
	"github.com/parley-voice/parley/internal/store"
	"github.com/parley-voice/parley/internal/telephony"
)

// CreateSoftphone makes a softphone of an environment, and the environment when it is missing. The password is returned and kept nowhere.
func CreateSoftphone(ctx context.Context, cfg config.Config, environment string, n telephony.NewSoftphone) (password string, err error) {
	s, err := openStore(ctx, cfg, nil) // makes the directory where there is none
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	key, err := secrets.Load(cfg.MasterKey, cfg.Data)
	if err != nil {
		return "", err
	}
	if err := checkKey(ctx, s, key); err != nil {
		return "", err
	}
	actor := parley.Actor{Abilities: []string{parley.AllAbilities}}
	err = s.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		env, err := tx.EnsureEnvironment(ctx, environment)
		if err == nil {
			actor.EnvironmentID = env.ID
		}
		return err
	})
	if err != nil {
		return "", err
	}
	_, password, err = telephony.New(telephony.Deps{Store: s, Vault: key, Log: quiet()}).CreateSoftphone(ctx, actor, n, nil)
	return password, err
}
