package contract

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

func TestAgentFromDraftToGone(t *testing.T) {
	h := open(t)
	made := h.must(request{op: "createAgent", body: agentBody(nil)})
	id := made.id()
	d := made.data()
	if d["current_status"] != "draft" || d["voice"] != nil || d["is_ready_to_publish"] != false || len(d["trainings"].([]any)) != 0 {
		t.Errorf("a new agent is %s", made.raw)
	}
	at := []string{id}
	not := h.call(request{op: "publishAgent", path: at})
	h.refused(not, 422, parley.ValidationError)
	for part, missing := range map[string]bool{"knowledge": false, "voice": true, "calling": true} {
		if (not.faults(part) != "") != missing {
			t.Errorf("publish without voice and number says of %s: %q", part, not.faults(part))
		}
	}
	did := h.did(h.newTrunk(), "+12025550143")
	h.must(request{op: "updateAgentCalling", path: at, body: object{"direction": "inbound", "phone_number_ids": []string{did}}})
	v := h.must(request{op: "updateAgentVoice", path: at, body: voiceBody(object{"ambient_background": "office"})}).data()["voice"].(object)
	if v["id"] == "rose" || v["template"].(object)["id"] != "rose" || v["ambient_background"] != "office" || v["ambient_volume"] != 1.0 {
		t.Errorf("voice %v", v)
	}
	if got := h.must(request{op: "publishAgent", path: at}).data()["current_status"]; got != "published" {
		t.Errorf("published agent is %v", got)
	}
	again := h.must(request{op: "publishAgent", path: at}).data()
	if h.must(request{op: "getAgent", path: at}).data()["updated_at"] != again["updated_at"] {
		t.Error("publishing again changed the agent")
	}
	h.refused(h.call(request{op: "deleteAgent", path: at}), 409, parley.AgentIsPublished)
	h.must(request{op: "unpublishAgent", path: at})
	h.must(request{op: "unpublishAgent", path: at})
	gone := h.must(request{op: "deleteAgent", path: at})
	if gone.data()["erasure_id"] == nil {
		t.Errorf("no erasure in %s", gone.raw)
	}
	h.refused(h.call(request{op: "deleteAgent", path: at}), 404, parley.AgentNotFound)
	receipt := h.send("GET", "/api/v1/erasures/"+gone.data()["erasure_id"].(string), h.token, nil)
	if receipt.status != 200 || receipt.data()["agent_id"] != id || receipt.data()["state"] != "running" {
		t.Errorf("receipt %d %s", receipt.status, receipt.raw)
	}
	h.refused(h.send("GET", "/api/v1/erasures/nothing", h.token, nil), 404, parley.ErasureNotFound)
	if n := len(h.must(request{op: "listPhoneNumbers"}).rows()); n != 1 {
		t.Errorf("%d numbers after the deletion, want the one", n)
	}
}

func TestOpenCallComesBeforePublished(t *testing.T) {
	h := open(t)
	agent, _, _ := h.published(parley.Outbound, "+12025550143")
	call := h.delayed(agent)
	h.refused(h.call(request{op: "deleteAgent", path: []string{agent}}), 409, parley.AgentHasActiveCalls)
	h.must(request{op: "endCall", path: []string{agent}, body: object{"call_sid": call}})
	h.refused(h.call(request{op: "deleteAgent", path: []string{agent}}), 409, parley.AgentIsPublished)
}

func TestChangesTakeAnAgentBackToDraft(t *testing.T) {
	h := open(t)
	agent, _, _ := h.published(parley.Outbound, "+12025550143")
	at := []string{agent}
	training := h.must(request{op: "upsertTraining", path: at, body: object{"subject": "a", "instructions": "b"}}).id()
	action := h.must(request{op: "upsertAction", path: at, body: actionBody(nil)}).id()
	for _, c := range []struct {
		name  string
		draft bool
		r     request
	}{
		{"knowledge", true, request{op: "updateAgentKnowledge", path: at, body: knowledgeBody(nil)}},
		{"voice", true, request{op: "updateAgentVoice", path: at, body: voiceBody(nil)}},
		{"calling", true, request{op: "updateAgentCalling", path: at, body: object{"direction": "outbound"}}},
		{"a training", true, request{op: "upsertTraining", path: at, body: object{"subject": "a", "instructions": "b"}}},
		{"an action", true, request{op: "upsertAction", path: at, body: actionBody(nil)}},
		{"an action's deletion", true, request{op: "deleteAction", path: []string{agent, action}}},
		{"a training's deletion", true, request{op: "deleteTraining", path: []string{agent, training}}},
		{"the flow", false, request{op: "updateAgentFlow", path: at, body: flowBody(nil)}},
		{"advanced settings", false, request{op: "updateAgentAdvancedSettings", path: at, body: object{"enable_initial_message_cache": false}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.must(request{op: "publishAgent", path: at})
			h.must(c.r)
			d := h.must(request{op: "getAgent", path: at}).data()
			if (d["current_status"] == "draft") != c.draft || d["is_ready_to_publish"] != true {
				t.Errorf("status %v, ready %v", d["current_status"], d["is_ready_to_publish"])
			}
		})
	}
}

