package rooms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/agents"
	"github.com/parley-voice/parley/internal/blobs"
	"github.com/parley-voice/parley/internal/calls"
	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/llm/llmtest"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/media/line"
	"github.com/parley-voice/parley/internal/media/mediatest"
	"github.com/parley-voice/parley/internal/secrets"
	"github.com/parley-voice/parley/internal/speech/speechtest"
	"github.com/parley-voice/parley/internal/sqlstore"
	"github.com/parley-voice/parley/internal/sqlstore/pgtest"
	"github.com/parley-voice/parley/internal/store"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// rounds is how often two parties meet; a tenth of it with -short.
func rounds() int {
	if testing.Short() {
		return 100
	}
	return 1000
}

// ring is a house where agents are published and deleted while calls arrive.
type ring struct {
	store  store.Store
	actor  parley.Actor
	agents *agents.Agents
	board  *calls.Switchboard
	trunk  string
	dids   int
}

// onBoth runs a test in a house on SQLite, and in one on PostgreSQL.
func onBoth(t *testing.T, f func(t *testing.T, r *ring)) {
	t.Run("SQLite", func(t *testing.T) { f(t, newRing(t, sqlstore.Options{DataDir: t.TempDir()})) })
	t.Run("PostgreSQL", func(t *testing.T) { f(t, newRing(t, sqlstore.Options{URL: pgtest.Database(t)})) })
}

func newRing(t *testing.T, o sqlstore.Options) *ring {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	b, err := blobs.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	log, voice := slog.New(slog.DiscardHandler), &speechtest.Synthesizer{}
	tongues := func(string) (hear, speak []string, err error) { return []string{"en-US"}, []string{"en-US"}, nil }
	engines := convo.Engines{Recognizer: &speechtest.Recognizer{}, Synthesizer: voice, Detector: &speechtest.Detector{}, Model: llmtest.Lines(llmtest.Say("Yes."))}
	r := &ring{store: s, trunk: parley.NewID()}
	r.agents = agents.New(agents.Deps{Store: s, Eraser: newEraser(s, b), Voices: agents.NewVoices(nil, voice, log), Languages: tongues})
	r.board = calls.New(calls.Config{NodeID: "node"}, calls.Deps{Store: s, Blobs: b, Log: log, NewToken: secrets.NewToken,
		HashToken: secrets.HashToken, Engines: func(string) (convo.Engines, error) { return engines, nil }})
	r.update(t, func(ctx context.Context, tx store.Tx) error {
		env, err := tx.EnsureEnvironment(ctx, "test")
		if err != nil {
			return err
		}
		r.actor = parley.Actor{EnvironmentID: env.ID, Abilities: []string{parley.AllAbilities}}
		now := parley.Stamp(time.Now())
		return tx.InsertTrunk(ctx, &parley.SIPTrunk{ID: r.trunk, EnvironmentID: env.ID, Name: "trunk", Domain: "sip.example.com", Transport: "udp",
			Port: 5060, CreatedAt: now, UpdatedAt: now})
	})
	return r
}

