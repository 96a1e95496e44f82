package contract

import (
	"maps"

	"github.com/parley-voice/parley"
)

// agentBody is a complete body of createAgent, with changes; a nil value leaves a field out.
func agentBody(change object) object {
	b := object{
		"name": "Rose", "label": "reception", "language": "en-US", "direction": "inbound", "who_speaks_first": "agent",
		"description": "You answer the phone of a clinic.", "interrupt_sensitivity": "high", "endpointing_sensitivity": "auto",
		"ivr_navigation_mode": "off", "conversation_speed": 1.0, "initial_message_delay": 0, "ask_if_human_present_on_idle": false,
		"idle_time_seconds": 30, "llm_temperature": 0.2, "enable_recording": true,
	}
	return changed(b, change)
}

func changed(b, change object) object {
	maps.Copy(b, change)
	maps.DeleteFunc(b, func(_ string, v any) bool { return v == nil })
	return b
}

func knowledgeBody(change object) object {
	return changed(object{
		"description": "You answer the phone of a garage.", "interrupt_sensitivity": "low", "ask_if_human_present_on_idle": true,
		"llm_temperature": 0.5, "initial_message_delay": 1,
	}, change)
}

func voiceBody(change object) object {
	return changed(object{"voice_id": "rose", "conversation_speed": 1.2, "who_speaks_first": "user"}, change)
}

func trunkBody(change object) object {
	return changed(object{
		"name": "trunk", "provider_name": "loopback", "domain": "127.0.0.1", "username": "u", "password": "p", "transport": "udp",
	}, change)
}

// agent makes an agent and returns its id.
func (h *house) agent(change object) string {
	h.t.Helper()
	return h.must(request{op: "createAgent", body: agentBody(change)}).id()
}

// newTrunk makes a trunk, verified and active, and returns its id.
func (h *house) newTrunk() string {
	h.t.Helper()
	id := h.must(request{op: "createSipTrunk", body: trunkBody(nil)}).id()
	h.must(request{op: "verifySipTrunk", path: []string{id}})
	h.must(request{op: "updateSipTrunk", path: []string{id}, body: object{"is_active": true}})
	return id
}

func (h *house) did(trunk, number string) string {
	h.t.Helper()
	return h.must(request{op: "createSipTrunkDid", path: []string{trunk}, body: object{"country_code": "US", "number": number}}).id()
}

// published makes a complete agent on a number of a trunk, publishes it, and returns the ids of agent, trunk and number.
func (h *house) published(direction parley.Direction, number string) (agent, trunk, did string) {
	h.t.Helper()
	trunk = h.newTrunk()
	did = h.did(trunk, number)
	agent = h.agent(object{"direction": direction, "phone_number_ids": []string{did}})
	h.must(request{op: "updateAgentVoice", path: []string{agent}, body: voiceBody(nil)})
	h.must(request{op: "publishAgent", path: []string{agent}})
	return agent, trunk, did
}

// delayed orders a call an hour from now: it is open and nothing happens to it.
func (h *house) delayed(agent string) string {
	h.t.Helper()
	return h.must(request{op: "makeCall", path: []string{agent}, body: object{"to": "+12025550177", "delay_seconds": 3600}}).id()
}
