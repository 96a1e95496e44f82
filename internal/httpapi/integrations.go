package httpapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-voice/parley"
)

// integrationRef names an integration.
type integrationRef struct {
	_  struct{} `nullable:"true"`
	ID string   `json:"id"`
}

// givenIntegration is one that a form may leave out or empty.
type givenIntegration struct{ parley.Given[integrationRef] }

// Schema describes it.
func (givenIntegration) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Nullable: true, Required: []string{"id"}, Properties: map[string]*huma.Schema{
		"id": {Type: huma.TypeString, Description: "Catalogue identifier or integration UUID."},
	}}
}

// settingJSON is a setting. Those in "config" are given in the action's config, the others as fields of the action.
type settingJSON struct {
	Name        string   `json:"name" example:"method"`
	Type        string   `json:"type" example:"select"`
	Label       string   `json:"label" example:"Method"`
	Description string   `json:"description,omitempty" example:"How the request is sent."`
	Required    bool     `json:"required"`
	Secret      bool     `json:"secret" doc:"Kept sealed and never shown again."`
	In          string   `json:"in" enum:"config,action" doc:"Where an action gives it: in its config, or as a field of its own."`
	Options     []string `json:"options,omitempty" nullable:"false" example:"POST,PUT"`
	Minimum     *int     `json:"minimum,omitempty"`
	Maximum     *int     `json:"maximum,omitempty"`
	Default     any      `json:"default,omitempty"`
}

func showSetting(s parley.Setting) settingJSON {
	out := settingJSON{
		Name: s.Name, Type: string(s.Type), Label: s.Label, Description: s.Description, Required: s.Required, Secret: s.Secret, In: "config",
		Options: s.Options, Default: s.Default,
	}
	if s.OfAction {
		out.In = "action"
	}
	if s.Type == parley.SettingInteger {
		out.Minimum, out.Maximum = &s.Min, &s.Max
	}
	return out
}

type integrationJSON struct {
	ID          string        `json:"id" doc:"Actions may name it by this too."`
	Identifier  string        `json:"identifier"`
	DisplayName string        `json:"display_name" example:"HTTP request"`
	Description string        `json:"description" example:"Sends what the caller said to an address of yours."`
	Category    string        `json:"category"`
	IconURL     null          `json:"icon_url"`
	Config      []settingJSON `json:"config_schema" nullable:"false"`
	Inputs      actionInputs  `json:"input_schema" doc:"What an action takes that names no inputs of its own."`
}

func showIntegration(i parley.Integration) integrationJSON {
	out := integrationJSON{
		ID: i.ID, Identifier: i.Identifier, DisplayName: i.DisplayName, Description: i.Description, Category: i.Category,
		Config: each(i.Settings, showSetting), Inputs: actionInputs(i.Inputs),
	}
	if out.Inputs == nil {
		out.Inputs = actionInputs{}
	}
	return out
}

type configJSON struct {
	Identifier  string        `json:"identifier"`
	DisplayName string        `json:"display_name" example:"HTTP request"`
	Config      []settingJSON `json:"config_schema" nullable:"false"`
}

func (a *api) integrationRoutes() {
	const path = "/api/v1/action-integrations"
	handle(a, op{
		id: "listActionIntegrations", method: http.MethodGet, path: path, tag: "Action Integrations", summary: "List the integration catalogue",
		codes: []parley.Code{parley.Unauthorized},
	}, func(_ context.Context, r *in[none, none]) ([]integrationJSON, error) {
		rows, err := a.deps.Agents.Integrations(r.actor)
		return each(rows, showIntegration), err
	})
	category := newRoute(a, op{
		id: "listActionIntegrationsByCategory", method: http.MethodGet, path: path + "/category/{category}", tag: "Action Integrations",
		summary: "List integrations of one category", codes: []parley.Code{parley.Unauthorized},
	}, a.integrationsOf)
	config := newRoute(a, op{
		id: "getActionIntegrationConfig", method: http.MethodGet, path: path + "/{identifier}/config", tag: "Action Integrations",
		summary: "Get the settings an integration takes", codes: []parley.Code{parley.Unauthorized, parley.IntegrationNotFound},
	}, a.integrationConfig)
	// The two overlap at category/config, which the mux takes in no pair of patterns; the category has it (contract notes, 1.1).
	a.mountFork(http.MethodGet+" "+path+"/{identifier}/{category}", func(r *http.Request) *route {
		at := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), path+"/"), "/")
		switch {
		case at[0] == "category":
			return category
		case at[len(at)-1] == "config":
			return config
		}
		return nil
	}, category, config)
}

func (a *api) integrationsOf(_ context.Context, r *in[none, none]) ([]integrationJSON, error) {
	rows, err := a.deps.Agents.Integrations(r.actor)
	of := []integrationJSON{}
	for _, i := range rows {
		if i.Category == r.id("category") {
			of = append(of, showIntegration(i))
		}
	}
	return of, err
}

func (a *api) integrationConfig(_ context.Context, r *in[none, none]) (configJSON, error) {
	i, err := a.deps.Agents.Integration(r.actor, r.id("identifier"))
	v := showIntegration(i)
	return configJSON{v.Identifier, v.DisplayName, v.Config}, err
}
