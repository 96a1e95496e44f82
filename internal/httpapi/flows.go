package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/agents"
)

// conversationMode of an agent.
type conversationMode string

// Schema lists them.
func (conversationMode) Schema(huma.Registry) *huma.Schema {
	return oneOf(string(parley.LLMDriven), string(parley.FlowDriven))
}

type flowJSON struct {
	Mode   conversationMode `json:"conversation_mode"`
	Config *flowConfigJSON  `json:"flow_config" doc:"Null when the model leads."`
}

// flowConfigJSON is a graph, kept as it came.
type flowConfigJSON struct{ object }

// Schema describes it; what nodes of each type need is checked by the room.
func (flowConfigJSON) Schema(huma.Registry) *huma.Schema {
	text, null := &huma.Schema{Type: huma.TypeString}, &huma.Schema{Type: "null"}
	list := func(fields map[string]*huma.Schema, required ...string) *huma.Schema {
		return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{
			Type: huma.TypeObject, Properties: fields, Required: required, AdditionalProperties: true,
		}}
	}
	return &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: true, Nullable: true, Required: []string{"initial_node_id", "nodes"},
		Examples: []any{exampleGraph()},
		Properties: map[string]*huma.Schema{
			"initial_node_id": text,
			"meta": {Type: huma.TypeObject, AdditionalProperties: true, Properties: map[string]*huma.Schema{
				"name": text, "version": {Type: huma.TypeString, Description: "Name of the version; a number is given when it is left out."},
			}},
			"nodes": list(map[string]*huma.Schema{
				"id": text, "type": oneOf("say", "ask", "decision", "action", "transfer", "end"), "content": text,
				"next":     {OneOf: []*huma.Schema{text, null}},
				"branches": list(map[string]*huma.Schema{"match": text, "next": text}, "match", "next"),
			}, "id", "type"),
			"global_functions": list(map[string]*huma.Schema{"name": text, "description": text}, "name"),
		},
	}
}

func showConfig(raw json.RawMessage) *flowConfigJSON {
	if len(raw) == 0 {
		return nil
	}
	return &flowConfigJSON{object{raw}}
}

func showFlow(f agents.Flow, err error) (flowJSON, error) {
	return flowJSON{conversationMode(f.Mode), showConfig(f.Config)}, err
}

type flowVersionJSON struct {
	ID        string           `json:"id"`
	Version   string           `json:"version" example:"1"`
	CreatedAt stamp            `json:"created_at"`
	Current   bool             `json:"is_current"`
	Mode      conversationMode `json:"conversation_mode"`
	Config    *flowConfigJSON  `json:"flow_config"`
}

type flowVersionsJSON struct {
	Versions []flowVersionJSON `json:"versions" nullable:"false" doc:"Newest first; the last hundred are kept."`
}

// givenGraph is a graph that a form takes as it is: the room says what is wrong with it.
type givenGraph struct{ object }

// Schema describes it.
func (givenGraph) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Nullable: true, Examples: []any{exampleGraph()}}
}

// exampleGraph asks one question and ends.
func exampleGraph() map[string]any {
	return map[string]any{"initial_node_id": "greet", "nodes": []any{
		map[string]any{"id": "greet", "type": "ask", "content": "Do you want to book a visit?", "next": "bye"},
		map[string]any{"id": "bye", "type": "end", "content": "Thank you. Goodbye."},
	}}
}

func exampleGraphFaults() []string { return []string{"initial_node_id 'greet' not found in nodes"} }

// flowVerdictExamples are both verdicts.
func flowVerdictExamples() map[string]any {
	return map[string]any{
		"valid":   flowVerdictJSON{Success: true, Message: flowIsValid},
		"invalid": flowVerdictJSON{Message: "Flow validation failed", Code: parley.FlowInvalid, Errors: exampleGraphFaults()},
	}
}

// graph is nil for null and for one that was not sent.
func (g givenGraph) graph() json.RawMessage {
	if string(g.raw) == "null" {
		return nil
	}
	return g.raw
}

// checkedGraph is a graph that there must be.
type checkedGraph struct{ object }

// Schema describes it.
func (checkedGraph) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Examples: []any{exampleGraph()}}
}