func (r *ring) update(t *testing.T, fn func(context.Context, store.Tx) error) {
	t.Helper()
	if err := r.store.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// agent adds an agent that is complete, with a number of its own.
func (r *ring) agent(t *testing.T, status parley.AgentStatus) (id, number string) {
	t.Helper()
	now, about := parley.Stamp(time.Now()), "Answers the phone."
	a := &parley.Agent{ID: parley.NewID(), EnvironmentID: r.actor.EnvironmentID, Name: "Rose", Direction: parley.Inbound, Status: status,
		CreatedAt: now, UpdatedAt: now, AgentSettings: parley.AgentSettings{Description: &about, Language: "en-US", WhoSpeaksFirst: parley.SpeakerAgent,
			Voice: &parley.AgentVoice{ID: parley.NewID(), TemplateID: "voice", Language: "en-US"}, Recording: true}}
	r.dids++
	n := &parley.PhoneNumber{ID: parley.NewID(), EnvironmentID: a.EnvironmentID, TrunkID: r.trunk, Number: fmt.Sprintf("+1202555%04d", r.dids),
		CountryCode: "US", Status: "active", CreatedAt: now, UpdatedAt: now}
	r.update(t, func(ctx context.Context, tx store.Tx) error {
		return errors.Join(tx.InsertAgent(ctx, a), tx.InsertNumber(ctx, n), tx.SetAgentNumbers(ctx, a.ID, []string{n.ID}))
	})
	return a.ID, n.Number
}

// rowsOf counts, by deleting them, the rows of calls below an agent.
func (r *ring) rowsOf(t *testing.T, agent string) (n int64) {
	t.Helper()
	r.update(t, func(ctx context.Context, tx store.Tx) (err error) {
		n, err = tx.Erase(ctx, store.PlaceCalls, store.Scope{AgentID: agent}, 10)
		return err
	})
	return n
}

// meet starts all at once, in any order, and waits for them.
func meet(all ...func()) {
	var wg sync.WaitGroup
	gate := make(chan struct{})
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, f := range all {
		wg.Go(func() { <-gate; f() })
	}
	close(gate)
	wg.Wait()
}

// arrival is a call that rings until the race is decided; then its caller hangs up.
type arrival struct {
	*mediatest.Incoming
	decided <-chan struct{}
}

func (a arrival) Answer(ctx context.Context) (media.Leg, error) {
	leg, err := a.Incoming.Answer(ctx)
	<-a.decided
	return leg, err
}

// hungUp is a leg whose caller has hung up.
type hungUp struct{ *line.Line }

func (hungUp) SendDigit(context.Context, byte) error { return media.ErrEnded }
func (hungUp) Hangup(context.Context) error          { return nil }
func (hungUp) Stats() media.Stats                    { return media.Stats{} }

// callAgainstDelete lets a call arrive while the agent is unpublished and deleted, and tells who won.
func (r *ring) callAgainstDelete(t *testing.T, id, number string) (answered bool) {
	t.Helper()
	leg := hungUp{line.New()}
	leg.End(media.EndRemote)
	decided := make(chan struct{})
	in := arrival{mediatest.Ringing(number, "+12025550199", leg), decided}
	var deleted error
	meet(
		func() { r.board.Serve(t.Context(), in) },
		func() {
			defer close(decided)
			if _, err := r.agents.Unpublish(t.Context(), r.actor, id); err != nil {
				t.Error(err)
			}
			_, deleted = r.agents.Delete(t.Context(), r.actor, id, false)
		},
	)
	_, answered, refusal := in.Fate()
	switch {
	case answered && refusal == 0 && parley.CodeOf(deleted) == parley.AgentHasActiveCalls:
		return true
	case !answered && refusal == media.RefuseNoAgent && deleted == nil:
		if n := r.rowsOf(t, id); n > 0 {
			t.Fatalf("the deletion won, and left %d calls below the agent", n)
		}
		return false
	}
	t.Fatalf("answered %t, refused with %d; the deletion: %v", answered, refusal, deleted)
	return false
}

func TestAnsweringAndDeletingNeverBothWin(t *testing.T) {
	onBoth(t, func(t *testing.T, r *ring) {
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		go func() { defer close(stopped); _ = r.board.Run(ctx) }()
		var kept []string
		for range rounds() {
			id, number := r.agent(t, parley.Published)
			if r.callAgainstDelete(t, id, number) {
				kept = append(kept, id)
			}
		}
		stop()
		<-stopped // the end of every call is written
		t.Logf("of %d rounds the call won %d", rounds(), len(kept))
		if len(kept) == 0 || len(kept) == rounds() {
			t.Error("one side won always: nothing was raced")
		}
		for _, id := range kept {
			if _, err := r.agents.Delete(t.Context(), r.actor, id, false); err != nil {
				t.Fatalf("a call that is over keeps its agent from deletion: %v", err)
			}
		}
	})
}

func TestPublishingAndDeletingNeverBothWin(t *testing.T) {
	onBoth(t, func(t *testing.T, r *ring) {
		published := 0
		for range rounds() {
			id, _ := r.agent(t, parley.Draft)
			var first, second error
			meet(
				func() { _, first = r.agents.Publish(t.Context(), r.actor, id) },
				func() { _, second = r.agents.Delete(t.Context(), r.actor, id, false) },
			)
			switch {
			case first == nil && parley.CodeOf(second) == parley.AgentIsPublished:
				published++
			case second == nil && parley.CodeOf(first) == parley.AgentNotFound:
			default:
				t.Fatalf("the publication: %v; the deletion: %v", first, second)
			}
		}
		t.Logf("of %d rounds the publication won %d", rounds(), published)
		if published == 0 || published == rounds() {
			t.Error("one side won always: nothing was raced")
		}
	})
}
