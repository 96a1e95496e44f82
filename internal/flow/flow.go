// Package flow is the call-flow graph: what a flow may hold (Check, Parse), and how a conversation goes along it (Graph.Next), a pure
// function of state and event. It has no clock and does no I/O: what it cannot know by itself, such as what a caller meant or what came of
// an action, it asks for by its outputs and learns by events. Loops are bounded. Decisions are in docs/decisions/0004-flows.md.
package flow

import (
	"encoding/json"
	"regexp"

	"github.com/expr-lang/expr/vm"
)

// Bounds of a flow. Sizes are in bytes.
const (
	mostBytes    = 512 << 10
	mostNodes    = 500
	mostID       = 100
	mostText     = 5000 // of one content
	mostBranches = 50
	mostMatch    = 500
	mostDepth    = 16 // of JSON within JSON
	mostGlobals  = 50
	mostChoices  = 50
	mostInputs   = 50
	mostRetries  = 10
	mostErrors   = 100 // that Check lists
)

// Type is what a node does.
type Type string

// Types of nodes.
const (
	Say      Type = "say"      // says its content
	Ask      Type = "ask"      // says its content, and listens
	Decision Type = "decision" // goes one of several ways, and listens when what the caller wants decides
	Act      Type = "action"   // runs an action of the agent
	Transfer Type = "transfer" // gives the caller to somebody else
	End      Type = "end"      // says its content, and hangs up
)

// Graph is a flow that has passed Check. It does not change, and is safe for concurrent use.
type Graph struct {
	initial string
	nodes   map[string]*node
	globals []global
	env     map[string]any // what conditions may name, each with a value of its type
}

// node is a step of the flow. Targets that are empty are not there.
type node struct {
	id       string
	kind     Type
	content  string
	next     string
	branches []branch

	// Of nodes that listen.
	variable *Variable
	retry    string // said instead of content when the caller was not understood
	retries  int    // how often he is asked again
	fallback string // where to when he was not understood so often

	// Of actions and transfers.
	action               string // its id, node id or name
	inputs               map[string]json.RawMessage
	result               string // the name under which the result is kept
	number               string
	onSuccess, onFailure string
}

// branch is a way on.
type branch struct {
	match     string // as it was written
	next      string
	kind      matchKind
	condition *vm.Program // of conditions
}

// global is something that the caller may want anywhere.
type global struct {
	name, description string
	next              string // the node that it leads to; without one it is done by its name
}

// Kind is what a variable holds.
type Kind string

// Kinds of variables. Their values are texts but for Number (float64) and Boolean.
const (
	Text    Kind = "text"
	Name    Kind = "name"
	Number  Kind = "number"
	Date    Kind = "date" // 2006-01-02
	Time    Kind = "time" // 15:04
	Email   Kind = "email"
	Phone   Kind = "phone" // digits, perhaps with + before them
	Code    Kind = "code"  // letters and digits
	Choice  Kind = "choice"
	Boolean Kind = "boolean"
)

// kinds maps the words for kinds to kinds.
var kinds = map[string]Kind{
	"": Text, "text": Text, "string": Text, "name": Name, "number": Number, "integer": Number, "date": Date, "time": Time, "email": Email,
	"phone": Phone, "tel": Phone, "code": Code, "choice": Choice, "enum": Choice, "select": Choice, "boolean": Boolean, "yes_no": Boolean,
}

// Variable is what the caller is asked for.
type Variable struct {
	Name     string
	Kind     Kind
	Whole    bool // of numbers: no fractions
	Optional bool // the caller may decline
	Confirm  bool // read back before it is kept
	Options  []string
	Min, Max *float64
	pattern  *regexp.Regexp
}

// listens says whether a node waits for the caller's words.
func (n *node) listens() bool {
	return n.kind == Ask || (n.kind == Decision || n.kind == Say) && len(n.intents()) > 0
}

// intents are the branches that what the caller wants decides.
func (n *node) intents() []string {
	var all []string
	for _, b := range n.branches {
		if b.kind == byIntent {
			all = append(all, b.match)
		}
	}
	return all
}

// otherwise is the way on when no branch is chosen.
func (n *node) otherwise() string {
	for _, b := range n.branches {
		if b.kind == byDefault {
			return b.next
		}
	}
	return n.next
}

// target is a node that another one leads to, and the key that names it.
type target struct{ key, id string }

// targets are all ways out of a node.
func (n *node) targets() []target {
	all := []target{{"next", n.next}, {"fallback", n.fallback}, {"on_success", n.onSuccess}, {"on_failure", n.onFailure}}
	for _, b := range n.branches {
		all = append(all, target{"next", b.next})
	}
	out := all[:0]
	for _, t := range all {
		if t.id != "" {
			out = append(out, t)
		}
	}
	return out
}
