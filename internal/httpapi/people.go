package httpapi

import (
	"context"
	"net/http"
	"strconv"

	"github.com/parley-voice/parley"
)

type userJSON struct {
	ID            string  `json:"id"`
	Name          string  `json:"name" example:"Ada Example"`
	Email         string  `json:"email" format:"email"`
	EnvironmentID *string `json:"current_environment_id"`
	CreatedAt     stamp   `json:"created_at"`
}

// PersonalTokenJSON is a personal token as it is shown; never with its secret.
type PersonalTokenJSON struct {
	ID         string   `json:"id" example:"7"`
	Name       string   `json:"name" example:"laptop"`
	Abilities  []string `json:"abilities" nullable:"false"`
	LastUsedAt *stamp   `json:"last_used_at"`
	CreatedAt  stamp    `json:"created_at"`
}

type newPersonalTokenJSON struct {
	PersonalTokenJSON
	Token string `json:"token" doc:"Full token, shown this once." example:"7|0123456789abcdef"`
}

func showPersonalToken(t *parley.PersonalToken) PersonalTokenJSON {
	return PersonalTokenJSON{
		ID: strconv.FormatInt(t.Number, 10), Name: t.Name, Abilities: each(t.Abilities, func(s string) string { return s }),
		LastUsedAt: stampOr(t.LastUsedAt), CreatedAt: stamp(t.CreatedAt),
	}
}

type personalTokenBody struct {
	Name      string   `json:"name" minLength:"1" maxLength:"255" example:"laptop"`
	Abilities []string `json:"abilities" required:"false" nullable:"false" maxItems:"100" doc:"All when left out."`
}

// peopleRoutes take personal tokens.
func (a *api) peopleRoutes() {
	const tokens = "/api/v1/user/api-tokens"
	handle(a, op{
		id: "getCurrentUser", method: http.MethodGet, path: "/api/user", tag: "Account", summary: "Get the signed-in user",
		person: true, shape: bareShape,
	}, a.getCurrentUser)
	handle(a, op{
		id: "listUserApiTokens", method: http.MethodGet, path: tokens, tag: "Account", summary: "List personal tokens",
		person: true, shape: onlyDataShape,
	}, a.listPersonalTokens)
	handle(a, op{
		id: "createUserApiToken", method: http.MethodPost, path: tokens, tag: "Account", summary: "Create a personal token",
		person: true, shape: onlyDataShape, status: http.StatusCreated, codes: []parley.Code{parley.ValidationError},
	}, a.createPersonalToken)
	handle(a, op{
		id: "deleteUserApiToken", method: http.MethodDelete, path: tokens + "/{token_id}", tag: "Account", summary: "Revoke a personal token",
		person: true, shape: onlyDoneShape, message: "Token revoked", codes: []parley.Code{parley.TokenNotFound},
	}, a.revokePersonalToken)
}

func (a *api) getCurrentUser(ctx context.Context, r *in[none, none]) (userJSON, error) {
	u, err := a.deps.Accounts.User(ctx, r.actor)
	if err != nil {
		return userJSON{}, err
	}
	return userJSON{ID: u.ID, Name: u.Name, Email: u.Email, EnvironmentID: orNil(u.EnvironmentID), CreatedAt: stamp(u.CreatedAt)}, nil
}

func (a *api) listPersonalTokens(ctx context.Context, r *in[none, none]) ([]PersonalTokenJSON, error) {
	list, err := a.deps.Accounts.PersonalTokens(ctx, r.actor)
	return each(list, showPersonalToken), err
}

func (a *api) createPersonalToken(ctx context.Context, r *in[none, personalTokenBody]) (newPersonalTokenJSON, error) {
	if err := r.faults.Err(); err != nil {
		return newPersonalTokenJSON{}, err
	}
	t, token, err := a.deps.Accounts.CreatePersonalToken(ctx, r.actor, r.body.Name, r.body.Abilities)
	if err != nil {
		return newPersonalTokenJSON{}, err
	}
	return newPersonalTokenJSON{showPersonalToken(t), token}, nil
}

func (a *api) revokePersonalToken(ctx context.Context, r *in[none, none]) (none, error) {
	return none{}, a.deps.Accounts.RevokePersonalToken(ctx, r.actor, r.id("token_id"))
}
