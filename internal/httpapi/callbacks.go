package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/agents"
)

// callOutcome of a call.
type callOutcome string

// Schema lists them; no_answer and no-answer are the same.
func (callOutcome) Schema(huma.Registry) *huma.Schema {
	return oneOf("completed", "voicemail", "no_answer", "no-answer", "busy", "failed")
}

// callbackJSON is the callback role of an agent.
type callbackJSON struct {
	_        struct{}      `nullable:"true"` // null of agents without the role
	Sources  []string      `json:"source_agent_ids" nullable:"false"`
	Triggers []callOutcome `json:"callback_trigger_statuses" nullable:"false" doc:"Empty takes every outcome."`
}

func showCallback(r *parley.CallbackRole) *callbackJSON {
	if r == nil {
		return nil
	}
	return &callbackJSON{
		Sources: r.SourceIDs, Triggers: each(r.Triggers, func(o parley.CallOutcome) callOutcome { return callOutcome(o) }),
	}
}

// CallbackTriggers are the outcomes of calls that can be returned.
type CallbackTriggers struct {
	Triggers []callOutcome `json:"callback_trigger_statuses" required:"false" nullable:"false" doc:"Every outcome when left out."`
}

type callbackBody struct {
	Sources []string `json:"source_agent_ids" minItems:"1" nullable:"false"`
	CallbackTriggers
}

func (b callbackBody) callback() agents.Callback {
	c := agents.Callback{SourceIDs: b.Sources}
	if b.Triggers != nil {
		c.Triggers = each(b.Triggers, func(o callOutcome) parley.CallOutcome { return parley.CallOutcome(o) })
	}
	return c
}

type callbackCheckBody struct {
	On      *bool    `json:"is_callback_agent" required:"false" nullable:"false" doc:"True when left out."`
	Sources []string `json:"callback_source_agents" required:"false" nullable:"false"`
	Alias   []string `json:"source_agent_ids" required:"false" nullable:"false" doc:"The same as callback_source_agents."`
	CallbackTriggers
}

// checkedJSON is what a dry run found.
type checkedJSON struct {
	Success bool        `json:"success"`
	Message string      `json:"message" example:"Configuration is valid"`
	Code    parley.Code `json:"code,omitempty" example:"VALIDATION_ERROR"`
	Errors  []string    `json:"errors,omitempty"`
}

const (
	callbackIsValid = "Configuration is valid"
	callbackIsWrong = "Configuration has errors"
)

// checkedExamples are both verdicts.
func checkedExamples() map[string]any {
	return map[string]any{
		"valid":   checkedJSON{Success: true, Message: callbackIsValid},
		"invalid": checkedJSON{Message: callbackIsWrong, Code: parley.ValidationError, Errors: []string{"At least one source agent is required"}},
	}
}

// callbackSumsJSON are the figures of calls on numbers of callback agents.
type callbackSumsJSON struct {
	Received  int `json:"total_callbacks_received" minimum:"0"`
	Answered  int `json:"callbacks_answered" minimum:"0"`
	Unmatched int `json:"callbacks_unmatched" minimum:"0" doc:"Of those received: no source had called the caller in the last 30 days."`
}

func showCallbackSums(s agents.CallbackSums) callbackSumsJSON { return callbackSumsJSON(s) }

type callbackAgentJSON struct {
	Agent   agentJSON        `json:"agent"`
	Sources []agentRefJSON   `json:"source_agents" nullable:"false"`
	Stats   callbackSumsJSON `json:"stats"`
}

type callbackSourceJSON struct {
	ID        string `json:"id"`
	Name      string `json:"name" example:"Rose"`
	Label     string `json:"label" example:"Reception"`
	Direction string `json:"direction" enum:"outbound"`
	Status    string `json:"current_status" enum:"published"`
}

type daysQuery struct {
	Start string `json:"start_date" required:"false" format:"date" doc:"Inclusive; 30 days before the end when left out."`
	End   string `json:"end_date" required:"false" format:"date" doc:"Inclusive; today when left out."`
}

