package calls

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/speech/speechtest"
	"github.com/parley-voice/parley/internal/store"
)

// inHouseOf is inHouse with something arranged before the switchboard starts.
func inHouseOf(t *testing.T, arrange, f func(h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := furnish(t)
		arrange(h)
		h.open()
		f(h)
		h.close()
	})
}

func TestDrainLetsCallsFinishThenEndsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := furnish(t)
		h.open()
		r := h.ring(number)
		h.sleep(2 * time.Second)
		h.stop()
		h.sleep(time.Second)
		if _, answered, refusal := h.refused(); answered || refusal != media.RefuseNoCapacity {
			t.Errorf("a call while draining: answered %v, %d", answered, refusal)
		}
		select {
		case <-r.done:
			t.Error("the call was cut at once")
		default:
		}
		<-h.stopped
		<-r.done
		h.wantCall(parley.CallCompleted, parley.EndedServerStopped)
		if _, turns := h.only(); len(turns) != 1 {
			t.Errorf("turns %+v", turns)
		}
	})
}

func (h *house) refused() (rung, answered bool, refusal media.Refusal) {
	r := h.ring(number)
	<-r.done
	return r.Fate()
}

func TestDatabaseAwayInMidCallCostsNothing(t *testing.T) {
	inHouse(t, func(h *house) {
		r := h.ring(number)
		h.sleep(2 * time.Second)
		h.store.away.Store(true)
		says(r.leg, "are you open?")
		h.sleep(5 * time.Second)
		if got := speechtest.Text(r.leg.Said()); got != "hello there yes we are." {
			t.Errorf("told %q", got)
		}
		if _, answered, refusal := h.refused(); answered || refusal != media.RefuseNoCapacity {
			t.Errorf("a new call meanwhile: answered %v, %d", answered, refusal)
		}
		r.leg.HangUp()
		<-r.done
		h.sleep(time.Minute)
		h.store.away.Store(false)
		h.wantCall(parley.CallAnswered, "")
		h.sleep(2 * time.Second)
		h.wantCall(parley.CallCompleted, parley.EndedByCaller)
		if _, turns := h.only(); len(turns) != 3 {
			t.Errorf("turns %+v", turns)
		}
	})
}

func TestKilledProcessLeavesAClosedCallBehind(t *testing.T) {
	inHouse(t, func(h *house) {
		r := h.ring(number)
		h.sleep(2 * time.Second)
		says(r.leg, "are you open?")
		h.sleep(3 * time.Second)
		before, _ := h.only()
		h.reborn() // a second life of the same node, while the first is dead to the database
		c := h.wantCall(parley.CallFailed, parley.EndedNodeLost)
		if _, turns := h.only(); len(turns) < 2 {
			t.Errorf("turns %+v", turns)
		}
		wantRecording(h.t, h, c, 2*time.Second)
		if before.Recording != c.Recording {
			t.Errorf("recording %q, then %q", before.Recording, c.Recording)
		}
		if !h.tryDelete() {
			t.Error("the dead call blocks the deletion of its agent")
		}
		r.leg.HangUp()
		<-r.done
	})
}

// reborn starts a second switchboard on the same database and node and stops it again.
func (h *house) reborn() {
	first, stop, stopped := h.board, h.stop, h.stopped
	h.open()
	h.sleep(100 * ms)
	h.close()
	h.board, h.stop, h.stopped = first, stop, stopped
}

func TestSweepClosesCallsOfADeadNodeOnly(t *testing.T) {
	inHouse(t, func(h *house) {
		dead := h.leaveOpen()
		r := h.ring(number)
		h.sleep(2 * time.Second)
		status := func(id string) parley.CallStatus {
			c, _, err := h.board.Get(h.t.Context(), h.actor, id)
			if err != nil {
				h.t.Fatal(err)
			}
			return c.Status
		}
		if err := h.board.HandleSweep(h.t.Context(), ""); err != nil || status(dead.ID) != parley.CallAnswered {
			t.Errorf("before its lease ran out: %s, %v", status(dead.ID), err)
		}
		h.sleep(30 * time.Second) // ours is renewed, the other's runs out
		if err := h.board.HandleSweep(h.t.Context(), ""); err != nil || status(dead.ID) != parley.CallFailed {
			t.Errorf("after: %s, %v", status(dead.ID), err)
		}
		open, err := h.board.Active(h.t.Context(), h.actor, h.agent.ID, caller)
		if err != nil || len(open) != 1 || open[0].NodeID != "node-1" {
			t.Errorf("open %v, %v", open, err)
		}
		r.leg.HangUp()
		<-r.done
	})
}

func TestSweepClosesRowsThatNoCallStandsBehind(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.leaveOpen()
		h.update(func(ctx context.Context, tx store.Tx) error {
			c.NodeID = "node-1"
			_, err := tx.UpdateCall(ctx, c)
			return err
		})
		if err := h.board.HandleSweep(h.t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		h.wantCall(parley.CallFailed, parley.EndedNodeLost)
	})
}

func TestTurnsOfADeletedAgentAreDropped(t *testing.T) {
	inHouse(t, func(h *house) {
		r := h.ring(number)
		h.sleep(time.Second)
		h.reborn() // closes the row, as a sweep of another node would after a long outage
		if !h.tryDelete() {
			t.Fatal("not deleted")
		}
		r.leg.HangUp()
		<-r.done
		h.sleep(time.Second)
		h.none()
	})
}

func TestManyCallsLeaveNothingBehind(t *testing.T) {
	inHouse(t, func(h *house) {
		var all []*ringing
		for range 40 {
			all = append(all, h.ring(number))
		}
		h.sleep(3 * time.Second)
		for i, r := range all {
			if got := speechtest.Text(r.leg.Said()); got != "hello there" {
				t.Errorf("call %d was told %q", i, got)
			}
			r.leg.HangUp()
		}
		for _, r := range all {
			<-r.done
		}
		h.sleep(time.Second)
		_, total, err := h.board.List(h.t.Context(), h.actor, h.agent.ID, store.CallFilter{
			Statuses: []parley.CallStatus{parley.CallCompleted}, Page: store.Page{Number: 1, Size: 5},
		})
		if err != nil || total != 40 || h.board.Live() != 0 || len(h.recordings()) != 40 {
			t.Error(fmt.Sprint(total, h.board.Live(), len(h.recordings()), err))
		}
	})
}
