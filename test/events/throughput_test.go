package events

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/sqlstore"
	"github.com/parley-voice/parley/internal/sqlstore/pgtest"
	"github.com/parley-voice/parley/internal/store"
)

// perCall is how many events each call of the measurement has.
const perCall = 12

// BenchmarkDeliveries delivers b.N events of calls that ended at once, written, signed, sent, and logged, and says how many a second.
func BenchmarkDeliveries(b *testing.B) {
	b.Run("SQLite", func(b *testing.B) { deliveries(b, sqlstore.Options{DataDir: b.TempDir()}) })
	b.Run("PostgreSQL", func(b *testing.B) { deliveries(b, sqlstore.Options{URL: pgtest.Database(b)}) })
}

func deliveries(b *testing.B, where sqlstore.Options) {
	var got atomic.Int64
	all := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if got.Add(1) == int64(b.N) {
			close(all)
		}
	}))
	defer s.Close()
	h := open(b, where, s.URL)
	for left := b.N; left > 0; left -= perCall {
		h.happens(min(left, perCall))
	}
	b.ResetTimer()
	h.run()
	<-all
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
}

// happens writes n events of a new call.
func (h *house) happens(n int) {
	h.t.Helper()
	now := parley.Stamp(time.Now())
	c := &parley.Call{
		ID: parley.NewID(), EnvironmentID: h.env, AgentID: h.agent.ID, SID: "sid", To: number, From: "+15550199999", Direction: parley.Inbound,
		Status: parley.CallCompleted, Snapshot: parley.NewSnapshot(h.agent, nil, nil, nil), CreatedAt: now, UpdatedAt: now, EndedAt: &now,
	}
	events := make([]parley.CallEvent, n)
	for i := range events {
		events[i] = parley.CallEvent{Event: parley.EventAction, At: now}
	}
	h.update(func(ctx context.Context, tx store.Tx) error {
		if err := tx.InsertCall(ctx, c); err != nil {
			return err
		}
		return h.hooks.Put(ctx, tx, c, events...)
	})
}