func TestKnowledge(t *testing.T) {
	h := open(t)
	at := []string{h.agent(object{"initial_message": "Good morning!"})}
	kept := h.must(request{op: "updateAgentKnowledge", path: at, body: knowledgeBody(nil)}).data()
	if kept["initial_message"] != "Good morning!" || kept["description"] != "You answer the phone of a garage." || kept["llm_temperature"] != 0.5 {
		t.Errorf("after an update without it: %v", kept["initial_message"])
	}
	h.must(request{op: "updateAgentKnowledge", path: at, body: knowledgeBody(object{"initial_message": "Welcome!", "engine": "polyglot"})})
	if d := h.must(request{op: "getAgent", path: at}).data(); d["initial_message"] != "Welcome!" || d["engine"] != "polyglot" {
		t.Errorf("initial message %v, engine %v", d["initial_message"], d["engine"])
	}
	body := knowledgeBody(object{"initial_message": (*string)(nil), "llm_temperature": 0})
	if d := h.must(request{op: "updateAgentKnowledge", path: at, body: body}).data(); d["initial_message"] != nil || d["llm_temperature"] != 0.0 {
		t.Errorf("after null: %v", d["initial_message"])
	}
	if a := h.call(request{op: "updateAgentKnowledge", path: at, body: knowledgeBody(object{"engine": "x"})}); !strings.Contains(a.faults("engine"), "polyglot") {
		t.Errorf("an unknown engine: %s", a.raw)
	}
}

func TestVoice(t *testing.T) {
	h := open(t)
	at := []string{h.agent(nil)}
	set := func(change object) answer {
		return h.call(request{op: "updateAgentVoice", path: at, body: voiceBody(change)})
	}
	h.refused(set(object{"voice_id": "nobody"}), 404, parley.VoiceNotFound)
	if a := set(object{"voice_id": "fine"}); a.faults("similarity") != "The similarity field is required." || a.faults("stability") == "" {
		t.Errorf("high fidelity without its fields: %s", a.raw)
	}
	outOfRange := set(object{"voice_id": "fine", "similarity": 0.4, "stability": 1.1})
	if outOfRange.faults("similarity") != "The similarity must be at least 0.5 and less than 1." || outOfRange.faults("stability") == "" {
		t.Errorf("similarity out of range: %s", outOfRange.raw)
	}
	if v := set(object{"voice_id": "fine", "similarity": 1, "stability": 0.5}).data()["voice"].(object); v["similarity_boost"] != 1.0 || v["stability"] != 0.5 {
		t.Errorf("similarity of 1: %v", v)
	}
	if v := set(object{"similarity": 0.9}).data()["voice"].(object); v["similarity_boost"] != nil {
		t.Errorf("a basic voice takes similarity: %v", v)
	}
	if a := set(object{"language": "pt-BR"}); a.faults("language") != "The selected language is invalid." {
		t.Errorf("a language that the template does not speak: %s", a.raw)
	}
	if d := set(object{"voice_id": "rose-pt", "language": "pt-BR"}).data(); d["language"] != "pt-BR" {
		t.Errorf("language %v", d["language"])
	}
	a := h.call(request{op: "publishAgent", path: at})
	for _, field := range []string{"language", "voice"} {
		if !strings.Contains(a.faults(field), "pt-BR") || !strings.Contains(a.faults(field), "en-US") {
			t.Errorf("publishing what the engine cannot do says of %s: %q", field, a.faults(field))
		}
	}
}

func TestCalling(t *testing.T) {
	h := open(t)
	did := h.did(h.newTrunk(), "+12025550143")
	agent := h.agent(object{"phone_number_ids": []string{did}})
	numbers := func(body object) int {
		t.Helper()
		return len(h.must(request{op: "updateAgentCalling", path: []string{agent}, body: body}).data()["phone_numbers"].([]any))
	}
	if n := numbers(object{"direction": "outbound"}); n != 1 {
		t.Errorf("left out, %d numbers remain", n)
	}
	if n := numbers(object{"direction": "outbound", "phone_number_ids": []string{}}); n != 0 {
		t.Errorf("an empty list leaves %d numbers", n)
	}
	stranger := h.newToken("other")
	a := h.call(request{op: "createAgent", token: stranger, body: agentBody(object{"phone_number_ids": []string{did}})})
	if a.faults("phone_number_ids") != "The selected phone number ids are invalid." {
		t.Errorf("a number of another environment: %s", a.raw)
	}
}

