package telephony

import (
	"context"
	"errors"
	"testing"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
)

func TestReasonsAreForWhoSetTheTrunkUp(t *testing.T) {
	late, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("no answer within 10s"))
	for _, c := range []struct {
		name string
		ctx  context.Context
		err  error
		want string
	}{
		{"wrong password", t.Context(), &media.NotAnswered{Status: 401}, "The trunk refuses the credentials (SIP status 401)."},
		{"another status", t.Context(), &media.NotAnswered{Status: 500}, "The trunk answered with SIP status 500."},
		{"no answer", late, context.Canceled, "The trunk cannot be reached: no answer within 10s."},
		{"no route", t.Context(), errors.New("no route to host"), "The trunk cannot be reached: no route to host."},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := reason(c.ctx, c.err); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestAbilityComesBeforePlan(t *testing.T) {
	off, on := false, true
	for _, c := range []struct {
		name  string
		actor parley.Actor
		want  parley.Code
	}{
		{"all abilities, no setting", parley.Actor{Abilities: []string{"*"}}, ""},
		{"the plan has trunks", parley.Actor{Abilities: []string{"*"}, Limits: parley.Limits{SIPTrunks: &on}}, ""},
		{"the plan has none", parley.Actor{Abilities: []string{"*"}, Limits: parley.Limits{SIPTrunks: &off}}, parley.FeatureNotAvailable},
		{"neither ability nor plan", parley.Actor{Limits: parley.Limits{SIPTrunks: &off}}, parley.Unauthorized},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := parley.CodeOf(allow(c.actor, parley.ReadTelephony)); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
