package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/parley-voice/parley"
)

type environmentRow struct {
	bun.BaseModel `bun:"table:environments,alias:e"`

	ID        string `bun:",pk"`
	Name      string
	OwnerID   string
	Limits    parley.Limits `bun:"type:jsonb"`
	CreatedAt time.Time
}

type tokenRow struct {
	bun.BaseModel `bun:"table:tokens,alias:tok"`

	ID            string `bun:",pk"`
	EnvironmentID string
	Hash          string
	Abilities     []string `bun:"type:jsonb"`
	CreatedAt     time.Time
}

type metaRow struct {
	bun.BaseModel `bun:"table:meta,alias:m"`

	Name  string `bun:",pk"`
	Value string
}

func (r *environmentRow) environment() *parley.Environment {
	return &parley.Environment{ID: r.ID, Name: r.Name, OwnerID: r.OwnerID, Limits: r.Limits, CreatedAt: r.CreatedAt.UTC()}
}

// EnsureEnvironment finds an environment by name, or makes it and its owner.
func (t *tx) EnsureEnvironment(ctx context.Context, name string) (*parley.Environment, error) {
	now := parley.Stamp(time.Now())
	r := &environmentRow{ID: parley.NewID(), Name: name, OwnerID: parley.NewID(), CreatedAt: now}
	n, err := affected(t.NewInsert().Model(r).On("CONFLICT (name) DO NOTHING").Exec(ctx))
	if err != nil {
		return nil, err
	}
	if n == 1 {
		_, err := t.NewInsert().Model(&userRow{ID: r.OwnerID, CreatedAt: now}).Exec(ctx)
		return r.environment(), fault(err)
	}
	if err := t.NewSelect().Model(r).Where("e.name = ?", name).Scan(ctx); err != nil {
		return nil, fault(err)
	}
	return r.environment(), nil
}

// Environment reads one.
func (t *tx) Environment(ctx context.Context, id string) (*parley.Environment, error) {
	r := new(environmentRow)
	if err := t.NewSelect().Model(r).Where("e.id = ?", id).Scan(ctx); err != nil {
		return nil, found(err, parley.NotFound, id)
	}
	return r.environment(), nil
}

// SetLimits writes the plan settings of an environment.
func (t *tx) SetLimits(ctx context.Context, env string, l parley.Limits) error {
	r, err := t.NewUpdate().Model(&environmentRow{ID: env, Limits: l}).Column("limits").WherePK().Exec(ctx)
	return changed(r, err, parley.NotFound, env)
}

// Charge takes an amount from the balance of an environment whose credits are required.
func (t *tx) Charge(ctx context.Context, env string, amount float64) error {
	r := new(environmentRow)
	if err := t.lock(t.NewSelect().Model(r).Where("e.id = ?", env), "UPDATE").Scan(ctx); err != nil {
		return found(err, parley.NotFound, env)
	}
	if !r.Limits.CreditsRequired {
		return nil
	}
	r.Limits.Credits -= amount
	return t.SetLimits(ctx, env, r.Limits)
}

// InsertToken adds a token.
func (t *tx) InsertToken(ctx context.Context, tok *parley.Token) error {
	r := &tokenRow{
		ID: tok.ID, EnvironmentID: tok.EnvironmentID, Hash: tok.Hash, Abilities: tok.Abilities, CreatedAt: parley.Stamp(tok.CreatedAt),
	}
	if r.Abilities == nil {
		r.Abilities = []string{}
	}
	_, err := t.NewInsert().Model(r).Exec(ctx)
	if isOrphan(err) {
		return parley.Errorf(parley.NotFound, "no environment with id %s", tok.EnvironmentID)
	}
	return fault(err)
}

// TokenByHash answers InvalidToken for an unknown one.
func (t *tx) TokenByHash(ctx context.Context, hash string) (*parley.Token, *parley.Environment, error) {
	r := new(tokenRow)
	err := t.NewSelect().Model(r).Where("tok.hash = ?", hash).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil, parley.Errorf(parley.InvalidToken, "unknown token")
	}
	if err != nil {
		return nil, nil, fault(err)
	}
	env, err := t.Environment(ctx, r.EnvironmentID)
	if err != nil {
		return nil, nil, err
	}
	return &parley.Token{
		ID: r.ID, EnvironmentID: r.EnvironmentID, Hash: r.Hash, Abilities: r.Abilities, CreatedAt: r.CreatedAt.UTC(),
	}, env, nil
}

// Meta reads a value kept for the server itself; empty when unset.
func (t *tx) Meta(ctx context.Context, key string) (string, error) {
	r := new(metaRow)
	err := t.NewSelect().Model(r).Where("m.name = ?", key).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return r.Value, fault(err)
}

// SetMeta writes it.
func (t *tx) SetMeta(ctx context.Context, key, value string) error {
	return done(t.NewInsert().Model(&metaRow{Name: key, Value: value}).On("CONFLICT (name) DO UPDATE").Set("value = EXCLUDED.value").Exec(ctx))
}
