package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/blobs"
	"github.com/parley-voice/parley/internal/envelope"
	vault "github.com/parley-voice/parley/internal/secrets"
	"github.com/parley-voice/parley/internal/sqlstore"
	"github.com/parley-voice/parley/internal/store"
)

// bulk is an agent's past: calls as a busy year leaves them. Some are written one by one, as a server does, sealed; the database copies
// them until there are enough.
type bulk struct {
	t          *testing.T
	data, url  string // of a server that is not running
	agent      string
	calls      int
	recordings int

	store store.Store
	blobs store.Blobs
}

// What a call leaves on average. Webhook events are kept for 30 days, so that of a year's calls few have any left.
const (
	bulkTurns  = 10
	bulkSIP    = 7
	bulkEvents = 8
	hooked     = 5 // one call of so many has events
	templates  = 100
	soundBytes = 2 << 20 // of a recording: a minute and a half
)

// fill writes the past and returns how many rows there are of each table.
func (b *bulk) fill() map[string]int {
	b.t.Helper()
	plain, err := sqlstore.Open(b.t.Context(), sqlstore.Options{DataDir: b.data, URL: b.url})
	if err != nil {
		b.t.Fatal(err)
	}
	key, err1 := vault.Load("", b.data)
	dir, err2 := blobs.Open(filepath.Join(b.data, "recordings"))
	if err := errors.Join(err1, err2); err != nil {
		b.t.Fatal(err)
	}
	keys, err := envelope.OpenKeys(filepath.Join(b.data, "keys"), key)
	if err != nil {
		b.t.Fatal(err)
	}
	b.store, b.blobs = envelope.Seal(plain, keys, slog.New(slog.DiscardHandler)), envelope.SealBlobs(dir, keys)
	first := b.templates()
	if err := errors.Join(plain.Close(), keys.Close(), dir.Close()); err != nil {
		b.t.Fatal(err)
	}
	db := b.open()
	defer func() { _ = db.Close() }()
	b.multiply(db, first)
	return b.count(db)
}

// templates writes the calls that are copied; recordings lie with as many of them as are wanted of each copy.
func (b *bulk) templates() (n int) {
	b.t.Helper()
	var a *parley.Agent
	var w *parley.Webhook
	now := parley.Stamp(time.Now().Add(-365 * 24 * time.Hour))
	b.update(func(ctx context.Context, tx store.Tx) (err error) {
		if a, err = tx.Agent(ctx, "", b.agent); err != nil {
			return err
		}
		w = &parley.Webhook{
			ID: parley.NewID(), AgentID: a.ID, Name: "crm", URL: "https://crm.example", Events: []parley.Event{parley.EventCallEnded}, Enabled: true,
			Method: "POST", Scheme: "none", CreatedAt: now, UpdatedAt: now,
		}
		return tx.InsertWebhook(ctx, w)
	})
	n = min(templates, b.calls)
	for i := range n {
		c := pastCall(a, i, now)
		hooks := parley.Stamp(time.Now())
		b.update(func(ctx context.Context, tx store.Tx) error {
			if err := errors.Join(tx.InsertCall(ctx, c), tx.PutTurns(ctx, pastTurns(c)), tx.PutSIPMessages(ctx, pastSIP(c))); err != nil || i%hooked != 0 {
				return err
			}
			return pastEvents(ctx, tx, w, c, hooks)
		})
	}
	for range b.recordings {
		b.record(a)
	}
	return n
}

func (b *bulk) update(fn func(ctx context.Context, tx store.Tx) error) {
	b.t.Helper()
	if err := b.store.Update(b.t.Context(), fn); err != nil {
		b.t.Fatal(err)
	}
}

