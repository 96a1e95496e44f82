package flow

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Bounds of a conversation.
const (
	mostVisits = 50  // to one node
	mostSteps  = 100 // nodes without a word of the caller's
	// mostReadings is how often the inputs of an action are read back.
	mostReadings = 3
)

// outcomeName is the variable that holds what came of the last action or transfer.
const outcomeName = "outcome"

// step is one transition being made.
type step struct {
	State
	g   *Graph
	out []Output
}

// Next takes an event and gives the state after it and what is to be done. An event that the phase does not wait for changes nothing, but
// for words: who speaks while an action or a transfer is to be done, has that asked for again.
func (g *Graph) Next(s State, e Event) (State, []Output) {
	n := step{State: s, g: g}
	n.Values, n.visits = maps.Clone(s.Values), maps.Clone(s.visits)
	if n.Values == nil {
		n.Values, n.visits = map[string]Value{}, map[string]int{}
	}
	switch {
	case s.Phase == Over:
	case e.Kind == Heard:
		n.heard(e)
	case e.Kind == Begin && s.Phase == New:
		n.enter(g.initial)
	case e.Kind == Understood && s.Phase == Understanding:
		n.understood(e.Answer)
	case e.Kind == Done && (s.Phase == Running || s.Phase == Connecting):
		n.done(e)
	case e.Kind == Unsure && s.Phase == Running:
		n.readBack(e.Text)
	}
	return n.State, n.out
}

func (s *step) node() *node { return s.g.nodes[s.Node] }

func (s *step) do(o Output) {
	o.Node = s.Node
	s.out = append(s.out, o)
}

func (s *step) speak(text string) {
	if text = strings.TrimSpace(s.fill(text)); text != "" {
		s.spoke = strings.TrimSpace(s.spoke + " " + text)
		s.do(Output{Do: Speak, Text: text})
	}
}

func (s *step) heard(e Event) {
	s.said, s.early, s.judged, s.steps = e.Text, e.Early, nil, 0
	s.before, s.spoke = s.spoke, ""
	switch s.Phase {
	case New:
		s.enter(s.g.initial)
	case Running:
		s.run()
	case Connecting:
		s.connect()
	default:
		s.understand()
	}
}

// goTo enters a node, or ends the call where there is none.
func (s *step) goTo(id string) {
	if id == "" {
		s.hangUp()
		return
	}
	s.enter(id)
}

func (s *step) enter(id string) {
	s.Node, s.tries, s.asked, s.held, s.aside, s.unsure = id, 0, false, nil, nil, false
	s.steps++
	s.visits[id]++
	if s.visits[id] > mostVisits || s.steps > mostSteps {
		s.lost()
		return
	}
	s.do(Output{Do: Enter})
	n := s.node()
	switch {
	case n.kind == Ask, n.kind == Say && n.listens():
		s.ask(n.content)
	case n.kind == Decision:
		s.decide(n)
	case n.kind == Act:
		if n.action != "" {
			s.speak(n.content)
		}
		s.run()
	case n.kind == Transfer:
		if n.action != "" || n.number != "" {
			s.speak(n.content)
		}
		s.connect()
	case n.kind == End:
		s.speak(n.content)
		s.hangUp()
	default:
		s.speak(n.content)
		s.leave(n, 0)
	}
}

func (s *step) ask(text string) {
	s.speak(text)
	s.asked, s.Phase = true, Listening
}

func (s *step) hangUp() {
	s.do(Output{Do: HangUp})
	s.Phase = Over
}

// lost ends a call that the flow has no way on for.
func (s *step) lost() {
	s.speak(linesOf(s.language).lost)
	s.hangUp()
}

// decide goes one way where conditions say which; else it judges the caller's latest words, once, or listens for others.
func (s *step) decide(n *node) {
	next, ok := s.byCondition(n)
	switch {
	case ok:
		s.goTo(next)
	case !n.listens():
		s.goTo(n.otherwise())
	case s.said != "" && !slices.Contains(s.judged, n.id):
		s.understand()
	default:
		s.ask(n.content)
	}
}

