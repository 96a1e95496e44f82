package contract

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/parley-voice/parley"
)

// flowBody saves a graph, with changes to it; a nil value leaves a key out.
func flowBody(change object) object {
	return object{"conversation_mode": "flow_driven", "flow_config": changed(object{
		"initial_node_id": "hello",
		"nodes": []any{
			object{"id": "hello", "type": "say", "content": "Hello <b>& welcome</b>!", "next": "bye"},
			object{"id": "bye", "type": "end"},
		},
	}, change)}
}

func TestFlowIsSavedAndListed(t *testing.T) { onBoth(t, flowIsSavedAndListed) }

func flowIsSavedAndListed(t *testing.T, h *house) {
	at := []string{h.agent(nil)}
	get := func() object { return h.must(request{op: "getAgentFlow", path: at}).data() }
	versions := func() []any {
		return h.must(request{op: "listAgentFlowVersions", path: at}).data()["versions"].([]any)
	}
	if f := get(); f["conversation_mode"] != "llm_driven" || f["flow_config"] != nil || len(versions()) != 0 {
		t.Errorf("a new agent has %v, versions %v", f, versions())
	}
	// What an editor keeps beside the contract's keys comes back: also numbers that a float cannot hold, and in the same order.
	graph := object{
		"meta": object{"name": "n", "version": "2024.1", "zoom": 0.75}, "viewport": object{"x": -12.5, "y": 1e-7},
		"nodes": []any{
			object{"id": "hello", "type": "say", "content": "Oi, tudo bem? 你好 \u2028", "next": "bye", "position": object{"x": 320, "y": -40.25}, "data": object{
				"label": "Grüße", "list": []any{nil, true, 9007199254740993, "<>&", ""},
			}},
			object{"id": "bye", "type": "end", "next": nil},
		},
	}
	saved := h.must(request{op: "updateAgentFlow", path: at, body: flowBody(graph)})
	if saved.body["message"] != nil {
		t.Errorf("a message in %s", saved.raw)
	}
	if !strings.Contains(string(saved.raw), "9007199254740993") {
		t.Errorf("a big number did not survive: %s", saved.raw)
	}
	if got := get(); !reflect.DeepEqual(got, saved.data()) || got["conversation_mode"] != "flow_driven" {
		t.Errorf("saved %v, got %v", saved.data(), got)
	}
	if got, want := get()["flow_config"], plain(flowBody(graph)["flow_config"]); !reflect.DeepEqual(got, want) {
		t.Errorf("sent %v, got %v", want, got)
	}
	h.must(request{op: "updateAgentFlow", path: at, body: flowBody(nil)})
	h.must(request{op: "updateAgentFlow", path: at, body: object{"conversation_mode": "llm_driven", "flow_config": flowBody(nil)["flow_config"]}})
	if f := get(); f["conversation_mode"] != "llm_driven" || f["flow_config"] != nil {
		t.Errorf("led by the model: %v", f)
	}
	var names, current []string
	list := versions()
	for _, v := range list {
		v := v.(object)
		names = append(names, v["version"].(string))
		if v["is_current"] == true {
			current = append(current, v["version"].(string))
		}
	}
	if !slices.Equal(names, []string{"3", "2", "2024.1"}) || !slices.Equal(current, []string{"3"}) {
		t.Errorf("versions %v, current %v", names, current)
	}
	if newest := list[0].(object); newest["conversation_mode"] != "llm_driven" || newest["flow_config"] != nil {
		t.Errorf("the newest version is %v", newest)
	}
	oldest := list[2].(object)
	if !reflect.DeepEqual(oldest["flow_config"], saved.data()["flow_config"]) {
		t.Errorf("the first version holds %v", oldest["flow_config"])
	}
	h.must(request{op: "updateAgentFlow", path: at, body: object{"conversation_mode": "flow_driven", "flow_config": oldest["flow_config"]}})
	if v := versions()[0].(object); v["version"] != "2024.1" || v["is_current"] != true || v["id"] == oldest["id"] {
		t.Errorf("an old version saved again is %v", v)
	}
}

// plain is a value as JSON gives it back.
func plain(v any) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for k, e := range v {
			out[k] = plain(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plain(e)
		}
		return out
	case int:
		return float64(v)
	}
	return v
}

