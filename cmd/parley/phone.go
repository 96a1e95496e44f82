package main

import (
	"context"
	"fmt"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/app"
	"github.com/parley-voice/parley/internal/telephony"
)

type phoneCmd struct {
	Create phoneCreateCmd `cmd:"" help:"Make a softphone's account; its password is printed once and kept as a hash only."`
}

type phoneCreateCmd struct {
	settings
	Environment string `required:"" help:"Name of the environment; it is made when missing." placeholder:"NAME"`
	Username    string `required:"" help:"What the phone registers as: of a-z, 0-9, dot, hyphen and underscore." placeholder:"U"`
	Name        string `help:"Whose phone it is, for people." placeholder:"TEXT"`
}

func (c phoneCreateCmd) Run(ctx context.Context, io streams) error {
	cfg, err := c.load(nil)
	if err != nil {
		return err
	}
	password, err := app.CreateSoftphone(ctx, cfg, c.Environment, telephony.NewSoftphone{Username: c.Username, DisplayName: c.Name})
	if err != nil {
		return err
	}
	fmt.Fprintf(io.out, "username: %s\npassword: %s\nrealm: %s\n", c.Username, password, parley.SIPRealm)
	fmt.Fprintf(io.errs, "Register at the address of `parley serve --sip` over UDP, TCP or TLS; call agents as sip:NAME-WITH-HYPHENS@HOST.\n")
	return nil
}
