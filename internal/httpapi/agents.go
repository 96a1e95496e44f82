package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/agents"
	"github.com/parley-voice/parley/internal/store"
)

// agentJSON is an agent as it is shown everywhere.
type agentJSON struct {
	ID                   string           `json:"id"`
	Name                 string           `json:"name" example:"Rose"`
	Label                string           `json:"label" example:"Reception"`
	Description          *string          `json:"description" example:"You answer the phone of a clinic."`
	Language             language         `json:"language"`
	Voice                *agentVoiceJSON  `json:"voice"`
	InitialMessage       *string          `json:"initial_message"`
	InterruptSensitivity sensitivity      `json:"interrupt_sensitivity"`
	Endpointing          string           `json:"endpointing_sensitivity"`
	IVRNavigation        string           `json:"ivr_navigation_mode"`
	Speed                float64          `json:"conversation_speed"`
	InitialMessageDelay  int              `json:"initial_message_delay"`
	AskIfHumanPresent    bool             `json:"ask_if_human_present_on_idle"`
	IdleSeconds          int              `json:"idle_time_seconds"`
	MaxIdleChecks        *int             `json:"max_idle_check_count"`
	MaxCallSeconds       *int             `json:"max_call_duration_seconds"`
	GoodbyeOnMax         *bool            `json:"say_goodbye_on_max_duration"`
	InactivitySeconds    *int             `json:"user_inactivity_timeout_seconds"`
	InitialIdleSeconds   *int             `json:"initial_idle_time_seconds"`
	InitialMaxIdleChecks *int             `json:"initial_max_idle_check_count"`
	Temperature          float64          `json:"llm_temperature"`
	Recording            bool             `json:"enable_recording"`
	Direction            direction        `json:"direction"`
	WhoSpeaksFirst       speaker          `json:"who_speaks_first"`
	Engine               string           `json:"engine,omitempty" doc:"Configured engine set; absent for the server's default."`
	Mode                 conversationMode `json:"conversation_mode"`
	Status               string           `json:"current_status" enum:"draft,published" example:"published"`
	Sandbox              bool             `json:"is_sandbox"`
	Ready                bool             `json:"is_ready_to_publish" example:"true"`
	Advanced             advancedJSON     `json:"advanced_settings"`
	Callback             *callbackJSON    `json:"callback_config"`
	CreatedAt            stamp            `json:"created_at"`
	UpdatedAt            stamp            `json:"updated_at"`
	Trainings            []trainingJSON   `json:"trainings" nullable:"false"`
	Actions              []actionJSON     `json:"actions" nullable:"false"`
	Numbers              []AgentDIDJSON   `json:"phone_numbers" nullable:"false"`
}

type agentVoiceJSON struct {
	_                 struct{}      `nullable:"true"` // null until a voice is chosen
	ID                string        `json:"id"`
	Name              string        `json:"name" example:"Rose"`
	Label             string        `json:"label" example:"Rose"`
	Language          string        `json:"language"`
	Stability         *float64      `json:"stability"`
	SimilarityBoost   *float64      `json:"similarity_boost"`
	AmbientBackground *string       `json:"ambient_background"`
	AmbientVolume     float64       `json:"ambient_volume"`
	Template          *templateJSON `json:"template"`
}

type templateJSON struct {
	_    struct{} `nullable:"true"` // null when it is no longer offered
	ID   string   `json:"id" example:"rose"`
	Name string   `json:"name" example:"Rose"`
}

type advancedJSON struct {
	InitialMessageCache bool `json:"enable_initial_message_cache"`
}

// agentRefJSON names an agent beside another noun.
type agentRefJSON struct {
	ID    string `json:"id"`
	Name  string `json:"name" example:"Rose"`
	Label string `json:"label" example:"Reception"`
}

func showAgentRef(a *parley.Agent) agentRefJSON {
	return agentRefJSON{ID: a.ID, Name: a.Name, Label: a.Label}
}

func showAgent(v agents.View) agentJSON {
	s := v.AgentSettings
	return agentJSON{
		ID: v.ID, Name: v.Name, Label: v.Label, Description: s.Description, Language: language(s.Language), Voice: showVoice(v),
		InitialMessage: s.InitialMessage, InterruptSensitivity: sensitivity(s.InterruptSensitivity), Endpointing: s.Endpointing,
		IVRNavigation: s.IVRNavigation, Speed: s.Speed, InitialMessageDelay: s.InitialMessageDelay, AskIfHumanPresent: s.AskIfHumanPresent,
		IdleSeconds: s.IdleSeconds, MaxIdleChecks: s.MaxIdleChecks, MaxCallSeconds: s.MaxCallSeconds, GoodbyeOnMax: s.GoodbyeOnMax,
		InactivitySeconds: s.InactivitySeconds, InitialIdleSeconds: s.InitialIdleSeconds, InitialMaxIdleChecks: s.InitialMaxIdleChecks,
		Temperature: s.Temperature, Recording: s.Recording, Direction: direction(v.Direction), WhoSpeaksFirst: speaker(s.WhoSpeaksFirst),
		Engine: s.Engine, Mode: conversationMode(v.Mode), Status: string(v.Status), Ready: v.Ready, Advanced: advancedJSON(s.Advanced),
		Callback: showCallback(v.Callback), CreatedAt: stamp(v.CreatedAt), UpdatedAt: stamp(v.UpdatedAt),
		Trainings: each(v.Trainings, showTraining), Actions: each(v.Actions, showAction), Numbers: each(v.Numbers, showAgentDID),
	}
}

