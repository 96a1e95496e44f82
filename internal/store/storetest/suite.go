package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// rounds of each race in the suite; a tenth with -short.
const rounds = 1000

// Run holds a store to what its contract promises, in order and in races. open returns an empty one; it is asked once for each group of rules.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	Rules(t, open)
	races(t, open)
}

// Rules is Run without the races, for a store that wraps one which has passed them.
func Rules(t *testing.T, open func(t *testing.T) store.Store) {
	for _, g := range []struct {
		name  string
		rules []rule
	}{
		{"transactions", transactionRules}, {"accounts", accountRules}, {"people", peopleRules}, {"agents", agentRules}, {"flows", flowRules}, {"telephony", telephonyRules},
		{"softphones", softphoneRules}, {"callbacks", callbackRules},
		{"calls", callRules}, {"open calls", openCallRules}, {"turns", turnRules}, {"erasures", erasureRules}, {"erasures of callers", callerRules},
		{"exports", exportRules}, {"jobs", jobRules},
		{"webhooks", webhookRules},
		{"SIP messages", sipMessageRules}, {"actions of calls", callActionRules},
	} {
		t.Run(g.name, func(t *testing.T) {
			s := open(t)
			for _, r := range g.rules {
				t.Run(r.name, func(t *testing.T) { r.test(t, newHouse(t, s)) })
			}
		})
	}
}

func races(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("races", func(t *testing.T) {
		s, n := open(t), rounds
		if testing.Short() {
			n /= 10
		}
		t.Run("a deletion and a starting call never both win", func(t *testing.T) { RaceCallAgainstDelete(t, s, n) })
		t.Run("a deletion and a publication never both win", func(t *testing.T) { RacePublishAgainstDelete(t, s, n) })
		t.Run("who locks an agent waits for the one before", func(t *testing.T) { lockedCounter(t, newHouse(t, s)) })
		t.Run("flows saved at once leave one current version", func(t *testing.T) { savesAtOnce(t, newHouse(t, s)) })
		t.Run("a SIP message that races the erasure of its call leaves nothing", func(t *testing.T) { sipMessageAgainstErasure(t, newHouse(t, s), n/10) })
		t.Run("a turn that races the erasure of its call leaves nothing", func(t *testing.T) { turnAgainstErasure(t, newHouse(t, s), n/10) })
	})
}

type rule struct {
	name string
	test func(t *testing.T, h *house)
}

// house is a store with an environment of the test's own and one of somebody else.
type house struct {
	store.Store
	env, other string
	clock      time.Time
}

func newHouse(t *testing.T, s store.Store) *house {
	t.Helper()
	return &house{Store: s, env: newEnvironment(t, s), other: newEnvironment(t, s), clock: parley.Stamp(time.Now())}
}

func newEnvironment(t *testing.T, s store.Store) string {
	t.Helper()
	var id string
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		e, err := tx.EnsureEnvironment(ctx, parley.NewID())
		if err == nil {
			id = e.ID
		}
		return err
	})
	return id
}

// tick gives times that differ, down to the microsecond that is kept.
func (h *house) tick() time.Time {
	h.clock = h.clock.Add(1001 * time.Microsecond)
	return h.clock
}

// update runs fn and expects it to commit.
func update(t *testing.T, s store.Store, fn func(ctx context.Context, tx store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatalf("update: %v", err)
	}
}

// view reads with fn and expects no error.
func view(t *testing.T, s store.Store, fn func(ctx context.Context, tx store.Tx) error) {
	t.Helper()
	if err := s.View(t.Context(), fn); err != nil {
		t.Fatalf("view: %v", err)
	}
}