type sourceSumJSON struct {
	ID    string `json:"source_agent_id"`
	Name  string `json:"name" example:"Rose"`
	Count int    `json:"count" minimum:"0"`
}

type callbackStatsJSON struct {
	Period    periodJSON      `json:"period"`
	Received  int             `json:"total_callbacks_received" minimum:"0" doc:"Unmatched ones included."`
	Answered  int             `json:"callbacks_answered" minimum:"0"`
	Unmatched int             `json:"callbacks_unmatched" minimum:"0"`
	BySource  []sourceSumJSON `json:"callbacks_by_source_agent" nullable:"false" doc:"Of agents that still exist."`
}

func (a *api) callbackRoutes() {
	const all, role = "/api/v1/callback-agents", "/api/v1/agents/{agent_id}/callback"
	handle(a, op{
		id: "listCallbackAgents", method: http.MethodGet, path: all, tag: "Callback Agents", summary: "List callback agents",
		codes: []parley.Code{parley.Unauthorized},
	}, func(ctx context.Context, r *in[none, none]) ([]agentJSON, error) {
		views, err := a.deps.Agents.CallbackAgents(ctx, r.actor)
		return each(views, showAgent), err
	})
	handle(a, op{
		id: "listCallbackSourceAgents", method: http.MethodGet, path: all + "/source-agents", tag: "Callback Agents",
		summary: "List agents usable as sources", codes: []parley.Code{parley.Unauthorized},
	}, a.listCallbackSources)
	handle(a, op{
		id: "getCallbackStats", method: http.MethodGet, path: all + "/stats", tag: "Callback Agents", summary: "Get callback totals",
		codes: []parley.Code{parley.Unauthorized, parley.ValidationError},
	}, a.callbackStats)
	handle(a, op{
		id: "getCallbackAgent", method: http.MethodGet, path: all + "/{agent_id}", tag: "Callback Agents", summary: "Get one callback agent",
		codes: []parley.Code{parley.Unauthorized, parley.NotACallbackAgent, parley.AgentNotFound},
	}, a.getCallbackAgent)
	handle(a, op{
		id: "checkCallbackConstraints", method: http.MethodPost, path: all + "/{agent_id}/check-constraints", tag: "Callback Agents",
		summary: "Dry-run a callback configuration", shape: bareShape, answers: checkedExamples(),
		codes: []parley.Code{parley.Unauthorized, parley.AgentNotFound, parley.ValidationError},
	}, a.checkCallback)
	handle(a, op{
		id: "setAgentCallback", method: http.MethodPost, path: role, tag: "Callback Agents", summary: "Give an agent the callback role",
		codes: []parley.Code{parley.Unauthorized, parley.AgentNotFound, parley.InvalidAgentDirection, parley.ValidationError},
	}, func(ctx context.Context, r *in[none, callbackBody]) (agentJSON, error) {
		return showView(a.deps.Agents.SetCallback(ctx, r.actor, r.id("agent_id"), r.body.callback(), r.faults))
	})
	handle(a, op{
		id: "updateAgentCallback", method: http.MethodPut, path: role, tag: "Callback Agents", summary: "Replace the source list",
		codes: []parley.Code{parley.Unauthorized, parley.AgentNotFound, parley.NotACallbackAgent, parley.ValidationError},
	}, func(ctx context.Context, r *in[none, callbackBody]) (agentJSON, error) {
		return showView(a.deps.Agents.UpdateCallback(ctx, r.actor, r.id("agent_id"), r.body.callback(), r.faults))
	})
	handle(a, op{
		id: "removeAgentCallback", method: http.MethodDelete, path: role, tag: "Callback Agents", summary: "Drop the callback role",
		shape: doneShape, message: "Callback role removed",
		codes: []parley.Code{parley.Unauthorized, parley.AgentNotFound, parley.NotACallbackAgent},
	}, func(ctx context.Context, r *in[none, none]) (none, error) {
		return none{}, a.deps.Agents.DropCallback(ctx, r.actor, r.id("agent_id"))
	})
}