func TestFlowIsRefusedForWhatCannotRun(t *testing.T) {
	h := open(t)
	at := []string{h.agent(nil)}
	update := func(body any) answer { return h.call(request{op: "updateAgentFlow", path: at, body: body}) }
	for rule, c := range map[string]struct {
		body  any
		field string
		text  string
	}{
		"no mode":         {object{}, "conversation_mode", "The conversation mode field is required."},
		"an unknown mode": {object{"conversation_mode": "magic"}, "conversation_mode", "The selected conversation mode is invalid."},
		"a mode of a wrong type": {
			object{"conversation_mode": 1}, "conversation_mode", "The conversation mode must be a string.",
		},
		"no graph":            {object{"conversation_mode": "flow_driven"}, "flow_config", "The flow config field is required."},
		"null for a graph":    {object{"conversation_mode": "flow_driven", "flow_config": (*int)(nil)}, "flow_config", "The flow config field is required."},
		"a list for a graph":  {object{"conversation_mode": "flow_driven", "flow_config": []any{}}, "flow_config", "The flow config must be an object."},
		"a null character":    {flowBody(object{"meta": object{"name": "a\x00b"}}), "flow_config", "The flow config must not contain null characters."},
		"a graph with a mode": {object{"flow_config": flowBody(nil)["flow_config"]}, "conversation_mode", "The conversation mode field is required."},
	} {
		a := update(c.body)
		if h.refused(a, 422, parley.ValidationError); a.faults(c.field) != c.text {
			t.Errorf("%s: %s", rule, a.raw)
		}
	}
	broken := flowBody(object{"initial_node_id": "x"})
	a := update(broken)
	h.refused(a, 422, parley.FlowInvalid)
	if list := a.body["errors"].([]any); !slices.Contains(list, any("initial_node_id 'x' not found in nodes")) {
		t.Errorf("errors %v", list)
	}
	if n := len(h.must(request{op: "listAgentFlowVersions", path: at}).data()["versions"].([]any)); n != 0 {
		t.Errorf("%d versions after refusals", n)
	}
	for rule, graph := range map[string]object{
		"a version that is no text": {"meta": object{"version": 3}},
		"no nodes":                  {"nodes": []any{}},
		"a name too long":           {"meta": object{"version": strings.Repeat("v", 200)}},
		"too large":                 {"x": strings.Repeat("y", 600_000)},
	} {
		if a := update(flowBody(graph)); a.body["code"] != string(parley.FlowInvalid) {
			t.Errorf("%s: %d %.300s", rule, a.status, a.raw)
		}
	}
}

func TestFlowIsCheckedWithoutBeingSaved(t *testing.T) {
	h := open(t)
	at := []string{h.agent(nil)}
	check := func(config any) answer {
		return h.call(request{op: "validateAgentFlow", path: at, body: object{"flow_config": config}})
	}
	if a := check(flowBody(nil)["flow_config"]); a.body["success"] != true || a.body["message"] != "Flow is valid" {
		t.Errorf("a good flow: %s", a.raw)
	}
	config := flowBody(object{"nodes": []any{
		object{"id": "hello", "type": "end"}, object{"id": "hello", "type": "end"}, object{"id": "lost", "type": "end"},
	}})["flow_config"]
	a := check(config)
	want := []any{"Duplicate node id: 'hello'", "Node 'lost' is unreachable"}
	if a.status != 200 || a.body["success"] != false || !reflect.DeepEqual(a.body["errors"], any(want)) {
		t.Errorf("a bad flow: %d %s", a.status, a.raw)
	}
	for _, body := range []any{object{}, object{"flow_config": "x"}} {
		a := h.call(request{op: "validateAgentFlow", path: at, body: body})
		if h.refused(a, 422, parley.ValidationError); a.faults("flow_config") == "" {
			t.Errorf("%v: %s", body, a.raw)
		}
	}
	if a := check(object{}); a.status != 200 || a.body["success"] != false {
		t.Errorf("an empty flow: %d %s", a.status, a.raw)
	}
	if f := h.must(request{op: "getAgentFlow", path: at}).data(); f["conversation_mode"] != "llm_driven" {
		t.Errorf("after checks the agent has %v", f)
	}
}

func TestFlowKeepsTheAgentPublishedAndCountsAsKnowledge(t *testing.T) {
	h := open(t)
	did := h.did(h.newTrunk(), "+12025550143")
	at := []string{h.agent(object{"description": nil, "phone_number_ids": []string{did}})}
	h.must(request{op: "updateAgentVoice", path: at, body: voiceBody(nil)})
	a := h.call(request{op: "publishAgent", path: at})
	if h.refused(a, 422, parley.ValidationError); a.faults("knowledge") == "" {
		t.Errorf("published without knowledge: %s", a.raw)
	}
	h.must(request{op: "updateAgentFlow", path: at, body: flowBody(nil)})
	if d := h.must(request{op: "getAgent", path: at}).data(); d["is_ready_to_publish"] != true || d["conversation_mode"] != "flow_driven" {
		t.Errorf("with a flow: ready %v, mode %v", d["is_ready_to_publish"], d["conversation_mode"])
	}
	h.must(request{op: "publishAgent", path: at})
	h.must(request{op: "updateAgentFlow", path: at, body: object{"conversation_mode": "llm_driven"}})
	if d := h.must(request{op: "getAgent", path: at}).data(); d["current_status"] != "published" || d["is_ready_to_publish"] != false {
		t.Errorf("after the flow is taken away: %v, ready %v", d["current_status"], d["is_ready_to_publish"])
	}
}

func TestFlowsSavedAtOnceLeaveOneCurrent(t *testing.T) { onBoth(t, flowsSavedAtOnce) }

func flowsSavedAtOnce(t *testing.T, h *house) {
	at := []string{h.agent(nil)}
	const writers = 8
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			if a := h.send("PUT", "/api/v1/agents/"+at[0]+"/flow", h.token, flowBody(nil)); a.status != 200 {
				t.Errorf("%d %s", a.status, a.raw)
			}
		})
	}
	wg.Wait()
	list := h.must(request{op: "listAgentFlowVersions", path: at}).data()["versions"].([]any)
	for i, v := range list {
		if v := v.(object); v["version"] != strconv.Itoa(writers-i) || v["is_current"] != (i == 0) {
			t.Errorf("version %d is %v, current %v", i, v["version"], v["is_current"])
		}
	}
	if len(list) != writers {
		t.Errorf("%d versions", len(list))
	}
}
