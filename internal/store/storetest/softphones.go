package storetest

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

func (h *house) softphone(t *testing.T, env, username string) *parley.Softphone {
	t.Helper()
	now := h.tick()
	s := &parley.Softphone{
		ID: parley.NewID(), EnvironmentID: env, Username: username, DisplayName: "Anna's desk", Sealed: []byte{0, 255, '\''},
		CreatedAt: now, UpdatedAt: now,
	}
	update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.InsertSoftphone(ctx, s) })
	return s
}

func (h *house) binding(s *parley.Softphone, contact string, life time.Duration) parley.Binding {
	now := h.tick()
	return parley.Binding{
		SoftphoneID: s.ID, Contact: contact, CallID: "c@x", CSeq: 4294967295, Q: 0.7, Transport: "tls", NAT: true,
		Source: netip.MustParseAddrPort("[2001:db8::7]:5061"), ExpiresAt: now.Add(life), UpdatedAt: now,
	}
}

func bind(t *testing.T, h *house, s *parley.Softphone, bindings ...parley.Binding) {
	t.Helper()
	update(t, h, func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.LockBindings(ctx, s.ID, time.Now()); err != nil {
			return err
		}
		return tx.SetBindings(ctx, s.ID, bindings)
	})
}

var softphoneRules = []rule{
	{"a softphone is found by its name in its environment alone", func(t *testing.T, h *house) {
		name := "anna-" + h.env[:8] + h.env[24:]
		mine, theirs := h.softphone(t, h.env, name), h.softphone(t, h.other, name)
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			if err := same("mine", mine)(tx.SoftphoneByName(ctx, h.env, name)); err != nil {
				return err
			}
			if err := same("list", []*parley.Softphone{mine})(tx.ListSoftphones(ctx, h.env)); err != nil {
				return err
			}
			if err := same("of the name", []*parley.Softphone{mine, theirs})(tx.SoftphonesNamed(ctx, name)); err != nil {
				return err
			}
			return same("any", true)(tx.AnySoftphone(ctx))
		})
		refused(t, h, parley.SoftphoneNotFound, func(ctx context.Context, tx store.Tx) error {
			_, err := tx.SoftphoneByName(ctx, h.env, "nobody")
			return err
		})
	}},
	{"a username is taken once in an environment", func(t *testing.T, h *house) {
		again := *h.softphone(t, h.env, "anna")
		again.ID = parley.NewID()
		conflicts(t, h, func(ctx context.Context, tx store.Tx) error { return tx.InsertSoftphone(ctx, &again) })
	}},
	{"another environment's softphone is not deleted", func(t *testing.T, h *house) {
		s := h.softphone(t, h.env, "anna")
		refused(t, h, parley.SoftphoneNotFound, func(ctx context.Context, tx store.Tx) error { return tx.DeleteSoftphone(ctx, h.other, s.ID) })
		bind(t, h, s, h.binding(s, "sip:anna@192.0.2.1", time.Hour))
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.DeleteSoftphone(ctx, h.env, s.ID) })
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			return same("bindings of the deleted", []parley.Binding(nil))(tx.Bindings(ctx, s.ID, time.Now()))
		})
		refused(t, h, parley.SoftphoneNotFound, func(ctx context.Context, tx store.Tx) error {
			_, err := tx.LockBindings(ctx, s.ID, time.Now())
			return err
		})
		refused(t, h, parley.SoftphoneNotFound, func(ctx context.Context, tx store.Tx) error {
			return tx.SetBindings(ctx, s.ID, []parley.Binding{h.binding(s, "sip:anna@192.0.2.1", time.Hour)})
		})
	}},
	{"bindings come back as they were, the last first, until they run out", func(t *testing.T, h *house) {
		s, other := h.softphone(t, h.env, "anna"), h.softphone(t, h.other, "anna")
		first, second := h.binding(s, "sip:anna@192.0.2.1;transport=tls", time.Hour), h.binding(s, "sip:anna@192.0.2.2", time.Minute)
		bind(t, h, s, first, second)
		theirs := h.binding(other, "sip:anna@192.0.2.1;transport=tls", time.Hour)
		bind(t, h, other, theirs)
		now := second.UpdatedAt
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			if err := same("both", []parley.Binding{second, first})(tx.Bindings(ctx, s.ID, now)); err != nil {
				return err
			}
			all, err := tx.Bindings(ctx, "", now)
			all = slices.DeleteFunc(all, func(b parley.Binding) bool { return b.SoftphoneID != s.ID && b.SoftphoneID != other.ID })
			want(t, "of all", all, []parley.Binding{theirs, second, first})
			if err != nil {
				return err
			}
			return same("a minute later", []parley.Binding{first})(tx.Bindings(ctx, s.ID, second.ExpiresAt))
		})
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.ForgetBindings(ctx, second.ExpiresAt) })
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			return same("what is left", []parley.Binding{first})(tx.Bindings(ctx, s.ID, time.Time{}))
		})
		bind(t, h, s)
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			return same("none", []parley.Binding(nil))(tx.Bindings(ctx, s.ID, now))
		})
	}},
}
