package telephony

import (
	"context"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// Health of a trunk, as last seen.
const (
	Healthy   = "healthy"
	Unhealthy = "unhealthy"
	Unknown   = "unknown"
)

// NewTrunk is what a trunk begins with.
type NewTrunk struct {
	Name, ProviderName, Domain, Username, Password string
	Transport                                      string // udp, tcp, tls; empty is tls
	Port                                           int    // 0 takes the transport's own
	OutboundProxy, AuthRealm                       *string
}

// Trunks returns the trunks of the environment, oldest first.
func (t *Telephony) Trunks(ctx context.Context, actor parley.Actor) (rows []*parley.SIPTrunk, err error) {
	if err := allow(actor, parley.ReadTelephony); err != nil {
		return nil, err
	}
	err = t.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		rows, err = tx.ListTrunks(ctx, actor.EnvironmentID)
		return err
	})
	return rows, err
}

// Trunk returns one trunk.
func (t *Telephony) Trunk(ctx context.Context, actor parley.Actor, id string) (row *parley.SIPTrunk, err error) {
	if err := allow(actor, parley.ReadTelephony); err != nil {
		return nil, err
	}
	err = t.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		row, err = tx.Trunk(ctx, actor.EnvironmentID, id)
		return err
	})
	return row, err
}

// CreateTrunk registers a trunk: unverified and inactive.
func (t *Telephony) CreateTrunk(ctx context.Context, actor parley.Actor, n NewTrunk, faults parley.Faults) (*parley.SIPTrunk, error) {
	if err := allow(actor, parley.WriteTelephony); err != nil {
		return nil, err
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	now := parley.Stamp(time.Now())
	row := &parley.SIPTrunk{
		ID: parley.NewID(), EnvironmentID: actor.EnvironmentID, Name: n.Name, ProviderName: n.ProviderName, Domain: n.Domain,
		Username: n.Username, Transport: n.Transport, Port: n.Port, OutboundProxy: n.OutboundProxy, AuthRealm: n.AuthRealm,
		Health: Unknown, CreatedAt: now, UpdatedAt: now,
	}
	if row.Transport == "" {
		row.Transport = "tls"
	}
	if row.Port == 0 {
		row.Port = usualPort(row.Transport)
	}
	if err := t.seal(row, n.Password); err != nil {
		return nil, err
	}
	err := t.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error { return tx.InsertTrunk(ctx, row) })
	return row, t.changed(err)
}

// usualPort is the port of RFC 3261 §19.1.2.
func usualPort(transport string) int {
	if transport == "tls" {
		return 5061
	}
	return 5060
}

// TrunkChange changes parts of a trunk; nil and unsent fields stay.
type TrunkChange struct {
	Name, ProviderName, Domain, Username, Password, Transport *string
	Port                                                      *int
	OutboundProxy, AuthRealm                                  parley.Given[string]
	Active                                                    *bool
}

// UpdateTrunk changes parts of a trunk. Another domain, transport or credential takes verification and activity away; only a verified
// trunk can be made active.
func (t *Telephony) UpdateTrunk(ctx context.Context, actor parley.Actor, id string, c TrunkChange, faults parley.Faults) (*parley.SIPTrunk, error) {
	if err := allow(actor, parley.WriteTelephony); err != nil {
		return nil, err
	}
	var row *parley.SIPTrunk
	err := t.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		if row, err = tx.Trunk(ctx, actor.EnvironmentID, id); err != nil {
			return err
		}
		if err := faults.Err(); err != nil {
			return err
		}
		if err := t.apply(row, c); err != nil {
			return err
		}
		row.UpdatedAt = parley.Stamp(time.Now())
		return tx.UpdateTrunk(ctx, row)
	})
	return row, t.changed(err)
}

// changed tells of a change to the list of trunks, unless it failed.
func (t *Telephony) changed(err error) error {
	if err == nil && t.deps.Changed != nil {
		t.deps.Changed()
	}
	return err
}

// Reach is how a trunk of the environment answers; nil where that is not known.
func (t *Telephony) Reach(row *parley.SIPTrunk) *parley.TrunkReach {
	if t.deps.Reach == nil {
		return nil
	}
	if r, ok := t.deps.Reach(row.ID); ok {
		return &r
	}
	return nil
}

func (t *Telephony) apply(row *parley.SIPTrunk, c TrunkChange) error {
	was := *row
	set(&row.Name, c.Name)
	set(&row.ProviderName, c.ProviderName)
	set(&row.Domain, c.Domain)
	set(&row.Username, c.Username)
	set(&row.Transport, c.Transport)
	if row.Port == usualPort(was.Transport) {
		row.Port = usualPort(row.Transport)
	}
	set(&row.Port, c.Port)
	c.OutboundProxy.Into(&row.OutboundProxy)
	c.AuthRealm.Into(&row.AuthRealm)
	changed := row.Domain != was.Domain || row.Transport != was.Transport || row.Username != was.Username
	if c.Password != nil {
		old, err := t.Password(row)
		if err != nil {
			return err
		}
		if old != *c.Password {
			changed = true
			if err := t.seal(row, *c.Password); err != nil {
				return err
			}
		}
	}
	if changed {
		row.Verified, row.Active, row.Health = false, false, Unknown
	}
	if c.Active != nil && *c.Active && !row.Verified {
		return parley.Errorf(parley.TrunkNotVerified, "trunk %s is not verified", row.ID)
	}
	set(&row.Active, c.Active)
	return nil
}

func set[T any](dst *T, v *T) {
	if v != nil {
		*dst = *v
	}
}

// DeleteTrunk deletes a trunk that has neither numbers nor open calls.
func (t *Telephony) DeleteTrunk(ctx context.Context, actor parley.Actor, id string) error {
	if err := allow(actor, parley.WriteTelephony); err != nil {
		return err
	}
	return t.changed(t.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.Trunk(ctx, actor.EnvironmentID, id); err != nil {
			return err
		}
		numbers, err := tx.ListNumbers(ctx, actor.EnvironmentID, id)
		if err != nil {
			return err
		}
		if len(numbers) > 0 {
			return parley.Errorf(parley.TrunkHasDIDs, "trunk %s has %d numbers", id, len(numbers))
		}
		n, err := tx.CountOpenCalls(ctx, store.OpenFilter{EnvironmentID: actor.EnvironmentID, TrunkID: id})
		if err != nil {
			return err
		}
		if n > 0 {
			return parley.Errorf(parley.TrunkHasActiveCalls, "trunk %s has %d calls", id, n)
		}
		return tx.DeleteTrunk(ctx, actor.EnvironmentID, id)
	}))
}
