package telephony

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

const (
	// softphonesMost is how many softphones an environment may have.
	softphonesMost = 1000
	// passwordLength is in letters of base 32: 100 bits, which nobody guesses and nobody reuses.
	passwordLength = 20
)

// NewSoftphone is what a softphone begins with.
type NewSoftphone struct{ Username, DisplayName string }

// SoftphoneView is a softphone with where it is registered now.
type SoftphoneView struct {
	*parley.Softphone
	Bindings []parley.Binding
}

// CreateSoftphone makes a softphone and returns its password, which is kept nowhere: only its digest hashes are, sealed.
func (t *Telephony) CreateSoftphone(ctx context.Context, actor parley.Actor, n NewSoftphone, faults parley.Faults) (*parley.Softphone, string, error) {
	if err := actor.Require(parley.WriteTelephony); err != nil {
		return nil, "", err
	}
	if err := faults.Err(); err != nil {
		return nil, "", err
	}
	if !parley.ValidSoftphoneName(n.Username) {
		return nil, "", parley.Invalid("username", "The username must be 1 to 64 of a-z, 0-9, dot, hyphen and underscore, and begin with a letter.")
	}
	now, password := parley.Stamp(time.Now()), strings.ToLower(rand.Text()[:passwordLength])
	s := &parley.Softphone{
		ID: parley.NewID(), EnvironmentID: actor.EnvironmentID, Username: n.Username, DisplayName: n.DisplayName, CreatedAt: now, UpdatedAt: now,
	}
	if err := t.sealHashes(s, password); err != nil {
		return nil, "", err
	}
	err := t.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		all, err := tx.ListSoftphones(ctx, s.EnvironmentID)
		if err == nil && len(all) >= softphonesMost {
			return parley.Invalid("username", fmt.Sprintf("An environment has at most %d phones.", softphonesMost))
		}
		if err != nil {
			return err
		}
		return tx.InsertSoftphone(ctx, s)
	})
	if errors.Is(err, store.ErrConflict) {
		return nil, "", parley.Errorf(parley.SoftphoneExists, "the environment has a phone of that username")
	}
	if err != nil {
		return nil, "", err
	}
	return s, password, nil
}

// Softphones returns the softphones of the environment, oldest first.
func (t *Telephony) Softphones(ctx context.Context, actor parley.Actor) (views []SoftphoneView, err error) {
	if err := actor.Require(parley.ReadTelephony); err != nil {
		return nil, err
	}
	err = t.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		all, err := tx.ListSoftphones(ctx, actor.EnvironmentID)
		if err != nil {
			return err
		}
		for _, s := range all {
			v := SoftphoneView{Softphone: s}
			if v.Bindings, err = tx.Bindings(ctx, s.ID, time.Now()); err != nil {
				return err
			}
			views = append(views, v)
		}
		return nil
	})
	return views, err
}

// DeleteSoftphone deletes a softphone: it cannot register again, and nobody reaches it.
func (t *Telephony) DeleteSoftphone(ctx context.Context, actor parley.Actor, id string) error {
	if err := actor.Require(parley.WriteTelephony); err != nil {
		return err
	}
	return t.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error { return tx.DeleteSoftphone(ctx, actor.EnvironmentID, id) })
}

func softphonePurpose(id string) string { return "softphone:" + id }

func (t *Telephony) sealHashes(s *parley.Softphone, password string) error {
	hashes := map[string]string{}
	for _, a := range []string{parley.DigestMD5, parley.DigestSHA256} {
		hashes[a] = parley.DigestHA1(a, s.Username, password)
	}
	plain, err := json.Marshal(hashes)
	if err == nil {
		s.Sealed, err = t.deps.Vault.Seal(plain, softphonePurpose(s.ID))
	}
	if err != nil {
		return fmt.Errorf("seal the hashes of softphone %s: %w", s.ID, err)
	}
	return nil
}

func (d Deps) hashes(s *parley.Softphone) (hashes map[string]string, err error) {
	plain, err := d.Vault.Open(s.Sealed, softphonePurpose(s.ID))
	if err == nil {
		err = json.Unmarshal(plain, &hashes)
	}
	if err != nil {
		return nil, fmt.Errorf("hashes of softphone %s: %w", s.ID, err)
	}
	return hashes, nil
}
