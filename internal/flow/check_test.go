package flow

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// flowOf is a flow that begins with a and has these nodes.
func flowOf(nodes string) string { return `{"initial_node_id":"a","nodes":[` + nodes + `]}` }

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		rule, flow string
		errs       []string
	}{
		{"the smallest flow", flowOf(`{"id":"a","type":"end"}`), nil},
		{"a node that is said and leads nowhere ends the call", flowOf(`{"id":"a","type":"say","content":"Hi","next":null}`), nil},
		{"what the editor adds is its own", `{"initial_node_id":"a","meta":{"name":"n","version":"2","zoom":1},"viewport":{},
			"nodes":[{"id":"a","type":"end","position":{"x":1,"y":[2]},"data":{"label":"Bye"}}]}`, nil},
		{"meta names name and version", `{"initial_node_id":"a","meta":{"name":1,"version":2},"nodes":[{"id":"a","type":"end"}]}`,
			[]string{"meta has an invalid name: it must be a string", "meta has an invalid version: it must be a string"}},
		{"no object", `[]`, []string{"flow_config must be an object"}},
		{"null", `null`, []string{"flow_config must be an object"}},
		{"no JSON", `{"initial_node_id"`, []string{"flow_config must be an object"}},
		{"nothing in it", `{}`, []string{"initial_node_id is required", "nodes must hold at least one node"}},
		{"nodes must be a list", `{"initial_node_id":"a","nodes":{}}`, []string{"flow_config has invalid nodes: it must be a list",
			"initial_node_id 'a' not found in nodes"}},
		{"an unknown beginning", `{"initial_node_id":"x","nodes":[{"id":"a","type":"end"}]}`, []string{"initial_node_id 'x' not found in nodes"}},
		{"an unknown next", flowOf(`{"id":"a","type":"say","content":"Hi","next":"y"}`), []string{"Node 'a' references unknown next node 'y'"}},
		{"an unknown target of a branch", flowOf(`{"id":"a","type":"decision","branches":[{"match":"default","next":"y"}]}`),
			[]string{"Node 'a' references unknown next node 'y'"}},
		{"other unknown targets", flowOf(`{"id":"a","type":"action","action_id":"x","on_success":"s","on_failure":"f"}`),
			[]string{"Node 'a' references unknown on_success node 's'", "Node 'a' references unknown on_failure node 'f'"}},
		{"an id that comes twice", flowOf(`{"id":"a","type":"end"},{"id":"a","type":"end"}`), []string{"Duplicate node id: 'a'"}},
		{"a node that nothing leads to", flowOf(`{"id":"a","type":"end"},{"id":"b","type":"end"}`), []string{"Node 'b' is unreachable"}},
		{"a circle that nothing leads to", flowOf(`{"id":"a","type":"end"},{"id":"b","type":"say","content":"1","next":"c"},
			{"id":"c","type":"say","content":"2","next":"b"}`), []string{"Node 'b' is unreachable", "Node 'c' is unreachable"}},
		{"a global function leads to it", `{"initial_node_id":"a","nodes":[{"id":"a","type":"end"},{"id":"b","type":"end"}],
			"global_functions":[{"name":"help","description":"wants help","next":"b"}]}`, nil},
		{"a global function to nowhere, and one without a name", `{"initial_node_id":"a","nodes":[{"id":"a","type":"end"}],
			"global_functions":[{"name":"help","next":"b"},{}]}`,
			[]string{"Global function 1 requires name", "Global function 'help' references unknown next node 'b'"}},
		{"what each type needs", flowOf(`{"id":"a","type":"say","next":"b"},{"id":"b","type":"ask","content":" ","next":"c"},
			{"id":"c","type":"decision","next":"d"},{"id":"d","type":"action","next":"e"},{"id":"e","type":"transfer"}`),
			[]string{"Node 'a' requires content", "Node 'b' requires content", "Node 'c' requires branches", "Node 'd' requires action_id",
				"Node 'e' requires number"}},
		{"no type, no id, and a type that is none", flowOf(`{"id":"a","next":"b"},{"id":"b","type":"dance"},{"type":"end"}`),
			[]string{"Node 2 requires id", "Node 'a' requires type", "Node 'b' has an unknown type 'dance'"}},
		{"fields of a wrong kind", flowOf(`{"id":"a","type":"say","content":7}`),
			[]string{"Node 'a' has an invalid content: it must be a string", "Node 'a' requires content"}},
		{"branches without match or next", flowOf(`{"id":"a","type":"decision","branches":[{"next":"a"},{"match":"x"},4]}`),
			[]string{"Node 'a' has invalid branches: entry 2 must be an object", "Node 'a' branch 0 requires match", "Node 'a' branch 1 requires next"}},
		{"a condition that names no variable", flowOf(`{"id":"a","type":"decision","branches":[{"match":"nmae == 'x'","next":"a"}]}`),
			[]string{"Node 'a' has an invalid condition 'nmae == 'x'': unknown name nmae (1:1)"}},
		{"a condition that compares what cannot be compared", flowOf(`{"id":"a","type":"ask","content":"How old?",
			"variable":{"name":"age","type":"number"},"branches":[{"match":"age == 'x'","next":"a"}]}`),
			[]string{`Node 'a' has an invalid condition 'age == 'x'': invalid operation: == (mismatched types float64 and string) (1:5)`}},
		{"a condition calls nothing", flowOf(`{"id":"a","type":"decision","branches":[{"match":"len(outcome) > 1","next":"a"}]}`),
			[]string{"Node 'a' has an invalid condition 'len(outcome) > 1': unknown name len (1:1)"}},
		{"what variables may not be", flowOf(`{"id":"a","type":"ask","content":"?","next":"b","variable":{"name":"your name","type":"soul"}},
			{"id":"b","type":"ask","content":"?","next":"c","variable":{"name":"x","type":"choice"}},
			{"id":"c","type":"ask","content":"?","variable":{"name":"y","pattern":"("},"retries":11}`),
			[]string{"Node 'a' has an invalid variable name 'your name': it must be made of letters, digits and _",
				"Node 'a' has an unknown variable type 'soul'", "Node 'b' requires options",
				"Node 'c' has an invalid pattern: it must be a regular expression (RE2)",
				"Node 'c' has invalid retries: it must be a whole number from 0 to 10"}},
		{"only ask captures", flowOf(`{"id":"a","type":"say","content":"x","variable":"v"}`),
			[]string{"Node 'a' has a variable, which only ask nodes can"}},
		{"who does not listen matches no words", flowOf(`{"id":"a","type":"action","action_id":"x","branches":[{"match":"success","next":"a"},
			{"match":"wants a table","next":"a"}]}`), []string{"Node 'a' does not listen, and cannot match 'wants a table'"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got := Check(json.RawMessage(c.flow))
			if !slices.Equal(got, c.errs) {
				t.Errorf("got  %q\nwant %q", got, c.errs)
			}
			if _, err := Parse(json.RawMessage(c.flow)); (err == nil) != (len(c.errs) == 0) {
				t.Errorf("Parse says %v", err)
			}
		})
	}
}

