package calls

import (
	"context"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/calls"
	"github.com/parley-voice/parley/internal/secrets"
	"github.com/parley-voice/parley/internal/store"
)

// anotherNode is another node on the same database.
func (h *house) anotherNode() *calls.Switchboard {
	cfg := h.cfg
	cfg.NodeID = "node-2"
	return calls.New(cfg, calls.Deps{
		Store: h.store, Blobs: h.blobs, Dialer: h.dialer, Engines: h.engines, Events: h.ears, NewToken: secrets.NewToken, HashToken: secrets.HashToken, Log: logger(),
	})
}

// A call is ended at whichever node is asked: the answer states the target state, the node that holds it hangs up and writes the end.
func TestACallIsEndedAtAnotherNode(t *testing.T) {
	inHouse(t, func(h *house) {
		_, r, id := h.answered()
		other := h.anotherNode()
		open, err := other.Active(h.t.Context(), h.actor, h.agent.ID, caller)
		if err != nil || len(open) != 1 || open[0].ID != id {
			t.Fatalf("the other node shows %v, %v", open, err)
		}
		ended, err := other.End(h.t.Context(), h.actor, h.agent.ID, id)
		if err != nil || ended.Status != parley.CallCompleted {
			t.Fatalf("%+v, %v", ended, err)
		}
		begin := time.Now()
		<-r.done
		if d := time.Since(begin); d > 2*time.Second {
			t.Errorf("it went on for %v", d)
		}
		h.sleep(time.Second)
		h.wantCall(parley.CallCompleted, parley.EndedByAPI)
	})
}

// A node that is gone obeys nobody: once its lease has run out the row is closed by whoever is asked.
func TestACallOfALostNodeIsEndedInItsRow(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.leaveOpen()
		if _, err := h.board.End(h.t.Context(), h.actor, h.agent.ID, c.ID); err != nil {
			t.Fatal(err)
		}
		if c, _ := h.only(); c.Status != parley.CallAnswered {
			t.Errorf("%s while its node may be there", c.Status)
		}
		h.update(func(ctx context.Context, tx store.Tx) error {
			return tx.RenewLeases(ctx, "node-2", time.Now().Add(-time.Second))
		})
		if _, err := h.board.End(h.t.Context(), h.actor, h.agent.ID, c.ID); err != nil {
			t.Fatal(err)
		}
		h.wantCall(parley.CallCompleted, parley.EndedByAPI)
	})
}
