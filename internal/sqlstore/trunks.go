package sqlstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/parley-voice/parley"
)

type trunkRow struct {
	bun.BaseModel `bun:"table:sip_trunks,alias:st"`

	ID            string `bun:",pk"`
	EnvironmentID string
	Name          string
	ProviderName  string
	Domain        string
	Username      string
	Sealed        []byte
	Transport     string
	Port          int
	OutboundProxy *string
	AuthRealm     *string
	Active        bool
	Verified      bool
	Health        string
	CheckedAt     *time.Time
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

func trunkToRow(t *parley.SIPTrunk) *trunkRow {
	return &trunkRow{
		ID: t.ID, EnvironmentID: t.EnvironmentID, Name: t.Name, ProviderName: t.ProviderName, Domain: t.Domain, Username: t.Username,
		Sealed: t.Sealed, Transport: t.Transport, Port: t.Port, OutboundProxy: t.OutboundProxy, AuthRealm: t.AuthRealm,
		Active: t.Active, Verified: t.Verified, Health: t.Health, CheckedAt: stampOrNil(t.CheckedAt),
		CreatedAt: parley.Stamp(t.CreatedAt), UpdatedAt: parley.Stamp(t.UpdatedAt),
	}
}

func (r *trunkRow) trunk() *parley.SIPTrunk {
	return &parley.SIPTrunk{
		ID: r.ID, EnvironmentID: r.EnvironmentID, Name: r.Name, ProviderName: r.ProviderName, Domain: r.Domain, Username: r.Username,
		Sealed: r.Sealed, Transport: r.Transport, Port: r.Port, OutboundProxy: r.OutboundProxy, AuthRealm: r.AuthRealm,
		Active: r.Active, Verified: r.Verified, Health: r.Health, CheckedAt: stampOrNil(r.CheckedAt),
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

func stampOrNil(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	s := parley.Stamp(*t)
	return &s
}

// Trunk reads one.
func (t *tx) Trunk(ctx context.Context, env, id string) (*parley.SIPTrunk, error) {
	r := new(trunkRow)
	if err := t.NewSelect().Model(r).Where("st.id = ?", id).Where("st.environment_id = ?", env).Scan(ctx); err != nil {
		return nil, found(err, parley.TrunkNotFound, id)
	}
	return r.trunk(), nil
}

// ListTrunks returns the trunks of env, oldest first; of all environments when env is empty.
func (t *tx) ListTrunks(ctx context.Context, env string) ([]*parley.SIPTrunk, error) {
	var rows []*trunkRow
	q := t.NewSelect().Model(&rows).Order("st.created_at", "st.id")
	if env != "" {
		q = q.Where("st.environment_id = ?", env)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fault(err)
	}
	trunks := make([]*parley.SIPTrunk, len(rows))
	for i, r := range rows {
		trunks[i] = r.trunk()
	}
	return trunks, nil
}

// InsertTrunk adds a trunk.
func (t *tx) InsertTrunk(ctx context.Context, trunk *parley.SIPTrunk) error {
	return done(t.NewInsert().Model(trunkToRow(trunk)).Exec(ctx))
}

// UpdateTrunk writes all of a trunk but its creation.
func (t *tx) UpdateTrunk(ctx context.Context, trunk *parley.SIPTrunk) error {
	r, err := t.NewUpdate().Model(trunkToRow(trunk)).ExcludeColumn("id", "environment_id", "created_at").
		Where("st.id = ?", trunk.ID).Where("st.environment_id = ?", trunk.EnvironmentID).Exec(ctx)
	return changed(r, err, parley.TrunkNotFound, trunk.ID)
}

// DeleteTrunk deletes a trunk; TrunkHasDIDs while numbers stand on it.
func (t *tx) DeleteTrunk(ctx context.Context, env, id string) error {
	r, err := t.NewDelete().Model((*trunkRow)(nil)).Where("st.id = ?", id).Where("st.environment_id = ?", env).Exec(ctx)
	if isOrphan(err) {
		return parley.Errorf(parley.TrunkHasDIDs, "trunk %s still has numbers", id)
	}
	return changed(r, err, parley.TrunkNotFound, id)
}