func TestCheckBounds(t *testing.T) {
	long := strings.Repeat("x", mostText+1)
	for _, c := range []struct{ rule, flow, err string }{
		{"bytes", `"` + strings.Repeat("x", mostBytes) + `"`, "flow_config must not be larger than 524288 bytes"},
		{"depth", `{"deep":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `}`, "flow_config must not be nested deeper than 16 levels"},
		{"nodes", flowOf(strings.Repeat(`{"id":"a","type":"end"},`, mostNodes) + `{"id":"a","type":"end"}`), "flow_config has more than 500 nodes"},
		{"text", flowOf(`{"id":"a","type":"say","content":"` + long + `"}`), "Node 'a' has a content of more than 5000 bytes"},
		{"branches", flowOf(`{"id":"a","type":"decision","branches":[` + strings.Repeat(`{"match":"x","next":"a"},`, mostBranches) +
			`{"match":"x","next":"a"}]}`), "Node 'a' has more than 50 branches"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := Check(json.RawMessage(c.flow)); !slices.Contains(got, c.err) {
				t.Errorf("got %q, want %q among it", got, c.err)
			}
		})
	}
	if got := Check(json.RawMessage(flowOf(`{"id":"a","type":"decision","branches":[` + strings.Repeat(`{},`, 49) + `{}]},` +
		strings.Repeat(`{},`, 400) + `{}`))); len(got) != mostErrors {
		t.Errorf("%d errors are listed", len(got))
	}
}

func TestMatch(t *testing.T) {
	env := map[string]any{"name": "", "age": 0.0, "insured": false, payloadName: map[string]any{}, outcomeName: ""}
	for _, c := range []struct {
		match string
		of    Type
		want  matchKind
	}{
		{"default", Decision, byDefault}, {"Else", Decision, byDefault}, {"*", Ask, byDefault},
		{"name == 'x'", Decision, byCondition}, {"age >= 18 && insured", Decision, byCondition}, {"insured", Decision, byCondition},
		{"not insured", Decision, byCondition}, {"!insured", Decision, byCondition}, {"name in ['x', 'y']", Decision, byCondition},
		{"name contains 'x'", Decision, byCondition}, {"payload.vip == true", Decision, byCondition}, {"name == nil", Decision, byCondition},
		{"success", Act, byOutcome}, {"busy", Transfer, byOutcome}, {"busy", Decision, byIntent}, {"yes", Ask, byIntent},
		{"The caller wants to book", Decision, byIntent}, {"name", Decision, byIntent}, {"is in trouble", Decision, byIntent},
	} {
		b := branch{match: c.match}
		if err := b.read(c.of, "", env); err != nil || b.kind != c.want {
			t.Errorf("%q at %s: kind %d, %v; want %d", c.match, c.of, b.kind, err, c.want)
		}
	}
}

func TestConditions(t *testing.T) {
	env := map[string]any{"name": "", "age": 0.0, "insured": false, payloadName: map[string]any{}}
	for _, c := range []struct {
		condition string
		values    map[string]any
		want      bool
	}{
		{"name == 'x'", map[string]any{"name": "x"}, true},
		{"name == 'x'", map[string]any{}, false},
		{"age >= 18", map[string]any{"age": 18.0}, true},
		{"age < 18", map[string]any{}, false}, // it is not known
		{"age == nil", map[string]any{}, true},
		{"insured", map[string]any{"insured": true}, true},
		{"not insured", map[string]any{"insured": false}, true},
		{"payload.vip == true", map[string]any{"payload": map[string]any{"vip": true}}, true},
		{"payload.plan.name == 'gold'", map[string]any{"payload": map[string]any{}}, false},
		{"name matches '['", map[string]any{"name": "x"}, false},
	} {
		b := branch{match: c.condition}
		if err := b.read(Decision, "condition", env); err != nil {
			if c.want {
				t.Errorf("%q: %v", c.condition, err)
			}
			continue
		}
		if got := b.holds(c.values); got != c.want {
			t.Errorf("%q of %v is %v", c.condition, c.values, got)
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, name := range []string{"every-node.json"} {
		seed, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		errs := Check(raw)
		g, err := Parse(raw)
		if (err == nil) != (len(errs) == 0) || (err == nil) != (g != nil) {
			t.Errorf("Check says %q, Parse %v", errs, err)
		}
	})
}