// refused runs fn and expects an answer with code.
func refused(t *testing.T, s store.Store, code parley.Code, fn func(ctx context.Context, tx store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); parley.CodeOf(err) != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

func conflicts(t *testing.T, s store.Store, fn func(ctx context.Context, tx store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); !errors.Is(err, store.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
}

// want compares what was read with what was written.
func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// same is want within a transaction, for a method's result.
func same[T any](what string, want T) func(got T, err error) error {
	return func(got T, err error) error {
		if err == nil && !reflect.DeepEqual(got, want) {
			err = fmt.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
		}
		return err
	}
}

func (h *house) agent(t *testing.T, edit ...func(*parley.Agent)) *parley.Agent {
	t.Helper()
	now := h.tick()
	a := &parley.Agent{
		ID: parley.NewID(), EnvironmentID: h.env, Name: "Reception", Label: "clinic", Direction: parley.Inbound, Status: parley.Draft, Mode: parley.LLMDriven,
		CreatedAt: now, UpdatedAt: now,
		AgentSettings: parley.AgentSettings{
			Description: new("Answers the phone of Dr. O'Neil; \"be brief\" — \\n ?1 ? 你好"), Language: "en", Speed: 1.1, Recording: true,
			Voice: &parley.AgentVoice{ID: parley.NewID(), TemplateID: "hibari-1"}, MaxCallSeconds: new(600),
			Advanced: parley.AdvancedSettings{InitialMessageCache: true},
		},
	}
	for _, f := range edit {
		f(a)
	}
	update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.InsertAgent(ctx, a) })
	return a
}

func (h *house) training(t *testing.T, agentID string) *parley.Training {
	t.Helper()
	now := h.tick()
	tr := &parley.Training{
		ID: parley.NewID(), AgentID: agentID, Subject: "Prices", Instructions: "A visit costs 40 euros.", Status: "active",
		CreatedAt: now, UpdatedAt: now,
	}
	update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.InsertTraining(ctx, tr) })
	return tr
}

func (h *house) action(t *testing.T, agentID, node string) *parley.Action {
	t.Helper()
	now := h.tick()
	a := &parley.Action{
		ID: parley.NewID(), AgentID: agentID, NodeID: node, Name: "Book", Description: "Books a visit.", Type: parley.ActionWebhook,
		Inputs:      []parley.ActionInput{{Name: "day", Type: "date", Required: true}, {Name: "shop", Type: "integer", Value: json.RawMessage("7")}},
		Integration: new("http"), URL: new("https://example.com/book"), Method: "POST", AuthorizationURL: new("https://example.com/token"),
		Scheme: "bearer", SealedHeaders: []byte{1, 2, 3}, SealedConfig: []byte{4, 0, 255}, SpeakOnSend: new("One moment."), SpeakOnReceive: new("Done."),
		Mode: parley.DuringCall, Status: parley.ActionActive, CreatedAt: now, UpdatedAt: now,
	}
	update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.InsertAction(ctx, a) })
	return a
}

func (h *house) call(t *testing.T, a *parley.Agent, edit ...func(*parley.Call)) *parley.Call {
	t.Helper()
	now := h.tick()
	c := &parley.Call{
		ID: parley.NewID(), EnvironmentID: a.EnvironmentID, AgentID: a.ID, SID: parley.NewID(), To: "+4930111", From: "+4930222",
		Direction: parley.Inbound, Transport: parley.TransportSIP, Status: parley.CallRinging, TrunkID: "trunk", NumberID: "number",
		Snapshot: &parley.Snapshot{Agent: *a, Trainings: []parley.Training{{ID: "t", AgentID: a.ID, CreatedAt: now, UpdatedAt: now}}},
		NodeID:   "node-" + h.env, LeaseUntil: now.Add(time.Minute), CreatedAt: now, UpdatedAt: now,
	}
	for _, f := range edit {
		f(c)
	}
	update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.InsertCall(ctx, c) })
	return c
}

func (h *house) turn(c *parley.Call, text string) parley.Turn {
	return parley.Turn{ID: parley.NewID(), CallID: c.ID, Who: parley.WhoCaller, StartedAt: h.tick(), EndedAt: h.tick(), Text: text}
}

func (h *house) put(t *testing.T, turns ...parley.Turn) {
	t.Helper()
	update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.PutTurns(ctx, turns) })
}

func (h *house) turnsOf(t *testing.T, callID string) (turns []parley.Turn) {
	t.Helper()
	view(t, h, func(ctx context.Context, tx store.Tx) (err error) {
		turns, err = tx.TurnsOf(ctx, callID)
		return err
	})
	return turns
}

// drop deletes an agent as the first step of an erasure does.
func (h *house) drop(t *testing.T, a *parley.Agent) {
	t.Helper()
	update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.DeleteAgent(ctx, a.EnvironmentID, a.ID) })
}
