package calls

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/blobs"
	"github.com/parley-voice/parley/internal/calls"
	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/llm/llmtest"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/media/mediatest"
	"github.com/parley-voice/parley/internal/secrets"
	"github.com/parley-voice/parley/internal/speech/speechtest"
	"github.com/parley-voice/parley/internal/sqlstore"
	"github.com/parley-voice/parley/internal/store"
)

const (
	ms     = time.Millisecond
	number = "+15550100001"
	caller = "+15550199999"
)

// house is a switchboard with everything below it real and everything beside it scripted.
type house struct {
	t      *testing.T
	store  *flaky
	blobs  store.Blobs
	board  *calls.Switchboard
	dialer *mediatest.Dialer
	model  llm.Model
	ears   *ears
	actor  parley.Actor
	agent  *parley.Agent
	trunk  *parley.SIPTrunk
	did    *parley.PhoneNumber
	cfg    calls.Config
	desk   desk // takes requests of actions
	// targets are whom the agent may give its callers to
	targets []calls.Target

	stop    context.CancelFunc
	stopped chan struct{}
}

// flaky is a database that may go away.
type flaky struct {
	store.Store
	away   atomic.Bool
	behind atomic.Bool // other transactions wait before ours, longer than anybody does
}

func (f *flaky) Update(ctx context.Context, fn func(context.Context, store.Tx) error) error {
	if f.away.Load() {
		return store.ErrUnavailable
	}
	if f.behind.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return f.Store.Update(ctx, fn)
}

func (f *flaky) View(ctx context.Context, fn func(context.Context, store.Tx) error) error {
	if f.away.Load() {
		return store.ErrUnavailable
	}
	return f.Store.View(ctx, fn)
}

// inHouse runs f in a bubble of virtual time with a switchboard that runs.
func inHouse(t *testing.T, f func(h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := furnish(t)
		h.open()
		f(h)
		h.close()
	})
}

