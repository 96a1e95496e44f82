package telephony

import (
	"context"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// Location is what a SIP door asks about softphones: whose credentials are whose, and where they are registered. It asks for no token.
type Location struct{ deps Deps }

// NewLocation makes what the SIP door asks; it needs no prober.
func NewLocation(deps Deps) Location { return Location{deps} }

// Exist says whether there is any softphone at all.
func (l Location) Exist(ctx context.Context) (exist bool, err error) {
	err = l.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		exist, err = tx.AnySoftphone(ctx)
		return err
	})
	return exist, err
}

// Logins returns the softphones of a username, of whatever environment. One whose hashes cannot be opened is logged and left out.
func (l Location) Logins(ctx context.Context, username string) (logins []parley.SoftphoneLogin, err error) {
	var all []*parley.Softphone
	err = l.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		all, err = tx.SoftphonesNamed(ctx, username)
		return err
	})
	for _, s := range all {
		hashes, err := l.deps.hashes(s)
		if err != nil {
			l.deps.Log.Error("a softphone's hashes cannot be opened", "softphone", s.ID, "error", err)
			continue
		}
		logins = append(logins, parley.SoftphoneLogin{Phone: s, HA1: hashes})
	}
	return logins, err
}

// Bindings returns the bindings of a softphone that have not run out, the last written first; of all softphones when its id is empty.
func (l Location) Bindings(ctx context.Context, softphoneID string) (bindings []parley.Binding, err error) {
	err = l.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		bindings, err = tx.Bindings(ctx, softphoneID, time.Now())
		return err
	})
	return bindings, err
}

// Rebind puts what change makes of the bindings of a softphone in their place. An error of change is returned and changes nothing.
func (l Location) Rebind(ctx context.Context, softphoneID string, change func([]parley.Binding) ([]parley.Binding, error)) error {
	return l.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		old, err := tx.LockBindings(ctx, softphoneID, time.Now())
		if err != nil {
			return err
		}
		left, err := change(old)
		if err != nil {
			return err
		}
		return tx.SetBindings(ctx, softphoneID, left)
	})
}

// HandleForget is the periodic job that deletes bindings that have run out.
func (l Location) HandleForget(ctx context.Context, _ string) error {
	return l.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error { return tx.ForgetBindings(ctx, time.Now()) })
}
