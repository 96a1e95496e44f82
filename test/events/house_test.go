package events

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/actions"
	"github.com/parley-voice/parley/internal/blobs"
	"github.com/parley-voice/parley/internal/calls"
	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/egress"
	"github.com/parley-voice/parley/internal/jobs"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/llm/llmtest"
	"github.com/parley-voice/parley/internal/media/mediatest"
	"github.com/parley-voice/parley/internal/river"
	"github.com/parley-voice/parley/internal/secrets"
	"github.com/parley-voice/parley/internal/speech/speechtest"
	"github.com/parley-voice/parley/internal/sqlstore"
	"github.com/parley-voice/parley/internal/sqlstore/pgtest"
	"github.com/parley-voice/parley/internal/store"
	"github.com/parley-voice/parley/internal/webhooks"
)

const (
	number    = "+15550100001"
	masterKey = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	node      = "node-1"
)

// TestMain stops the PostgreSQL of the tests at their end.
func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// house is a switchboard whose calls are scripted, and the webhooks that hear of them.
type house struct {
	t      testing.TB
	store  *sqlstore.Store
	hooks  *webhooks.Webhooks
	board  *calls.Switchboard
	phones *mediatest.Dialer // whom it calls
	dir    string            // of SQLite
	env    string
	agent  *parley.Agent
	trunk  string
}

// open builds a house on a directory, and stocks it when it is new. Receivers are on this machine.
func open(t testing.TB, where sqlstore.Options, receiver string) *house {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := sqlstore.Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	b, err := blobs.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	key, err := secrets.Parse(masterKey)
	if err != nil {
		t.Fatal(err)
	}
	guard := &egress.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	client := guard.Client(0, 64<<10)
	h := &house{t: t, store: db, dir: where.DataDir, phones: &mediatest.Dialer{}, hooks: webhooks.New(webhooks.Deps{
		Store: db, Vault: key, Client: client, CheckURL: guard.CheckURL, Log: log,
		Delay: func(int) time.Duration { return 100 * time.Millisecond },
	})}
	h.board = calls.New(calls.Config{NodeID: node, DrainWithin: time.Second}, calls.Deps{
		Store: db, Blobs: b, Engines: engines, Events: h.hooks, NewToken: secrets.NewToken, HashToken: secrets.HashToken, Log: log, Dialer: h.phones,
		Requester: actions.New(actions.Deps{Vault: key, Client: client, CheckURL: guard.CheckURL, Log: log}),
		Unseal:    func(*parley.SIPTrunk) (string, error) { return "", nil },
	})
	h.stock(receiver)
	return h
}

func engines(string) (convo.Engines, error) {
	return convo.Engines{
		Recognizer: &speechtest.Recognizer{}, Synthesizer: &speechtest.Synthesizer{}, Detector: &speechtest.Detector{},
		Model: &llmtest.Model{Script: obliging},
	}, nil
}

// obliging does what the caller names if the agent has an action of that name.
func obliging(b llm.Brief, history []llm.Message) llmtest.Reply {
	last := history[len(history)-1]
	for _, t := range b.Tools {
		if last.Role == llm.Caller && strings.Contains(last.Text, t.Name) {
			return llmtest.Reply{Calls: []llm.ToolCall{{ID: fmt.Sprint(len(history)), Name: t.Name, Arguments: json.RawMessage(`{}`)}}}
		}
	}
	return llmtest.Say("yes we are.")
}

// stock writes a published agent with a number and a webhook that hears everything, unless they are there.
func (h *house) stock(receiver string) {
	h.t.Helper()
	now := parley.Stamp(time.Now())
	h.update(func(ctx context.Context, tx store.Tx) error {
		env, err := tx.EnsureEnvironment(ctx, "test")
		if err != nil {
			return err
		}
		h.env = env.ID
		have, _, err := tx.ListAgents(ctx, env.ID, store.AgentFilter{Page: store.Page{Number: 1, Size: 1}})
		if err != nil {
			return err
		}
		if len(have) > 0 {
			h.agent = have[0]
			trunks, err := tx.ListTrunks(ctx, env.ID)
			h.trunk = trunks[0].ID
			return err
		}
		return h.fill(ctx, tx, receiver, now)
	})
}

func (h *house) fill(ctx context.Context, tx store.Tx, receiver string, now time.Time) error {
	hello := "hello there"
	h.agent = &parley.Agent{
		ID: parley.NewID(), EnvironmentID: h.env, Name: "Desk", Direction: parley.Inbound, Status: parley.Published, CreatedAt: now, UpdatedAt: now,
		AgentSettings: parley.AgentSettings{Language: "en-US", InitialMessage: &hello, InterruptSensitivity: "high", Endpointing: "high", IdleSeconds: 30},
	}
	t := &parley.SIPTrunk{ID: parley.NewID(), EnvironmentID: h.env, Domain: "sip.example.com", Transport: "udp", Active: true, Verified: true, CreatedAt: now, UpdatedAt: now}
	h.trunk = t.ID
	n := &parley.PhoneNumber{
		ID: parley.NewID(), EnvironmentID: h.env, TrunkID: t.ID, Number: number, CountryCode: "US", Status: "active", CreatedAt: now, UpdatedAt: now,
	}
	w := &parley.Webhook{
		ID: parley.NewID(), AgentID: h.agent.ID, Name: "receiver", URL: receiver, Timeout: 5 * time.Second, MaxRetries: 10, Enabled: true,
		Method: "POST", Scheme: "none", CreatedAt: now, UpdatedAt: now,
	}
	for e := range parley.AgentEvents() {
		w.Events = append(w.Events, e)
	}
	for _, write := range []func() error{
		func() error { return tx.InsertAgent(ctx, h.agent) }, func() error { return tx.InsertTrunk(ctx, t) },
		func() error { return tx.InsertNumber(ctx, n) }, func() error { return tx.SetAgentNumbers(ctx, h.agent.ID, []string{n.ID}) },
		func() error { return tx.InsertWebhook(ctx, w) },
	} {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

func (h *house) update(fn func(ctx context.Context, tx store.Tx) error) {
	h.t.Helper()
	if err := h.store.Update(h.t.Context(), fn); err != nil {
		h.t.Fatal(err)
	}
}

// run works the queue, and the switchboard, until the test ends.
func (h *house) run() {
	h.t.Helper()
	runner, err := river.NewRunner(h.store.Queue(), jobs.Set{Handlers: map[string]jobs.Handler{
		jobs.DeliverEvents: h.hooks.HandleLane, jobs.RetryDelivery: h.hooks.HandleRetry,
	}}, node)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, part := range []func(context.Context) error{runner.Run, h.board.Run} {
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- part(ctx) }()
		h.t.Cleanup(func() { stop(); <-ended })
	}
}

// call makes a scripted call that comes in, says a word and hangs up.
func (h *house) call() {
	leg := mediatest.Start(h.t)
	in := mediatest.Ringing(number, "+15550199999", leg)
	in.Inv.TrunkID = h.trunk
	leg.Play(speechtest.Sound("hello"))
	over := time.AfterFunc(200*time.Millisecond+rand.N(time.Second), leg.HangUp)
	defer over.Stop()
	h.board.Serve(context.Background(), in)
}

// count asks a number of the database.
func (h *house) count(query string) (n int) {
	h.t.Helper()
	h.rows(query, func(scan func(...any) error) error { return scan(&n) })
	return n
}
