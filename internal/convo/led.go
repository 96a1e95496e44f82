package convo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/flow"
	"github.com/parley-voice/parley/internal/llm"
)

// led is the mind of a conversation that a flow leads: an llm.Chat whose answers are the flow's outputs. Like every chat it knows of the
// dialogue what the history says: each reply goes along the flow from its beginning (see walk), so that what was cut off, thrown away or
// thought too early leaves no trace. Calls of actions are named after how many the flow has made, so that one that is asked for again is
// known as the same.
type led struct {
	graph    *flow.Graph
	start    flow.State
	listener flow.Listener
	deeds    []deed
	cfg      Config
	lines    Lines
	known    map[string]flow.Answer // what words were taken to mean on the way of the last reply: they mean that again
	fresh    map[string]flow.Answer // likewise of this one
}

var _ llm.Chat = (*led)(nil)

// callPrefix begins the ids of a flow's calls.
const callPrefix = "flow-"

// openLed reads the flow of a conversation. deeds are the actions that may run.
func openLed(cfg Config, deeds []deed) (*led, error) {
	g, err := flow.Parse(json.RawMessage(cfg.Snapshot.Flow.Config))
	if err != nil {
		return nil, fmt.Errorf("convo: version %s of the flow cannot lead the call: %w", cfg.Snapshot.Flow.Version, err)
	}
	if cfg.Engines.Listener == nil {
		return nil, errors.New("convo: nobody understands callers for the flow")
	}
	start := flow.Start(cfg.Snapshot.Agent.Language, cfg.Payload)
	return &led{graph: g, start: start, listener: cfg.Engines.Listener, deeds: deeds, cfg: cfg, lines: linesOf(cfg)}, nil
}

// openLedMind is openMind for a conversation that a flow leads.
func openLedMind(ctx context.Context, cfg Config, deeds []deed) (*mind, error) {
	l, err := openLed(cfg, deeds)
	if err != nil {
		return nil, err
	}
	if p, ok := l.listener.(flow.Preparer); ok {
		p.Prepare(ctx, l.graph.Wishes())
	}
	m := &mind{first: newBrain(l, ledRounds), led: true, deeds: deeds, results: map[string]string{}}
	m.opening, err = l.opening(ctx, strings.TrimSpace(fill(deref(cfg.Snapshot.Agent.InitialMessage), cfg.Payload)))
	if m.opening.text == "" {
		m.opening.text = linesOf(cfg).Greeting
	}
	return m, err
}

// Close implements llm.Chat.
func (l *led) Close() {}

// Reply implements llm.Chat.
func (l *led) Reply(ctx context.Context, history []llm.Message, emit func(llm.Chunk) error) error {
	l.fresh = map[string]flow.Answer{}
	w := &walk{led: l, ctx: ctx, state: l.start}
	if err := w.along(history); err != nil {
		return err
	}
	l.known = l.fresh
	return l.give(w, emit)
}

// give hands on what is to be said and done.
func (l *led) give(w *walk, emit func(llm.Chunk) error) error {
	said := false
	for _, o := range w.out {
		var c llm.Chunk
		switch o.Do {
		case flow.Enter:
			c.Node = o.Node
		case flow.Speak:
			c.Text = o.Text
			if said {
				c.Text = " " + c.Text
			}
			said = true
		case flow.Run, flow.Connect:
			call, _ := l.call(o, w.settled)
			c.Call = &call
		case flow.HangUp:
			c.Call = farewell()
		default:
			continue
		}
		if err := emit(c); err != nil {
			return err
		}
	}
	if len(w.out) == 0 && w.state.Phase == flow.Over { // he spoke into the end
		return emit(llm.Chunk{Call: farewell()})
	}
	return nil
}

// opening is what a flow begins with, before the caller has said anything.
type opening struct {
	initial string // the agent's initial message, which is said before
	text    string // with it
	nodes   []string
	calls   []llm.ToolCall
}