func furnish(t *testing.T) *house {
	dir := t.TempDir()
	s, err := sqlstore.Open(t.Context(), sqlstore.Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	b, err := blobs.Open(dir + "/recordings")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	h := &house{
		t: t, store: &flaky{Store: s}, blobs: b, dialer: &mediatest.Dialer{}, ears: &ears{}, model: llmtest.Lines(llmtest.Say("yes we are.")),
		cfg: calls.Config{NodeID: "node-1", DrainWithin: 2 * time.Second, Lease: 30 * time.Second},
	}
	h.stock()
	return h
}

// stock writes a published agent with a number on an active trunk.
func (h *house) stock() {
	now := parley.Stamp(time.Now())
	hello := "hello there"
	h.agent = &parley.Agent{ID: parley.NewID(), Name: "Desk", Direction: parley.Inbound, Status: parley.Published, CreatedAt: now, UpdatedAt: now}
	h.agent.Language, h.agent.InitialMessage, h.agent.Recording, h.agent.InterruptSensitivity = "en-US", &hello, true, "high"
	h.agent.Endpointing, h.agent.IdleSeconds, h.agent.AskIfHumanPresent, h.agent.WhoSpeaksFirst = "high", 30, true, parley.SpeakerAgent
	h.trunk = &parley.SIPTrunk{
		ID: parley.NewID(), Name: "trunk", Domain: "sip.example.com", Transport: "udp", Port: 5060, Active: true, Verified: true, Health: "healthy",
		CreatedAt: now, UpdatedAt: now,
	}
	h.did = &parley.PhoneNumber{ID: parley.NewID(), TrunkID: h.trunk.ID, Number: number, CountryCode: "US", Status: "active", CreatedAt: now, UpdatedAt: now}
	h.update(func(ctx context.Context, tx store.Tx) error {
		env, err := tx.EnsureEnvironment(ctx, "test")
		if err != nil {
			return err
		}
		h.actor = parley.Actor{EnvironmentID: env.ID, Abilities: []string{parley.AllAbilities}}
		h.agent.EnvironmentID, h.trunk.EnvironmentID, h.did.EnvironmentID = env.ID, env.ID, env.ID
		return errors.Join(tx.InsertAgent(ctx, h.agent), tx.InsertTrunk(ctx, h.trunk), tx.InsertNumber(ctx, h.did),
			tx.SetAgentNumbers(ctx, h.agent.ID, []string{h.did.ID}))
	})
}

func (h *house) update(fn func(ctx context.Context, tx store.Tx) error) {
	h.t.Helper()
	if err := h.store.Store.Update(h.t.Context(), fn); err != nil {
		h.t.Fatal(err)
	}
}

// setAgent changes the agent's row.
func (h *house) setAgent(change func(a *parley.Agent)) {
	h.t.Helper()
	change(h.agent)
	h.update(func(ctx context.Context, tx store.Tx) error { return tx.UpdateAgent(ctx, h.agent) })
}

// open starts the switchboard, as a process does.
func (h *house) open() {
	h.board = calls.New(h.cfg, calls.Deps{
		Store: h.store, Blobs: h.blobs, Dialer: h.dialer, Engines: h.engines, Events: h.ears, NewToken: secrets.NewToken, HashToken: secrets.HashToken,
		Unseal: func(*parley.SIPTrunk) (string, error) { return "secret", nil },
		Authenticate: func(_ context.Context, token string) (parley.Actor, error) {
			if token == "environment" {
				return h.actor, nil
			}
			return parley.Actor{}, parley.Errorf(parley.InvalidToken, "unknown")
		},
		Requester: h.desk,
		Targets:   func(*parley.Call) []calls.Target { return h.targets },
		Log:       logger(),
	})
	ctx, cancel := context.WithCancel(h.t.Context())
	h.stop, h.stopped = cancel, make(chan struct{})
	go func() { defer close(h.stopped); _ = h.board.Run(ctx) }()
	synctest.Wait()
}

func logger() *slog.Logger {
	if os.Getenv("PARLEY_TEST_LOG") != "" {
		return slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return slog.New(slog.DiscardHandler)
}

// close stops the switchboard as SIGTERM does, and waits for it.
func (h *house) close() {
	h.stop()
	<-h.stopped
}

func (h *house) engines(string) (convo.Engines, error) {
	if h.model == nil {
		return convo.Engines{}, errors.New("models are missing; run parley models fetch")
	}
	return convo.Engines{
		Recognizer: &speechtest.Recognizer{Delay: 50 * ms}, Synthesizer: &speechtest.Synthesizer{Delay: 30 * ms}, Detector: &speechtest.Detector{}, Model: h.model,
		Listener: anything{},
	}, nil
}

// ringing is an incoming call that is being served.
type ringing struct {
	*mediatest.Incoming
	leg  *mediatest.Leg
	done chan struct{}
}

// ring makes a call come in.
func (h *house) ring(dialled string) *ringing {
	leg := mediatest.Start(h.t)
	r := &ringing{Incoming: mediatest.Ringing(dialled, caller, leg), leg: leg, done: make(chan struct{})}
	r.Inv.TrunkID = h.trunk.ID
	go func() { defer close(r.done); h.board.Serve(h.t.Context(), r) }()
	return r
}

func (h *house) sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// only returns the single call that was stored, with its turns.
func (h *house) only() (*parley.Call, []parley.Turn) {
	h.t.Helper()
	page, total, err := h.board.List(h.t.Context(), h.actor, "", store.CallFilter{Page: store.Page{Number: 1, Size: 20}})
	if err != nil || total != 1 {
		h.t.Fatalf("%d calls, %v", total, err)
	}
	c, turns, err := h.board.Get(h.t.Context(), h.actor, page[0].ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return c, turns
}

func (h *house) wantCall(status parley.CallStatus, reason string) *parley.Call {
	h.t.Helper()
	c, _ := h.only()
	if c.Status != status || c.EndedReason != reason {
		h.t.Errorf("call is %s (%s), want %s (%s)", c.Status, c.EndedReason, status, reason)
	}
	return c
}

func (h *house) none() {
	h.t.Helper()
	if _, total, err := h.board.List(h.t.Context(), h.actor, "", store.CallFilter{Page: store.Page{Number: 1, Size: 20}}); err != nil || total != 0 {
		h.t.Errorf("%d calls stored, %v; want none", total, err)
	}
}

func (h *house) recordings() []string {
	h.t.Helper()
	keys, err := h.blobs.List(h.t.Context(), "")
	if err != nil {
		h.t.Fatal(err)
	}
	return keys
}

// answers makes the far side answer after a while.
func (h *house) answers(after time.Duration) *mediatest.Leg {
	leg := mediatest.Start(h.t)
	h.dialer.Rings, h.dialer.Answers, h.dialer.Leg = 100*ms, after, func() media.Leg { return leg }
	return leg
}

func says(l *mediatest.Leg, text string) { l.Play(speechtest.Sound(text)) }
