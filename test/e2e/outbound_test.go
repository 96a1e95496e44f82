package e2e

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// loopbackTrunks lets trunks lie on loopback, which no public server allows.
var loopbackTrunks = Env("PARLEY_EGRESS_ALLOW=127.0.0.0/8", "PARLEY_SIP_RING_TIMEOUT=4s")

var fresh atomic.Int32

// in is the server for a subtest that runs beside others.
func (s *Server) in(t *testing.T) *Server {
	c := *s
	c.t = t
	return &c
}

// outbound makes a trunk that is verified and active, and a published agent that calls through it.
func (s *Server) outbound(change JSON) (agent string, port int) {
	s.t.Helper()
	port, release := optionsTrunk(s.t)
	defer release()
	id := s.Trunk("127.0.0.1", port, change)
	if v := s.Must("POST", "/api/v1/sip-trunks/"+id+"/verify", nil); v["is_verified"] != true {
		s.t.Fatalf("verify: %v", v)
	}
	s.Must("PUT", "/api/v1/sip-trunks/"+id, JSON{"is_active": true})
	if change["username"] != nil {
		s.Wait("we are registered", 20*time.Second, func() bool { return strings.Contains(s.Log(), `"registered at trunk" trunk=`+id) })
	}
	number := fmt.Sprintf("+1202555%04d", 200+fresh.Add(1))
	return s.Agent(JSON{"direction": "outbound"}, s.DID(id, number)), port
}

// order places a call and returns its id.
func (s *Server) order(agent string, change JSON) string {
	s.t.Helper()
	body := JSON{"to": "+12025550177"}
	for k, v := range change {
		body[k] = v
	}
	return s.Must("POST", "/api/v1/agents/"+agent+"/call", body)["id"].(string)
}

func (s *Server) endCall(agent, call string) {
	s.t.Helper()
	s.Must("POST", "/api/v1/agents/"+agent+"/end-call", JSON{"call_sid": call})
}

func (s *Server) waitStatus(call, status string) {
	s.t.Helper()
	s.Wait("the call is "+status, 15*time.Second, func() bool { return s.call(call)["status"] == status })
}

// final waits until a call is final and holds it against what is expected of it.
func (s *Server) final(call, status, reason string) JSON {
	s.t.Helper()
	var c JSON
	s.Wait("the call is final", 25*time.Second, func() bool {
		c = s.call(call)
		return c["ended_at"] != nil
	})
	if c["status"] != status || reason != "" && c["ended_reason"] != reason {
		s.t.Errorf("call is %v (%v), want %s (%s)", c["status"], c["ended_reason"], status, reason)
	}
	return c
}

func TestOutboundOutcomes(t *testing.T) {
	t.Parallel()
	NeedModels(t)
	Need(t, "sipp")
	server := Start(t, loopbackTrunks)
	for _, c := range []struct {
		name, status, reason string
		trunk                []string
	}{
		{"a trunk that picks up and hangs up", "completed", "caller_hung_up", []string{invited, rings, picksUp, hangsUp}},
		{"a busy line", "busy", "busy", []string{invited, rings, refuses("486 Busy Here")}},
		{"busy everywhere", "busy", "busy", []string{invited, refuses("600 Busy Everywhere")}},
		{"a line that nobody answers", "no-answer", "no_answer", []string{invited, rings, refuses("480 Temporarily Unavailable")}},
		{"a line that rings for too long", "no-answer", "no_answer", []string{invited, rings, isCancelled}},
		{"a trunk in trouble", "failed", "sip_500", []string{invited, rings, refuses("500 Server Internal Error")}},
		{"a number that does not exist", "failed", "sip_404", []string{invited, refuses("404 Not Found")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := server.in(t)
			agent, port := s.outbound(nil)
			finished := trunk(t, port, c.trunk...)
			got := s.final(s.order(agent, nil), c.status, c.reason)
			finished()
			talked := len(turns(got)) > 0
			if answered := c.status == "completed"; talked != answered || (got["recording_url"] != nil) != answered {
				t.Errorf("turns %v, recording %v", turns(got), got["recording_url"])
			}
		})
	}
	t.Run("a trunk that is away", func(t *testing.T) {
		t.Parallel()
		s := server.in(t)
		agent, _ := s.outbound(nil)
		s.final(s.order(agent, nil), "failed", "trunk_unreachable")
	})
	t.Run("a call taken back while it rings", func(t *testing.T) {
		t.Parallel()
		s := server.in(t)
		agent, port := s.outbound(nil)
		finished := trunk(t, port, invited, rings, isCancelled)
		call := s.order(agent, nil)
		s.waitStatus(call, "ringing")
		s.endCall(agent, call)
		s.final(call, "completed", "ended_by_api")
		finished()
	})
	t.Run("a call ended in mid-sentence", func(t *testing.T) {
		t.Parallel()
		s := server.in(t)
		agent, port := s.outbound(nil)
		finished := trunk(t, port, invited, rings, picksUp, isHungUp)
		call := s.order(agent, nil)
		s.waitStatus(call, "answered")
		time.Sleep(time.Second) // for some words
		s.endCall(agent, call)
		c := s.final(call, "completed", "ended_by_api")
		finished()
		if all := turns(c); len(all) != 1 || all[0].(JSON)["interrupted"] != true || all[0].(JSON)["heard"] == all[0].(JSON)["text"] {
			t.Errorf("turns %v", all)
		}
	})
	for _, c := range []struct{ name, asks, password, status, reason string }{
		{"a proxy that asks for credentials", asksProxy("clinic") + rings + picksUp + hangsUp, "rosebud", "completed", "caller_hung_up"},
		{"a trunk that knows us", asksUser("clinic", "rosebud"), "rosebud", "completed", "caller_hung_up"},
		{"a trunk that knows us not", asksUser("clinic", "rosebud"), "wrong", "failed", "sip_403"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := server.in(t)
			agent, port := s.outbound(JSON{"username": "clinic", "password": c.password})
			finished := trunk(t, port, invited, c.asks)
			s.final(s.order(agent, nil), c.status, c.reason)
			finished()
		})
	}
}
