package httpapi

import (
	"context"
	"net/http"

	"github.com/parley-voice/parley"
)

type identifyBody struct {
	Token string `json:"token" required:"false" doc:"Token to identify; the Authorization header is used when absent." example:"talq_0123456789abcdef"`
}

type identityJSON struct {
	Type          string   `json:"type" enum:"environment,system"`
	EnvironmentID *string  `json:"environment_id"`
	UserID        *string  `json:"user_id" doc:"The user of a personal token, else the user who owns the environment."`
	Abilities     []string `json:"abilities" nullable:"false"`
}

type aliveJSON struct {
	Status string `json:"status" enum:"ok"`
}

func (a *api) accountRoutes() {
	handle(a, op{
		id: "identifyToken", method: http.MethodPost, path: "/api/v1/auth/identify", tag: "Auth", summary: "Tell what kind of token this is",
		open: true, codes: []parley.Code{parley.ValidationError},
	}, a.identifyToken)
	handle(a, op{
		id: "getHealth", method: http.MethodGet, path: "/api/v1/health", tag: "Health", summary: "Liveness probe", free: true, shape: bareShape,
	}, func(context.Context, *in[none, none]) (aliveJSON, error) { return aliveJSON{Status: "ok"}, nil })
}

func (a *api) identifyToken(ctx context.Context, r *in[none, identifyBody]) (identityJSON, error) {
	if err := r.faults.Err(); err != nil {
		return identityJSON{}, err
	}
	token := r.body.Token
	if token == "" {
		token = bearer(r.http)
	}
	if token == "" {
		return identityJSON{}, errMissingToken
	}
	actor, err := a.deps.Accounts.Identify(ctx, token)
	if err != nil {
		return identityJSON{}, err
	}
	kind := "environment"
	if actor.Personal {
		kind = "system"
	}
	return identityJSON{
		Type: kind, EnvironmentID: orNil(actor.EnvironmentID), UserID: orNil(actor.UserID),
		Abilities: each(actor.Abilities, func(s string) string { return s }),
	}, nil
}
