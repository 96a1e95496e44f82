package telephony

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/store"
)

// Check is what a probe of a trunk found.
type Check struct {
	OK     bool
	Health string
	Took   time.Duration // until the trunk answered, or until it was given up
	At     time.Time
	Fault  string // why it is not OK
}

// Verify probes a trunk with its credentials and keeps the result.
func (t *Telephony) Verify(ctx context.Context, actor parley.Actor, id string) (Check, error) {
	return t.check(ctx, actor, id, parley.WriteTelephony, func(row *parley.SIPTrunk, c *Check) { row.Verified = c.OK })
}

// Health probes a trunk and keeps how it is; verification stays as it was.
func (t *Telephony) Health(ctx context.Context, actor parley.Actor, id string) (Check, error) {
	return t.check(ctx, actor, id, parley.ReadTelephony, func(*parley.SIPTrunk, *Check) {})
}

// check probes outside of any transaction, then stores the result, unless the trunk was changed meanwhile: a result about other
// credentials must not count.
func (t *Telephony) check(ctx context.Context, actor parley.Actor, id, ability string, keep func(*parley.SIPTrunk, *Check)) (c Check, err error) {
	if err := allow(actor, ability); err != nil {
		return c, err
	}
	var seen *parley.SIPTrunk
	err = t.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		seen, err = tx.Trunk(ctx, actor.EnvironmentID, id)
		return err
	})
	if err != nil {
		return c, err
	}
	if c, err = t.probe(ctx, seen); err != nil {
		return c, err
	}
	err = t.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		row, err := tx.Trunk(ctx, actor.EnvironmentID, id)
		if err != nil {
			return err
		}
		if !sameAccess(row, seen) {
			c.OK, c.Health, c.Fault = false, Unknown, "The trunk was changed while it was checked; check it again."
			return nil
		}
		keep(row, &c)
		row.Health, row.CheckedAt = c.Health, &c.At
		return tx.UpdateTrunk(ctx, row)
	})
	return c, err
}

func sameAccess(a, b *parley.SIPTrunk) bool {
	return a.Domain == b.Domain && a.Port == b.Port && a.Transport == b.Transport && a.Username == b.Username &&
		bytes.Equal(a.Sealed, b.Sealed) && same(a.OutboundProxy, b.OutboundProxy) && same(a.AuthRealm, b.AuthRealm)
}

func same(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }

func (t *Telephony) probe(ctx context.Context, row *parley.SIPTrunk) (Check, error) {
	password, err := t.Password(row)
	if err != nil {
		return Check{}, err
	}
	limited, cancel := context.WithTimeoutCause(ctx, probeTime, fmt.Errorf("no answer within %s", probeTime))
	defer cancel()
	start := time.Now()
	took, err := t.deps.Prober.Probe(limited, media.Target{Trunk: *row, Password: password})
	c := Check{OK: err == nil, Health: Healthy, Took: took, At: parley.Stamp(time.Now())}
	if err == nil {
		return c, nil
	}
	if ctx.Err() != nil {
		return c, context.Cause(ctx)
	}
	c.Health, c.Took, c.Fault = Unhealthy, time.Since(start), reason(limited, err)
	t.deps.Log.Info("trunk does not answer as it should", "trunk", row.ID, "error", err)
	return c, nil
}

// reason says what is wrong with a trunk to the one who set it up.
func reason(ctx context.Context, err error) string {
	na, ok := errors.AsType[*media.NotAnswered](err)
	switch {
	case ok && na.Status == 401 || ok && na.Status == 403 || ok && na.Status == 407:
		return fmt.Sprintf("The trunk refuses the credentials (SIP status %d).", na.Status)
	case ok && na.Status > 0:
		return fmt.Sprintf("The trunk answered with SIP status %d.", na.Status)
	case ctx.Err() != nil:
		return fmt.Sprintf("The trunk cannot be reached: %s.", context.Cause(ctx))
	}
	return fmt.Sprintf("The trunk cannot be reached: %s.", err)
}
