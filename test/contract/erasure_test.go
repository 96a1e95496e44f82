package contract

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/secrets"
)

func TestAPreviewSaysWhatADeletionWouldDo(t *testing.T) {
	h := open(t)
	agent, _, _ := h.published(parley.Outbound, "+12025550160")
	h.must(request{op: "upsertTraining", path: []string{agent}, body: object{"subject": "a", "instructions": "b"}})
	h.must(request{op: "publishAgent", path: []string{agent}})
	h.delayed(agent)
	look := func() object { return h.send("GET", "/api/v1/agents/"+agent+"/deletion-preview", h.token, nil).data() }
	p := look()
	var codes []string
	for _, b := range p["blockers"].([]any) {
		codes = append(codes, b.(object)["code"].(string))
		if b.(object)["remedy"] == "" {
			t.Errorf("no remedy: %v", b)
		}
	}
	if len(codes) != 2 || codes[0] != "AGENT_HAS_ACTIVE_CALLS" || codes[1] != "AGENT_IS_PUBLISHED" || p["deletable"] != false {
		t.Errorf("blockers %v of %v", codes, p)
	}
	items := map[string]any{}
	for _, place := range p["places"].([]any) {
		items[place.(object)["name"].(string)] = place.(object)["items"]
	}
	if items["agent"] != 1.0 || items["trainings"] != 1.0 || items["flow_versions"] != 0.0 ||
		items["calls"] != 1.0 || items["jobs"] != 1.0 || items["transcripts"] != 0.0 {
		t.Errorf("items %v", items)
	}
	if numbers := p["phone_numbers"].([]any); len(numbers) != 1 {
		t.Errorf("numbers %v", numbers)
	}
	if again := look(); len(again["blockers"].([]any)) != 2 {
		t.Error("looking changed something")
	}
	if a := h.send("GET", "/api/v1/agents/nothing/deletion-preview", h.token, nil); a.status != 404 {
		t.Errorf("of nothing: %d", a.status)
	}
}

func TestForceDeletesInOneOperation(t *testing.T) {
	h := open(t)
	agent, _, _ := h.published(parley.Outbound, "+12025550161")
	call := h.delayed(agent)
	path := "/api/v1/agents/" + agent + "?force=true"
	if a := h.send("DELETE", path, h.newToken("test", parley.WriteAgents), nil); a.status != 403 {
		t.Errorf("without the ability: %d %s", a.status, a.raw)
	}
	if a := h.send("DELETE", "/api/v1/agents/"+agent+"?force=yes", h.token, nil); a.status != 409 {
		t.Errorf("another word than true: %d", a.status)
	}
	a := h.send("DELETE", path, h.token, nil)
	if a.status != 200 || a.data()["erasure_id"] == nil {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	if a := h.send("GET", "/api/v1/calls/"+call, h.token, nil); a.status != 404 {
		t.Errorf("its call answers %d", a.status)
	}
	if a := h.send("DELETE", path, h.token, nil); a.status != 404 {
		t.Errorf("deleted twice: %d", a.status)
	}
	list := h.send("GET", "/api/v1/erasures?agent_id="+agent, h.token, nil)
	if rows := list.rows(); len(rows) != 1 || rows[0].(object)["agent_id"] != agent || rows[0].(object)["state"] != "running" {
		t.Errorf("receipts %s", list.raw)
	}
	if a := h.send("GET", "/api/v1/erasures?state=gone", h.token, nil); a.status != 422 {
		t.Errorf("an unknown state: %d", a.status)
	}
	if other := h.send("GET", "/api/v1/erasures", h.newToken("other"), nil); len(other.rows()) != 0 {
		t.Errorf("another environment sees %s", other.raw)
	}
}

func TestAStatementIsVerifiedWithThePublishedKey(t *testing.T) {
	h := open(t)
	agent := h.agent(nil)
	id := h.must(request{op: "deleteAgent", path: []string{agent}}).data()["erasure_id"].(string)
	receipt := h.send("GET", "/api/v1/erasures/"+id, h.token, nil).data()
	keys := h.send("GET", "/.well-known/jwks.json", "", nil)
	if keys.status != http.StatusOK || keys.header.Get("Content-Type") != "application/jwk-set+json" {
		t.Fatalf("keys: %d %s", keys.status, keys.raw)
	}
	payload, err := secrets.Verify(receipt["statement"].(string), keys.raw)
	if err != nil {
		t.Fatal(err)
	}
	var said object
	if err := json.Unmarshal(payload, &said); err != nil || said["erasure_id"] != id || said["agent_id"] != agent {
		t.Errorf("%s, %v", payload, err)
	}
}

func TestErasingACaller(t *testing.T) {
	h := open(t)
	agent, _, _ := h.published(parley.Outbound, "+12025550162")
	call := h.delayed(agent)
	erase := func(token string, body any) answer { return h.send("POST", "/api/v1/erasures", token, body) }
	who := object{"phone_number": "+12025550177"}
	if a := erase(h.token, who); a.status != 409 || a.body["code"] != "CALLER_HAS_ACTIVE_CALLS" {
		t.Errorf("in a call: %d %s", a.status, a.raw)
	}
	h.must(request{op: "endCall", path: []string{agent}, body: object{"call_sid": call}})
	for _, bad := range []any{object{}, object{"phone_number": "177"}} {
		if a := erase(h.token, bad); a.status != 422 {
			t.Errorf("%v: %d", bad, a.status)
		}
	}
	if a := erase(h.newToken("test", parley.ReadErasures), who); a.status != 403 {
		t.Errorf("without the ability: %d", a.status)
	}
	a := erase(h.token, who)
	if a.status != 201 || a.data()["agent_id"] != nil || a.data()["caller_hash"] == nil {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	if a := h.send("GET", "/api/v1/calls/"+call, h.token, nil); a.status != 404 {
		t.Errorf("the call answers %d", a.status)
	}
	if list := h.send("GET", "/api/v1/erasures?phone_number=%2B12025550177", h.token, nil); len(list.rows()) != 1 {
		t.Errorf("found by number: %s", list.raw)
	}
}
