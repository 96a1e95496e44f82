package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/agents"
	"github.com/parley-voice/parley/internal/templates"
)

// builderType of a template.
type builderType string

// Schema lists them.
func (builderType) Schema(huma.Registry) *huma.Schema {
	return oneOf(string(parley.BuilderGeneral), string(parley.BuilderFlow))
}

type agentTemplateJSON struct {
	ID           string            `json:"id" example:"receptionist-en-us"`
	Name         string            `json:"name" example:"Receptionist"`
	Description  string            `json:"description" example:"Answers the phone of a small business."`
	Sector       string            `json:"sector" example:"services"`
	CountryCode  string            `json:"country_code" example:"US"`
	Language     language          `json:"language"`
	Direction    direction         `json:"direction"`
	Builder      builderType       `json:"builder_type"`
	Placeholders []placeholderJSON `json:"placeholders" nullable:"false" doc:"What its texts leave open; beyond the contract."`
}

type placeholderJSON struct {
	Name        string `json:"name" example:"business_name"`
	Type        string `json:"type" enum:"text,url,phone"`
	Description string `json:"description" example:"Name of the business, as the agent says it."`
	Example     string `json:"example" example:"Harbor Hearing Center"`
	PerCall     bool   `json:"per_call" doc:"Filled by the payload of each call, where the others are given once, by placeholders."`
}

func showTemplate(t parley.AgentTemplate) agentTemplateJSON {
	return agentTemplateJSON{
		ID: t.ID, Name: t.Name, Description: t.Description, Sector: t.Sector, CountryCode: t.Country, Language: language(t.Settings.Language),
		Direction: direction(t.Direction), Builder: builderType(t.Builder), Placeholders: each(t.Placeholders, showPlaceholder),
	}
}

func showPlaceholder(p parley.Placeholder) placeholderJSON {
	return placeholderJSON{Name: p.Name, Type: string(p.Kind), Description: p.Description, Example: p.Example, PerCall: p.PerCall}
}

type sectorJSON struct {
	Sector    string              `json:"sector" example:"services"`
	Label     string              `json:"label" example:"Services"`
	Templates []agentTemplateJSON `json:"templates" nullable:"false"`
}

type templateCountsJSON struct {
	Total     int               `json:"total_templates" minimum:"0" example:"30"`
	BySector  sectorCounts      `json:"by_sector"`
	ByBuilder builderCountsJSON `json:"by_builder_type"`
}

type builderCountsJSON struct {
	General int `json:"general" minimum:"0" example:"21"`
	Flow    int `json:"flow" minimum:"0" example:"9"`
}

// sectorCounts are numbers of templates.
type sectorCounts map[string]int

// Schema describes them.
func (sectorCounts) Schema(huma.Registry) *huma.Schema {
	none := 0.0
	return &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: &huma.Schema{Type: huma.TypeInteger, Minimum: &none},
		Examples: []any{map[string]any{"services": 3, "hospitality": 6}},
	}
}

type templateListQuery struct {
	Country string `json:"country_code" required:"false" doc:"ISO 3166-1 alpha-2; of a country without templates the list is empty."`
}

type templateSectorsQuery struct {
	Builder builderType `json:"builder_type" required:"false"`
}

type templateSearchQuery struct {
	Query string `json:"query" minLength:"2" maxLength:"255" doc:"Words in name, description or sector, without regard to case and accents." example:"front desk"`
}

// placeholderValues are what the business puts into the texts of a template.
type placeholderValues map[string]string

// Schema describes them.
func (placeholderValues) Schema(huma.Registry) *huma.Schema {
	most := 500
	return &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: &huma.Schema{Type: huma.TypeString, MaxLength: &most},
		Description: "Values of the template's placeholders, by name; beyond the contract. Those that are left out stay in the texts, and an action " +
			"that does not know its address without one is inactive.",
		Examples: []any{map[string]any{"business_name": "Harbor Hearing Center"}},
	}
}

type createFromTemplateBody struct {
	TemplateID   string            `json:"template_id" minLength:"1" example:"receptionist-en-us"`
	Name         string            `json:"name" required:"false" minLength:"1" maxLength:"255" example:"Rose"`
	Label        string            `json:"label" required:"false" minLength:"1" maxLength:"255" example:"Reception"`
	Language     language          `json:"language" required:"false" doc:"The template of the same kind in this language is taken, if there is one."`
	Direction    direction         `json:"direction" required:"false"`
	NumberIDs    []string          `json:"phone_number_ids" required:"false" nullable:"false"`
	Engine       string            `json:"engine" required:"false" maxLength:"255" doc:"Configured engine set; beyond the contract." example:""`
	Placeholders placeholderValues `json:"placeholders" required:"false"`
}

