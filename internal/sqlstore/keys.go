package sqlstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/parley-voice/parley"
)

type keyRow struct {
	bun.BaseModel `bun:"table:idempotency_keys,alias:k"`

	EnvironmentID string `bun:",pk"`
	KeyHash       string `bun:",pk"`
	CallID        string
	Fingerprint   string
	ExpiresAt     time.Time
}

// RememberKey keeps which call an idempotency key of env made; ok is false when the key is known, and callID and fingerprint are
// the first ones. A key past its time is not known. Of two that come at once the second waits for the first to commit.
func (t *tx) RememberKey(ctx context.Context, env, keyHash, callID, fingerprint string, until time.Time) (string, string, bool, error) {
	own := func(q bun.QueryBuilder) bun.QueryBuilder {
		return q.Where("k.environment_id = ?", env).Where("k.key_hash = ?", keyHash)
	}
	_, err := t.NewDelete().Model((*keyRow)(nil)).ApplyQueryBuilder(own).Where("k.expires_at <= ?", parley.Stamp(time.Now())).Exec(ctx)
	if err != nil {
		return "", "", false, fault(err)
	}
	r := &keyRow{EnvironmentID: env, KeyHash: keyHash, CallID: callID, Fingerprint: fingerprint, ExpiresAt: parley.Stamp(until)}
	n, err := affected(t.NewInsert().Model(r).On("CONFLICT DO NOTHING").Exec(ctx))
	if err != nil || n == 1 {
		return callID, fingerprint, n == 1, err
	}
	if err := t.NewSelect().Model(r).ApplyQueryBuilder(own).Scan(ctx); err != nil {
		return "", "", false, fault(err)
	}
	return r.CallID, r.Fingerprint, false, nil
}

// ForgetKeys drops idempotency keys that ran out before deadline.
func (t *tx) ForgetKeys(ctx context.Context, deadline time.Time) error {
	return done(t.NewDelete().Model((*keyRow)(nil)).Where("k.expires_at < ?", parley.Stamp(deadline)).Exec(ctx))
}
