package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/agents"
)

type actionJSON struct {
	ID               string          `json:"id"`
	NodeID           string          `json:"node_id" example:"book-visit"`
	Name             string          `json:"name" example:"Book a visit"`
	Label            string          `json:"label" doc:"The same as name." example:"Book a visit"`
	Description      string          `json:"description" example:"Books a visit for the caller."`
	Type             actionType      `json:"type"`
	Inputs           actionInputs    `json:"input_schema"`
	Config           *settings       `json:"config" doc:"Settings of the integration, without those that are secret."`
	Trigger          *object         `json:"action_trigger"`
	URL              *string         `json:"url" example:"https://crm.example.com/visits"`
	Method           actionMethod    `json:"http_method"`
	AuthorizationURL *string         `json:"authorization_url"`
	Scheme           authScheme      `json:"authorization_scheme"`
	Headers          []headerPair    `json:"custom_headers" nullable:"true"`
	SpeakOnSend      *string         `json:"speak_on_send"`
	SpeakOnReceive   *string         `json:"speak_on_receive"`
	Mode             executionMode   `json:"execution_mode"`
	Integration      *integrationRef `json:"integration"`
	Status           activity        `json:"current_status"`
	CreatedAt        stamp           `json:"created_at"`
	UpdatedAt        stamp           `json:"updated_at"`
}

func showAction(v agents.ActionView) actionJSON {
	out := actionJSON{
		ID: v.ID, NodeID: v.NodeID, Name: v.Name, Label: v.Name, Description: v.Description, Type: actionType(v.Type),
		Inputs: actionInputs(v.Inputs), URL: v.URL, Method: actionMethod(v.Method), AuthorizationURL: v.AuthorizationURL,
		Scheme: authScheme(v.Scheme), SpeakOnSend: v.SpeakOnSend, SpeakOnReceive: v.SpeakOnReceive, Mode: executionMode(v.Mode),
		Status: activity(v.Status), CreatedAt: stamp(v.CreatedAt), UpdatedAt: stamp(v.UpdatedAt),
	}
	if out.Inputs == nil {
		out.Inputs = actionInputs{}
	}
	if v.Headers != nil {
		out.Headers = each(v.Headers, func(h parley.Header) headerPair { return headerPair(h) })
	}
	if v.Config != nil {
		out.Config = (*settings)(&v.Config)
	}
	if v.Integration != nil {
		out.Integration = &integrationRef{ID: *v.Integration}
	}
	return out
}

type actionBody struct {
	NodeID           string           `json:"node_id" minLength:"1" doc:"Upsert key within the agent." example:"book-visit"`
	Name             string           `json:"name" minLength:"1" maxLength:"255" example:"Book a visit"`
	Description      string           `json:"description" minLength:"1" example:"Books a visit for the caller."`
	Type             actionType       `json:"type"`
	Inputs           actionInputs     `json:"inputs" required:"false" doc:"Returned as input_schema."`
	Integration      givenIntegration `json:"integration" required:"false"`
	Config           givenSettings    `json:"config" required:"false"`
	URL              givenURL         `json:"url" required:"false" example:"https://crm.example.com/visits"`
	Method           actionMethod     `json:"http_method" required:"false" default:"POST"`
	AuthorizationURL givenURL         `json:"authorization_url" required:"false"`
	Scheme           authScheme       `json:"authorization_scheme" required:"false" default:"none"`
	Headers          givenHeaders     `json:"custom_headers" required:"false"`
	SpeakOnSend      givenText        `json:"speak_on_send" required:"false"`
	SpeakOnReceive   givenText        `json:"speak_on_receive" required:"false"`
	Mode             executionMode    `json:"execution_mode" required:"false" default:"during_call"`
	HoldDuration     *int             `json:"hold_duration" required:"false" minimum:"0" doc:"Seconds."`
	TransferTo       givenPhone       `json:"transfer_to" required:"false"`
	Status           activity         `json:"current_status" required:"false" default:"active"`
}

func (b actionBody) deed() agents.Deed {
	d := agents.Deed{
		Action: parley.Action{
			NodeID: b.NodeID, Name: b.Name, Description: b.Description, Type: parley.ActionType(b.Type), Inputs: b.Inputs, URL: b.URL.Value,
			Method: string(b.Method), AuthorizationURL: b.AuthorizationURL.Value, Scheme: string(b.Scheme), SpeakOnSend: b.SpeakOnSend.Value,
			SpeakOnReceive: b.SpeakOnReceive.Value, Mode: parley.ExecutionMode(b.Mode), Status: string(b.Status),
		},
		Headers: b.Headers.clear(), TransferTo: b.TransferTo.Value, HoldDuration: b.HoldDuration,
	}
	if b.Config.Value != nil {
		d.Config = parley.Config(*b.Config.Value)
	}
	if b.Integration.Value != nil {
		d.Integration = &b.Integration.Value.ID
	}
	if d.Method == "" {
		d.Method = http.MethodPost
	}
	if d.Scheme == "" {
		d.Scheme = "none"
	}
	if d.Mode == "" {
		d.Mode = parley.DuringCall
	}
	if d.Status == "" {
		d.Status = parley.ActionActive
	}
	return d
}

