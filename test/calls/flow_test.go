package calls

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/flow"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/speech/speechtest"
	"github.com/parley-voice/parley/internal/store"
)

// anything takes all that callers say for the value that they were asked for.
type anything struct{}

// Understand implements flow.Listener.
func (anything) Understand(_ context.Context, q flow.Question) (a flow.Answer, err error) {
	if q.Variable != nil {
		a.Value = strings.Trim(q.Said, " .")
	}
	return a, nil
}

// lead gives the agent a new version of its flow.
func (h *house) lead(version int, nodes string) {
	h.t.Helper()
	v := &parley.FlowVersion{
		ID: parley.NewID(), AgentID: h.agent.ID, Number: version, Version: strconv.Itoa(version), Mode: parley.FlowDriven, CreatedAt: parley.Stamp(time.Now()),
		Config: `{"initial_node_id":"a","nodes":[` + nodes + `]}`,
	}
	h.update(func(ctx context.Context, tx store.Tx) error { return tx.AddFlowVersion(ctx, v, 10) })
}

// nodesOf is the path of a call.
func nodesOf(turns []parley.Turn) (all []string) {
	for _, t := range turns {
		all = append(all, t.Nodes...)
	}
	return all
}

func TestACallRunsOnTheFlowThatItBeganWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := furnish(t)
		h.setAgent(func(a *parley.Agent) { a.InitialMessage = nil })
		h.lead(1, `{"id":"a","type":"ask","content":"your name?","variable":"name","next":"old"},{"id":"old","type":"end","content":"bye {{name}}."}`)
		h.open()
		leg, r, _ := h.answered()
		h.lead(2, `{"id":"a","type":"end","content":"we are closed."}`)
		says(leg.Leg, "laura")
		<-r.done
		h.sleep(time.Second)
		c, turns := h.only()
		if got := speechtest.Text(leg.Said()); got != "your name? bye laura." || c.EndedReason != parley.EndedByAgent || c.Snapshot.Flow.Version != "1" {
			t.Errorf("told %q on version %s, ended by %s", got, c.Snapshot.Flow.Version, c.EndedReason)
		}
		if got := nodesOf(turns); !slices.Equal(got, []string{"a", "old"}) {
			t.Errorf("went along %v", got)
		}
		later := h.ring(number)
		<-later.done
		if got := speechtest.Text(later.leg.Said()); got != "we are closed." {
			t.Errorf("the next caller was told %q", got)
		}
		h.sleep(time.Second)
		h.close()
	})
}

func TestAFlowTransfersByTheRulesOfCalls(t *testing.T) {
	for name, c := range map[string]struct {
		number, last string
		transfers    int
	}{
		"to a busy line":                      {colleague, "busy.", 1},
		"but to nobody who may not be called": {"+882991234567", "no.", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := furnish(t)
				h.setAgent(func(a *parley.Agent) { a.InitialMessage = nil })
				h.lead(1, `{"id":"a","type":"ask","content":"sales?","next":"b"},{"id":"b","type":"transfer","number":"`+c.number+`","content":"i connect you.",
					"branches":[{"match":"busy","next":"c"}],"on_failure":"d"},{"id":"c","type":"end","content":"busy."},{"id":"d","type":"end","content":"no."}`)
				h.open()
				h.dialer.Answers, h.dialer.Err = time.Second, &media.NotAnswered{Outcome: media.OutcomeBusy, Status: 486, Reason: "sip_486"}
				leg, r, _ := h.answered()
				says(leg.Leg, "please")
				<-r.done
				h.sleep(time.Second)
				call, turns := h.only()
				if got := speechtest.Text(leg.Said()); !strings.HasSuffix(got, c.last) || len(call.Transfers) != c.transfers {
					t.Errorf("told %q, transfers %+v", got, call.Transfers)
				}
				if got := nodesOf(turns); len(got) != 3 || got[1] != "b" {
					t.Errorf("went along %v", got)
				}
				h.close()
			})
		})
	}
}
