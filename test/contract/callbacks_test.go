package contract

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// callbackAgent makes an inbound agent that takes the callbacks of others, and returns its id.
func (h *house) callbackAgent(sources ...string) string {
	h.t.Helper()
	agent := h.agent(nil)
	h.must(request{op: "setAgentCallback", path: []string{agent}, body: object{"source_agent_ids": sources}})
	return agent
}

// ids are those of rows, in their order.
func ids(rows []any) (list []string) {
	for _, r := range rows {
		list = append(list, r.(object)["id"].(string))
	}
	return list
}

func TestACallbackRoleIsGivenChangedAndTaken(t *testing.T) { onBoth(t, callbackRole) }

func callbackRole(t *testing.T, h *house) {
	in, _, _ := h.published(parley.Inbound, "+12025550170")
	a, b := h.agent(object{"direction": "outbound"}), h.agent(object{"direction": "outbound"})
	at := []string{in}
	config := func() any { return h.must(request{op: "getAgent", path: at}).data()["callback_config"] }
	wantConfig := func(rule string, got any, triggers []any, sources ...any) {
		t.Helper()
		want := object{"source_agent_ids": append([]any{}, sources...), "callback_trigger_statuses": triggers}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", rule, got, want)
		}
	}
	if config() != nil {
		t.Error("an agent begins with the role")
	}
	set := h.must(request{op: "setAgentCallback", path: at, body: object{
		"source_agent_ids": []string{b, a, b}, "callback_trigger_statuses": []string{"no-answer", "busy"},
	}}).data()
	wantConfig("set", set["callback_config"], []any{"no-answer", "busy"}, b, a)
	if set["current_status"] != "published" || set["name"] != "Rose" {
		t.Errorf("set returns %v", set)
	}
	h.must(request{op: "updateAgentCallback", path: at, body: object{"source_agent_ids": []string{a}}})
	wantConfig("sources replaced, triggers kept", config(), []any{"no-answer", "busy"}, a)
	h.must(request{op: "updateAgentCallback", path: at, body: object{"source_agent_ids": []string{b}, "callback_trigger_statuses": []string{}}})
	wantConfig("both replaced", config(), []any{}, b)
	h.must(request{op: "setAgentCallback", path: at, body: object{"source_agent_ids": []string{a}}})
	wantConfig("set anew", config(), []any{}, a)

	if got := ids(h.must(request{op: "listCallbackAgents"}).rows()); !slices.Equal(got, []string{in}) {
		t.Errorf("callback agents %v", got)
	}
	one := h.must(request{op: "getCallbackAgent", path: at}).data()
	if one["agent"].(object)["id"] != in || !slices.Equal(ids(one["source_agents"].([]any)), []string{a}) {
		t.Errorf("one %v", one)
	}
	h.must(request{op: "deleteAgent", path: []string{a}})
	wantConfig("a source that is deleted leaves the list", config(), []any{})
	h.must(request{op: "removeAgentCallback", path: at})
	if left := h.must(request{op: "getAgent", path: at}).data(); left["callback_config"] != nil || left["current_status"] != "published" {
		t.Errorf("without the role: %v", left)
	}
	if got := h.must(request{op: "listCallbackAgents"}).rows(); len(got) != 0 {
		t.Errorf("callback agents %v", got)
	}
}

func TestSourcesOfACallbackAgentAreOutboundAgentsOfItsEnvironment(t *testing.T) {
	h := open(t)
	in, out := h.agent(nil), h.agent(object{"direction": "outbound"})
	h.token = h.newToken("other")
	foreign := h.agent(object{"direction": "outbound"})
	h.token = h.newToken("test")
	for _, op := range []string{"setAgentCallback", "updateAgentCallback"} {
		h.callOn(in, out)
		for _, c := range []struct {
			rule   string
			body   object
			errors object
		}{
			{"no list", object{}, object{"source_agent_ids": []any{"The source agent ids field is required."}}},
			{"an empty list", object{"source_agent_ids": []string{}}, object{"source_agent_ids": []any{"The source agent ids field must contain at least 1 items."}}},
			{"no array", object{"source_agent_ids": out}, object{"source_agent_ids": []any{"The source agent ids must be an array."}}},
			{"an unknown outcome", object{"source_agent_ids": []string{out}, "callback_trigger_statuses": []string{"busy", "gone"}},
				object{"callback_trigger_statuses.1": []any{"The selected callback trigger statuses.1 is invalid."}}},
			{"agents that cannot be sources", object{"source_agent_ids": []string{out, in, "nothing", foreign}}, object{
				"source_agent_ids.1": []any{"The selected source agent ids.1 is invalid."}, "source_agent_ids.2": []any{"The selected source agent ids.2 is invalid."},
				"source_agent_ids.3": []any{"The selected source agent ids.3 is invalid."},
			}},
			{"very many", object{"source_agent_ids": slices.Repeat([]string{out}, 201)},
				object{"source_agent_ids": []any{"The source agent ids field must not have more than 200 items."}}},
		} {
			a := h.call(request{op: op, path: []string{in}, body: c.body})
			h.refused(a, 422, parley.ValidationError)
			if !reflect.DeepEqual(a.body["errors"], c.errors) {
				t.Errorf("%s, %s: %v, want %v", op, c.rule, a.body["errors"], c.errors)
			}
		}
	}
	h.token = h.newToken("other")
	if list := h.must(request{op: "listCallbackAgents"}).rows(); len(list) != 0 {
		t.Errorf("another environment sees %v", list)
	}
	h.refused(h.call(request{op: "getCallbackAgent", path: []string{in}}), 404, parley.AgentNotFound)
}

