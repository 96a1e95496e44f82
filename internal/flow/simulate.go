package flow

import (
	"context"
	"encoding/json"
	"fmt"
)

// Simulation leads a conversation without a call. It belongs to one goroutine.
type Simulation struct {
	graph    *Graph
	listener Listener
	state    State
	decide   Decide
}

// Decide says what comes of an action or a transfer in a simulation: an outcome, and what the action answers.
type Decide func(o Output) (outcome string, result json.RawMessage, err error)

// Simulate begins one at a state that Start has made.
func Simulate(g *Graph, begin State, l Listener, d Decide) *Simulation {
	return &Simulation{graph: g, listener: l, state: begin, decide: d}
}

// Over says that the flow has ended.
func (s *Simulation) Over() bool { return s.state.Phase == Over }

// Node is where it stands.
func (s *Simulation) Node() string { return s.state.Node }

// Begin lets the agent speak first.
func (s *Simulation) Begin(ctx context.Context, show func(Output)) error {
	return s.take(ctx, Event{Kind: Begin}, show)
}

// Say gives the flow what the caller says.
func (s *Simulation) Say(ctx context.Context, text string, show func(Output)) error {
	return s.take(ctx, Event{Kind: Heard, Text: text}, show)
}

// take gives the flow an event, and then what comes of what it wants done, until it listens or has ended.
func (s *Simulation) take(ctx context.Context, e Event, show func(Output)) error {
	for {
		next, out, err := s.graph.Advance(ctx, s.listener, s.state, e)
		if err != nil {
			return err
		}
		s.state = next
		for _, o := range out {
			show(o)
		}
		if next.Phase != Running && next.Phase != Connecting || len(out) == 0 {
			return nil
		}
		if e, err = s.done(out[len(out)-1]); err != nil {
			return err
		}
	}
}

func (s *Simulation) done(o Output) (e Event, err error) {
	e.Kind = Done
	if e.Outcome, e.Result, err = s.decide(o); err != nil {
		return e, err
	}
	word, known := outcomes[e.Outcome]
	if !known {
		return e, fmt.Errorf("%q is no outcome", e.Outcome)
	}
	e.Outcome = word
	return e, nil
}
