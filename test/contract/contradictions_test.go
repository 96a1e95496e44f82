package contract

import "testing"

// TestContradictionsAreResolvedAsTheNotesSay takes what one page of the contract would take and another would not (notes, 2); those that stand in
// texts, codes and shapes are seen with every operation.
func TestContradictionsAreResolvedAsTheNotesSay(t *testing.T) {
	h := open(t)
	agent := h.agent(nil)
	at := []string{agent}
	listed := h.must(request{op: "listActionIntegrations"}).rows()
	integration := func(key string) any { return listed[0].(object)[key] }
	for _, c := range []struct {
		name    string
		request request
		status  int
		field   string // of data, of errors, or of a body that has neither
		want    any    // nil asks nothing
	}{
		{"C12: the speed reaches from 0.1", request{op: "updateAgentVoice", path: at, body: voiceBody(object{"conversation_speed": 0.1})},
			200, "conversation_speed", 0.1},
		{"C12: to 3", request{op: "updateAgentVoice", path: at, body: voiceBody(object{"conversation_speed": 3})}, 200, "conversation_speed", 3.0},
		{"C14: the language may be left out, and stays", request{op: "updateAgentVoice", path: at, body: voiceBody(nil)}, 200, "language", "en-US"},
		{"C15: idle for 300 s", request{op: "createAgent", body: agentBody(object{"idle_time_seconds": 300})}, 201, "", nil},
		{"C15: not for 301 s", request{op: "createAgent", body: agentBody(object{"idle_time_seconds": 301})}, 422, "idle_time_seconds", nil},
		{"C17: an agent begins without a description", request{op: "createAgent", body: agentBody(object{"description": nil})}, 201, "description", nil},
		{"C17: and with a short opening", request{op: "createAgent", body: agentBody(object{"initial_message": "Hi"})}, 201, "initial_message", "Hi"},
		{"C17: knowledge needs five characters", request{op: "updateAgentKnowledge", path: at, body: knowledgeBody(object{"description": "Hi"})},
			422, "description", nil},
		{"C24: prompt and knowledge_base are ignored", request{op: "updateAgentKnowledge", path: at, body: knowledgeBody(object{"prompt": 1, "knowledge_base": 2})},
			200, "description", "You answer the phone of a garage."},
		{"C30: a training echoes its node", request{op: "upsertTraining", path: at, body: object{"subject": "a", "instructions": "b", "node_id": "n"}},
			200, "node_id", "n"},
		{"C33: the catalogue's entry tells of its configuration", request{op: "getActionIntegrationConfig", path: []string{integration("id").(string)}},
			200, "identifier", integration("identifier")},
		{"C58: an empty list of sources", request{op: "setAgentCallback", path: at, body: object{"source_agent_ids": []string{}}},
			422, "source_agent_ids", nil},
		{"C65: health asks for no token and minds none", request{op: "getHealth", token: "talq_wrong"}, 200, "", nil},
		{"C66: a trunk begins inactive whatever is sent", request{op: "createSipTrunk", body: trunkBody(object{"is_active": true})},
			201, "is_active", false},
		{"C72: a number may begin with zero: the agent is refused", request{op: "makeCall", path: at, body: object{"to": "+0987654321"}},
			400, "code", "AGENT_INACTIVE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := h.call(c.request)
			switch {
			case a.status != c.status:
				t.Errorf("%d %s", a.status, a.raw)
			case c.status == 422 && a.faults(c.field) == "":
				t.Errorf("no fault of %s: %s", c.field, a.raw)
			case c.status == 400 && a.body[c.field] != c.want:
				t.Errorf("%s is %v, want %v", c.field, a.body[c.field], c.want)
			case c.status < 400 && c.want != nil && a.data()[c.field] != c.want:
				t.Errorf("%s is %v, want %v", c.field, a.data()[c.field], c.want)
			}
		})
	}
}