// callOn gives an agent the callback role for a source.
func (h *house) callOn(agent, source string) {
	h.must(request{op: "setAgentCallback", path: []string{agent}, body: object{"source_agent_ids": []string{source}}})
}

func TestOnlyPublishedOutboundAgentsAreOfferedAsSources(t *testing.T) {
	h := open(t)
	out, _, _ := h.published(parley.Outbound, "+12025550171")
	h.published(parley.Inbound, "+12025550172")
	h.agent(object{"direction": "outbound"})
	if got := ids(h.must(request{op: "listCallbackSourceAgents"}).rows()); !slices.Equal(got, []string{out}) {
		t.Errorf("sources %v, want %s", got, out)
	}
}

func TestACallbackRoleIsCheckedWithoutBeingGiven(t *testing.T) {
	h := open(t)
	in, draft := h.agent(nil), h.agent(object{"direction": "outbound"})
	out, _, _ := h.published(parley.Outbound, "+12025550173")
	const direction = "Agent must have direction=inbound to serve as a callback"
	for _, c := range []struct {
		rule, agent string
		body        object
		errors      []any
	}{
		{"all is well", in, object{"is_callback_agent": true, "callback_source_agents": []string{out}}, nil},
		{"the other name of the list", in, object{"source_agent_ids": []string{out}, "callback_trigger_statuses": []string{"no_answer"}}, nil},
		{"no role, no rules", out, object{"is_callback_agent": false}, nil},
		{"no sources", in, object{}, []any{"At least one source agent is required"}},
		{"an outbound agent", draft, object{"callback_source_agents": []string{out}}, []any{direction}},
		{"every fault at once", out, object{"callback_source_agents": []string{"nothing", draft}, "source_agent_ids": []string{in}}, []any{
			direction, "Source agent nothing not found", "Source agent " + draft + " must be published",
			"Source agent " + in + " must have direction=outbound", "Source agent " + in + " must be published",
		}},
	} {
		a := h.call(request{op: "checkCallbackConstraints", path: []string{c.agent}, body: c.body})
		want := object{"success": true, "message": "Configuration is valid"}
		if c.errors != nil {
			want = object{"success": false, "message": "Configuration has errors", "code": "VALIDATION_ERROR", "errors": c.errors}
		}
		if a.status != 200 || !reflect.DeepEqual(a.body, want) {
			t.Errorf("%s: %d %s", c.rule, a.status, a.raw)
		}
	}
	if list := h.must(request{op: "listCallbackAgents"}).rows(); len(list) != 0 {
		t.Errorf("a check gave the role: %v", list)
	}
}

func TestCallbackTotalsAreThoseOfDaysAndSources(t *testing.T) { onBoth(t, callbackTotals) }