// opening is found without anybody's understanding anything. initial is said before it.
func (l *led) opening(ctx context.Context, initial string) (o opening, err error) {
	o.initial, o.text = initial, initial
	err = l.Reply(ctx, nil, func(c llm.Chunk) error {
		switch {
		case c.Call != nil:
			o.calls = append(o.calls, *c.Call)
		case c.Node != "":
			o.nodes = append(o.nodes, c.Node)
		default:
			o.text = strings.TrimSpace(o.text + " " + strings.TrimSpace(c.Text))
		}
		return nil
	})
	return o, err
}

// acts says that the opening goes on with what comes of an action.
func (o opening) acts() bool { return len(o.calls) > 0 && !parts(o.calls) && hands(o.calls) == nil }

func farewell() *llm.ToolCall {
	return &llm.ToolCall{ID: callPrefix + "end", Name: llm.ToolHangUp, Arguments: json.RawMessage(`{}`)}
}

// startAnew leads somebody else along the flow from its beginning; a model goes on with what it knows.
func (m *mind) startAnew() {
	if m.led {
		m.history = nil
	}
}

// Understand implements flow.Listener: words that were understood on the way of the last reply are not judged anew.
func (l *led) Understand(ctx context.Context, q flow.Question) (flow.Answer, error) {
	key := string(encoded(q))
	a, ok := l.known[key]
	if !ok {
		var err error
		if a, err = l.listener.Understand(ctx, q); err != nil {
			return a, err
		}
	}
	l.fresh[key] = a
	return a, nil
}

// call is the tool call for what the flow wants done; false when the agent has no such action, or may not do that.
func (l *led) call(o flow.Output, settled int) (llm.ToolCall, bool) {
	c := llm.ToolCall{ID: callPrefix + strconv.Itoa(settled+1), Arguments: o.Inputs}
	if o.Do == flow.Connect && o.Action == "" {
		return l.transfer(c, o.Number)
	}
	a := l.action(o.Action)
	if a != nil && a.Type == parley.ActionTransfer {
		return l.transfer(c, a.Name)
	}
	if o.Do == flow.Connect {
		return c, false
	}
	if a != nil && a.Type == parley.ActionHold {
		c.Name, c.Arguments = llm.ToolHold, json.RawMessage(`{}`)
		return c, l.cfg.Hold != ""
	}
	for _, d := range l.deeds {
		if a != nil && d.action.ID == a.ID || a == nil && d.tool.Name == o.Action {
			c.Name = d.tool.Name
			return c, true
		}
	}
	return c, false
}

// transfer gives the caller to a target of the agent: one of its actions, or a number that stands in the flow.
func (l *led) transfer(c llm.ToolCall, target string) (llm.ToolCall, bool) {
	c.Name, c.Arguments = llm.ToolTransfer, encoded(map[string]string{"target": target})
	for _, t := range l.cfg.Targets {
		if t.Name == target {
			return c, true
		}
	}
	return c, false
}

// action finds an action by what a flow may call it.
func (l *led) action(name string) *parley.Action {
	all := l.cfg.Snapshot.Actions
	for _, is := range []func(*parley.Action) bool{
		func(a *parley.Action) bool { return a.ID == name },
		func(a *parley.Action) bool { return a.NodeID == name },
		func(a *parley.Action) bool { return strings.EqualFold(a.Name, name) },
	} {
		for i := range all {
			if is(&all[i]) {
				return &all[i]
			}
		}
	}
	return nil
}

// Numbers are those that a flow may give callers to, as they stand in it, placeholders of the call's payload filled in. A number that a
// caller has said is none of them: the flow chooses among people, it does not dial.
func Numbers(snap *parley.Snapshot, payload map[string]any) []string {
	if snap.Flow == nil {
		return nil
	}
	g, err := flow.Parse(json.RawMessage(snap.Flow.Config))
	if err != nil {
		return nil // openLed tells of it
	}
	return g.Numbers(flow.Start(snap.Agent.Language, payload))
}
