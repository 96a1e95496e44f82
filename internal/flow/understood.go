package flow

import (
	"context"
	"slices"
	"strings"
)

// Listener makes sense of what callers say. It may fail, and take its time.
type Listener interface {
	Understand(ctx context.Context, q Question) (Answer, error)
}

// Preparer is a Listener that does better when it knows beforehand what callers may want.
type Preparer interface {
	// Prepare may take its time until ctx ends; what it cannot do is left to Understand.
	Prepare(ctx context.Context, wishes []string)
}

// Wishes are what callers may want anywhere along the flow, in plain words.
func (g *Graph) Wishes() (all []string) {
	for _, n := range g.nodes {
		all = append(all, n.intents()...)
	}
	for i := range g.globals {
		all = append(all, g.globals[i].wish())
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Advance is Next with what the caller meant asked of l. An error of l leaves the conversation where it was.
func (g *Graph) Advance(ctx context.Context, l Listener, s State, e Event) (State, []Output, error) {
	next, out := g.Next(s, e)
	for next.Phase == Understanding {
		q := out[len(out)-1].Question
		a, err := l.Understand(ctx, *q)
		if err != nil {
			return s, nil, err
		}
		var more []Output
		next, more = g.Next(next, Event{Kind: Understood, Answer: a})
		out = append(out[:len(out)-1], more...)
	}
	return next, out, nil
}

// understand asks what the caller's words mean.
func (s *step) understand() {
	n := s.node()
	s.Phase = Understanding
	q := &Question{Language: s.language, Said: s.said, Asked: s.before, Variable: n.variable, Options: n.intents()}
	for _, f := range s.g.globals {
		q.Anywhere = append(q.Anywhere, f.wish())
	}
	s.do(Output{Do: Understand, Question: q})
}

// wish is what the caller wants who means the function.
func (f *global) wish() string {
	if f.description != "" {
		return f.description
	}
	return strings.ReplaceAll(f.name, "_", " ")
}

func (s *step) understood(a Answer) {
	n := s.node()
	if !s.asked {
		s.judge(n, a)
		return
	}
	switch {
	case a.Repeat:
		s.ask(s.before)
	case a.Wait:
		s.ask(linesOf(s.language).wait)
	case a.Elsewhere > 0 && a.Elsewhere <= len(s.g.globals):
		s.elsewhere(&s.g.globals[a.Elsewhere-1])
	case a.Leaves && a.Option == 0:
		s.speak(linesOf(s.language).goodbye)
		s.hangUp()
	case s.unsure:
		s.assured(a)
	case s.held != nil:
		s.confirmed(n, a)
	case n.variable != nil:
		s.given(n, a)
	case s.early && s.before != "" && a.Option == 0 && len(n.intents()) > 0:
		s.ask(s.before)
	default:
		s.judged = append(slices.Clip(s.judged), n.id)
		s.leave(n, a.Option)
	}
}

// judge decides by words that were an answer to something else.
func (s *step) judge(n *node, a Answer) {
	s.judged = append(slices.Clip(s.judged), n.id)
	switch {
	case a.Option > 0:
		s.leave(n, a.Option)
	case n.content != "":
		s.ask(n.content)
	default:
		s.asked = true
		s.leave(n, 0)
	}
}

// given takes the value that a node asks for.
func (s *step) given(n *node, a Answer) {
	v, ok := n.variable.take(a)
	switch {
	case ok && n.variable.Confirm:
		s.confirm(v)
	case ok:
		s.keep(n, v, a.Option)
	case a.Option > 0:
		s.leave(n, a.Option)
	case n.variable.Optional && (a.Declined || a.No):
		s.leave(n, 0)
	default:
		s.miss(n)
	}
}

func (s *step) confirm(v Value) {
	s.held = &v
	said := v.Spoken
	if said == "" {
		said = written(v.Value)
	}
	s.askWhether(said)
}

// askWhether reads something back.
func (s *step) askWhether(said string) {
	s.ask(strings.Replace(linesOf(s.language).confirm, "$", strings.NewReplacer("{{", "", "}}", "").Replace(said), 1))
}

// readBack reads back what an action is to be sent, a few times at most: it is sent after a yes alone.
func (s *step) readBack(said string) {
	if s.tries++; s.tries > mostReadings {
		s.done(Event{Outcome: failure})
		return
	}
	s.unsure = true
	s.askWhether(said)
}

// assured sends the action that waits for a yes, or does without it. Other words have it read back again.
func (s *step) assured(a Answer) {
	s.unsure = false
	s.Phase = Running
	if a.No && !s.early {
		s.done(Event{Outcome: failure})
		return
	}
	s.run()
}

// confirmed takes what the caller says of a value that was read back: yes, no, or another one.
func (s *step) confirmed(n *node, a Answer) {
	v, ok := n.variable.take(a)
	other := ok && written(v.Value) != written(s.held.Value)
	switch {
	case s.early && !other:
		s.confirm(*s.held)
	case a.Yes && !a.No:
		s.keep(n, *s.held, 0)
	case other:
		s.confirm(v)
	case a.No:
		s.held = nil
		s.miss(n)
	default:
		held := *s.held
		if s.tries++; s.tries > n.retries {
			s.giveUp(n)
			return
		}
		s.confirm(held)
	}
}

func (s *step) keep(n *node, v Value, option int) {
	s.held = nil
	s.Values[n.variable.Name] = v
	s.do(Output{Do: Keep, Name: n.variable.Name, Value: v})
	s.leave(n, option)
}

// miss asks again, as often as the node allows.
func (s *step) miss(n *node) {
	if s.early && s.before != "" {
		s.ask(s.before)
		return
	}
	if s.tries++; s.tries > n.retries {
		s.giveUp(n)
		return
	}
	if n.retry != "" {
		s.ask(n.retry)
		return
	}
	s.speak(linesOf(s.language).misheard)
	s.ask(n.content)
}

// giveUp goes on without the caller's having been understood.
func (s *step) giveUp(n *node) {
	switch {
	case n.fallback != "":
		s.goTo(n.fallback)
	case n.otherwise() != "" && (n.variable == nil || n.variable.Optional):
		s.goTo(n.otherwise())
	default:
		s.lost()
	}
}

// elsewhere does what the caller wants instead of answering.
func (s *step) elsewhere(f *global) {
	switch name := strings.ReplaceAll(strings.ToLower(f.name), " ", "_"); {
	case f.next != "":
		s.goTo(f.next)
	case name == "repeat":
		s.ask(s.node().content)
	case name == "end_call" || name == "hang_up":
		s.hangUp()
	default:
		s.aside = f
		s.run()
	}
}
