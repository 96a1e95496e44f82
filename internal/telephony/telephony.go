// Package telephony holds the rules of SIP trunks and their numbers (DIDs): what may be changed when, what verification means, and
// what a deletion waits for. It knows no SIP: whether a trunk is there, a prober tells it.
package telephony

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/store"
)

// probeTime bounds one probe of a trunk.
const probeTime = 10 * time.Second

// prober asks a trunk whether it is there and takes our credentials; a media.Dialer is one.
type prober interface {
	Probe(ctx context.Context, t media.Target) (time.Duration, error)
}

// vault seals passwords.
type vault interface {
	Seal(plain []byte, context string) ([]byte, error)
	Open(sealed []byte, context string) ([]byte, error)
}

// Deps are what the room uses.
type Deps struct {
	Store  store.Store
	Prober prober
	Vault  vault
	Log    *slog.Logger
	// Changed is told after the list of trunks has changed; nil for nobody.
	Changed func()
	// Reach says how a trunk answers; false where that is not known. Nil knows of none.
	Reach func(trunkID string) (parley.TrunkReach, bool)
}

// Telephony is the room. Make it with New.
type Telephony struct{ deps Deps }

// New makes the room.
func New(deps Deps) *Telephony { return &Telephony{deps: deps} }

// allow checks the ability, then the plan.
func allow(actor parley.Actor, ability string) error {
	if err := actor.Require(ability); err != nil {
		return err
	}
	if on := actor.Limits.SIPTrunks; on != nil && !*on {
		return parley.Errorf(parley.FeatureNotAvailable, "the plan has no SIP trunks")
	}
	return nil
}

// Password opens the sealed password of a trunk.
func (t *Telephony) Password(trunk *parley.SIPTrunk) (string, error) {
	plain, err := t.deps.Vault.Open(trunk.Sealed, purpose(trunk.ID))
	if err != nil {
		return "", fmt.Errorf("password of trunk %s: %w", trunk.ID, err)
	}
	return string(plain), nil
}

func (t *Telephony) seal(trunk *parley.SIPTrunk, password string) (err error) {
	if trunk.Sealed, err = t.deps.Vault.Seal([]byte(password), purpose(trunk.ID)); err != nil {
		return fmt.Errorf("seal the password of trunk %s: %w", trunk.ID, err)
	}
	return nil
}

func purpose(trunkID string) string { return "trunk:" + trunkID }
