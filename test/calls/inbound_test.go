package calls

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/llm/llmtest"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/speech/speechtest"
	"github.com/parley-voice/parley/internal/store"
)

func TestIncomingCallIsAnsweredAndWrittenDown(t *testing.T) {
	inHouse(t, func(h *house) {
		r := h.ring("15550100001")
		h.sleep(2 * time.Second)
		if c := h.wantCall(parley.CallAnswered, ""); c.From != caller || c.To != number || c.Snapshot == nil || c.AnsweredAt == nil || c.TrunkID != h.trunk.ID {
			t.Errorf("call %+v", c)
		}
		says(r.leg, "are you open?")
		h.sleep(4 * time.Second)
		if got := speechtest.Text(r.leg.Said()); got != "hello there yes we are." {
			t.Errorf("told %q", got)
		}
		r.leg.HangUp()
		<-r.done
		h.sleep(time.Second)
		c := h.wantCall(parley.CallCompleted, parley.EndedByCaller)
		_, turns := h.only()
		if len(turns) != 3 || turns[1].Text != "are you open?" || turns[2].ReplyTo == nil || *turns[2].ReplyTo != turns[1].ID {
			t.Errorf("turns %+v", turns)
		}
		wantRecording(h.t, h, c, 5*time.Second)
		if h.board.Live() != 0 {
			t.Error("the call still counts as live")
		}
	})
}

func wantRecording(t *testing.T, h *house, c *parley.Call, atLeast time.Duration) {
	t.Helper()
	if c.Recording == "" || !strings.HasPrefix(c.Recording, c.AgentID+"/") {
		t.Fatalf("recording %q", c.Recording)
	}
	r, size, err := h.blobs.Open(h.t.Context(), c.Recording)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b := make([]byte, size)
	if n, err := r.Read(b); err != nil || int64(n) != size {
		t.Fatal(n, err)
	}
	clip, err := audio.ParseWAV(b)
	if err != nil || clip.Channels != 2 || time.Duration(len(clip.PCM)/2)*time.Second/time.Duration(clip.Rate) < atLeast {
		t.Errorf("%d samples of %d channels at %d Hz, %v", len(clip.PCM), clip.Channels, clip.Rate, err)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name    string
		arrange func(h *house)
		dialled string
		want    media.Refusal
	}{
		{"a number that nobody has", func(*house) {}, "+15550100009", media.RefuseUnknownNumber},
		{"an agent that is a draft", func(h *house) { h.setAgent(func(a *parley.Agent) { a.Status = parley.Draft }) }, number, media.RefuseNoAgent},
		{"an outbound agent", func(h *house) { h.setAgent(func(a *parley.Agent) { a.Direction = parley.Outbound }) }, number, media.RefuseNoAgent},
		{"models that are missing", func(h *house) { h.model = nil }, number, media.RefuseNoCapacity},
		{"a database that is away", func(h *house) { h.store.away.Store(true) }, number, media.RefuseNoCapacity},
		{"a server that is stopping", func(h *house) { h.board.Refuse() }, number, media.RefuseNoCapacity},
	} {
		t.Run(c.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				c.arrange(h)
				r := h.ring(c.dialled)
				<-r.done
				h.store.away.Store(false)
				if rung, answered, refusal := r.Fate(); rung || answered || refusal != c.want {
					t.Errorf("rung %v, answered %v, refused with %d, want %d", rung, answered, refusal, c.want)
				}
				h.none()
				if h.board.Live() != 0 {
					t.Error("the call counts as live")
				}
			})
		})
	}
}

func TestCallerIsSentElsewhereWhenTheDatabaseFallsBehind(t *testing.T) {
	inHouse(t, func(h *house) {
		h.store.behind.Store(true)
		begun, r := time.Now(), h.ring(number)
		<-r.done
		h.store.behind.Store(false)
		if _, answered, refusal := r.Fate(); answered || refusal != media.RefuseNoCapacity || time.Since(begun) > 5*time.Second {
			t.Errorf("answered %v, refused with %d after %s", answered, refusal, time.Since(begun))
		}
		h.none()
	})
}

func TestNationalFormAndSeveralEnvironments(t *testing.T) {
	inHouse(t, func(h *house) {
		r := h.ring("5550100001") // as dialled inside the country
		h.sleep(time.Second)
		if _, answered, _ := r.Fate(); !answered {
			t.Error("the national form was not understood")
		}
		r.leg.HangUp()
		<-r.done
		h.second(h.t)
		r = h.ring(number)
		h.sleep(time.Second)
		if _, answered, _ := r.Fate(); !answered {
			t.Error("the call did not go to the environment of its trunk")
		}
		r.leg.HangUp()
		<-r.done
		other := h.ring(number)
		other.leg.HangUp()
		<-other.done
	})
}

// second gives another environment the same number on a trunk of its own.
func (h *house) second(t *testing.T) {
	t.Helper()
	h.update(func(ctx context.Context, tx store.Tx) error {
		env, err := tx.EnsureEnvironment(ctx, "other")
		if err != nil {
			return err
		}
		trunk, did := *h.trunk, *h.did
		trunk.ID, trunk.EnvironmentID = parley.NewID(), env.ID
		did.ID, did.EnvironmentID, did.TrunkID = parley.NewID(), env.ID, trunk.ID
		if err := tx.InsertTrunk(ctx, &trunk); err != nil {
			return err
		}
		return tx.InsertNumber(ctx, &did)
	})
}

