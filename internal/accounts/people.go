package accounts

import (
	"context"
	"crypto/subtle"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// touchAfter is how old the last use of a personal token may grow before it is written anew.
const touchAfter = time.Minute

// Identify finds whose token it is, an environment's or a person's. An unknown, malformed or expired one answers InvalidToken.
func (a *Accounts) Identify(ctx context.Context, token string) (parley.Actor, error) {
	number, secret, ok := strings.Cut(token, "|")
	n, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil {
		return a.Authenticate(ctx, token)
	}
	var actor parley.Actor
	var stale bool
	now := time.Now()
	err = a.store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		t, err := tx.PersonalToken(ctx, n)
		if parley.CodeOf(err) == parley.TokenNotFound || err == nil && subtle.ConstantTimeCompare([]byte(t.Hash), []byte(a.hash(secret))) == 0 {
			return parley.Errorf(parley.InvalidToken, "unknown token")
		}
		if err != nil {
			return err
		}
		if t.ExpiresAt != nil && !now.Before(*t.ExpiresAt) {
			return &parley.Error{Code: parley.InvalidToken, Message: "token has expired", Details: map[string]any{parley.DetailCause: parley.CauseExpired}}
		}
		stale = t.LastUsedAt == nil || now.Sub(*t.LastUsedAt) > touchAfter
		actor, err = person(ctx, tx, t)
		return err
	})
	if err == nil && stale {
		err = a.store.Update(ctx, func(ctx context.Context, tx store.Tx) error { return tx.TouchPersonalToken(ctx, n, parley.Stamp(now)) })
	}
	return actor, err
}

// person is the actor of a personal token; the rate of its requests is that of the environment at hand.
func person(ctx context.Context, tx store.Tx, t *parley.PersonalToken) (parley.Actor, error) {
	actor := parley.Actor{TokenID: "personal " + strconv.FormatInt(t.Number, 10), UserID: t.UserID, Abilities: t.Abilities, Personal: true}
	u, err := tx.User(ctx, t.UserID)
	if err != nil || u.EnvironmentID == "" {
		return actor, err
	}
	env, err := tx.Environment(ctx, u.EnvironmentID)
	if err == nil {
		actor.Limits.APIRate = env.Limits.APIRate
	}
	return actor, err
}

// NewPerson is who is to get a personal token.
type NewPerson struct {
	Environment string // by name; made when missing
	Email, Name string // an empty name is what stands before the @
	Token       string // name of the token
	Expires     time.Duration
}

// CreateUser finds or makes a user of an environment and gives a personal token.
func (a *Accounts) CreateUser(ctx context.Context, p NewPerson) (token string, err error) {
	address, err := mail.ParseAddress(p.Email)
	if err != nil || address.Address != p.Email || len(p.Email) > 255 {
		return "", parley.Invalid("email", "The email must be a valid email address.")
	}
	if p.Name == "" {
		p.Name, _, _ = strings.Cut(p.Email, "@")
	}
	p.Environment = strings.TrimSpace(p.Environment)
	if p.Environment == "" || len(p.Environment) > 255 {
		return "", parley.Invalid("environment", "The environment must be 1 to 255 characters.")
	}
	err = a.store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		env, err := tx.EnsureEnvironment(ctx, p.Environment)
		if err != nil {
			return err
		}
		u, err := tx.EnsureUser(ctx, env, strings.ToLower(p.Email), p.Name)
		if err != nil {
			return err
		}
		t := &parley.PersonalToken{UserID: u.ID, Name: p.Token, Abilities: []string{parley.AllAbilities}}
		if p.Expires > 0 {
			t.ExpiresAt = new(parley.Stamp(time.Now().Add(p.Expires)))
		}
		token, err = a.keep(ctx, tx, t)
		return err
	})
	return token, err
}

// keep gives a new token its number and secret, stores it, and writes it out.
func (a *Accounts) keep(ctx context.Context, tx store.Tx, t *parley.PersonalToken) (string, error) {
	n, err := tx.NextTokenNumber(ctx)
	if err != nil {
		return "", err
	}
	secret := a.secret()
	t.Number, t.Hash, t.CreatedAt = n, a.hash(secret), parley.Stamp(time.Now())
	return strconv.FormatInt(n, 10) + "|" + secret, tx.InsertPersonalToken(ctx, t)
}

// User is the person behind a personal token.
func (a *Accounts) User(ctx context.Context, actor parley.Actor) (u *parley.User, err error) {
	err = a.store.View(ctx, func(ctx context.Context, tx store.Tx) error { u, err = tx.User(ctx, actor.UserID); return err })
	return u, err
}

// PersonalTokens lists the person's tokens, oldest first.
func (a *Accounts) PersonalTokens(ctx context.Context, actor parley.Actor) (list []*parley.PersonalToken, err error) {
	err = a.store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		list, err = tx.PersonalTokens(ctx, actor.UserID)
		return err
	})
	return list, err
}

// CreatePersonalToken makes another token of the person. No abilities mean all; none that the actor's own token lacks can be given.
func (a *Accounts) CreatePersonalToken(ctx context.Context, actor parley.Actor, name string, abilities []string) (*parley.PersonalToken, string, error) {
	if len(abilities) == 0 {
		abilities = []string{parley.AllAbilities}
	}
	if slices.ContainsFunc(abilities, func(s string) bool { return !actor.Can(s) }) {
		return nil, "", parley.Invalid("abilities", "The selected abilities are invalid.")
	}
	t := &parley.PersonalToken{UserID: actor.UserID, Name: name, Abilities: abilities}
	var token string
	err := a.store.Update(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		token, err = a.keep(ctx, tx, t)
		return err
	})
	return t, token, err
}

// RevokePersonalToken deletes one of the person's tokens; its next use answers InvalidToken.
func (a *Accounts) RevokePersonalToken(ctx context.Context, actor parley.Actor, id string) error {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return parley.Errorf(parley.TokenNotFound, "no number: %s", id)
	}
	return a.store.Update(ctx, func(ctx context.Context, tx store.Tx) error { return tx.DeletePersonalToken(ctx, actor.UserID, n) })
}
