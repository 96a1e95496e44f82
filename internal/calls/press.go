package calls

import (
	"context"
	"strings"

	"github.com/parley-voice/parley"
)

// keys are those of RFC 4733 §3.2.
const keys = "0123456789*#ABCDabcd"

// Press presses keys towards the caller of a live call, one after the other. DigitNotSent says that his side takes none, or that too many
// wait.
func (s *Switchboard) Press(ctx context.Context, actor parley.Actor, callID, digits string) error {
	if err := actor.Require(parley.WriteCalls); err != nil {
		return err
	}
	if digits == "" || strings.Trim(digits, keys) != "" {
		return parley.Invalid("digits", "The digits field format is invalid.")
	}
	l, err := s.liveCall(ctx, actor, callID)
	if err != nil {
		return err
	}
	t := l.talking()
	if t == nil {
		return parley.Errorf(parley.CallNotActive, "Call is not active")
	}
	for i := range len(digits) {
		if err := t.caller().SendDigit(ctx, strings.ToUpper(digits)[i]); err != nil {
			return parley.Errorf(parley.DigitNotSent, "The caller's side takes no keys, or not so many at once")
		}
	}
	return nil
}
