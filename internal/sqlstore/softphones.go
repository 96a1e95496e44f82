package sqlstore

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/uptrace/bun"

	"github.com/parley-voice/parley"
)

type softphoneRow struct {
	bun.BaseModel `bun:"table:softphones,alias:sp"`

	ID            string `bun:",pk"`
	EnvironmentID string
	Username      string
	DisplayName   string
	Sealed        []byte
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

type bindingRow struct {
	bun.BaseModel `bun:"table:bindings,alias:b"`

	SoftphoneID string `bun:",pk"`
	Contact     string `bun:",pk"`
	CallID      string
	CSeq        int64 `bun:"cseq"`
	Q           float64
	Transport   string
	Source      string
	NAT         bool `bun:"nat"`
	ExpiresAt   time.Time
	UpdatedAt   time.Time
}

func softphoneToRow(s *parley.Softphone) *softphoneRow {
	return &softphoneRow{
		ID: s.ID, EnvironmentID: s.EnvironmentID, Username: s.Username, DisplayName: s.DisplayName, Sealed: s.Sealed,
		CreatedAt: parley.Stamp(s.CreatedAt), UpdatedAt: parley.Stamp(s.UpdatedAt),
	}
}

func (r *softphoneRow) softphone() *parley.Softphone {
	return &parley.Softphone{
		ID: r.ID, EnvironmentID: r.EnvironmentID, Username: r.Username, DisplayName: r.DisplayName, Sealed: r.Sealed,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

func bindingToRow(b *parley.Binding) *bindingRow {
	return &bindingRow{
		SoftphoneID: b.SoftphoneID, Contact: b.Contact, CallID: b.CallID, CSeq: int64(b.CSeq), Q: b.Q, Transport: b.Transport,
		Source: b.Source.String(), NAT: b.NAT, ExpiresAt: parley.Stamp(b.ExpiresAt), UpdatedAt: parley.Stamp(b.UpdatedAt),
	}
}

func (r *bindingRow) binding() (parley.Binding, error) {
	b := parley.Binding{
		SoftphoneID: r.SoftphoneID, Contact: r.Contact, CallID: r.CallID, CSeq: uint32(r.CSeq), Q: r.Q, Transport: r.Transport,
		NAT: r.NAT, ExpiresAt: r.ExpiresAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
	var err error
	if b.Source, err = netip.ParseAddrPort(r.Source); err != nil {
		return b, fmt.Errorf("binding of softphone %s: %w", r.SoftphoneID, err)
	}
	return b, nil
}

// SoftphoneByName reads one by its username.
func (t *tx) SoftphoneByName(ctx context.Context, env, username string) (*parley.Softphone, error) {
	r := new(softphoneRow)
	if err := t.NewSelect().Model(r).Where("sp.environment_id = ?", env).Where("sp.username = ?", username).Scan(ctx); err != nil {
		return nil, found(err, parley.SoftphoneNotFound, username)
	}
	return r.softphone(), nil
}

// ListSoftphones returns the softphones of env, oldest first.
func (t *tx) ListSoftphones(ctx context.Context, env string) ([]*parley.Softphone, error) {
	return t.softphones(ctx, "sp.environment_id = ?", env)
}

// SoftphonesNamed returns the softphones of a username in every environment.
func (t *tx) SoftphonesNamed(ctx context.Context, username string) ([]*parley.Softphone, error) {
	return t.softphones(ctx, "sp.username = ?", username)
}

func (t *tx) softphones(ctx context.Context, where string, arg any) ([]*parley.Softphone, error) {
	var rows []*softphoneRow
	if err := t.NewSelect().Model(&rows).Where(where, arg).Order("sp.created_at", "sp.id").Scan(ctx); err != nil {
		return nil, fault(err)
	}
	all := make([]*parley.Softphone, len(rows))
	for i, r := range rows {
		all[i] = r.softphone()
	}
	return all, nil
}

// AnySoftphone says whether there is a softphone in any environment.
func (t *tx) AnySoftphone(ctx context.Context) (bool, error) {
	there, err := t.NewSelect().Model((*softphoneRow)(nil)).Exists(ctx)
	return there, fault(err)
}

// InsertSoftphone adds a softphone; store.ErrConflict when env has its username already.
func (t *tx) InsertSoftphone(ctx context.Context, s *parley.Softphone) error {
	return done(t.NewInsert().Model(softphoneToRow(s)).Exec(ctx))
}

// DeleteSoftphone deletes a softphone and its bindings.
func (t *tx) DeleteSoftphone(ctx context.Context, env, id string) error {
	r, err := t.NewDelete().Model((*softphoneRow)(nil)).Where("sp.id = ?", id).Where("sp.environment_id = ?", env).Exec(ctx)
	return changed(r, err, parley.SoftphoneNotFound, id)
}

// Bindings returns the bindings of a softphone that last beyond now, the last written first; of all softphones when id is empty.
func (t *tx) Bindings(ctx context.Context, softphoneID string, now time.Time) ([]parley.Binding, error) {
	var rows []*bindingRow
	q := t.NewSelect().Model(&rows).Where("b.expires_at > ?", parley.Stamp(now)).Order("b.updated_at DESC", "b.q DESC", "b.contact")
	if softphoneID != "" {
		q = q.Where("b.softphone_id = ?", softphoneID)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fault(err)
	}
	var all []parley.Binding
	for _, r := range rows {
		b, err := r.binding()
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

// LockBindings is Bindings of one softphone; every other LockBindings of it waits until the end of the transaction.
func (t *tx) LockBindings(ctx context.Context, softphoneID string, now time.Time) ([]parley.Binding, error) {
	r := new(softphoneRow)
	if err := t.lock(t.NewSelect().Model(r).Where("sp.id = ?", softphoneID), "NO KEY UPDATE").Scan(ctx); err != nil {
		return nil, found(err, parley.SoftphoneNotFound, softphoneID)
	}
	return t.Bindings(ctx, softphoneID, now)
}

// SetBindings replaces all bindings of a softphone.
func (t *tx) SetBindings(ctx context.Context, softphoneID string, bindings []parley.Binding) error {
	if _, err := t.NewDelete().Model((*bindingRow)(nil)).Where("b.softphone_id = ?", softphoneID).Exec(ctx); err != nil {
		return fault(err)
	}
	if len(bindings) == 0 {
		return nil
	}
	rows := make([]*bindingRow, len(bindings))
	for i := range bindings {
		rows[i] = bindingToRow(&bindings[i])
		rows[i].SoftphoneID = softphoneID
	}
	_, err := t.NewInsert().Model(&rows).Exec(ctx)
	if isOrphan(err) {
		return parley.Errorf(parley.SoftphoneNotFound, "no row with id %s", softphoneID)
	}
	return fault(err)
}

// ForgetBindings deletes bindings that ran out before deadline.
func (t *tx) ForgetBindings(ctx context.Context, deadline time.Time) error {
	_, err := t.NewDelete().Model((*bindingRow)(nil)).Where("b.expires_at <= ?", parley.Stamp(deadline)).Exec(ctx)
	return fault(err)
}
