package calls

import (
	"errors"
	"testing"

	"github.com/parley-voice/parley"
)

func did(number, country, env, trunk string) *parley.PhoneNumber {
	return &parley.PhoneNumber{ID: env + trunk, Number: number, CountryCode: country, EnvironmentID: env, TrunkID: trunk}
}

func TestSameNumber(t *testing.T) {
	us, de := did("+15550100001", "US", "e", "t"), did("+4930123456", "DE", "e", "t")
	for _, c := range []struct {
		name, dialled string
		did           *parley.PhoneNumber
		want          bool
	}{
		{"with a plus", "+15550100001", us, true},
		{"without", "15550100001", us, true},
		{"with the international prefix", "0015550100001", us, true},
		{"in the national form", "5550100001", us, true},
		{"in a national form with a trunk zero", "030123456", de, true},
		{"written for people", "+1 (555) 010-0001", us, true},
		{"another number", "+15550100002", us, false},
		{"the same digits of another country", "+30123456", de, false},
		{"the national form of another country", "030123456", us, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := sameNumber(c.dialled, c.did); got != c.want {
				t.Errorf("%q is %s: %v", c.dialled, c.did.Number, got)
			}
		})
	}
}

func TestChoose(t *testing.T) {
	a, b := did("+15550100001", "US", "a", "ta"), did("+15550100001", "US", "b", "tb")
	twin := did("+15550100001", "US", "a", "tc")
	for _, c := range []struct {
		name    string
		near    []*parley.PhoneNumber
		trunk   string
		want    *parley.PhoneNumber
		refused bool
	}{
		{"the only one", []*parley.PhoneNumber{a}, "", a, false},
		{"none", []*parley.PhoneNumber{did("+15559900001", "US", "a", "ta")}, "", nil, false},
		{"that of the trunk", []*parley.PhoneNumber{a, b}, "tb", b, false},
		{"two of one environment", []*parley.PhoneNumber{a, twin}, "", a, false},
		{"two of two, through no trunk of theirs", []*parley.PhoneNumber{a, b}, "tx", nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := choose(c.near, "+15550100001", c.trunk)
			if got != c.want {
				t.Errorf("chose %+v", got)
			}
			if _, refused := errors.AsType[*refused](err); refused != c.refused {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

func TestCallerIsWrittenAsE164(t *testing.T) {
	for _, c := range []struct{ from, country, want string }{
		{"+15550100001", "DE", "+15550100001"}, {"030123456", "DE", "+4930123456"}, {"", "US", parley.Anonymous},
		{parley.Anonymous, "US", parley.Anonymous}, {"alice", "US", "alice"}, {"101", "US", "101"},
	} {
		if got := caller(c.from, c.country); got != c.want {
			t.Errorf("caller %q from %s is %q, want %q", c.from, c.country, got, c.want)
		}
	}
}