// record writes a call that has a recording, sealed.
func (b *bulk) record(a *parley.Agent) {
	b.t.Helper()
	c := pastCall(a, 1, parley.Stamp(time.Now()))
	c.Recording = a.ID + "/" + c.ID + ".wav"
	b.update(func(ctx context.Context, tx store.Tx) error { return tx.InsertCall(ctx, c) })
	f, err := b.blobs.Create(b.t.Context(), c.Recording)
	if err != nil {
		b.t.Fatal(err)
	}
	_, err = f.Write(make([]byte, soundBytes/10))
	if err := errors.Join(err, f.Close()); err != nil {
		b.t.Fatal(err)
	}
}

func pastCall(a *parley.Agent, i int, at time.Time) *parley.Call {
	trainings := make([]parley.Training, 4)
	for j := range trainings {
		trainings[j] = parley.Training{ID: parley.NewID(), AgentID: a.ID, Subject: "Prices", Instructions: strings.Repeat("A cleaning costs 60 dollars. ", 15)}
	}
	ended := at.Add(2 * time.Minute)
	return &parley.Call{
		ID: parley.NewID(), EnvironmentID: a.EnvironmentID, AgentID: a.ID, SID: parley.NewID(), To: Number, From: fmt.Sprintf("+1202555%04d", i),
		Direction: parley.Inbound, Transport: "sip", Status: parley.CallCompleted, EndedReason: parley.EndedByCaller,
		Snapshot: parley.NewSnapshot(a, trainings, nil, nil), Payload: json.RawMessage(`{"name":"Ada Lovelace","plan":"gold"}`),
		Messages: []parley.TakenMessage{{TakenAt: at, Slots: map[string]string{"name": "Ada", "phone": "2025550199", "matter": "a bridge came loose"}}},
		Quality:  &parley.Quality{Codec: "PCMU", Encryption: "none", Received: 6000, Sent: 6000, Rating: 93, MOSEstimate: 4.4, Method: parley.QualityMethod},
		Cost:     0.12, CreatedAt: at, UpdatedAt: ended, AnsweredAt: &at, EndedAt: &ended,
	}
}

func pastTurns(c *parley.Call) (all []parley.Turn) {
	said := "The clinic is open Monday to Friday from eight to six, and a cleaning costs sixty dollars. Shall I take a message?"
	for i := range bulkTurns {
		t := parley.Turn{ID: parley.NewID(), CallID: c.ID, Who: parley.WhoCaller, StartedAt: c.CreatedAt, EndedAt: c.CreatedAt, Text: said[:20+5*i]}
		if i%2 == 0 {
			t.Who, t.Text, t.Heard = parley.WhoAgent, said, &said
		}
		all = append(all, t)
	}
	return all
}

func pastSIP(c *parley.Call) (all []parley.SIPMessage) {
	for i := range bulkSIP {
		all = append(all, parley.SIPMessage{
			ID: parley.NewID(), CallID: c.ID, Seq: i, At: c.CreatedAt, Transport: "udp", Peer: "192.0.2.1:5060",
			Raw: "INVITE sip:" + Number + "@example.com SIP/2.0\r\n" + strings.Repeat("Record-Route: <sip:192.0.2.1;lr>\r\n", 20),
		})
	}
	return all
}

func pastEvents(ctx context.Context, tx store.Tx, w *parley.Webhook, c *parley.Call, at time.Time) error {
	lane := store.Lane{CallID: c.ID, WebhookID: w.ID, AgentID: w.AgentID, At: at}
	if _, err := tx.ExtendLane(ctx, &lane, bulkEvents); err != nil {
		return err
	}
	if _, err := tx.RestLane(ctx, lane.Ticket); err != nil {
		return err
	}
	var all []*parley.Delivery
	for i := range bulkEvents {
		all = append(all, &parley.Delivery{
			ID: parley.NewID(), LaneID: lane.ID, WebhookID: w.ID, AgentID: w.AgentID, CallID: c.ID, Sequence: int64(i + 1), Event: parley.EventCallEnded,
			Body: []byte(`{"event":"call_ended","to":"` + c.To + `","text":"` + strings.Repeat("what was said ", 50) + `"}`), Status: parley.DeliverySuccess,
			Attempts: 1, CreatedAt: at,
		})
	}
	return tx.InsertDeliveries(ctx, all)
}