func TestAmbiguousNumberIsRefused(t *testing.T) {
	inHouse(t, func(h *house) {
		h.second(h.t)
		trunk := h.trunk.ID
		h.trunk.ID = "" // the call comes through no trunk that we know
		r := h.ring(number)
		<-r.done
		h.trunk.ID = trunk
		if _, _, refusal := r.Fate(); refusal != media.RefuseNoAgent {
			t.Errorf("refused with %d", refusal)
		}
	})
}

func TestCallerWhoGivesUpWhileItRings(t *testing.T) {
	inHouse(t, func(h *house) {
		h.model = &llmtest.Model{OpenDelay: time.Second, Script: func(llm.Brief, []llm.Message) llmtest.Reply { return llmtest.Say("x") }}
		r := h.ring(number)
		h.sleep(200 * ms)
		r.GiveUp()
		<-r.done
		h.sleep(time.Second)
		if c := h.wantCall(parley.CallNoAnswer, parley.EndedCallerCanceled); c.Recording != "" || c.AnsweredAt != nil {
			t.Errorf("call %+v", c)
		}
	})
}

func TestCapacity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := furnish(t)
		h.cfg.Max = 2
		h.open()
		defer h.close()
		a, b := h.ring(number), h.ring(number)
		h.sleep(time.Second)
		c := h.ring(number)
		<-c.done
		if _, _, refusal := c.Fate(); refusal != media.RefuseNoCapacity || !h.board.Full() {
			t.Errorf("the third call got %d", refusal)
		}
		a.leg.HangUp()
		b.leg.HangUp()
		<-a.done
		<-b.done
		if h.board.Full() {
			t.Error("still full")
		}
	})
}

func TestWithoutRecordingNoSoundReachesTheDisk(t *testing.T) {
	inHouse(t, func(h *house) {
		h.setAgent(func(a *parley.Agent) { a.Recording = false })
		r := h.ring(number)
		h.sleep(5 * time.Second)
		r.leg.HangUp()
		<-r.done
		h.sleep(time.Second)
		if c := h.wantCall(parley.CallCompleted, parley.EndedByCaller); c.Recording != "" {
			t.Errorf("recording %q", c.Recording)
		}
		if keys := h.recordings(); len(keys) != 0 {
			t.Errorf("on the disk: %v", keys)
		}
	})
}

func TestPanicEndsOneCallOnly(t *testing.T) {
	inHouse(t, func(h *house) {
		calm := h.ring(number)
		h.sleep(time.Second)
		h.model = panicking{}
		r := h.ring(number)
		<-r.done
		h.sleep(time.Second)
		failed := store.CallFilter{Statuses: []parley.CallStatus{parley.CallFailed}, Page: store.Page{Number: 1, Size: 5}}
		_, n, err := h.board.List(h.t.Context(), h.actor, "", failed)
		if err != nil || n != 1 || h.board.Live() != 1 {
			t.Errorf("%d failed, %d live, %v", n, h.board.Live(), err)
		}
		calm.leg.HangUp()
		<-calm.done
	})
}

// panicking is a model with a defect.
type panicking struct{}

func (panicking) Languages() []string                               { panic("defect") }
func (panicking) Open(context.Context, llm.Brief) (llm.Chat, error) { panic("defect") }

// TestDeleteAgainstAnIncomingCall races the two: either the call is there and the deletion refused, or the agent is gone and the call refused.
func TestDeleteAgainstAnIncomingCall(t *testing.T) {
	inHouse(t, func(h *house) {
		if !h.tryDelete() {
			h.t.Fatal("the first agent cannot be deleted")
		}
		won := map[bool]int{}
		for range 60 {
			h.stockAnother()
			var r *ringing
			var deleted bool
			var both sync.WaitGroup
			both.Go(func() { deleted = h.tryDelete() })
			both.Go(func() { r = h.ring(number); h.sleepOnly(500 * ms) })
			both.Wait()
			_, answered, _ := r.Fate()
			if answered == deleted {
				h.t.Fatalf("answered %v and deleted %v", answered, deleted)
			}
			won[answered]++
			r.leg.HangUp()
			<-r.done
			h.sleepOnly(200 * ms)
			if !deleted && !h.tryDelete() {
				h.t.Fatal("the agent cannot be deleted after its call")
			}
		}
		t.Logf("calls won %d, deletions %d", won[true], won[false])
	})
}

func (h *house) sleepOnly(d time.Duration) { time.Sleep(d) }

// stockAnother makes the number belong to a new published agent.
func (h *house) stockAnother() {
	h.agent.ID = parley.NewID()
	h.update(func(ctx context.Context, tx store.Tx) error {
		if err := tx.InsertAgent(ctx, h.agent); err != nil {
			return err
		}
		return tx.SetAgentNumbers(ctx, h.agent.ID, []string{h.did.ID})
	})
}

// tryDelete deletes the agent as the room of agents does: under its lock, unless a call is open.
func (h *house) tryDelete() (deleted bool) {
	err := h.store.Store.Update(h.t.Context(), func(ctx context.Context, tx store.Tx) error {
		a, err := tx.LockAgent(ctx, h.actor.EnvironmentID, h.agent.ID)
		if err != nil {
			return err
		}
		n, err := tx.CountOpenCalls(ctx, store.OpenFilter{AgentID: a.ID})
		if err != nil || n > 0 {
			return err
		}
		deleted = true
		return tx.DeleteAgent(ctx, a.EnvironmentID, a.ID)
	})
	if err != nil {
		h.t.Error(err)
	}
	return deleted
}