type flowBody struct {
	Mode   conversationMode `json:"conversation_mode"`
	Config givenGraph       `json:"flow_config" required:"false" doc:"Required when the mode is flow_driven."`
}

type flowCheckBody struct {
	Config checkedGraph `json:"flow_config"`
}

// flowVerdictJSON says whether a graph can be run.
type flowVerdictJSON struct {
	Success bool        `json:"success"`
	Message string      `json:"message"`
	Code    parley.Code `json:"code,omitempty"`
	Errors  []string    `json:"errors,omitempty"`
}

func describeFlowVerdict(huma.Registry) *huma.Schema {
	is := func(v bool) *huma.Schema { return &huma.Schema{Type: huma.TypeBoolean, Enum: []any{v}} }
	one := 1
	return &huma.Schema{OneOf: []*huma.Schema{
		{Type: huma.TypeObject, Required: []string{"success", "message"}, Properties: map[string]*huma.Schema{
			"success": is(true), "message": oneOf(flowIsValid),
		}},
		{Type: huma.TypeObject, Required: []string{"success", "errors"}, Properties: map[string]*huma.Schema{
			"success": is(false), "message": {Type: huma.TypeString}, "code": {Type: huma.TypeString},
			"errors": {Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}, MinItems: &one},
		}},
	}}
}

const flowIsValid = "Flow is valid"

func (a *api) flowRoutes() {
	const path = "/api/v1/agents/{agent_id}/flow"
	flow := func(id, method, sub, summary string, codes ...parley.Code) op {
		return op{
			id: id, method: method, path: path + sub, tag: "Agent Flow", summary: summary,
			codes: append([]parley.Code{parley.Unauthorized, parley.AgentNotFound}, codes...),
		}
	}
	handle(a, flow("getAgentFlow", http.MethodGet, "", "Get conversation mode and flow"), a.getFlow)
	handle(a, flow("updateAgentFlow", http.MethodPut, "", "Set conversation mode and flow", parley.FlowInvalid, parley.ValidationError), a.updateFlow)
	validate := flow("validateAgentFlow", http.MethodPost, "/validate", "Dry-run the flow checks", parley.ValidationError)
	validate.shape, validate.answer, validate.answers = bareShape, describeFlowVerdict, flowVerdictExamples()
	handle(a, validate, a.validateFlow)
	handle(a, flow("listAgentFlowVersions", http.MethodGet, "/versions", "List saved flow versions"), a.listFlowVersions)
}

func (a *api) getFlow(ctx context.Context, r *in[none, none]) (flowJSON, error) {
	return showFlow(a.deps.Agents.Flow(ctx, r.actor, r.id("agent_id")))
}

func (a *api) updateFlow(ctx context.Context, r *in[none, flowBody]) (flowJSON, error) {
	f := agents.Flow{Mode: parley.ConversationMode(r.body.Mode), Config: r.body.Config.graph()}
	return showFlow(a.deps.Agents.SetFlow(ctx, r.actor, r.id("agent_id"), f, r.faults))
}

// validateFlow answers what is wrong with a graph as a success that tells of none (contract notes, C64).
func (a *api) validateFlow(ctx context.Context, r *in[none, flowCheckBody]) (flowVerdictJSON, error) {
	err := a.deps.Agents.CheckFlow(ctx, r.actor, r.id("agent_id"), r.body.Config.raw, r.faults)
	if e, ok := errors.AsType[*parley.Error](err); ok && e.Code == parley.FlowInvalid {
		return flowVerdictJSON{Message: e.Message, Code: e.Code, Errors: e.List}, nil
	}
	return flowVerdictJSON{Success: true, Message: flowIsValid}, err
}

func (a *api) listFlowVersions(ctx context.Context, r *in[none, none]) (flowVersionsJSON, error) {
	rows, err := a.deps.Agents.FlowVersions(ctx, r.actor, r.id("agent_id"))
	return flowVersionsJSON{each(rows, func(v parley.FlowVersion) flowVersionJSON {
		return flowVersionJSON{v.ID, v.Version, stamp(v.CreatedAt), v.Current, conversationMode(v.Mode), showConfig(json.RawMessage(v.Config))}
	})}, err
}
