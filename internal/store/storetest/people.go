package storetest

import (
	"context"
	"testing"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

var peopleRules = []rule{
	{"the first user of an environment is its owner, the next is not", func(t *testing.T, h *house) {
		first, second, again := h.user(t, h.env, "ada@"+h.env), h.user(t, h.env, "ben@"+h.env), h.user(t, h.env, "ada@"+h.env)
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			e, err := tx.Environment(ctx, h.env)
			if err != nil {
				return err
			}
			want(t, "owner", first.ID, e.OwnerID)
			want(t, "again", again, first)
			want(t, "another", second.ID == first.ID, false)
			return same("second", second)(tx.User(ctx, second.ID))
		})
	}},
	{"a user goes to the environment that is named last", func(t *testing.T, h *house) {
		first, moved := h.user(t, h.env, "ada@"+h.env), h.user(t, h.other, "ada@"+h.env)
		want(t, "user", []string{moved.ID, moved.EnvironmentID}, []string{first.ID, h.other})
	}},
	{"a personal token comes back as it was and belongs to one user", func(t *testing.T, h *house) {
		ada, ben := h.user(t, h.env, "ada@"+h.env), h.user(t, h.env, "ben@"+h.env)
		one := h.personal(t, ada, func(p *parley.PersonalToken) { p.ExpiresAt = new(h.tick()) })
		two := h.personal(t, ada, func(*parley.PersonalToken) {})
		want(t, "numbers rise", two.Number > one.Number, true)
		refused(t, h, parley.TokenNotFound, func(ctx context.Context, tx store.Tx) error { return tx.DeletePersonalToken(ctx, ben.ID, one.Number) })
		one.LastUsedAt = new(h.tick())
		update(t, h, func(ctx context.Context, tx store.Tx) error {
			return tx.TouchPersonalToken(ctx, one.Number, *one.LastUsedAt)
		})
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			if err := same("by number", one)(tx.PersonalToken(ctx, one.Number)); err != nil {
				return err
			}
			return same("list", []*parley.PersonalToken{one, two})(tx.PersonalTokens(ctx, ada.ID))
		})
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.DeletePersonalToken(ctx, ada.ID, one.Number) })
		refused(t, h, parley.TokenNotFound, func(ctx context.Context, tx store.Tx) error { _, err := tx.PersonalToken(ctx, one.Number); return err })
	}},
	{"nobody's token is refused", func(t *testing.T, h *house) {
		refused(t, h, parley.NotFound, func(ctx context.Context, tx store.Tx) error {
			n, err := tx.NextTokenNumber(ctx)
			if err != nil {
				return err
			}
			return tx.InsertPersonalToken(ctx, &parley.PersonalToken{Number: n, UserID: "none"})
		})
		refused(t, h, parley.NotFound, func(ctx context.Context, tx store.Tx) error { _, err := tx.User(ctx, "none"); return err })
	}},
}

func (h *house) user(t *testing.T, env, email string) (u *parley.User) {
	t.Helper()
	update(t, h, func(ctx context.Context, tx store.Tx) error {
		e, err := tx.Environment(ctx, env)
		if err == nil {
			u, err = tx.EnsureUser(ctx, e, email, "Ada")
		}
		return err
	})
	return u
}

func (h *house) personal(t *testing.T, u *parley.User, change func(*parley.PersonalToken)) *parley.PersonalToken {
	t.Helper()
	p := &parley.PersonalToken{UserID: u.ID, Name: "laptop", Hash: parley.NewID(), Abilities: []string{"*"}, CreatedAt: h.tick()}
	change(p)
	update(t, h, func(ctx context.Context, tx store.Tx) (err error) {
		if p.Number, err = tx.NextTokenNumber(ctx); err != nil {
			return err
		}
		return tx.InsertPersonalToken(ctx, p)
	})
	return p
}
