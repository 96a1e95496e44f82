package calls

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

var e164 = regexp.MustCompile(`^\+\d{7,15}$`)

// serviceCode matches North American N11 codes: 911 and its like, also as an area code.
var serviceCode = regexp.MustCompile(`^[2-9]11`)

// mayCall refuses numbers that no agent may dial: emergency and premium ones, and those outside of the allowed prefixes, which an
// environment may have of its own.
func (s *Switchboard) mayCall(to string, prefixes []string, own []*parley.PhoneNumber) error {
	if to == "" {
		return parley.Errorf(parley.MissingPhoneNumber, "Phone number is required")
	}
	if !e164.MatchString(to) {
		return &parley.Error{Code: parley.InvalidPhoneNumber, Message: "Phone number must be in international format (e.g., +1234567890)",
			Details: map[string]any{"field": "to", "value": to}}
	}
	p, err := phonenumbers.Parse(to, "")
	if err == nil && forbidden(p) {
		return parley.Errorf(parley.PhoneNumberForbidden, "Emergency and premium numbers cannot be called")
	}
	if len(prefixes) == 0 {
		prefixes = s.cfg.OutboundPrefixes
	}
	if !prefixAllowed(to, p, prefixes, own) {
		return parley.Errorf(parley.PhoneNumberForbidden, "Calls to this destination are not allowed; the operator may add its prefix to calls.outbound_prefixes")
	}
	return nil
}

func forbidden(p *phonenumbers.PhoneNumber) bool {
	if phonenumbers.GetNumberType(p) == phonenumbers.PREMIUM_RATE {
		return true
	}
	national := strconv.FormatUint(p.GetNationalNumber(), 10)
	if p.GetCountryCode() == 1 {
		return serviceCode.MatchString(national) || strings.HasPrefix(national, "900")
	}
	return slices.Contains([]string{"112", "911", "999", "110", "119", "000", "190", "192", "193"}, national)
}

// prefixAllowed goes by the prefixes, without any by the countries of the trunk's own numbers.
func prefixAllowed(to string, p *phonenumbers.PhoneNumber, prefixes []string, own []*parley.PhoneNumber) bool {
	if len(prefixes) > 0 {
		return slices.ContainsFunc(prefixes, func(prefix string) bool {
			return strings.HasPrefix(to, "+"+strings.TrimPrefix(prefix, "+"))
		})
	}
	return slices.ContainsFunc(own, func(n *parley.PhoneNumber) bool {
		code := phonenumbers.GetCountryCodeForRegion(n.CountryCode)
		return code != 0 && (p != nil && int(p.GetCountryCode()) == code || strings.HasPrefix(to, "+"+strconv.Itoa(code)))
	})
}

// way is how an outbound call leaves: the agent's number that it shows, and that number's trunk with all its numbers.
type way struct {
	number *parley.PhoneNumber
	trunk  *parley.SIPTrunk
	own    []*parley.PhoneNumber
}

// wayOut finds the first of the agent's numbers whose trunk is verified and active.
func wayOut(ctx context.Context, tx store.Tx, a *parley.Agent) (*way, error) {
	numbers, err := tx.NumbersOf(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	for _, n := range numbers[a.ID] {
		t, err := tx.Trunk(ctx, a.EnvironmentID, n.TrunkID)
		if parley.CodeOf(err) == parley.TrunkNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		if t.Active && t.Verified {
			own, err := tx.ListNumbers(ctx, a.EnvironmentID, t.ID)
			return &way{number: n, trunk: t, own: own}, err
		}
	}
	return nil, parley.Invalid("agent_id", "The agent has no phone number on an active SIP trunk; attach one, then verify and activate its trunk.")
}