func (s *step) byCondition(n *node) (next string, ok bool) {
	known := s.known()
	for i := range n.branches {
		if b := &n.branches[i]; b.kind == byCondition && b.holds(known) {
			return b.next, true
		}
	}
	return "", false
}

// leave takes the way on from a node. option is the intent that was understood, counted from 1.
func (s *step) leave(n *node, option int) {
	next, ok := s.byCondition(n)
	if !ok && option > 0 {
		next, ok = n.byIntent(option), true
	}
	if !ok {
		next = n.otherwise()
	}
	if !ok && next == "" && n.variable == nil && n.listens() && len(n.intents()) > 0 {
		s.miss(n)
		return
	}
	s.goTo(next)
}

func (n *node) byIntent(option int) string {
	for _, b := range n.branches {
		if b.kind != byIntent {
			continue
		}
		if option--; option == 0 {
			return b.next
		}
	}
	return n.otherwise()
}

// run asks for the node's action, or for that of a global function.
func (s *step) run() {
	s.Phase = Running
	n := s.node()
	name := n.action
	if name == "" {
		name = n.content
	}
	if s.aside != nil {
		name, n = s.aside.name, &node{}
	}
	s.do(Output{Do: Run, Action: name, Inputs: s.arguments(n)})
}

func (s *step) connect() {
	s.Phase = Connecting
	n := s.node()
	s.do(Output{Do: Connect, Action: n.action, Number: s.fill(n.dials())})
}

// done goes on after an action, or after a transfer that the caller has come back from.
func (s *step) done(e Event) {
	n, fine := s.node(), e.Outcome == success
	s.Values[outcomeName] = Value{Value: e.Outcome}
	result := object(e.Result)
	if s.aside != nil {
		s.returned(n, fine, result)
		return
	}
	if n.result != "" {
		s.Values[n.result] = Value{Value: result}
	}
	if s.Phase == Connecting && fine {
		s.Phase = Over // somebody else has the caller
		return
	}
	if next, ok := s.afterwards(n, e.Outcome); ok {
		s.goTo(next)
		return
	}
	if !fine {
		s.speak(s.excuse())
	}
	s.goTo(n.otherwise())
}

// excuse tells of a failure that the flow has no way for.
func (s *step) excuse() string {
	if s.Phase == Connecting {
		return linesOf(s.language).unconnected
	}
	return linesOf(s.language).failed
}

// afterwards is the way that a node has for an outcome.
func (s *step) afterwards(n *node, outcome string) (next string, ok bool) {
	fine := outcome == success
	for _, exact := range []bool{true, false} {
		for _, b := range n.branches {
			if b.kind == byOutcome && (b.match == outcome || !exact && !fine && b.match == failure) {
				return b.next, true
			}
		}
	}
	if next, ok := s.byCondition(n); ok {
		return next, true
	}
	switch {
	case fine && n.onSuccess != "":
		return n.onSuccess, true
	case !fine && n.onFailure != "":
		return n.onFailure, true
	case !fine && n.fallback != "":
		return n.fallback, true
	}
	return "", false
}

// returned goes on where a global function broke in.
func (s *step) returned(n *node, fine bool, result map[string]any) {
	s.aside, s.held = nil, nil
	text, _ := result["message"].(string)
	switch {
	case text != "":
		s.speak(strings.NewReplacer("{{", "", "}}", "").Replace(text))
	case !fine:
		s.speak(linesOf(s.language).failed)
	}
	s.ask(n.content)
}

// object is what an action answered, for variables to go into.
func object(raw json.RawMessage) map[string]any {
	var v any
	if json.Unmarshal(raw, &v) != nil || v == nil {
		return map[string]any{}
	}
	if o, ok := v.(map[string]any); ok {
		return o
	}
	return map[string]any{"result": v}
}