func showVoice(v agents.View) *agentVoiceJSON {
	voice := v.Voice
	if voice == nil {
		return nil
	}
	out := &agentVoiceJSON{
		ID: voice.ID, Name: voice.TemplateID, Label: voice.TemplateID, Language: voice.Language, Stability: voice.Stability,
		SimilarityBoost: voice.Similarity, AmbientBackground: voice.AmbientBackground, AmbientVolume: voice.AmbientVolume,
	}
	if t := v.Template; t != nil {
		out.Name, out.Label, out.Template = t.Name, t.DisplayName, &templateJSON{ID: t.ID, Name: t.Name}
	}
	return out
}

// showView is showAgent for a room's answer.
func showView(v agents.View, err error) (agentJSON, error) {
	if err != nil {
		return agentJSON{}, err
	}
	return showAgent(v), nil
}

type agentListQuery struct {
	Status    string    `json:"status" required:"false" enum:"draft,published"`
	Direction direction `json:"direction" required:"false"`
	Search    string    `json:"search" required:"false" doc:"Substring of name or label."`
	PageQuery
}

// agentRoutes are the agents themselves; their trainings have a file of their own.
func (a *api) agentRoutes() {
	const one = "/api/v1/agents/{agent_id}"
	handle(a, op{
		id: "listAgents", method: http.MethodGet, path: "/api/v1/agents", tag: "Agents", summary: "List agents", shape: metaShape,
		codes: []parley.Code{parley.Unauthorized, parley.ValidationError},
	}, a.listAgents)
	handle(a, op{
		id: "createAgent", method: http.MethodPost, path: "/api/v1/agents", tag: "Agents", summary: "Create an agent",
		status: http.StatusCreated, message: "Agent created successfully",
		codes: []parley.Code{parley.Unauthorized, parley.AgentLimitReached, parley.ValidationError},
	}, a.createAgent)
	agent := func(id, method, sub, summary, message string, codes ...parley.Code) op {
		return op{
			id: id, method: method, path: one + sub, tag: "Agents", summary: summary, message: message,
			codes: append([]parley.Code{parley.Unauthorized, parley.AgentNotFound}, codes...),
		}
	}
	handle(a, agent("getAgent", http.MethodGet, "", "Get one agent", ""), a.getAgent)
	handle(a, agent("updateAgentKnowledge", http.MethodPut, "/knowledge", "Replace behaviour settings",
		"Agent knowledge updated successfully", parley.ValidationError), a.updateKnowledge)
	handle(a, agent("updateAgentVoice", http.MethodPut, "/voice", "Replace voice settings",
		"Agent voice updated successfully", parley.VoiceNotFound, parley.ValidationError), a.updateVoice)
	handle(a, agent("updateAgentCalling", http.MethodPut, "/calling", "Set direction and numbers",
		"Agent calling settings updated successfully", parley.ValidationError), a.updateCalling)
	handle(a, agent("publishAgent", http.MethodPost, "/publish", "Publish an agent",
		"Agent published successfully", parley.ValidationError), a.publishAgent)
	handle(a, agent("unpublishAgent", http.MethodPost, "/unpublish", "Take an agent back to draft",
		"Agent unpublished successfully"), a.unpublishAgent)
	handle(a, agent("updateAgentAdvancedSettings", http.MethodPatch, "/advanced-settings", "Toggle optional agent features",
		"Advanced settings updated successfully", parley.OptimizedNotEligible, parley.ValidationError), a.updateAdvanced)
	handle(a, agent("getAgentDeletionPreview", http.MethodGet, "/deletion-preview", "See what a deletion would do; beyond the contract", ""), a.previewDeletion)
	deletion := agent("deleteAgent", http.MethodDelete, "", "Delete an agent and everything under it",
		"Agent deleted successfully", parley.AgentHasActiveCalls, parley.AgentIsPublished, parley.AgentInUse)
	deletion.headers = []*huma.Param{exportHeader()}
	handle(a, deletion, a.deleteAgent)
}

func (a *api) listAgents(ctx context.Context, r *in[agentListQuery, none]) (page[agentJSON], error) {
	if err := r.faults.Err(); err != nil {
		return page[agentJSON]{}, err
	}
	q := r.query
	f := store.AgentFilter{
		Status: parley.AgentStatus(q.Status), Direction: parley.Direction(q.Direction), Search: q.Search, Page: q.page(),
	}
	views, total, err := a.deps.Agents.List(ctx, r.actor, f)
	return page[agentJSON]{items: each(views, showAgent), at: f.Page, total: total}, err
}

func (a *api) getAgent(ctx context.Context, r *in[none, none]) (agentJSON, error) {
	return showView(a.deps.Agents.Get(ctx, r.actor, r.id("agent_id")))
}

func (a *api) publishAgent(ctx context.Context, r *in[none, none]) (agentJSON, error) {
	return showView(a.deps.Agents.Publish(ctx, r.actor, r.id("agent_id")))
}

func (a *api) unpublishAgent(ctx context.Context, r *in[none, none]) (agentJSON, error) {
	return showView(a.deps.Agents.Unpublish(ctx, r.actor, r.id("agent_id")))
}