func TestInitialMessageCacheNeedsVolume(t *testing.T) {
	h := open(t)
	agent := h.agent(nil)
	on := request{op: "updateAgentAdvancedSettings", path: []string{agent}, body: object{"enable_initial_message_cache": true}}
	env := h.must(request{op: "identifyToken"}).data()["environment_id"].(string)
	h.fillCalls(env, agent, 699, false)
	h.fillCalls(env, agent, 50, true)
	a := h.call(on)
	h.refused(a, 422, parley.OptimizedNotEligible)
	if d := a.body["details"].(object); d["current_calls"] != 699.0 || d["required_calls"] != 700.0 || d["threshold_days"] != 7.0 {
		t.Errorf("details %v", d)
	}
	h.fillCalls(env, agent, 1, false)
	if d := h.must(on).data(); d["advanced_settings"].(object)["enable_initial_message_cache"] != true {
		t.Errorf("after 700 calls: %v", d["advanced_settings"])
	}
	h.must(request{op: "updateAgentAdvancedSettings", path: []string{agent}})
}

// fillCalls adds finished outbound calls of an agent.
func (h *house) fillCalls(env, agent string, n int, testing bool) {
	h.t.Helper()
	h.update(func(ctx context.Context, tx store.Tx) error {
		for range n {
			at := parley.Stamp(time.Now())
			c := &parley.Call{
				ID: parley.NewID(), EnvironmentID: env, AgentID: agent, SID: parley.NewID(), To: "+12025550177", From: "+12025550143",
				Direction: parley.Outbound, Transport: parley.TransportSIP, Status: parley.CallCompleted, Testing: testing,
				CreatedAt: at, UpdatedAt: at, EndedAt: &at,
			}
			if err := tx.InsertCall(ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestTrainings(t *testing.T) {
	h := open(t)
	agent := h.agent(nil)
	at := []string{agent}
	put := func(b object) object { return h.must(request{op: "upsertTraining", path: at, body: b}).data() }
	first := put(object{"subject": "a", "instructions": "b", "node_id": "n1"})
	second := put(object{"subject": "c", "instructions": "d", "node_id": "n1", "current_status": "inactive"})
	if first["id"] != second["id"] || second["subject"] != "c" || second["current_status"] != "inactive" || second["node_id"] != "n1" {
		t.Errorf("upsert by node id made %v of %v", second, first)
	}
	if put(object{"subject": "a", "instructions": "b"})["id"] == put(object{"subject": "a", "instructions": "b"})["id"] {
		t.Error("without a node id both are one")
	}
	if n := len(h.must(request{op: "listTrainings", path: at}).rows()); n != 3 {
		t.Errorf("%d trainings, want 3", n)
	}
	h.must(request{op: "deleteTraining", path: []string{agent, first["id"].(string)}})
	h.refused(h.call(request{op: "deleteTraining", path: []string{agent, first["id"].(string)}}), 404, parley.TrainingNotFound)
}

func TestAgentsList(t *testing.T) {
	h := open(t)
	for _, name := range []string{"One", "Two", "Three"} {
		h.agent(object{"name": name, "label": "L-" + name, "direction": map[bool]string{true: "inbound", false: "outbound"}[name == "One"]})
	}
	for _, c := range []struct {
		query string
		n     int
		first string
	}{
		{"", 3, "Three"}, {"?search=tw", 1, "Two"}, {"?search=l-th", 1, "Three"}, {"?direction=inbound", 1, "One"}, {"?status=published", 0, ""},
		{"?per_page=2", 2, "Three"}, {"?per_page=2&page=2", 1, "One"}, {"?page=9", 0, ""}, {"?search=%25", 0, ""}, {"?unknown=1", 3, "Three"},
	} {
		t.Run(c.query, func(t *testing.T) {
			a := h.must(request{op: "listAgents", query: c.query})
			if len(a.rows()) != c.n || c.n > 0 && a.rows()[0].(object)["name"] != c.first {
				t.Errorf("%d rows, want %d with %s first: %s", len(a.rows()), c.n, c.first, a.raw)
			}
		})
	}
	m := h.must(request{op: "listAgents", query: "?per_page=2"}).body["meta"].(object)
	if m["total"] != 3.0 || m["last_page"] != 2.0 || m["per_page"] != 2.0 || m["current_page"] != 1.0 || len(m) != 4 {
		t.Errorf("meta %v", m)
	}
}