type cloneTemplateBody struct {
	TemplateID   string            `json:"template_id" minLength:"1" example:"receptionist-en-us"`
	AgentID      string            `json:"agent_id" minLength:"1"`
	Placeholders placeholderValues `json:"placeholders" required:"false"`
}

func (a *api) templateRoutes() {
	const tag, path = "Agent Templates", "/api/v1/agents/templates"
	reads := func(id, sub, summary string, codes ...parley.Code) op {
		return op{
			id: id, method: http.MethodGet, path: path + sub, tag: tag, summary: summary, codes: append([]parley.Code{parley.Unauthorized}, codes...),
		}
	}
	handle(a, reads("listAgentTemplates", "", "List agent templates"), a.listTemplates)
	handle(a, reads("listAgentTemplatesBySector", "/sectors", "List templates grouped by sector", parley.ValidationError), a.templateSectors)
	handle(a, reads("searchAgentTemplates", "/search", "Search templates", parley.ValidationError), a.searchTemplates)
	handle(a, reads("getAgentTemplateStatistics", "/statistics", "Get template counts"), a.templateStatistics)
	handle(a, op{
		id: "createAgentFromTemplate", method: http.MethodPost, path: path + "/create", tag: tag, summary: "Create an agent from a template",
		status: http.StatusCreated, message: "Agent created successfully",
		codes: []parley.Code{parley.Unauthorized, parley.AgentLimitReached, parley.TemplateNotFound, parley.ValidationError},
	}, a.createFromTemplate)
	handle(a, op{
		id: "cloneTemplateIntoAgent", method: http.MethodPost, path: path + "/clone", tag: tag, summary: "Copy a template into an existing agent",
		message: "Template copied successfully",
		codes:   []parley.Code{parley.Unauthorized, parley.TemplateNotFound, parley.AgentNotFound, parley.ValidationError},
	}, a.cloneTemplate)
}

func (a *api) listTemplates(_ context.Context, r *in[templateListQuery, none]) ([]agentTemplateJSON, error) {
	rows, err := a.deps.Templates.List(r.actor, r.query.Country)
	return each(rows, showTemplate), err
}

func (a *api) templateSectors(_ context.Context, r *in[templateSectorsQuery, none]) ([]sectorJSON, error) {
	groups, err := a.deps.Templates.Sectors(r.actor, parley.BuilderType(r.query.Builder), r.faults)
	return each(groups, func(g templates.Sector) sectorJSON {
		return sectorJSON{Sector: g.Name, Label: g.Label, Templates: each(g.Templates, showTemplate)}
	}), err
}

func (a *api) searchTemplates(_ context.Context, r *in[templateSearchQuery, none]) ([]agentTemplateJSON, error) {
	rows, err := a.deps.Templates.Search(r.actor, r.query.Query, r.faults)
	return each(rows, showTemplate), err
}

func (a *api) templateStatistics(_ context.Context, r *in[none, none]) (templateCountsJSON, error) {
	s, err := a.deps.Templates.Statistics(r.actor)
	return templateCountsJSON{
		Total: s.Total, BySector: s.BySector,
		ByBuilder: builderCountsJSON{General: s.ByBuilder[parley.BuilderGeneral], Flow: s.ByBuilder[parley.BuilderFlow]},
	}, err
}

func (a *api) createFromTemplate(ctx context.Context, r *in[none, createFromTemplateBody]) (agentJSON, error) {
	b := r.body
	return showView(a.deps.Agents.CreateFromTemplate(ctx, r.actor, agents.Recipe{
		TemplateID: b.TemplateID, Values: b.Placeholders, Name: b.Name, Label: b.Label, Language: string(b.Language),
		Direction: parley.Direction(b.Direction), NumberIDs: b.NumberIDs, Engine: b.Engine,
	}, r.faults))
}

func (a *api) cloneTemplate(ctx context.Context, r *in[none, cloneTemplateBody]) (agentJSON, error) {
	b := r.body
	return showView(a.deps.Agents.CloneTemplate(ctx, r.actor, b.AgentID, b.TemplateID, b.Placeholders, r.faults))
}