// open opens the database beside the store, for statements that no server would make.
func (b *bulk) open() *sql.DB {
	b.t.Helper()
	driver, dsn := "pgx", b.url
	if b.url == "" {
		driver, dsn = "sqlite", "file:"+filepath.Join(b.data, "parley.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=cache_size(-200000)"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		b.t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db
}

// copied are the tables below a call, and their columns that are ids of a copy's own.
var copied = []struct{ table, ids string }{
	{"calls", "id sid"}, {"turns", "id call_id reply_to"}, {"sip_messages", "id call_id"}, {"delivery_lanes", "id call_id ticket"},
	{"deliveries", "id call_id lane_id"}, {"delivery_logs", "id call_id delivery_id"},
}

// multiply copies the templates, which are the only calls without a recording, until there are enough calls. A copy's ids begin with a time of
// its own, so that all lie in the order in which they would have been made.
func (b *bulk) multiply(db *sql.DB, first int) {
	b.t.Helper()
	copies := (b.calls-b.recordings)/first - 1
	if copies < 1 {
		return
	}
	postgres := b.url != ""
	hex, series := "printf('%08x', 15000000 + s.n)", "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %d) "
	day := "strftime('%Y-%m-%d %H:%M:%S', 1700000000 + 60 * s.n, 'unixepoch') || '.000000+00:00'"
	if postgres {
		hex, series, day = "lpad(to_hex(15000000 + s.n), 8, '0')", "WITH s(n) AS (SELECT generate_series(1, %d)) ", "to_timestamp(1700000000 + 60 * s.n)"
	}
	for _, c := range copied {
		columns := b.columns(db, c.table)
		from := make([]string, len(columns))
		for i, name := range columns {
			switch {
			case strings.Contains(" "+c.ids+" ", " "+name+" "):
				from[i] = hex + " || substr(x." + name + ", 9)"
			case c.table == "calls" && name == "created_at":
				from[i] = day
			default:
				from[i] = "x." + name
			}
		}
		of := "x.id"
		if c.table != "calls" {
			of = "x.call_id"
		}
		into := fmt.Sprintf("INSERT INTO %s (%s) ", c.table, strings.Join(columns, ", "))
		// Copies have ids below those of the templates.
		query := fmt.Sprintf("SELECT %s FROM s CROSS JOIN %s AS x WHERE %s IN (SELECT id FROM calls WHERE recording = '' AND agent_id = '%s' AND id > '01') "+
			"ORDER BY s.n, x.id", strings.Join(from, ", "), c.table, of, b.agent)
		query = into + fmt.Sprintf(series, copies) + query
		if _, err := db.ExecContext(b.t.Context(), query); err != nil {
			b.t.Fatalf("%s: %v", c.table, err)
		}
	}
	after := "PRAGMA wal_checkpoint(TRUNCATE)"
	if postgres {
		after = "ANALYZE"
	}
	if _, err := db.ExecContext(b.t.Context(), after); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bulk) columns(db *sql.DB, table string) []string {
	b.t.Helper()
	rows, err := db.QueryContext(b.t.Context(), "SELECT * FROM "+table+" LIMIT 0")
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err := errors.Join(err, rows.Err()); err != nil {
		b.t.Fatal(err)
	}
	return columns
}

// count counts the rows of each table.
func (b *bulk) count(db *sql.DB) map[string]int {
	b.t.Helper()
	n := map[string]int{}
	for _, c := range copied {
		var rows int
		if err := db.QueryRowContext(b.t.Context(), "SELECT count(*) FROM "+c.table).Scan(&rows); err != nil {
			b.t.Fatal(err)
		}
		n[c.table] = rows
	}
	return n
}
