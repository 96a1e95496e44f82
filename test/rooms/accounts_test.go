package rooms

import (
	"reflect"
	"testing"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/accounts"
	"github.com/parley-voice/parley/internal/secrets"
	"github.com/parley-voice/parley/internal/sqlstore"
)

func newAccounts(t *testing.T) *accounts.Accounts {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Options{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return accounts.New(s, secrets.HashToken, secrets.NewSecret)
}

func token(t *testing.T, a *accounts.Accounts, environment string, abilities ...string) string {
	t.Helper()
	tok, hash := secrets.NewToken()
	if _, err := a.CreateToken(t.Context(), environment, hash, abilities); err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestTokensOfOneEnvironmentShareItAndItsOwner(t *testing.T) {
	a := newAccounts(t)
	first, err := a.Authenticate(t.Context(), token(t, a, "one"))
	if err != nil || first.UserID == "" || !first.Can(parley.WriteCalls) {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := a.Authenticate(t.Context(), token(t, a, "one", parley.ReadAgents))
	if err != nil || again.EnvironmentID != first.EnvironmentID || again.UserID != first.UserID || again.Can(parley.WriteCalls) {
		t.Errorf("%+v, %v", again, err)
	}
	other, err := a.Authenticate(t.Context(), token(t, a, "two"))
	if err != nil || other.EnvironmentID == first.EnvironmentID {
		t.Errorf("%+v, %v", other, err)
	}
}

func TestUnknownAbilitiesAreToldAndGrantNothing(t *testing.T) {
	a := newAccounts(t)
	tok, hash := secrets.NewToken()
	unknown, err := a.CreateToken(t.Context(), "one", hash, []string{parley.ReadCalls, "moon:land"})
	if err != nil || !reflect.DeepEqual(unknown, []string{"moon:land"}) {
		t.Fatalf("%v, %v", unknown, err)
	}
	actor, err := a.Authenticate(t.Context(), tok)
	if err != nil || !actor.Can(parley.ReadCalls) || actor.Can(parley.WriteAgents) {
		t.Errorf("%+v, %v", actor, err)
	}
}

func TestStrangeTokensAreInvalid(t *testing.T) {
	a := newAccounts(t)
	for _, tok := range []string{"", "talq_", "talq_guess", "12|secret", "Bearer x"} {
		if _, err := a.Authenticate(t.Context(), tok); parley.CodeOf(err) != parley.InvalidToken {
			t.Errorf("%q: %v", tok, err)
		}
	}
	if _, err := a.CreateToken(t.Context(), "  ", "h", nil); parley.CodeOf(err) != parley.ValidationError {
		t.Errorf("an environment without a name: %v", err)
	}
}

func TestLimitsReachTheActor(t *testing.T) {
	a := newAccounts(t)
	tok := token(t, a, "one")
	if err := a.SetLimits(t.Context(), "one", func(l *parley.Limits) { l.CreditsRequired = true }); err != nil {
		t.Fatal(err)
	}
	if actor, err := a.Authenticate(t.Context(), tok); err != nil || !actor.Limits.CreditsRequired {
		t.Errorf("%+v, %v", actor, err)
	}
}
