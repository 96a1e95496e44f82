package templates

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/parley-voice/parley"
)

//go:embed data
var data embed.FS

const sharedFile = "template.yaml"

// shared is what a template has in all languages.
type shared struct {
	Sector       string
	Direction    parley.Direction
	Builder      parley.BuilderType
	Settings     settings
	Placeholders []hole
	Actions      []action
}

// hole is a placeholder without its texts.
type hole struct {
	Name    string
	Kind    parley.PlaceholderKind // empty is text
	PerCall bool                   `yaml:"per_call"` // it comes with each call
}

// settings are those of an agent that a template chooses; the contract names them.
type settings struct {
	InterruptSensitivity string  `yaml:"interrupt_sensitivity"`
	Speed                float64 `yaml:"conversation_speed"`
	InitialMessageDelay  int     `yaml:"initial_message_delay"`
	AskIfHumanPresent    bool    `yaml:"ask_if_human_present_on_idle"`
	IdleSeconds          int     `yaml:"idle_time_seconds"`
	MaxIdleChecks        int     `yaml:"max_idle_check_count"`
	MaxCallSeconds       int     `yaml:"max_call_duration_seconds"`
	Temperature          float64 `yaml:"llm_temperature"`
	WhoSpeaksFirst       string  `yaml:"who_speaks_first"`
}

// action is one without its texts.
type action struct {
	NodeID string `yaml:"node_id"`
	Type   parley.ActionType
	URL    string
	Inputs []input
}

// input is an argument of an action. One with a value is not asked for.
type input struct {
	Name     string
	Type     string
	Required bool
	Enum     []any
	Value    string
}

// texts are a template in one language.
type texts struct {
	Country      string
	Sector       string // as people call it
	Name         string
	Summary      string // for people who choose
	Agent        string // the name that the agent goes by
	Description  string
	Initial      string `yaml:"initial_message"`
	Trainings    []training
	Placeholders map[string]hint
	Actions      map[string]actionTexts // by node id
	Flow         any
}

type training struct{ Subject, Instructions string }

type hint struct{ Description, Example string }

type actionTexts struct {
	Name        string
	Description string
	SpeakOnSend string            `yaml:"speak_on_send"`
	Inputs      map[string]string // descriptions, by name
}

// Load reads and checks the templates in the binary. checkFlow says what is wrong with a graph.
func Load(checkFlow func(config json.RawMessage) []string) (*Catalogue, error) {
	sub, err := fs.Sub(data, "data")
	if err != nil {
		return nil, err
	}
	return load(sub, checkFlow)
}

func load(files fs.FS, checkFlow func(json.RawMessage) []string) (*Catalogue, error) {
	kinds, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	c := &Catalogue{}
	var errs []error
	for _, k := range kinds {
		ts, err := loadKind(files, k.Name())
		for i := range ts {
			errs = append(errs, check(&ts[i], checkFlow)...)
		}
		c.all, errs = append(c.all, ts...), append(errs, err)
	}
	return c, errors.Join(errs...)
}

// loadKind reads a folder: one template for each language.
func loadKind(files fs.FS, kind string) (list []parley.AgentTemplate, err error) {
	var common shared
	if err := read(files, path.Join(kind, sharedFile), &common); err != nil {
		return nil, err
	}
	names, err := fs.Glob(files, path.Join(kind, "*.yaml"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		language := strings.TrimSuffix(path.Base(name), ".yaml")
		if path.Base(name) == sharedFile {
			continue
		}
		var in texts
		if err := read(files, name, &in); err != nil {
			return nil, err
		}
		t, err := join(kind, language, &common, &in)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		list = append(list, t)
	}
	return list, nil
}

// read takes a file with the fields of v and no others.
func read(files fs.FS, name string, v any) error {
	b, err := fs.ReadFile(files, name)
	if err != nil {
		return fmt.Errorf("templates: %w", err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("templates: %s: %w", name, err)
	}
	return nil
}

// join makes a template of what is shared and the texts of a language.
func join(kind, language string, common *shared, in *texts) (parley.AgentTemplate, error) {
	s := common.Settings
	goodbye := true
	t := parley.AgentTemplate{
		ID: kind + "-" + strings.ToLower(language), Kind: kind, Name: in.Name, Description: in.Summary, Sector: common.Sector,
		SectorLabel: in.Sector, Country: in.Country, Direction: common.Direction, Builder: common.Builder, AgentName: in.Agent,
		Settings: parley.AgentSettings{
			Description: &in.Description, InitialMessage: &in.Initial, Language: language, InterruptSensitivity: s.InterruptSensitivity,
			Endpointing: "auto", IVRNavigation: "off", Speed: s.Speed, InitialMessageDelay: s.InitialMessageDelay,
			AskIfHumanPresent: s.AskIfHumanPresent, IdleSeconds: s.IdleSeconds, MaxIdleChecks: &s.MaxIdleChecks,
			MaxCallSeconds: &s.MaxCallSeconds, GoodbyeOnMax: &goodbye, Temperature: s.Temperature, WhoSpeaksFirst: s.WhoSpeaksFirst,
		},
	}
	for _, tr := range in.Trainings {
		t.Trainings = append(t.Trainings, parley.Training{Subject: tr.Subject, Instructions: tr.Instructions, Status: parley.TrainingActive})
	}
	for _, p := range common.Placeholders {
		h := in.Placeholders[p.Name]
		t.Placeholders = append(t.Placeholders, parley.Placeholder{
			Name: p.Name, Kind: cmp.Or(p.Kind, parley.PlaceholderText), Description: h.Description, Example: h.Example, PerCall: p.PerCall,
		})
	}
	if len(in.Placeholders) > len(t.Placeholders) {
		return t, errors.New("it explains placeholders that the template does not have")
	}
	for _, a := range common.Actions {
		t.Actions = append(t.Actions, a.said(in.Actions[a.NodeID]))
	}
	if in.Flow != nil {
		graph, err := json.Marshal(in.Flow)
		t.Flow = string(graph)
		return t, err
	}
	return t, nil
}

// said is the action with its texts.
func (a *action) said(in actionTexts) parley.Action {
	out := parley.Action{
		NodeID: a.NodeID, Name: in.Name, Description: in.Description, Type: a.Type, Method: http.MethodPost, Scheme: "none",
		Mode: parley.DuringCall, Status: parley.ActionActive,
	}
	if a.URL != "" {
		out.URL = &a.URL
	}
	if in.SpeakOnSend != "" {
		out.SpeakOnSend = &in.SpeakOnSend
	}
	for _, i := range a.Inputs {
		arg := parley.ActionInput{Name: i.Name, Type: i.Type, Required: i.Required, Description: in.Inputs[i.Name]}
		if i.Value != "" {
			arg.Value, _ = json.Marshal(i.Value) // a string cannot fail
		}
		for _, e := range i.Enum {
			one, _ := json.Marshal(e) // what YAML has in a list of a line is numbers and strings
			arg.Enum = append(arg.Enum, one)
		}
		out.Inputs = append(out.Inputs, arg)
	}
	return out
}