func (a *api) actionRoutes() {
	const path = "/api/v1/agents/{agent_id}/actions"
	refused := func(what string) map[parley.Code]string {
		return map[parley.Code]string{parley.Unauthorized: "You are not authorized to " + what + "."}
	}
	handle(a, op{
		id: "listActions", method: http.MethodGet, path: path, tag: "Actions", summary: "List actions of an agent",
		codes: []parley.Code{parley.Unauthorized, parley.AgentNotFound}, texts: refused("access this agent's actions"),
	}, a.listActions)
	handle(a, op{
		id: "upsertAction", method: http.MethodPost, path: path, tag: "Actions", summary: "Create or update an action",
		message: "Agent action updated successfully", codes: []parley.Code{parley.Unauthorized, parley.AgentNotFound, parley.ValidationError},
		texts:   refused("create actions for this agent"),
		reasons: map[parley.Code][]string{parley.Unauthorized: {agents.ForbiddenIntegration}},
	}, a.upsertAction)
	handle(a, op{
		id: "deleteAction", method: http.MethodDelete, path: path + "/{action_id}", tag: "Actions", summary: "Delete an action",
		message: "Agent action deleted successfully", shape: doneShape,
		codes: []parley.Code{parley.Unauthorized, parley.AgentNotFound, parley.ActionNotFound}, texts: refused("delete actions for this agent"),
	}, a.deleteAction)
}

func (a *api) listActions(ctx context.Context, r *in[none, none]) ([]actionJSON, error) {
	rows, err := a.deps.Agents.Actions(ctx, r.actor, r.id("agent_id"))
	return each(rows, showAction), err
}

func (a *api) upsertAction(ctx context.Context, r *in[none, actionBody]) (actionJSON, error) {
	v, err := a.deps.Agents.Equip(ctx, r.actor, r.id("agent_id"), r.body.deed(), r.faults)
	return showAction(v), err
}

func (a *api) deleteAction(ctx context.Context, r *in[none, none]) (none, error) {
	return none{}, a.deps.Agents.Disarm(ctx, r.actor, r.id("agent_id"), r.id("action_id"))
}

// actionType of an action.
type actionType string

// Schema lists them.
func (actionType) Schema(huma.Registry) *huma.Schema {
	return oneOf(string(parley.ActionWebhook), string(parley.ActionTransfer), string(parley.ActionHold), string(parley.ActionExternal))
}

// executionMode of an action.
type executionMode string

// Schema lists them.
func (executionMode) Schema(huma.Registry) *huma.Schema {
	return oneOf(string(parley.DuringCall), string(parley.PostCall))
}

// actionMethod of an action's request.
type actionMethod string

// Schema lists them.
func (actionMethod) Schema(huma.Registry) *huma.Schema {
	return oneOf(http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete)
}

// actionInputs are the arguments of an action.
type actionInputs []parley.ActionInput

// Schema describes them. A value is of any type of JSON.
func (actionInputs) Schema(huma.Registry) *huma.Schema {
	day := map[string]any{"name": "day", "type": "date", "required": true, "description": "Day of the visit."}
	return &huma.Schema{Type: huma.TypeArray, Examples: []any{[]any{day}}, Items: &huma.Schema{
		Type: huma.TypeObject, Required: []string{"name", "type"}, Properties: map[string]*huma.Schema{
			"name": {Type: huma.TypeString}, "type": {Type: huma.TypeString}, "required": {Type: huma.TypeBoolean},
			"description": {Type: huma.TypeString}, "enum": {Type: huma.TypeArray, Items: &huma.Schema{}, Description: "The only values."},
			"value": {Description: "Fixed value; any JSON type."},
		},
	}}
}

// settings are those of an action's integration.
type settings map[string]any

// Schema describes them.
func (settings) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

// givenSettings are settings that a form may leave out or empty.
type givenSettings struct{ parley.Given[settings] }

// Schema describes them.
func (givenSettings) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Nullable: true, AdditionalProperties: true,
		Description: "Settings of the integration, as its config_schema names them. A secret that is left out stays as it is."}
}

// givenURL is an address of the web that a form may leave out or empty.
type givenURL struct{ parley.Given[string] }

// Schema describes it.
func (givenURL) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "uri", Nullable: true}
}

// givenPhone is a number that a form may leave out or empty.
type givenPhone struct{ parley.Given[string] }

// Schema describes it.
func (givenPhone) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "phone", Pattern: phonePattern, Nullable: true}
}
