package calls

import (
	"context"
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/store"
)

// suffixDigits is how many last digits the store is asked for. Every E.164 number has at least seven (contract notes, 1.7).
const suffixDigits = 7

// route finds the DID that was dialled: by the Request-URI, then by To. A number that several environments hold belongs to the one
// whose trunk the call came through. A softphone reaches the numbers of its own environment.
func route(ctx context.Context, tx store.Tx, inv media.Invite) (*parley.PhoneNumber, error) {
	for _, dialled := range inv.Dialled {
		d := digits(dialled)
		if len(d) < suffixDigits {
			continue
		}
		near, err := tx.NumbersWithSuffix(ctx, d[len(d)-suffixDigits:])
		if err != nil {
			return nil, err
		}
		if inv.Phone != nil {
			near = slices.DeleteFunc(near, func(n *parley.PhoneNumber) bool { return n.EnvironmentID != inv.Phone.EnvironmentID })
		}
		n, err := choose(near, dialled, inv.TrunkID)
		if n != nil || err != nil {
			return n, err
		}
	}
	return nil, &refused{media.RefuseUnknownNumber, "nobody has the dialled number"}
}

func choose(near []*parley.PhoneNumber, dialled, trunkID string) (*parley.PhoneNumber, error) {
	var same []*parley.PhoneNumber
	for _, n := range near {
		if sameNumber(dialled, n) {
			same = append(same, n)
		}
	}
	if len(same) == 0 {
		return nil, nil
	}
	for _, n := range same {
		if trunkID != "" && n.TrunkID == trunkID {
			return n, nil
		}
	}
	for _, n := range same[1:] {
		if n.EnvironmentID != same[0].EnvironmentID {
			return nil, &refused{media.RefuseNoAgent, "several environments hold the dialled number and the call came through the trunk of none"}
		}
	}
	return same[0], nil
}

// sameNumber compares what a network wrote with a DID: as digits with or without plus or international prefix, and in the national
// form of the DID's country.
func sameNumber(dialled string, n *parley.PhoneNumber) bool {
	d, want := digits(dialled), digits(n.Number)
	if d == want || strings.TrimPrefix(d, "00") == want {
		return true
	}
	if strings.HasPrefix(dialled, "+") {
		return false
	}
	p, err := phonenumbers.Parse(d, n.CountryCode)
	return err == nil && phonenumbers.Format(p, phonenumbers.E164) == n.Number
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// caller writes a caller's number as E.164 where it is one, seen from the country of the dialled number; else as it came.
func caller(from, country string) string {
	if from == "" || from == parley.Anonymous {
		return parley.Anonymous
	}
	p, err := phonenumbers.Parse(from, country)
	if err != nil || !phonenumbers.IsPossibleNumber(p) {
		return from
	}
	return phonenumbers.Format(p, phonenumbers.E164)
}
