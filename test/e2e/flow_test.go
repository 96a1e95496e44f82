package e2e

import (
	"slices"
	"testing"
)

// led makes an agent that a flow leads, on the numbers, and returns its id.
func (s *Server) led(flow JSON, change JSON, numbers ...string) string {
	s.t.Helper()
	body := AgentBody(change)
	body["phone_number_ids"] = numbers
	id := s.Must("POST", "/api/v1/agents", body)["id"].(string)
	s.Must("PUT", "/api/v1/agents/"+id+"/voice", JSON{"voice_id": s.Voice(), "conversation_speed": 1.0, "who_speaks_first": body["who_speaks_first"]})
	s.Must("PUT", "/api/v1/agents/"+id+"/flow", JSON{"conversation_mode": "flow_driven", "flow_config": flow})
	s.Must("POST", "/api/v1/agents/"+id+"/publish", nil)
	return id
}

// path is the nodes that a call came to.
func path(call JSON) (all []string) {
	for _, t := range turns(call) {
		nodes, _ := t.(JSON)["nodes"].([]any)
		for _, n := range nodes {
			all = append(all, n.(string))
		}
	}
	return all
}

func TestFlowLeadsACall(t *testing.T) {
	NeedModels(t)
	t.Parallel()
	s := Start(t)
	s.led(JSON{"initial_node_id": "name", "nodes": []JSON{
		{"id": "name", "type": "ask", "content": "Hello. What is your name, please?", "variable": JSON{"name": "name", "type": "name"}, "next": "wish"},
		{"id": "wish", "type": "decision", "content": "Would you like to book an appointment, or cancel one?", "branches": []JSON{
			{"match": "The caller wants to book an appointment", "next": "book"}, {"match": "The caller wants to cancel an appointment", "next": "cancel"},
		}},
		{"id": "book", "type": "end", "content": "I have booked it, {{name}}. Goodbye."},
		{"id": "cancel", "type": "end", "content": "I have cancelled it, {{name}}. Goodbye."},
	}}, JSON{"initial_message": nil}, s.DID(s.Trunk("127.0.0.1", 5999, nil), Number))
	_, code := s.Call(Number, "--say", "My name is Laura.", "--say", "I want to cancel my visit.")
	c := s.lastCall()
	if got := path(c); code != 0 || !slices.Equal(got, []string{"name", "wish", "cancel"}) || c["ended_reason"] != "agent_hung_up" {
		t.Errorf("exit code %d, %v along %v", code, c["ended_reason"], got)
	}
	for _, t := range turns(c) {
		s.t.Log(t.(JSON)["who"], t.(JSON)["text"], t.(JSON)["nodes"])
	}
}
