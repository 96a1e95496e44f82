package httpapi

import (
	"context"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/agents"
)

// createAgentBody begins an agent.
type createAgentBody struct {
	Label                string      `json:"label" minLength:"1" maxLength:"255" example:"Reception"`
	Description          *string     `json:"description" required:"false" example:"You answer the phone of a clinic."`
	Name                 string      `json:"name" minLength:"1" maxLength:"255" example:"Rose"`
	Language             language    `json:"language"`
	InitialMessage       *string     `json:"initial_message" required:"false"`
	InterruptSensitivity sensitivity `json:"interrupt_sensitivity"`
	Endpointing          string      `json:"endpointing_sensitivity" maxLength:"255" doc:"Free string; known values auto, low, medium, high."`
	IVRNavigation        string      `json:"ivr_navigation_mode" maxLength:"255" doc:"Free string; known values off, standard."`
	Speed                float64     `json:"conversation_speed" minimum:"0.1" maximum:"3"`
	InitialMessageDelay  int         `json:"initial_message_delay" minimum:"0" maximum:"60"`
	AskIfHumanPresent    bool        `json:"ask_if_human_present_on_idle"`
	IdleSeconds          int         `json:"idle_time_seconds" minimum:"1" maximum:"300"`
	MaxIdleChecks        *int        `json:"max_idle_check_count" required:"false" minimum:"1" maximum:"10"`
	MaxCallSeconds       *int        `json:"max_call_duration_seconds" required:"false" minimum:"1" maximum:"3600"`
	GoodbyeOnMax         *bool       `json:"say_goodbye_on_max_duration" required:"false"`
	InactivitySeconds    *int        `json:"user_inactivity_timeout_seconds" required:"false" minimum:"5" maximum:"120"`
	InitialIdleSeconds   *int        `json:"initial_idle_time_seconds" required:"false" minimum:"1" maximum:"60"`
	InitialMaxIdleChecks *int        `json:"initial_max_idle_check_count" required:"false" minimum:"0" maximum:"10"`
	Temperature          float64     `json:"llm_temperature" minimum:"0" maximum:"2"`
	Recording            bool        `json:"enable_recording"`
	Direction            direction   `json:"direction"`
	WhoSpeaksFirst       speaker     `json:"who_speaks_first"`
	NumberIDs            []string    `json:"phone_number_ids" required:"false" nullable:"false"`
	Engine               string      `json:"engine" required:"false" maxLength:"255" doc:"Configured engine set; beyond the contract." example:""`
}

func (a *api) createAgent(ctx context.Context, r *in[none, createAgentBody]) (agentJSON, error) {
	b := r.body
	return showView(a.deps.Agents.Create(ctx, r.actor, agents.Draft{
		Name: b.Name, Label: b.Label, Direction: parley.Direction(b.Direction), NumberIDs: b.NumberIDs,
		Settings: parley.AgentSettings{
			Description: b.Description, Language: string(b.Language), InitialMessage: b.InitialMessage,
			InterruptSensitivity: string(b.InterruptSensitivity), Endpointing: b.Endpointing, IVRNavigation: b.IVRNavigation, Speed: b.Speed,
			InitialMessageDelay: b.InitialMessageDelay, AskIfHumanPresent: b.AskIfHumanPresent, IdleSeconds: b.IdleSeconds,
			MaxIdleChecks: b.MaxIdleChecks, MaxCallSeconds: b.MaxCallSeconds, GoodbyeOnMax: b.GoodbyeOnMax, InactivitySeconds: b.InactivitySeconds,
			InitialIdleSeconds: b.InitialIdleSeconds, InitialMaxIdleChecks: b.InitialMaxIdleChecks, Temperature: b.Temperature,
			Recording: b.Recording, WhoSpeaksFirst: string(b.WhoSpeaksFirst), Engine: b.Engine,
		},
	}, r.faults))
}

type knowledgeBody struct {
	Description          string      `json:"description" minLength:"5" example:"You answer the phone of a clinic."`
	InitialMessage       givenText   `json:"initial_message" required:"false" minLength:"5" maxLength:"255"`
	InterruptSensitivity sensitivity `json:"interrupt_sensitivity"`
	AskIfHumanPresent    bool        `json:"ask_if_human_present_on_idle"`
	Temperature          float64     `json:"llm_temperature" minimum:"0" maximum:"2"`
	InitialMessageDelay  int         `json:"initial_message_delay" minimum:"0" maximum:"60"`
	Engine               *string     `json:"engine" required:"false" nullable:"false" maxLength:"255" doc:"Configured engine set; beyond the contract."`
}

func (a *api) updateKnowledge(ctx context.Context, r *in[none, knowledgeBody]) (agentJSON, error) {
	b := r.body
	return showView(a.deps.Agents.SetKnowledge(ctx, r.actor, r.id("agent_id"), agents.Knowledge{
		Description: b.Description, InitialMessage: b.InitialMessage.Given, InterruptSensitivity: string(b.InterruptSensitivity),
		AskIfHumanPresent: b.AskIfHumanPresent, Temperature: b.Temperature, InitialMessageDelay: b.InitialMessageDelay, Engine: b.Engine,
	}, r.faults))
}

type voiceBody struct {
	VoiceID           string   `json:"voice_id" minLength:"1" doc:"Id of a voice template, not of the agent's voice."`
	Speed             float64  `json:"conversation_speed" minimum:"0.1" maximum:"3"`
	WhoSpeaksFirst    speaker  `json:"who_speaks_first"`
	AmbientBackground *string  `json:"ambient_background" required:"false" doc:"Free string such as office, cafe or quiet."`
	AmbientVolume     *float64 `json:"ambient_volume" required:"false" nullable:"false" minimum:"0" maximum:"2" default:"1"`
	Language          language `json:"language" required:"false"`
	Similarity        *float64 `json:"similarity" required:"false" nullable:"false" minimum:"0.5" maximum:"1"`
	Stability         *float64 `json:"stability" required:"false" nullable:"false" minimum:"0.5" maximum:"1"`
}

func (a *api) updateVoice(ctx context.Context, r *in[none, voiceBody]) (agentJSON, error) {
	b := r.body
	volume := 1.0
	if b.AmbientVolume != nil {
		volume = *b.AmbientVolume
	}
	return showView(a.deps.Agents.SetVoice(ctx, r.actor, r.id("agent_id"), agents.VoiceChoice{
		TemplateID: b.VoiceID, Speed: b.Speed, WhoSpeaksFirst: string(b.WhoSpeaksFirst), AmbientBackground: b.AmbientBackground,
		AmbientVolume: volume, Language: string(b.Language), Similarity: b.Similarity, Stability: b.Stability,
	}, r.faults))
}

type callingBody struct {
	Direction direction `json:"direction"`
	NumberIDs *[]string `json:"phone_number_ids" required:"false" nullable:"false"`
}

func (a *api) updateCalling(ctx context.Context, r *in[none, callingBody]) (agentJSON, error) {
	return showView(a.deps.Agents.SetCalling(ctx, r.actor, r.id("agent_id"), agents.Calling{
		Direction: parley.Direction(r.body.Direction), NumberIDs: r.body.NumberIDs,
	}, r.faults))
}

type advancedBody struct {
	InitialMessageCache *bool `json:"enable_initial_message_cache" required:"false" nullable:"false"`
}

func (a *api) updateAdvanced(ctx context.Context, r *in[none, advancedBody]) (agentJSON, error) {
	return showView(a.deps.Agents.SetInitialMessageCache(ctx, r.actor, r.id("agent_id"), r.body.InitialMessageCache, r.faults))
}
