package storetest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

var transactionRules = []rule{
	{"an error rolls back and is returned", func(t *testing.T, h *house) {
		boom := errors.New("boom")
		err := h.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
			return errors.Join(tx.SetMeta(ctx, h.env, "kept"), boom)
		})
		if !errors.Is(err, boom) {
			t.Errorf("got %v, want boom", err)
		}
		h.wantMeta(t, "")
	}},
	{"a panic rolls back and frees the connection", func(t *testing.T, h *house) {
		func() {
			defer func() { _ = recover() }()
			_ = h.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
				if err := tx.SetMeta(ctx, h.env, "kept"); err != nil {
					t.Error(err)
				}
				panic("boom")
			})
		}()
		h.wantMeta(t, "")
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.SetMeta(ctx, h.env, "written") })
		h.wantMeta(t, "written")
	}},
	{"a view cannot write", func(t *testing.T, h *house) {
		err := h.View(t.Context(), func(ctx context.Context, tx store.Tx) error { return tx.SetMeta(ctx, h.env, "kept") })
		if err == nil {
			t.Error("a write in a view was taken")
		}
		h.wantMeta(t, "")
	}},
	{"a transaction sees its own writes, others do not before the commit", func(t *testing.T, h *house) {
		update(t, h, func(ctx context.Context, tx store.Tx) error {
			if err := tx.SetMeta(ctx, h.env, "written"); err != nil {
				return err
			}
			h.wantMeta(t, "")
			return same("own write", "written")(tx.Meta(ctx, h.env))
		})
		h.wantMeta(t, "written")
	}},
	{"the caller's own deadline is not the database's fault", func(t *testing.T, h *house) {
		ctx, cancel := context.WithCancel(t.Context())
		err := h.Update(ctx, func(ctx context.Context, tx store.Tx) error {
			cancel()
			return tx.SetMeta(ctx, h.env, "kept")
		})
		if !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("got %v, want the caller's cancellation", err)
		}
		h.wantMeta(t, "")
	}},
	{"a transaction is bounded", func(t *testing.T, h *house) {
		update(t, h, func(ctx context.Context, _ store.Tx) error {
			if d, ok := ctx.Deadline(); !ok || time.Until(d) > 10*time.Second {
				t.Errorf("deadline %v, %v", d, ok)
			}
			return nil
		})
	}},
	{"texts come back to the letter, save U+0000", func(t *testing.T, h *house) {
		text := "O'Neil \"x\" \\ \\' '' ; -- ?0 $1 :a \n\t é 你好 🙂\u2028"
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.SetMeta(ctx, h.env, "\x00"+text) })
		h.wantMeta(t, text)
	}},
	{"long texts come back whole", func(t *testing.T, h *house) {
		text := strings.Repeat("said ", 100_000)
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.SetMeta(ctx, h.env, text) })
		h.wantMeta(t, text)
	}},
	{"ping and scrub", func(t *testing.T, h *house) {
		if err := h.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		if done, _, err := h.Scrub(t.Context()); err != nil || !done {
			t.Errorf("scrub: %v, %v", done, err)
		}
	}},
}

func (h *house) wantMeta(t *testing.T, value string) {
	t.Helper()
	view(t, h, func(ctx context.Context, tx store.Tx) error { return same("meta", value)(tx.Meta(ctx, h.env)) })
}

var accountRules = []rule{
	{"an environment is made once, with an owner", func(t *testing.T, h *house) {
		name := parley.NewID()
		var first *parley.Environment
		update(t, h, func(ctx context.Context, tx store.Tx) (err error) {
			first, err = tx.EnsureEnvironment(ctx, name)
			return err
		})
		if first.Name != name || first.OwnerID == "" || first.CreatedAt.IsZero() {
			t.Errorf("made %+v", first)
		}
		update(t, h, func(ctx context.Context, tx store.Tx) error {
			return same("again", first)(tx.EnsureEnvironment(ctx, name))
		})
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			return same("by id", first)(tx.Environment(ctx, first.ID))
		})
	}},
	{"an unknown environment is not found", func(t *testing.T, h *house) {
		refused(t, h, parley.NotFound, func(ctx context.Context, tx store.Tx) error {
			_, err := tx.Environment(ctx, "not-a-uuid")
			return err
		})
		refused(t, h, parley.NotFound, func(ctx context.Context, tx store.Tx) error { return tx.SetLimits(ctx, "none", parley.Limits{}) })
	}},
	{"limits are kept", func(t *testing.T, h *house) {
		l := parley.Limits{Agents: new(3), SIPTrunks: new(false), CreditsRequired: true, Credits: 2.5, OutboundPrefixes: []string{"+49"}}
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.SetLimits(ctx, h.env, l) })
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			e, err := tx.Environment(ctx, h.env)
			return same("limits", l)(e.Limits, err)
		})
	}},
	{"a token is found by its hash alone", func(t *testing.T, h *house) {
		tok := &parley.Token{ID: parley.NewID(), EnvironmentID: h.env, Hash: parley.NewID(), Abilities: []string{"agents:read", "x"}, CreatedAt: h.tick()}
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.InsertToken(ctx, tok) })
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			got, env, err := tx.TokenByHash(ctx, tok.Hash)
			if err == nil && env.ID != h.env {
				t.Errorf("token of environment %s", env.ID)
			}
			return same("token", tok)(got, err)
		})
		refused(t, h, parley.InvalidToken, func(ctx context.Context, tx store.Tx) error {
			_, _, err := tx.TokenByHash(ctx, tok.ID)
			return err
		})
		again := *tok
		again.ID = parley.NewID()
		conflicts(t, h, func(ctx context.Context, tx store.Tx) error { return tx.InsertToken(ctx, &again) })
	}},
	{"credits are charged where they are required", func(t *testing.T, h *house) {
		charged := func(required bool) (left float64) {
			update(t, h, func(ctx context.Context, tx store.Tx) error {
				if err := tx.SetLimits(ctx, h.env, parley.Limits{CreditsRequired: required, Credits: 2}); err != nil {
					return err
				}
				return tx.Charge(ctx, h.env, 2.5)
			})
			view(t, h, func(ctx context.Context, tx store.Tx) error {
				e, err := tx.Environment(ctx, h.env)
				if err == nil {
					left = e.Limits.Credits
				}
				return err
			})
			return left
		}
		want(t, "required", charged(true), -0.5)
		want(t, "not required", charged(false), 2.0)
		refused(t, h, parley.NotFound, func(ctx context.Context, tx store.Tx) error { return tx.Charge(ctx, "none", 1) })
	}},
	{"meta is empty until set, and replaced", func(t *testing.T, h *house) {
		h.wantMeta(t, "")
		for _, v := range []string{"one", "two"} {
			update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.SetMeta(ctx, h.env, v) })
			h.wantMeta(t, v)
		}
	}},
}
