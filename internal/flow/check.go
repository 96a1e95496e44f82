package flow

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Check gives all that is wrong with a flow, in the contract's words; nothing when it can be run.
func Check(raw json.RawMessage) []string {
	_, errs := read(raw)
	return errs
}

// Parse reads a flow that Check finds nothing wrong with; otherwise the error lists what it finds.
func Parse(raw json.RawMessage) (*Graph, error) {
	g, errs := read(raw)
	if len(errs) > 0 {
		return nil, errors.New("flow: " + strings.Join(errs, "; "))
	}
	return g, nil
}

func read(raw json.RawMessage) (*Graph, []string) {
	r := &reader{}
	var top fields
	switch {
	case len(raw) > mostBytes:
		return nil, []string{"flow_config must not be larger than " + strconv.Itoa(mostBytes) + " bytes"}
	case depth(raw) > mostDepth:
		return nil, []string{"flow_config must not be nested deeper than " + strconv.Itoa(mostDepth) + " levels"}
	case json.Unmarshal(raw, &top) != nil || top == nil:
		return nil, []string{"flow_config must be an object"}
	}
	g := &Graph{nodes: map[string]*node{}, initial: r.text("flow_config", top, mostID, "initial_node_id")}
	if g.initial == "" {
		r.fault("initial_node_id is required")
	}
	order := r.nodes(g, top)
	r.globals(g, top)
	if meta := (fields{}); given(top["meta"]) && json.Unmarshal(top["meta"], &meta) != nil {
		r.fault("meta must be an object")
	} else {
		r.text("meta", meta, mostID, "name")
		r.text("meta", meta, mostID, "version")
	}
	r.targets(g, order)
	return g, r.errs
}

// depth is how deep a JSON text is nested, or would be.
func depth(raw json.RawMessage) (deepest int) {
	d := json.NewDecoder(bytes.NewReader(raw))
	for now := 0; ; {
		t, err := d.Token()
		if err != nil {
			return deepest
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			now++
			deepest = max(deepest, now)
		case json.Delim('}'), json.Delim(']'):
			now--
		}
	}
}

// nodes reads all nodes, and then their branches, whose conditions name variables of any of them. It returns them in their order.
func (r *reader) nodes(g *Graph, top fields) []*node {
	all := r.list("flow_config", top, "nodes", mostNodes)
	if !given(top["nodes"]) || string(bytes.TrimSpace(top["nodes"])) == "[]" {
		r.fault("nodes must hold at least one node")
	}
	var order []*node
	var from []fields
	for i, f := range all {
		id := r.text("Node "+strconv.Itoa(i), f, mostID, "id")
		if id == "" {
			r.fault("Node %d requires id", i)
			continue
		}
		if g.nodes[id] != nil {
			r.fault("Duplicate node id: '%s'", id)
			continue
		}
		n := r.node(id, f)
		g.nodes[id] = n
		order, from = append(order, n), append(from, f)
	}
	g.env = environment(order)
	for i, n := range order {
		r.branches(n, from[i], g.env)
		r.complete(n)
	}
	return order
}

// environment is what conditions may name.
func environment(nodes []*node) map[string]any {
	env := map[string]any{payloadName: map[string]any{}, outcomeName: ""}
	for _, n := range nodes {
		if n.result != "" {
			env[n.result] = map[string]any{}
		}
	}
	for _, n := range nodes {
		switch v := n.variable; {
		case v == nil:
		case v.Kind == Number:
			env[v.Name] = 0.0
		case v.Kind == Boolean:
			env[v.Name] = false
		default:
			env[v.Name] = ""
		}
	}
	return env
}

// complete asks for what a node of its type cannot do without.
func (r *reader) complete(n *node) {
	switch n.kind {
	case Say, Ask:
		if n.content == "" {
			r.fault("Node '%s' requires content", n.id)
		}
	case Decision:
		if len(n.branches) == 0 {
			r.fault("Node '%s' requires branches", n.id)
		}
	case Act:
		if n.action == "" && n.content == "" {
			r.fault("Node '%s' requires action_id", n.id)
		}
	case Transfer:
		if n.action == "" && n.number == "" && n.content == "" {
			r.fault("Node '%s' requires number", n.id)
		}
	case End:
	case "":
		r.fault("Node '%s' requires type", n.id)
	default:
		r.fault("Node '%s' has an unknown type '%s'", n.id, n.kind)
	}
	if n.kind != Ask && n.variable != nil {
		r.fault("Node '%s' has a variable, which only ask nodes can", n.id)
	}
	if n.kind == Act || n.kind == Transfer || n.kind == End {
		for _, intent := range n.intents() {
			r.fault("Node '%s' does not listen, and cannot match '%s'", n.id, intent)
		}
	}
}

func (r *reader) globals(g *Graph, top fields) {
	for i, f := range r.list("flow_config", top, "global_functions", mostGlobals) {
		whose := "Global function " + strconv.Itoa(i)
		fn := global{name: strings.TrimSpace(r.text(whose, f, mostID, "name"))}
		if fn.name == "" {
			r.fault("%s requires name", whose)
			continue
		}
		whose = "Global function '" + fn.name + "'"
		fn.description = strings.TrimSpace(r.text(whose, f, mostText, "description"))
		fn.next = r.text(whose, f, mostID, "next")
		g.globals = append(g.globals, fn)
	}
}

// targets checks that all ways lead to nodes, and that every node can be reached.
func (r *reader) targets(g *Graph, order []*node) {
	if g.initial != "" && g.nodes[g.initial] == nil {
		r.fault("initial_node_id '%s' not found in nodes", g.initial)
	}
	for _, n := range order {
		var told []target
		for _, t := range n.targets() {
			if g.nodes[t.id] == nil && !slices.Contains(told, t) {
				told = append(told, t)
				r.fault("Node '%s' references unknown %s node '%s'", n.id, t.key, t.id)
			}
		}
	}
	var roots []string
	for _, fn := range g.globals {
		if fn.next != "" && g.nodes[fn.next] == nil {
			r.fault("Global function '%s' references unknown next node '%s'", fn.name, fn.next)
		}
		roots = append(roots, fn.next)
	}
	if g.nodes[g.initial] == nil {
		return // then none can be
	}
	reached := g.reached(append(roots, g.initial))
	for _, n := range order {
		if !reached[n.id] {
			r.fault("Node '%s' is unreachable", n.id)
		}
	}
}

// reached are the nodes that some way leads to.
func (g *Graph) reached(from []string) map[string]bool {
	reached := map[string]bool{}
	for len(from) > 0 {
		id := from[len(from)-1]
		from = from[:len(from)-1]
		n := g.nodes[id]
		if n == nil || reached[id] {
			continue
		}
		reached[id] = true
		for _, t := range n.targets() {
			from = append(from, t.id)
		}
	}
	return reached
}
