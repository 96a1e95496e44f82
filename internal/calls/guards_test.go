package calls

import (
	"testing"

	"github.com/parley-voice/parley"
)

func TestMayCall(t *testing.T) {
	own := []*parley.PhoneNumber{did("+442071838750", "GB", "e", "t")}
	for _, c := range []struct {
		name, to string
		prefixes []string
		want     parley.Code
	}{
		{"the country of the trunk's numbers", "+442071838751", nil, ""},
		{"another country", "+4930123456", nil, parley.PhoneNumberForbidden},
		{"an allowed prefix", "+4930123456", []string{"+49", "1555"}, ""},
		{"a prefix without its plus", "+15550142042", []string{"+49", "1555"}, ""},
		{"the own country when prefixes are set", "+442071838751", []string{"+49"}, parley.PhoneNumberForbidden},
		{"an emergency number with its country", "+44112", nil, parley.InvalidPhoneNumber},
		{"a long one", "+1911555", []string{"+1"}, parley.PhoneNumberForbidden},
		{"a premium number", "+449098790123", nil, parley.PhoneNumberForbidden},
		{"a plus and nothing", "+", nil, parley.InvalidPhoneNumber},
		{"letters", "+44207PARLEY", nil, parley.InvalidPhoneNumber},
		{"nothing", "", nil, parley.MissingPhoneNumber},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := New(Config{OutboundPrefixes: c.prefixes}, Deps{})
			if got := parley.CodeOf(s.mayCall(c.to, nil, own)); got != c.want {
				t.Errorf("%q: %q, want %q", c.to, got, c.want)
			}
		})
	}
}

func TestAnEnvironmentHasPrefixesOfItsOwn(t *testing.T) {
	s := New(Config{OutboundPrefixes: []string{"+44"}}, Deps{})
	if err := s.mayCall("+4930123456", []string{"+49"}, nil); err != nil {
		t.Errorf("its own prefix: %v", err)
	}
	if err := s.mayCall("+442071838751", []string{"+49"}, nil); parley.CodeOf(err) != parley.PhoneNumberForbidden {
		t.Errorf("the server's prefix: %v", err)
	}
}
