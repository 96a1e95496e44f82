package contract

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestAnAgentThatAnExportHoldsDoesNotExist walks the router: each operation that takes an id of an agent, or of what lies below one, answers to
// its owner as it does to ids of nothing while an export holds the agent. When the export fails, all is there again, as it was.
func TestAnAgentThatAnExportHoldsDoesNotExist(t *testing.T) { onBoth(t, heldAgent) }

func heldAgent(t *testing.T, h *house) {
	w := h.newWorld("held", "47")
	agents := []string{w.ids["agent_id"], w.ids["getCallbackAgent agent_id"]}
	before := dump(h)
	var erasures []string
	for _, id := range agents {
		a := w.send("DELETE", "/api/v1/agents/"+id+"?force=true", w.token, nil, exportMe, "true")
		if a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		erasures = append(erasures, a.data()["erasure_id"].(string))
	}
	walked := 0
	for _, rt := range withIDs(t) {
		names := params(rt.Path)
		if names[0] != "agent_id" && names[0] != "call_id" || rt.ID == "connectCallTransport" { // a call that is up is hung up
			continue
		}
		walked++
		var ids []string
		for _, name := range names {
			ids = append(ids, w.id(rt, name))
		}
		code, _ := codeOf(rt, names[0])
		if a := w.visit(rt, ids, w.tokenFor(rt)); a.status != http.StatusNotFound || a.body["code"] != string(code) {
			t.Errorf("%s of a held agent answers %d %s", rt.ID, a.status, a.raw)
		}
	}
	if walked < 30 {
		t.Errorf("only %d operations were walked", walked)
	}
	for _, list := range []string{"/api/v1/agents", "/api/v1/calls", "/api/v1/agents/callbacks"} {
		for _, row := range w.send("GET", list, w.token, nil).rows() {
			if id := row.(object)["id"].(string); slices.Contains(append(agents, w.ids["call_id"], w.ids["open call"]), id) {
				t.Errorf("%s lists %v", list, row)
			}
		}
	}
	h.room = 10
	for _, id := range erasures {
		if err := h.eraser.HandleExport(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range changes(before, dump(h)) {
		_, row, _ := strings.Cut(line, ": ")
		if table, _, _ := strings.Cut(row, " "); !strings.HasPrefix(table, "river_") && table != "erasures" && table != "sqlite_sequence" {
			t.Errorf("a failed export has changed a row: %s", line)
		}
	}
}
