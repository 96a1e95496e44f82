package convo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/llm"
)

const (
	// nameMost bounds the name of a tool; models take no longer ones.
	nameMost = 60
	// patience is how long a caller hears nothing while an action runs.
	patience = 2 * time.Second
)

// Requester runs actions.
type Requester interface {
	// Runs says whether it can run an action.
	Runs(a *parley.Action) bool
	// Request sends the arguments, a JSON object, and returns what the model is told of what came of it. It is bounded in time and size. run
	// names this running of the action, also to whoever gets the request twice.
	Request(ctx context.Context, run string, a *parley.Action, arguments json.RawMessage) (result string, ok bool)
}

// deed is an action as the model knows it.
type deed struct {
	tool   llm.Tool
	action *parley.Action
}

// deedsOf are the actions that the model is offered.
func deedsOf(offers []parley.ActionTool) []deed {
	var all []deed
	taken := map[string]bool{llm.ToolHangUp: true, llm.ToolTakeMessage: true, llm.ToolTransfer: true, llm.ToolHold: true}
	for i := range offers {
		o := &offers[i]
		tool := llm.Tool{Name: freeName(o.Name, taken), Description: o.Description, Parameters: o.Parameters}
		if tool.Parameters == nil {
			tool.Parameters = parametersOf(&o.Action)
		} else {
			tool.Description = strings.TrimSpace(tool.Description + warning(&o.Action))
		}
		all = append(all, deed{tool, &o.Action})
	}
	return all
}

var reNoName = regexp.MustCompile(`[^a-z0-9]+`)

// freeName makes a name that every model takes of any text, and that no other tool has.
func freeName(text string, taken map[string]bool) string {
	base := strings.Trim(reNoName.ReplaceAllString(strings.ToLower(text), "_"), "_")
	if base == "" {
		base = "action"
	}
	base = base[:min(len(base), nameMost)]
	name := base
	for n := 2; taken[name]; n++ {
		name = fmt.Sprintf("%s_%d", base, n)
	}
	taken[name] = true
	return name
}

// parametersOf is the JSON schema of the inputs that are asked for, in their order.
func parametersOf(a *parley.Action) json.RawMessage {
	var properties bytes.Buffer
	seen, required := map[string]bool{}, []string{}
	for i := range a.Inputs {
		in := &a.Inputs[i]
		if _, fixed := in.Fixed(); fixed || in.Name == "" || seen[in.Name] {
			continue
		}
		if len(seen) > 0 {
			properties.WriteByte(',')
		}
		seen[in.Name] = true
		properties.Write(encoded(in.Name))
		properties.WriteByte(':')
		properties.Write(encoded(schemaOf(in)))
		if in.Required {
			required = append(required, in.Name)
		}
	}
	return json.RawMessage(`{"type":"object","properties":{` + properties.String() + `},"required":` + string(encoded(required)) + `}`)
}

// exactly tells the model what unconfirmed holds it to.
const exactly = "Read it back and let the caller say yes before you call this."

