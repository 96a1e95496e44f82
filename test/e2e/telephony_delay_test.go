package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Calls that were ordered for later, over a restart of the server: one is placed, one finds its agent a draft, one was called off.
func TestDelayedCallsOutliveTheServer(t *testing.T) {
	t.Parallel()
	NeedModels(t)
	Need(t, "sipp")
	s := Start(t, loopbackTrunks)
	later := JSON{"delay_seconds": 6}
	agent, port := s.outbound(nil)
	draft, _ := s.outbound(nil)
	begin := time.Now()
	placed, unplaced, off := s.order(agent, later), s.order(draft, later), s.order(agent, JSON{"delay_seconds": 5})
	s.Must("POST", "/api/v1/agents/"+draft+"/unpublish", nil)
	if c := s.call(placed); c["status"] != "initiated" {
		t.Errorf("a delayed call is %v", c["status"])
	}
	s.endCall(agent, off)
	s.final(off, "completed", "ended_by_api")
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	finished := trunk(t, port, invited, rings, picksUp, hangsUp)
	s.Boot()
	s.waitStatus(placed, "answered")
	if early := time.Since(begin); early < 6*time.Second {
		t.Errorf("placed after %v", early)
	}
	s.final(placed, "completed", "caller_hung_up")
	finished()
	s.final(unplaced, "failed", "agent_not_published")
	s.final(off, "completed", "ended_by_api")
	if n := strings.Count(s.Log(), `msg="outgoing call"`); n != 1 {
		t.Errorf("%d calls were placed", n)
	}
	if status, v := s.Do("POST", fmt.Sprintf("/api/v1/agents/%s/call", draft), JSON{"to": "+12025550177"}); status != 400 {
		t.Errorf("a draft may call: %d %v", status, v)
	}
}
