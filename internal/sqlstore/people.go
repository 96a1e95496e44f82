package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"github.com/parley-voice/parley"
)

type userRow struct {
	bun.BaseModel `bun:"table:users,alias:u"`

	ID            string `bun:",pk"`
	Email         string `bun:",nullzero"`
	Name          string
	EnvironmentID string `bun:",nullzero"`
	CreatedAt     time.Time
}

func (r *userRow) user() *parley.User {
	return &parley.User{ID: r.ID, Email: r.Email, Name: r.Name, EnvironmentID: r.EnvironmentID, CreatedAt: r.CreatedAt.UTC()}
}

type personalTokenRow struct {
	bun.BaseModel `bun:"table:personal_tokens,alias:pt"`

	Number     int64 `bun:",pk"`
	UserID     string
	Name       string
	Hash       string
	Abilities  []string `bun:"type:jsonb"`
	CreatedAt  time.Time
	LastUsedAt *time.Time
	ExpiresAt  *time.Time
}

func (r *personalTokenRow) token() *parley.PersonalToken {
	return &parley.PersonalToken{
		Number: r.Number, UserID: r.UserID, Name: r.Name, Hash: r.Hash, Abilities: r.Abilities, CreatedAt: r.CreatedAt.UTC(),
		LastUsedAt: stampOrNil(r.LastUsedAt), ExpiresAt: stampOrNil(r.ExpiresAt),
	}
}

// EnsureUser finds a user by e-mail or makes one, whose environment is then env.
func (t *tx) EnsureUser(ctx context.Context, env *parley.Environment, email, name string) (*parley.User, error) {
	r := new(userRow)
	err := t.NewSelect().Model(r).Where("u.email = ?", email).Scan(ctx)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return t.newUser(ctx, env, email, name)
	case err != nil:
		return nil, fault(err)
	}
	r.EnvironmentID = env.ID
	return r.user(), done(t.NewUpdate().Model(r).Column("environment_id").WherePK().Exec(ctx))
}

// newUser takes the place of an owner who is nobody yet, else makes a user beside.
func (t *tx) newUser(ctx context.Context, env *parley.Environment, email, name string) (*parley.User, error) {
	r := &userRow{ID: env.OwnerID, Email: email, Name: name, EnvironmentID: env.ID}
	n, err := affected(t.NewUpdate().Model(r).Column("email", "name", "environment_id").WherePK().Where("u.email IS NULL").Exec(ctx))
	if err != nil {
		return nil, err
	}
	if n == 1 {
		return t.User(ctx, env.OwnerID)
	}
	r.ID, r.CreatedAt = parley.NewID(), parley.Stamp(time.Now())
	return r.user(), done(t.NewInsert().Model(r).Exec(ctx))
}

// User answers NotFound for an unknown one.
func (t *tx) User(ctx context.Context, id string) (*parley.User, error) {
	r := new(userRow)
	if err := t.NewSelect().Model(r).Where("u.id = ?", id).Scan(ctx); err != nil {
		return nil, found(err, parley.NotFound, id)
	}
	return r.user(), nil
}

// NextTokenNumber counts in a row of meta, whose lock keeps two transactions from the same number.
func (t *tx) NextTokenNumber(ctx context.Context) (n int64, err error) {
	err = t.NewRaw(`INSERT INTO meta (name, value) VALUES ('personal_tokens', '1')
		ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(meta.value AS bigint) + 1 AS text) RETURNING CAST(value AS bigint)`).Scan(ctx, &n)
	return n, fault(err)
}

// InsertPersonalToken adds a token of a user.
func (t *tx) InsertPersonalToken(ctx context.Context, p *parley.PersonalToken) error {
	r := &personalTokenRow{
		Number: p.Number, UserID: p.UserID, Name: p.Name, Hash: p.Hash, Abilities: p.Abilities, CreatedAt: parley.Stamp(p.CreatedAt),
		LastUsedAt: stampOrNil(p.LastUsedAt), ExpiresAt: stampOrNil(p.ExpiresAt),
	}
	if r.Abilities == nil {
		r.Abilities = []string{}
	}
	_, err := t.NewInsert().Model(r).Exec(ctx)
	if isOrphan(err) {
		return parley.Errorf(parley.NotFound, "no user with id %s", p.UserID)
	}
	return fault(err)
}

// PersonalToken answers TokenNotFound for an unknown number.
func (t *tx) PersonalToken(ctx context.Context, number int64) (*parley.PersonalToken, error) {
	r := new(personalTokenRow)
	if err := t.NewSelect().Model(r).Where("pt.number = ?", number).Scan(ctx); err != nil {
		return nil, found(err, parley.TokenNotFound, strconv.FormatInt(number, 10))
	}
	return r.token(), nil
}

// PersonalTokens lists those of a user, oldest first.
func (t *tx) PersonalTokens(ctx context.Context, userID string) ([]*parley.PersonalToken, error) {
	var rows []*personalTokenRow
	if err := t.NewSelect().Model(&rows).Where("pt.user_id = ?", userID).Order("pt.number").Scan(ctx); err != nil {
		return nil, fault(err)
	}
	list := make([]*parley.PersonalToken, len(rows))
	for i, r := range rows {
		list[i] = r.token()
	}
	return list, nil
}

// TouchPersonalToken notes the use of a token.
func (t *tx) TouchPersonalToken(ctx context.Context, number int64, at time.Time) error {
	return done(t.NewUpdate().Model((*personalTokenRow)(nil)).Set("last_used_at = ?", parley.Stamp(at)).Where("pt.number = ?", number).Exec(ctx))
}

// DeletePersonalToken deletes one of a user's tokens.
func (t *tx) DeletePersonalToken(ctx context.Context, userID string, number int64) error {
	r, err := t.NewDelete().Model((*personalTokenRow)(nil)).Where("pt.number = ?", number).Where("pt.user_id = ?", userID).Exec(ctx)
	return changed(r, err, parley.TokenNotFound, strconv.FormatInt(number, 10))
}
