package agents

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/parley-voice/parley"
)

var rePhone = regexp.MustCompile(`^\+\d{7,15}$`)

// checkValues notes values that cannot stand where a template's placeholders do.
func (a *Agents) checkValues(t *parley.AgentTemplate, values map[string]string, faults *parley.Faults) {
	for _, p := range t.Placeholders {
		v, given := values[p.Name]
		field := "placeholders." + p.Name
		switch {
		case !given:
		case strings.TrimSpace(v) == "":
			faults.Add(field, fmt.Sprintf("The %s field is required.", field))
		case p.Kind == parley.PlaceholderPhone && !rePhone.MatchString(v):
			faults.Add(field, fmt.Sprintf("The %s must be a valid phone number.", field))
		case p.Kind == parley.PlaceholderURL:
			a.checkURL(field, &v, faults)
		}
	}
}

// filled is a template with values in the place of its placeholders. Those that come with each call stay; so do those without a value, and
// an action that lacks where to go by one is inactive.
func filled(t parley.AgentTemplate, values map[string]string) parley.AgentTemplate {
	var plain, quoted []string
	for _, p := range t.Placeholders {
		if v, given := values[p.Name]; given && !p.PerCall {
			hole, v := "{{"+p.Name+"}}", strings.TrimSpace(v)
			plain, quoted = append(plain, hole, v), append(quoted, hole, escaped(v))
		}
	}
	in, inJSON := strings.NewReplacer(plain...), strings.NewReplacer(quoted...)
	t.Settings.Description, t.Settings.InitialMessage = replaced(in, t.Settings.Description), replaced(in, t.Settings.InitialMessage)
	t.Trainings = slices.Clone(t.Trainings)
	for i := range t.Trainings {
		tr := &t.Trainings[i]
		tr.Subject, tr.Instructions = in.Replace(tr.Subject), in.Replace(tr.Instructions)
	}
	t.Actions = slices.Clone(t.Actions)
	for i := range t.Actions {
		act := &t.Actions[i]
		act.Description, act.URL, act.SpeakOnSend = in.Replace(act.Description), replaced(in, act.URL), replaced(in, act.SpeakOnSend)
		act.Inputs = slices.Clone(act.Inputs)
		for j := range act.Inputs {
			arg := &act.Inputs[j]
			arg.Description = in.Replace(arg.Description)
			if arg.Value != nil {
				arg.Value = json.RawMessage(inJSON.Replace(string(arg.Value)))
			}
		}
		if lost(act, t.Placeholders) {
			act.Status = parley.ActionInactive
		}
	}
	t.Flow = inJSON.Replace(t.Flow)
	return t
}

// replaced is a new text, or nil for nil.
func replaced(in *strings.Replacer, s *string) *string {
	if s == nil {
		return nil
	}
	out := in.Replace(*s)
	return &out
}

// lost says whether an action does not know where to go: its address or a fixed input is a placeholder that no call fills.
func lost(act *parley.Action, all []parley.Placeholder) bool {
	lacks := func(text string) bool {
		return slices.ContainsFunc(all, func(p parley.Placeholder) bool { return !p.PerCall && strings.Contains(text, "{{"+p.Name+"}}") })
	}
	return act.URL != nil && lacks(*act.URL) || slices.ContainsFunc(act.Inputs, func(in parley.ActionInput) bool { return lacks(string(in.Value)) })
}

// escaped is a text as it stands within a string of JSON.
func escaped(s string) string {
	b, _ := json.Marshal(s) // a string cannot fail
	return string(b[1 : len(b)-1])
}
