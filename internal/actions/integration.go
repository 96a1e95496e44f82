package actions

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/parley-voice/parley"
)

// Integration carries out the actions that go by it. Each lies in a room below this one.
type Integration interface {
	// Entry is what the catalogue says of it.
	Entry() parley.Integration
	// Check notes what settings, each right by itself and with defaults filled in, cannot be together.
	Check(c parley.Config, faults *parley.Faults)
	// Run does what is ordered and returns what the model is told, JSON or text. A *Refusal says why it was not done; any other error
	// means that the service cannot be reached.
	Run(ctx context.Context, o *Order) (result []byte, err error)
}

// Expander is an Integration whose actions stand for the tools of a server.
type Expander interface {
	// Tools are those of the order's server; the order has no arguments.
	Tools(ctx context.Context, o *Order) ([]parley.ActionTool, error)
	// Forget drops what is remembered of servers and says how much that was.
	Forget() int
}

// Order is an action that is to be carried out.
type Order struct {
	Run       string // names this running of the action, also to who gets it twice; empty where nothing runs
	Action    *parley.Action
	Config    parley.Config // with defaults filled in, secrets in clear
	Headers   []parley.Header
	Arguments map[string]any
}

// Refusal is why something was not done, in words that the model can talk about.
type Refusal struct {
	Message string
	More    map[string]any // facts for the model; nil for none
}

func (r *Refusal) Error() string { return r.Message }

// expandWithin bounds how long a call waits to learn which tools there are.
const expandWithin = 3 * time.Second

var errNoTools = errors.New("actions: no list of tools within 3s")

// integrated carries out an action that goes by an integration.
func (a *Actions) integrated(ctx context.Context, run string, act *parley.Action, arguments json.RawMessage) (string, bool) {
	began := time.Now()
	result, err := a.ordered(ctx, run, act, arguments)
	a.deps.Log.Info("action", "action", act.ID, "integration", *act.Integration, "ms", time.Since(began).Milliseconds(), "failed", err != nil)
	var refused *Refusal
	switch {
	case errors.As(err, &refused):
		return refusal(refused), false
	case errors.Is(context.Cause(ctx), errTimeout):
		return failure(0, "It did not answer in time.", nil), false
	case err != nil:
		a.deps.Log.Warn("integration of an action failed", "action", act.ID, "integration", *act.Integration, "error", kind(err))
		return failure(0, "It cannot be reached at the moment.", nil), false
	}
	return success(result[:min(len(result), mostAnswer)]), true
}

// kind names a fault by the type at its root, which holds no address and no word of anybody.
func kind(err error) string {
	for {
		next := errors.Unwrap(err)
		if all, ok := err.(interface{ Unwrap() []error }); ok && len(all.Unwrap()) > 0 {
			next = all.Unwrap()[0]
		}
		if next == nil {
			return fmt.Sprintf("%T", err)
		}
		err = next
	}
}

func (a *Actions) ordered(ctx context.Context, run string, act *parley.Action, arguments json.RawMessage) ([]byte, error) {
	by, o, err := a.order(act)
	if err != nil {
		return nil, err
	}
	o.Run = run
	if err := json.Unmarshal(arguments, &o.Arguments); err != nil {
		return nil, fmt.Errorf("arguments of action %s: %w", act.ID, err)
	}
	return by.Run(ctx, o)
}

// order reads what an action is to do, and by which integration.
func (a *Actions) order(act *parley.Action) (Integration, *Order, error) {
	if act.Integration == nil {
		return nil, nil, fmt.Errorf("action %s has a config and no integration", act.ID)
	}
	by := a.named(*act.Integration)
	if by == nil {
		return nil, nil, fmt.Errorf("action %s: there is no integration %s", act.ID, *act.Integration)
	}
	var config parley.Config
	plain, err := a.deps.Vault.Open(act.SealedConfig, act.ConfigContext())
	if err == nil {
		err = json.Unmarshal(plain, &config)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("config of action %s: %w", act.ID, err)
	}
	headers, err := a.custom(act)
	entry := by.Entry()
	return by, &Order{Action: act, Config: entry.WithDefaults(config), Headers: headers}, err
}

// Expand returns what the model is offered of an action: the tools of its server, or the action itself where it is its own tool or the
// server does not say in time what it has. Calling it tells the model then that the server is away.
func (a *Actions) Expand(ctx context.Context, act *parley.Action) []parley.ActionTool {
	itself := []parley.ActionTool{{Action: *act}}
	if !act.Integrated() {
		return itself
	}
	by, o, err := a.order(act)
	if err != nil {
		a.deps.Log.Error("action cannot be offered", "action", act.ID, "error", err)
		return itself
	}
	x, ok := by.(Expander)
	if !ok {
		return itself
	}
	ctx, cancel := context.WithTimeoutCause(ctx, expandWithin, errNoTools)
	defer cancel()
	tools, err := x.Tools(ctx, o)
	if err != nil {
		a.deps.Log.Warn("a server does not say which tools it has", "action", act.ID, "error", kind(err))
		return itself
	}
	return tools
}

// Forget drops what is remembered of receivers, tokens and lists of tools, and says how much that was.
func (a *Actions) Forget() int {
	n := a.tokens.clear()
	for _, by := range a.deps.Integrations {
		if x, ok := by.(Expander); ok {
			n += x.Forget()
		}
	}
	return n
}

func refusal(r *Refusal) string {
	told := map[string]any{"ok": false, "message": r.Message}
	for k, v := range r.More {
		if _, taken := told[k]; !taken {
			told[k] = v
		}
	}
	b := encode(told)
	if len(b) > mostAnswer {
		return failure(0, string(bytes.ToValidUTF8([]byte(r.Message[:min(len(r.Message), mostAnswer)]), nil)), nil)
	}
	return b
}
