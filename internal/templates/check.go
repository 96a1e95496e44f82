package templates

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/parley-voice/parley"
)

// Bounds that the contract sets to the texts of an agent, in characters.
const (
	leastText    = 5 // of a description and an initial message
	mostInitial  = 255
	mostName     = 255
	mostTraining = 255 // of a subject
)

var (
	placeholder = regexp.MustCompile(`\{\{([^{}]*)\}\}`)
	plainName   = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

// check finds what would make an agent of the template refused, or leave a hole in what it says.
func check(t *parley.AgentTemplate, checkFlow func(json.RawMessage) []string) (errs []error) {
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("template "+t.ID+": "+format, args...))
	}
	span := func(what, s string, least, most int) {
		if n := utf8.RuneCountInString(strings.TrimSpace(s)); n < least || n > most {
			wrong("%s has %d characters, not %d to %d", what, n, least, most)
		}
	}
	span("name", t.Name, 1, mostName)
	span("summary", t.Description, leastText, 1000)
	span("sector", t.Sector, 1, mostName)
	span("sector in words", t.SectorLabel, 1, mostName)
	span("agent", t.AgentName, 1, mostName)
	span("country", t.Country, 2, 2)
	span("description", *t.Settings.Description, leastText, 10_000)
	span("initial message", *t.Settings.InitialMessage, leastText, mostInitial)
	if t.Direction != parley.Inbound && t.Direction != parley.Outbound {
		wrong("direction %q", t.Direction)
	}
	if (t.Builder == parley.BuilderFlow) != (t.Flow != "") || t.Builder != parley.BuilderFlow && t.Builder != parley.BuilderGeneral {
		wrong("builder type %q does not go with its flow", t.Builder)
	}
	if len(t.Trainings) == 0 {
		wrong("no trainings")
	}
	for _, tr := range t.Trainings {
		span("subject", tr.Subject, 1, mostTraining)
		span("instructions of "+tr.Subject, tr.Instructions, 1, 10_000)
	}
	for _, e := range append(checkSettings(&t.Settings), checkActions(t.Actions)...) {
		wrong("%s", e)
	}
	if t.Flow != "" {
		for _, e := range checkFlow(json.RawMessage(t.Flow)) {
			wrong("flow: %s", e)
		}
	}
	for _, e := range checkPlaceholders(t) {
		wrong("%s", e)
	}
	return errs
}

// checkSettings holds settings against the ranges of the contract.
func checkSettings(s *parley.AgentSettings) (errs []string) {
	within := func(what string, v, least, most float64) {
		if v < least || v > most {
			errs = append(errs, fmt.Sprintf("%s is %v, not %v to %v", what, v, least, most))
		}
	}
	within("conversation_speed", s.Speed, 0.1, 3)
	within("initial_message_delay", float64(s.InitialMessageDelay), 0, 60)
	within("idle_time_seconds", float64(s.IdleSeconds), 1, 300)
	within("max_idle_check_count", float64(*s.MaxIdleChecks), 1, 10)
	within("max_call_duration_seconds", float64(*s.MaxCallSeconds), 1, 3600)
	within("llm_temperature", s.Temperature, 0, 2)
	if !slices.Contains([]string{"low", "medium", "high"}, s.InterruptSensitivity) {
		errs = append(errs, "interrupt_sensitivity is "+s.InterruptSensitivity)
	}
	if s.WhoSpeaksFirst != parley.SpeakerAgent && s.WhoSpeaksFirst != parley.SpeakerUser {
		errs = append(errs, "who_speaks_first is "+s.WhoSpeaksFirst)
	}
	return errs
}

func checkActions(actions []parley.Action) (errs []string) {
	for i := range actions {
		a := &actions[i]
		if a.NodeID == "" || a.Name == "" || a.Description == "" {
			errs = append(errs, fmt.Sprintf("action %q lacks a node id, a name or a description", a.NodeID))
		}
		for _, in := range a.Inputs {
			if _, fixed := in.Fixed(); in.Name == "" || in.Type == "" || !fixed && in.Description == "" {
				errs = append(errs, fmt.Sprintf("input %q of action %q lacks a name, a type or a description", in.Name, a.NodeID))
			}
		}
	}
	return errs
}

// checkPlaceholders finds those that are used and not declared, declared and not used, or not explained.
func checkPlaceholders(t *parley.AgentTemplate) (errs []string) {
	used := map[string]bool{}
	for _, text := range textsOf(t) {
		for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
			used[m[1]] = true
		}
		if rest := placeholder.ReplaceAllString(text, ""); strings.Contains(rest, "{{") || strings.Contains(rest, "}}") {
			errs = append(errs, fmt.Sprintf("a placeholder is not closed in %q", text))
		}
	}
	for _, name := range captured(t.Flow) {
		delete(used, name)
	}
	for _, p := range t.Placeholders {
		known := slices.Contains([]parley.PlaceholderKind{parley.PlaceholderText, parley.PlaceholderURL, parley.PlaceholderPhone}, p.Kind)
		if !plainName.MatchString(p.Name) || !known || p.Description == "" || p.Example == "" || !used[p.Name] {
			errs = append(errs, fmt.Sprintf("placeholder %q is not used, or lacks a plain name, a known kind, a description or an example", p.Name))
		}
		delete(used, p.Name)
	}
	for name := range used {
		errs = append(errs, fmt.Sprintf("placeholder %q is not declared", name))
	}
	return errs
}

// captured are the names that a flow itself gives values to.
func captured(graph string) (names []string) {
	var f struct {
		Nodes []struct {
			Variable struct{ Name string }
		}
	}
	if graph != "" && json.Unmarshal([]byte(graph), &f) == nil {
		for _, n := range f.Nodes {
			names = append(names, n.Variable.Name)
		}
	}
	return names
}

// textsOf are all texts that may hold placeholders.
func textsOf(t *parley.AgentTemplate) []string {
	all := []string{*t.Settings.Description, *t.Settings.InitialMessage}
	var graph any
	if t.Flow != "" && json.Unmarshal([]byte(t.Flow), &graph) == nil {
		all = append(all, textsIn(graph)...)
	}
	for _, tr := range t.Trainings {
		all = append(all, tr.Subject, tr.Instructions)
	}
	for i := range t.Actions {
		a := &t.Actions[i]
		all = append(all, a.Description)
		if a.URL != nil {
			all = append(all, *a.URL)
		}
		if a.SpeakOnSend != nil {
			all = append(all, *a.SpeakOnSend)
		}
		for _, in := range a.Inputs {
			all = append(all, in.Description, string(in.Value))
		}
	}
	return all
}

// textsIn are the texts of decoded JSON.
func textsIn(v any) (all []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, e := range v {
			all = append(all, textsIn(e)...)
		}
	case map[string]any:
		for _, e := range v {
			all = append(all, textsIn(e)...)
		}
	}
	return all
}
