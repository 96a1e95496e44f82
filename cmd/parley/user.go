package main

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-voice/parley/internal/accounts"
	"github.com/parley-voice/parley/internal/app"
)

type userCmd struct {
	Create userCreateCmd `cmd:"" help:"Make a user, and a personal token, which is printed once and kept as a hash only."`
}

type userCreateCmd struct {
	settings
	Environment string        `required:"" help:"Name of the user's environment; it is made when missing." placeholder:"NAME"`
	Email       string        `required:"" help:"Of the user; a known one gets another token." placeholder:"E"`
	Name        string        `help:"Of the user; what stands before the @ when left out." placeholder:"NAME"`
	TokenName   string        `default:"command line" help:"Name of the token."`
	Expires     time.Duration `help:"Life of the token, such as 720h; for ever when left out."`
}

func (c userCreateCmd) Run(ctx context.Context, io streams) error {
	cfg, err := c.load(nil)
	if err != nil {
		return err
	}
	token, err := app.CreateUser(ctx, cfg, accounts.NewPerson{
		Environment: c.Environment, Email: c.Email, Name: c.Name, Token: c.TokenName, Expires: c.Expires,
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(io.out, token)
	return nil
}
