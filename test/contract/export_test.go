package contract

import (
	"archive/tar"
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/parley-voice/parley"
)

const exportMe = "Parley-Export"

// exported deletes an agent with an export that is ready.
func (h *house) exported() (erasureID, token string) {
	h.t.Helper()
	gone := h.must(request{op: "deleteAgent", path: []string{h.agent(nil)}, headers: []string{exportMe, "true"}}).data()
	id := gone["erasure_id"].(string)
	if err := h.eraser.HandleExport(h.t.Context(), id); err != nil {
		h.t.Fatal(err)
	}
	return id, gone["export"].(object)["token"].(string)
}

func TestADeletionWithExportIsRefusedAsOthersAre(t *testing.T) {
	h := open(t)
	agent, _, _ := h.published(parley.Outbound, "+12025550163")
	path := "/api/v1/agents/" + agent
	remove := func(query, token string) answer { return h.send("DELETE", path+query, token, nil, exportMe, "true") }
	call := h.delayed(agent)
	h.refused(remove("", h.token), 409, parley.AgentHasActiveCalls)
	h.must(request{op: "endCall", path: []string{agent}, body: object{"call_sid": call}})
	h.refused(remove("", h.token), 409, parley.AgentIsPublished)
	h.refused(remove("?force=true", h.newToken("test", parley.WriteAgents, parley.ReadAgents, parley.ReadCalls)), 403, parley.Unauthorized)
	h.refused(remove("?force=true", h.newToken("test", parley.WriteAgents, parley.ForceDeleteAgents, parley.ReadAgents)), 403, parley.Unauthorized)
	h.refused(h.send("DELETE", "/api/v1/agents/nothing", h.token, nil, exportMe, "true"), 404, parley.AgentNotFound)
	if a := remove("?force=true", h.token); a.status != 200 || a.body["message"] != "Agent deleted successfully" || a.data()["export"] == nil {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	h.refused(remove("?force=true", h.token), 404, parley.AgentNotFound)
	h.refused(h.send("GET", path, h.token, nil), 404, parley.AgentNotFound)
	h.refused(h.send("GET", "/api/v1/calls/"+call, h.token, nil), 404, parley.CallNotFound)
	other := h.send("DELETE", "/api/v1/agents/"+h.agent(nil), h.token, nil, exportMe, "yes")
	if _, packed := other.data()["export"]; packed || other.status != 200 {
		t.Errorf("another word than true: %s", other.raw)
	}
}

func TestAnArchiveIsFetchedByItsOwnTokenOnly(t *testing.T) {
	h := open(t)
	agent := h.agent(object{"name": "Violet"})
	gone := h.must(request{op: "deleteAgent", path: []string{agent}, headers: []string{exportMe, "true"}}).data()
	order := gone["export"].(object)
	id, token := gone["erasure_id"].(string), order["token"].(string)
	path := "/api/v1/erasures/" + id + "/export"
	if order["url"] != h.url+path || order["expires_at"] != nil {
		t.Errorf("order %v", order)
	}
	get := func(token string, headers ...string) answer { return h.send("GET", path, token, nil, headers...) }
	h.refused(get(token), 409, parley.ExportNotReady)
	h.refused(h.send("DELETE", path, h.token, nil), 409, parley.ExportNotReady)
	if err := h.eraser.HandleExport(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	for name, wrong := range map[string]string{"the environment's token": h.token, "none": "", "another export's": "parley_export_x"} {
		if a := get(wrong); a.status != 404 || a.body["code"] != string(parley.ExportNotFound) {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	h.refused(h.send("GET", "/api/v1/agents", token, nil), 401, parley.InvalidToken)
	whole := get(token)
	if whole.status != http.StatusOK || whole.header.Get("Content-Type") != "application/x-tar" {
		t.Fatalf("%d %v", whole.status, whole.header)
	}
	first, err := tar.NewReader(bytes.NewReader(whole.raw)).Next()
	if err != nil || first.Name != "agent.json" || !bytes.Contains(whole.raw, []byte("Violet")) {
		t.Errorf("%v, %v", first, err)
	}
	part := get(token, "Range", "bytes=257-261", "If-Range", whole.header.Get("ETag"))
	if part.status != http.StatusPartialContent || string(part.raw) != "ustar" {
		t.Errorf("a range: %d %q", part.status, part.raw)
	}
	receipt := h.send("GET", "/api/v1/erasures/"+id, h.token, nil).data()
	export := receipt["export"].(object)
	if receipt["state"] != "running" || export["state"] != "ready" || export["expires_at"] == nil || export["bytes"] != float64(len(whole.raw)) {
		t.Errorf("receipt %v", receipt)
	}
	h.ends(path, token)
}

// ends removes an archive before its time.
func (h *house) ends(path, token string) {
	h.t.Helper()
	h.refused(h.send("DELETE", path, h.newToken("test", parley.ReadErasures), nil), 403, parley.Unauthorized)
	h.refused(h.send("DELETE", path, token, nil), 401, parley.InvalidToken)
	if a := h.send("DELETE", path, h.token, nil); a.status != 200 || a.body["message"] != "Export deleted successfully" {
		h.t.Errorf("%d %s", a.status, a.raw)
	}
	h.refused(h.send("GET", path, token, nil), 410, parley.ExportGone)
	h.refused(h.send("DELETE", path, h.token, nil), 410, parley.ExportGone)
}

func TestAnExportThatFailsSaysSo(t *testing.T) {
	h := open(t)
	agent := h.agent(nil)
	look := func() object {
		return h.send("GET", "/api/v1/agents/"+agent+"/deletion-preview", h.token, nil).data()["export"].(object)
	}
	if room := look(); room["possible"] != true || room["bytes"].(float64) <= 0 || room["free_bytes"] != float64(h.room) {
		t.Errorf("preview %v", room)
	}
	h.room = 10
	if room := look(); room["possible"] != false {
		t.Errorf("preview %v", room)
	}
	gone := h.must(request{op: "deleteAgent", path: []string{agent}, headers: []string{exportMe, "true"}}).data()
	id := gone["erasure_id"].(string)
	if list := h.send("GET", "/api/v1/erasures?state=exporting", h.token, nil); len(list.rows()) != 1 {
		t.Errorf("receipts %s", list.raw)
	}
	if err := h.eraser.HandleExport(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	receipt := h.send("GET", "/api/v1/erasures/"+id, h.token, nil).data()
	export := receipt["export"].(object)
	if fault, _ := export["fault"].(string); receipt["state"] != "failed" || export["state"] != "failed" || !strings.Contains(fault, "room") {
		t.Errorf("receipt %v", receipt)
	}
	if a := h.send("GET", "/api/v1/agents/"+agent, h.token, nil); a.status != 200 {
		t.Errorf("the agent answers %d", a.status)
	}
	token := gone["export"].(object)["token"].(string)
	h.refused(h.send("GET", "/api/v1/erasures/"+id+"/export", token, nil), 404, parley.ExportNotFound)
	h.refused(h.send("DELETE", "/api/v1/erasures/"+id+"/export", h.token, nil), 404, parley.ExportNotFound)
}
