package convo

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/parley-voice/parley/internal/flow"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/media"
)

// walk goes along a flow by what a history tells.
type walk struct {
	*led
	ctx    context.Context
	state  flow.State
	before flow.State    // of the caller's latest words
	out    []flow.Output // of the latest event
	heard  string        // what the caller was told since he spoke
	last   string        // the latest of that
	// entered counts the nodes that were come to since he spoke, noted those that the history has with what he was told.
	entered, noted int
	// settled counts the calls whose outcome is known.
	settled int
	// late says that the latest event was the outcome of a call, which the caller may know nothing of yet.
	late bool
}

// along goes along a history. What is to be said and done after its last message is then in out.
func (w *walk) along(history []llm.Message) error {
	var err error
	for i, m := range history {
		if i == 0 && m.Role != llm.Caller {
			err = w.take(flow.Event{Kind: flow.Begin})
		}
		if err != nil {
			return err
		}
		switch m.Role {
		case llm.Agent:
			w.heard, w.last = w.heard+" "+m.Text, m.Text
			w.noted += len(m.Nodes)
		case llm.Result:
			err = w.result(m, i == len(history)-1)
		case llm.Caller:
			err = w.caller(history, i)
		}
	}
	if err == nil && len(history) == 0 {
		err = w.take(flow.Event{Kind: flow.Begin})
	}
	return err
}

// caller takes the caller's words.
func (w *walk) caller(history []llm.Message, i int) error {
	e := flow.Event{Kind: flow.Heard, Text: history[i].Text}
	switch {
	case i > 0 && history[i-1].Role == llm.Caller: // he went on before he was answered
		w.state = w.before
		for j := i - 1; j >= 0 && history[j].Role == llm.Caller; j-- {
			e.Text = history[j].Text + " " + e.Text
		}
	case w.late && !w.knows(w.speech(), 2): // his words are older than what came of the call: he is to hear that
		w.forgetNoted()
		return nil
	case i > 0:
		e.Early = !w.knows(w.question(), 3) || w.interposed()
	}
	w.before, w.late = w.state, false
	w.heard, w.last, w.entered, w.noted = "", "", 0, 0
	return w.take(e)
}

// forgetNoted takes those nodes out of what is to be said again that were noted when it was said first.
func (w *walk) forgetNoted() {
	left := w.noted - (w.entered - enters(w.out))
	w.out = slices.DeleteFunc(slices.Clone(w.out), func(o flow.Output) bool {
		if o.Do != flow.Enter {
			return false
		}
		left--
		return left >= 0
	})
}

func enters(out []flow.Output) (n int) {
	for _, o := range out {
		if o.Do == flow.Enter {
			n++
		}
	}
	return n
}

// result takes what came of a call. The last message of a history may tell of one that was not the flow's, such as a transfer that was
// ordered over the API: then that is said, and what was asked last.
func (w *walk) result(m llm.Message, last bool) error {
	var r outcome
	_ = json.Unmarshal([]byte(m.Text), &r) // what is no object has come to a good end
	waits := w.state.Phase == flow.Running || w.state.Phase == flow.Connecting
	call, ok := w.pending()
	switch {
	case waits && ok && call.ID == m.CallID:
		if open(call, m.Text) {
			return nil
		}
		w.settled++
		w.late = true
		if failed := r.OK != nil && !*r.OK; failed && r.Unconfirmed != "" {
			return w.take(flow.Event{Kind: flow.Unsure, Text: r.Unconfirmed})
		}
		return w.take(flow.Event{Kind: flow.Done, Outcome: r.word(call), Result: json.RawMessage(m.Text)})
	case last && !strings.HasPrefix(m.CallID, callPrefix):
		w.out = []flow.Output{{Do: flow.Speak, Text: r.Message}, {Do: flow.Speak, Text: w.question()}}
	}
	return nil
}

// take gives the flow an event. What the agent cannot do has failed at once.
func (w *walk) take(e flow.Event) (err error) {
	w.state, w.out, err = w.graph.Advance(w.ctx, w.led, w.state, e)
	defer func() { w.entered += enters(w.out) }()
	for err == nil {
		if _, ok := w.pending(); ok || w.state.Phase != flow.Running && w.state.Phase != flow.Connecting {
			return nil
		}
		w.cfg.Log.Warn("the flow asks for what the agent has no action or target for", "node", w.state.Node)
		w.settled++
		var more []flow.Output
		w.state, more, err = w.graph.Advance(w.ctx, w.led, w.state, flow.Event{Kind: flow.Done, Outcome: "failure"})
		w.out = append(w.out[:len(w.out)-1], more...)
	}
	return err
}

// pending is the call that the flow waits for; false when it waits for none that can be made.
func (w *walk) pending() (llm.ToolCall, bool) {
	if len(w.out) == 0 {
		return llm.ToolCall{}, false
	}
	return w.call(w.out[len(w.out)-1], w.settled)
}

// speech is what the latest event has made the agent say.
func (w *walk) speech() string {
	var all []string
	for _, o := range w.out {
		if o.Do == flow.Speak {
			all = append(all, o.Text)
		}
	}
	return strings.Join(all, " ")
}

// question is the last of that.
func (w *walk) question() string {
	for i := len(w.out) - 1; i >= 0; i-- {
		if w.out[i].Do == flow.Speak {
			return w.out[i].Text
		}
	}
	return ""
}

// knows says whether the caller has heard the first few words of a text.
func (w *walk) knows(text string, words int) bool {
	all := strings.Fields(text)
	return strings.Contains(spaced(w.heard), spaced(strings.Join(all[:min(len(all), words)], " ")))
}

// interposed says that the caller was asked whether he is there, which a yes answers rather than the flow's question.
func (w *walk) interposed() bool { return w.last != "" && strings.HasPrefix(w.lines.Present, w.last) }

func spaced(text string) string { return " " + strings.Join(strings.Fields(text), " ") + " " }

// open says that a call is under way, or has not begun.
func open(c llm.ToolCall, result string) bool {
	return result == notYet || (c.Name == llm.ToolTransfer || c.Name == llm.ToolHold) && result == notBegun(c.Name)
}

// outcome is what a model is told of a call.
type outcome struct {
	OK          *bool
	Outcome     string
	Message     string
	Unconfirmed string
}

// word is the outcome as flows know it.
func (r outcome) word(of llm.ToolCall) string {
	switch {
	case r.OK == nil || *r.OK:
		return "success"
	case of.Name != llm.ToolTransfer:
		return "failure"
	}
	switch media.Outcome(r.Outcome) {
	case media.OutcomeBusy:
		return "busy"
	case media.OutcomeNoAnswer:
		return "no_answer"
	case media.OutcomeRefused:
		return "refused"
	}
	return "failure"
}
