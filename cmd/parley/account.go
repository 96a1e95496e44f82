package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/app"
)

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make a token; it is printed once and kept as a hash only."`
}

type tokenCreateCmd struct {
	settings
	Environment string   `required:"" help:"Name of the environment; it is made when missing." placeholder:"NAME"`
	Abilities   []string `help:"What the token may do; all when left out." placeholder:"a,b"`
}

func (c tokenCreateCmd) Run(ctx context.Context, io streams) error {
	cfg, err := c.load(nil)
	if err != nil {
		return err
	}
	token, unknown, err := app.CreateToken(ctx, cfg, c.Environment, c.Abilities)
	if err != nil {
		return err
	}
	for _, a := range unknown {
		fmt.Fprintf(io.errs, "warning: the ability %q is not known and grants nothing; known are %s\n", a, strings.Join(parley.KnownAbilities, ", "))
	}
	fmt.Fprintln(io.out, token)
	return nil
}

type environmentCmd struct {
	Set environmentSetCmd `cmd:"" help:"Change plan settings of an environment, such as limits.agents=3."`
}

type environmentSetCmd struct {
	settings
	Environment string   `required:"" help:"Name of the environment; it is made when missing." placeholder:"NAME"`
	Values      []string `arg:"" help:"KEY=VALUE: limits.agents, limits.api_rate, features.sip_trunks, credits.required, credits.balance, calls.outbound_prefixes."`
}

func (c environmentSetCmd) Run(ctx context.Context) error {
	cfg, err := c.load(nil)
	if err != nil {
		return err
	}
	var changes []func(*parley.Limits)
	for _, kv := range c.Values {
		change, err := limit(kv)
		if err != nil {
			return err
		}
		changes = append(changes, change)
	}
	return app.SetLimits(ctx, cfg, c.Environment, func(l *parley.Limits) {
		for _, change := range changes {
			change(l)
		}
	})
}

// limit reads one KEY=VALUE.
func limit(kv string) (func(*parley.Limits), error) {
	key, value, ok := strings.Cut(kv, "=")
	if !ok {
		return nil, fmt.Errorf("%q is not KEY=VALUE", kv)
	}
	fault := func(want string) error { return fmt.Errorf("%s: %q is not %s", key, value, want) }
	switch key {
	case "limits.agents", "limits.api_rate":
		var n *int
		if value != "none" {
			v, err := strconv.Atoi(value)
			if err != nil || v < 0 {
				return nil, fault("a number, or none")
			}
			n = &v
		}
		if key == "limits.agents" {
			return func(l *parley.Limits) { l.Agents = n }, nil
		}
		return func(l *parley.Limits) { l.APIRate = n }, nil
	case "features.sip_trunks", "credits.required":
		v, err := strconv.ParseBool(value)
		if err != nil {
			return nil, fault("true or false")
		}
		if key == "credits.required" {
			return func(l *parley.Limits) { l.CreditsRequired = v }, nil
		}
		return func(l *parley.Limits) { l.SIPTrunks = &v }, nil
	case "credits.balance":
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil, fault("a number")
		}
		return func(l *parley.Limits) { l.Credits = v }, nil
	case "calls.outbound_prefixes":
		list := strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
		return func(l *parley.Limits) { l.OutboundPrefixes = list }, nil
	}
	return nil, fmt.Errorf("%s: there is no such plan setting", key)
}