func (a *api) listCallbackSources(ctx context.Context, r *in[none, none]) ([]callbackSourceJSON, error) {
	list, err := a.deps.Agents.CallbackSources(ctx, r.actor)
	return each(list, func(s *parley.Agent) callbackSourceJSON {
		return callbackSourceJSON{ID: s.ID, Name: s.Name, Label: s.Label, Direction: string(s.Direction), Status: string(s.Status)}
	}), err
}

func (a *api) callbackStats(ctx context.Context, r *in[daysQuery, none]) (out callbackStatsJSON, err error) {
	var d agents.Days
	// What is no date was found wrong before and leaves these zero.
	d.Start, _ = time.Parse(time.DateOnly, r.query.Start)
	d.End, _ = time.Parse(time.DateOnly, r.query.End)
	sum, by, d, err := a.deps.Agents.CallbackTotals(ctx, r.actor, d, r.faults)
	return callbackStatsJSON{
		Period:   periodJSON{d.Start.Format(time.DateOnly), d.End.Format(time.DateOnly)},
		Received: sum.Received, Answered: sum.Answered, Unmatched: sum.Unmatched,
		BySource: each(by, func(s agents.SourceSum) sourceSumJSON { return sourceSumJSON{s.Agent.ID, s.Agent.Name, s.Calls} }),
	}, err
}

func (a *api) getCallbackAgent(ctx context.Context, r *in[none, none]) (out callbackAgentJSON, err error) {
	v, err := a.deps.Agents.CallbackAgent(ctx, r.actor, r.id("agent_id"))
	if err != nil {
		return out, err
	}
	return callbackAgentJSON{Agent: showAgent(v.View), Sources: each(v.Sources, showAgentRef), Stats: showCallbackSums(v.Sums)}, nil
}

// checkCallback answers 200 for a bad configuration too (contract notes, C64).
func (a *api) checkCallback(ctx context.Context, r *in[none, callbackCheckBody]) (checkedJSON, error) {
	b := r.body
	c := agents.CallbackCheck{Off: b.On != nil && !*b.On, SourceIDs: append(b.Sources, b.Alias...)}
	wrong, err := a.deps.Agents.CheckCallback(ctx, r.actor, r.id("agent_id"), c, r.faults)
	if len(wrong) > 0 {
		return checkedJSON{Message: callbackIsWrong, Code: parley.ValidationError, Errors: wrong}, err
	}
	return checkedJSON{Success: true, Message: callbackIsValid}, err
}

// calledBackJSON is what a call on a callback agent's number returns.
type calledBackJSON struct {
	_        struct{}      `nullable:"true"` // null of other calls
	Matched  bool          `json:"matched" doc:"A source had called the caller in the last 30 days. The rest is null when not, or when that call was erased."`
	CallID   *string       `json:"call_id"`
	Source   *agentRefJSON `json:"source_agent"`
	Outcome  *callOutcome  `json:"outcome" nullable:"true"`
	CalledAt *stamp        `json:"called_at"`
	Payload  *object       `json:"payload" doc:"As that call was ordered with."`
	Context  *object       `json:"context" doc:"Likewise."`
}

// calledBack looks up what a call returns. It is read from that call, so that nothing of it outlives it.
func (a *api) calledBack(ctx context.Context, actor parley.Actor, c *parley.Call) (*calledBackJSON, error) {
	if c.Callback == nil {
		return nil, nil
	}
	out := &calledBackJSON{Matched: c.Callback.Matched()}
	if !out.Matched {
		return out, nil
	}
	earlier, _, err := a.deps.Calls.Get(ctx, actor, c.Callback.CallID)
	if parley.CodeOf(err) == parley.CallNotFound {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	named, err := a.deps.Agents.Named(ctx, actor, []string{earlier.AgentID})
	if source := named[earlier.AgentID]; source != nil {
		out.Source = new(showAgentRef(source))
	}
	out.CallID, out.Outcome, out.CalledAt = &earlier.ID, new(callOutcome(earlier.Outcome())), new(stamp(earlier.CreatedAt))
	if earlier.Payload != nil {
		out.Payload = &object{earlier.Payload}
	}
	if earlier.Context != nil {
		out.Context = &object{earlier.Context}
	}
	return out, err
}