func callbackTotals(t *testing.T, h *house) {
	a, b := h.agent(object{"direction": "outbound", "name": "Ada"}), h.agent(object{"direction": "outbound", "name": "Bob"})
	in := h.callbackAgent(a, b)
	today := time.Now().UTC().Truncate(24 * time.Hour)
	h.returned(in, &parley.Callback{CallID: "c1", SourceID: a}, today, false)
	h.returned(in, &parley.Callback{CallID: "c2", SourceID: b}, today, true)
	h.returned(in, &parley.Callback{CallID: "c3", SourceID: b}, today.AddDate(0, 0, -30), true)
	h.returned(in, &parley.Callback{CallID: "c4", SourceID: "deleted"}, today, true)
	h.returned(in, &parley.Callback{}, today, true)
	h.returned(in, &parley.Callback{CallID: "c5", SourceID: a}, today.AddDate(0, 0, -31), true)
	h.returned(in, nil, today, true)
	day := func(n int) string { return today.AddDate(0, 0, n).Format(time.DateOnly) }
	source := func(id, name string, n float64) any { return object{"source_agent_id": id, "name": name, "count": n} }
	for _, c := range []struct {
		rule, query string
		want        object
	}{
		{"the last 30 days when nothing is said", "", object{
			"period": object{"start": day(-30), "end": day(0)}, "total_callbacks_received": 5.0, "callbacks_answered": 4.0, "callbacks_unmatched": 1.0,
			"callbacks_by_source_agent": []any{source(b, "Bob", 2), source(a, "Ada", 1)},
		}},
		{"days are inclusive", "?start_date=" + day(-31) + "&end_date=" + day(-30), object{
			"period": object{"start": day(-31), "end": day(-30)}, "total_callbacks_received": 2.0, "callbacks_answered": 2.0, "callbacks_unmatched": 0.0,
			"callbacks_by_source_agent": []any{source(a, "Ada", 1), source(b, "Bob", 1)},
		}},
	} {
		got := h.must(request{op: "getCallbackStats", query: c.query}).data()
		if c.query != "" { // of equal counts either may come first
			slices.SortFunc(got["callbacks_by_source_agent"].([]any), func(a, b any) int {
				return strings.Compare(a.(object)["name"].(string), b.(object)["name"].(string))
			})
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n got %v\nwant %v", c.rule, got, c.want)
		}
	}
	back := h.call(request{op: "getCallbackStats", query: "?start_date=" + day(0) + "&end_date=" + day(-1)})
	h.refused(back, 422, parley.ValidationError)
	if text := fmt.Sprint(back.body["errors"]); !strings.Contains(text, "The end date must be a date after or equal to start date.") {
		t.Errorf("errors %s", text)
	}
	stats := h.must(request{op: "getCallbackAgent", path: []string{in}}).data()["stats"]
	if want := (object{"total_callbacks_received": 6.0, "callbacks_answered": 5.0, "callbacks_unmatched": 1.0}); !reflect.DeepEqual(stats, want) {
		t.Errorf("stats of the agent: %v, want %v", stats, want)
	}
	h.token = h.newToken("other")
	if got := h.must(request{op: "getCallbackStats"}).data(); got["total_callbacks_received"] != 0.0 {
		t.Errorf("another environment sees %v", got)
	}
}

// returned writes an inbound call of an agent.
func (h *house) returned(agentID string, back *parley.Callback, at time.Time, answered bool) {
	h.t.Helper()
	h.update(func(ctx context.Context, tx store.Tx) error {
		a, err := tx.Agent(ctx, "", agentID)
		if err != nil {
			return err
		}
		c := &parley.Call{
			ID: parley.NewID(), EnvironmentID: a.EnvironmentID, AgentID: a.ID, Direction: parley.Inbound, Status: parley.CallCompleted,
			From: "+12025550177", To: "+12025550170", Callback: back, CreatedAt: at,
		}
		if answered {
			c.AnsweredAt = &at
		}
		return tx.InsertCall(ctx, c)
	})
}

func TestAPreviewNamesTheCallbackAgentsThatLoseASource(t *testing.T) {
	h := open(t)
	out := h.agent(object{"direction": "outbound"})
	in := h.callbackAgent(out)
	look := func(agent string) object {
		return h.send("GET", "/api/v1/agents/"+agent+"/deletion-preview", h.token, nil).data()
	}
	if got := ids(look(out)["callback_agents"].([]any)); !slices.Equal(got, []string{in}) {
		t.Errorf("touched: %v", got)
	}
	own := slices.ContainsFunc(look(in)["places"].([]any), func(p any) bool {
		return p.(object)["name"] == "callback_role" && p.(object)["items"] == 1.0
	})
	if !own {
		t.Error("the agent's own role is not named")
	}
}

// TestWhatACallReturnsGoesWithTheCallThatIsReturned: nothing of it is copied, so that an erasure of the source leaves nothing here.
func TestWhatACallReturnsGoesWithTheCallThatIsReturned(t *testing.T) {
	h := open(t)
	out := h.agent(object{"direction": "outbound", "name": "Ada"})
	in := h.callbackAgent(out)
	earlier := h.finished(out, time.Now().Add(-time.Hour), 0, parley.CallNoAnswer, false)
	h.returned(in, &parley.Callback{CallID: earlier.ID, SourceID: out}, time.Now(), true)
	h.returned(in, &parley.Callback{}, time.Now().Add(time.Second), true)
	rows := h.must(request{op: "listAgentCalls", path: []string{in}}).rows()
	back := func(row int) object {
		return h.send("GET", "/api/v1/calls/"+rows[row].(object)["id"].(string), h.token, nil).data()["callback"].(object)
	}
	if b := back(1); b["matched"] != true || b["call_id"] != earlier.ID || b["outcome"] != "no_answer" || b["source_agent"].(object)["name"] != "Ada" {
		t.Errorf("matched: %v", b)
	}
	if b := back(0); b["matched"] != false || b["call_id"] != nil || b["outcome"] != nil {
		t.Errorf("unmatched: %v", b)
	}
	h.must(request{op: "deleteAgent", path: []string{out}})
	want := object{"matched": true, "call_id": nil, "source_agent": nil, "outcome": nil, "called_at": nil, "payload": nil, "context": nil}
	if b := back(1); !reflect.DeepEqual(b, want) {
		t.Errorf("after the source was deleted: %v", b)
	}
}