// warning tells the model of exact inputs whose schema is not ours to write in.
func warning(a *parley.Action) string {
	var names []string
	for i := range a.Inputs {
		if in := &a.Inputs[i]; in.Exact() {
			names = append(names, in.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " " + exactly + " That goes for: " + strings.Join(names, ", ") + "."
}

func schemaOf(in *parley.ActionInput) map[string]any {
	s := map[string]any{"type": "string"}
	switch kind := strings.ToLower(in.Type); kind {
	case "integer", "int":
		s["type"] = "integer"
	case "number", "float":
		s["type"] = "number"
	case "boolean", "bool":
		s["type"] = "boolean"
	case "array", "object":
		s["type"] = kind
	case "date", "time", "email":
		s["format"] = kind
	case "datetime", "date-time":
		s["format"] = "date-time"
	case "phone", "tel":
		s["format"] = "phone"
	case "digits":
		s["format"], s["pattern"] = kind, "^[0-9]+$"
	case "url", "uri":
		s["format"] = "uri"
	}
	if text := in.Description; text != "" || in.Exact() {
		if in.Exact() {
			text = strings.TrimSpace(text + " " + exactly)
		}
		s["description"] = text
	}
	if len(in.Enum) > 0 {
		s["enum"] = in.Enum
	}
	return s
}

// encoded is JSON of what always has some; raw parts were checked when they came.
func encoded(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte("null")
	}
	return b
}

// argumentsOf are what is sent: of the model's arguments those that the action has, and the fixed values, placeholders filled in. why is
// what the model is told when nothing may be sent: required ones are missing, or the caller did not say yes to exact ones.
func argumentsOf(a *parley.Action, given json.RawMessage, cfg Config, history []llm.Message) (arguments json.RawMessage, why string) {
	arguments, missing := filledIn(a, given, cfg.Payload)
	if len(missing) > 0 {
		text := "Ask for what is missing first: " + strings.Join(missing, ", ") + "."
		return nil, string(encoded(map[string]any{"ok": false, "message": text}))
	}
	if readings := unconfirmed(a, arguments, history, cfg.Snapshot.Agent.Language); len(readings) > 0 {
		return nil, refusal(readings)
	}
	return arguments, ""
}

func filledIn(a *parley.Action, given json.RawMessage, payload map[string]any) (arguments json.RawMessage, missing []string) {
	var asked map[string]json.RawMessage
	_ = json.Unmarshal(given, &asked) // what is no object gives nothing
	out := map[string]json.RawMessage{}
	for i := range a.Inputs {
		in := &a.Inputs[i]
		if v, fixed := in.Fixed(); fixed {
			var text string
			if json.Unmarshal(v, &text) == nil {
				v = encoded(fill(text, payload))
			}
			out[in.Name] = v
			continue
		}
		if v, ok := asked[in.Name]; ok && string(v) != "null" && string(v) != `""` {
			out[in.Name] = v
		} else if in.Required {
			missing = append(missing, in.Name)
		}
	}
	return encoded(out), missing
}

// carryOut carries out an action, and returns what the model is told. It may be called by any goroutine; told is for that of the conversation.
func carryOut(ctx context.Context, cfg Config, d deed, arguments json.RawMessage) (result string, told func()) {
	began, id := parley.Stamp(time.Now()), parley.NewID()
	result, ok := cfg.Requester.Request(ctx, id, d.action, arguments)
	return result, func() {
		if cfg.Acted != nil {
			cfg.Acted(Acted{id, d.action, began, arguments, result, ok})
		}
	}
}

// running is an action that was begun, for whoever waits for what comes of it.
type running struct {
	done   chan struct{}
	result string // once done is closed
}

func (r *running) end(result string) {
	r.result = result
	close(r.done)
}

// runnings are the actions that a conversation has begun, by the ids of their calls and what was sent: one that is called again is not
// done twice.
type runnings struct {
	mu  sync.Mutex
	all map[string]*running
}

// of finds an action that was begun; else it begins one, which the caller of it is to carry out.
func (r *runnings) of(key string) (one *running, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if one, known = r.all[key]; known {
		return one, true
	}
	if r.all == nil {
		r.all = map[string]*running{}
	}
	one = &running{done: make(chan struct{})}
	r.all[key] = one
	return one, false
}

// tidings are what the session's goroutine is to tell of actions; it tells what is left when it ends.
type tidings struct {
	mu   sync.Mutex
	list []func()
}

func (t *tidings) put(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = append(t.list, f)
}

func (t *tidings) tell() {
	t.mu.Lock()
	list := t.list
	t.list = nil
	t.mu.Unlock()
	for _, f := range list {
		f()
	}
}

// deed is the action that a call means.
func (m *mind) deed(c llm.ToolCall) (deed, bool) {
	for _, d := range m.deeds {
		if d.tool.Name == c.Name {
			return d, true
		}
	}
	return deed{}, false
}

// run lets an action happen while the caller waits. Nothing that was thought too early happens: it waits until the answer is heard.
func (p *pen) run(ctx context.Context, call llm.ToolCall, history []llm.Message) (string, bool) {
	d, ok := p.s.mind.deed(call)
	if !ok {
		return "", false
	}
	arguments, why := argumentsOf(d.action, call.Arguments, p.s.cfg, history)
	if why != "" {
		p.s.post(func() { p.s.mind.did(call, why, p.ctx.Err() != nil) })
		return why, true
	}
	p.fills(d.action.SpeakOnSend)
	select {
	case <-p.u.onAir:
	case <-ctx.Done():
		return "", false
	}
	r, joined := p.s.running.of(call.ID + string(arguments))
	if !joined {
		p.s.jobs.do(func(life context.Context) { // not of the answer: what was begun is not given up when the caller speaks
			result, told := carryOut(life, p.s.cfg, d, arguments)
			p.s.untold.put(told)
			p.s.post(func() {
				p.s.mind.did(call, result, p.ctx.Err() != nil)
				p.s.untold.tell()
			})
			r.end(result)
		})
	}
	waiting := time.NewTicker(patience)
	defer waiting.Stop()
	for {
		select {
		case <-r.done:
			if joined {
				p.s.post(func() { p.s.mind.did(call, r.result, p.ctx.Err() != nil) })
			}
			if text := p.filled(d.action.SpeakOnReceive); text != "" {
				p.clause(text)
			}
			p.post(func() { p.u.results = append(p.u.results, result{len(p.u.nodes), len(p.u.clauses)}) })
			return r.result, true
		case <-waiting.C:
			p.covers()
		case <-ctx.Done():
			return "", false
		}
	}
}

func (p *pen) filled(text *string) string {
	return strings.TrimSpace(fill(deref(text), p.s.cfg.Payload))
}

// fills says what is to be said before an action; without that a filler, unless the answer has begun with words of its own.
func (p *pen) fills(text *string) {
	if t := p.filled(text); t != "" {
		p.clause(t)
		return
	}
	p.post(func() {
		if len(p.u.clauses) == 0 {
			p.add(p.s.lines.Filler)
		}
	})
}

// covers says a filler when the caller has heard nothing for a while.
func (p *pen) covers() {
	p.post(func() {
		if p.s.play.head() == p.u && p.s.play.silent {
			p.add(p.s.lines.Filler)
		}
	})
}
