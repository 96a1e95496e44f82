package e2e

import (
	"strings"
	"testing"
	"time"
)

// from is a caller's steps with another number than CallerNumber.
func from(number string, steps []string) (other []string) {
	for _, s := range steps {
		other = append(other, strings.ReplaceAll(s, CallerNumber, number))
	}
	return other
}

// TestCallersWhoReturnACall: lines that were busy or did not answer call the number of a callback agent; so does somebody whom nobody called.
func TestCallersWhoReturnACall(t *testing.T) {
	t.Parallel()
	NeedModels(t)
	Need(t, "sipp")
	s := Start(t, loopbackTrunks)
	visit := []string{invites(spokenSDP), answered, acknowledges, `<pause milliseconds="300"/>`, saysBye}
	source, port := s.outbound(nil)
	taker := s.Agent(JSON{"initial_message": "Hello {{name}}, we found you {{callback.outcome}}."}, s.DID(s.Trunk("127.0.0.1", 5999, nil), Number))
	s.Must("POST", "/api/v1/agents/"+taker+"/callback", JSON{
		"source_agent_ids": []string{source}, "callback_trigger_statuses": []string{"busy", "no-answer"},
	})
	for _, c := range []struct {
		number, status, outcome, answer string
	}{
		{CallerNumber, "busy", "busy", "486 Busy Here"},
		{"+12025550188", "no-answer", "no_answer", "480 Temporarily Unavailable"},
	} {
		finished := trunk(t, port, invited, rings, refuses(c.answer))
		placed := s.order(source, JSON{"to": c.number, "payload": JSON{"name": "Ada"}, "context": JSON{"lead": 7}})
		s.final(placed, c.status, "")
		finished()
		s.calls(t, Number, from(c.number, visit))
		back, _ := s.newest(c.number)["callback"].(JSON)
		if back["matched"] != true || back["call_id"] != placed || back["outcome"] != c.outcome || back["source_agent"].(JSON)["id"] != source ||
			back["payload"].(JSON)["name"] != "Ada" || back["context"].(JSON)["lead"] != 7.0 {
			t.Errorf("%s returns %v, want call %s", c.number, back, placed)
		}
	}
	s.calls(t, Number, from("+12025550189", visit))
	if back, _ := s.newest("+12025550189")["callback"].(JSON); back == nil || back["matched"] != false || back["call_id"] != nil {
		t.Errorf("somebody else returns %v", back)
	}
	stats := func() JSON { return s.Must("GET", "/api/v1/callback-agents/stats", nil) }
	got := stats()
	by, _ := got["callbacks_by_source_agent"].([]any)
	if got["total_callbacks_received"] != 3.0 || got["callbacks_answered"] != 3.0 || got["callbacks_unmatched"] != 1.0 || len(by) != 1 ||
		by[0].(JSON)["source_agent_id"] != source || by[0].(JSON)["count"] != 2.0 {
		t.Errorf("stats %v", got)
	}
	greeting := turns(s.newest(CallerNumber))[0].(JSON)["text"]
	if greeting != "Hello Ada, we found you busy." {
		t.Errorf("greeted with %q", greeting)
	}
	other := *s
	other.Token = s.Run("token", "create", "--data", s.Data, "--environment", "other")
	if got := other.Must("GET", "/api/v1/callback-agents/stats", nil); got["total_callbacks_received"] != 0.0 {
		t.Errorf("another environment sees %v", got)
	}
	s.Must("DELETE", "/api/v1/agents/"+taker+"/callback", nil)
	s.calls(t, Number, visit)
	if c := s.newest(CallerNumber); c["callback"] != nil || c["agent_id"] != taker {
		t.Errorf("without the role: %v", c)
	}
}

// newest is the last call that came from a number, once it is final.
func (s *Server) newest(number string) (c JSON) {
	s.t.Helper()
	s.Wait("the call of "+number+" is final", 15*time.Second, func() bool {
		_, v := s.Do("GET", "/api/v1/calls?direction=inbound&search="+strings.TrimPrefix(number, "+"), nil)
		rows, _ := v["data"].([]any)
		if len(rows) == 0 {
			return false
		}
		c = s.call(rows[0].(JSON)["id"].(string))
		return c["ended_at"] != nil
	})
	return c
}
