package actions

import (
	"net/http"
	"slices"

	"github.com/parley-voice/parley"
)

// overHTTP is the integration of every webhook action that names no other one. Its settings are fields of the action.
func overHTTP() parley.Integration {
	return parley.Integration{
		ID: "5b0c5c1e-6f0a-4f44-9d3e-6f1d0b7f0a01", Identifier: parley.IntegrationHTTP, DisplayName: "HTTP webhook", Category: "data",
		Description: "Sends the inputs of the action to a URL as JSON and tells the agent what came back.",
		Settings: []parley.Setting{
			{Name: "url", Type: parley.SettingURL, Label: "URL", Required: true, OfAction: true},
			{Name: "http_method", Type: parley.SettingSelect, Label: "HTTP method", OfAction: true, Default: http.MethodPost,
				Options: []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}},
			{Name: "authorization_scheme", Type: parley.SettingSelect, Label: "Authorization", OfAction: true, Default: "none",
				Options: []string{"none", "bearer", "basic", "api_key", "custom"}},
			{Name: "authorization_url", Type: parley.SettingURL, Label: "URL that gives a token", OfAction: true},
			{Name: "custom_headers", Type: parley.SettingHeaders, Label: "Headers", OfAction: true},
		},
	}
}

// Integrations is the catalogue.
func (a *Actions) Integrations() []parley.Integration {
	all := []parley.Integration{overHTTP()}
	for _, i := range a.deps.Integrations {
		all = append(all, i.Entry())
	}
	return all
}

// CheckConfig notes what is wrong with the settings of an action: each by itself, then what they cannot be together.
func (a *Actions) CheckConfig(i parley.Integration, c parley.Config, faults *parley.Faults) {
	before := len(*faults)
	for name := range c {
		if !slices.ContainsFunc(i.Settings, func(s parley.Setting) bool { return s.Name == name && !s.OfAction }) {
			invalid(faults, name)
		}
	}
	for _, s := range i.Settings {
		if !s.OfAction {
			a.checkSetting(s, c, faults)
		}
	}
	if by := a.named(i.Identifier); by != nil && len(*faults) == before {
		by.Check(i.WithDefaults(c), faults)
	}
}

// named is the integration of that name; nil for one that is none of ours, such as HTTP.
func (a *Actions) named(name string) Integration {
	for _, by := range a.deps.Integrations {
		if e := by.Entry(); e.Named(name) {
			return by
		}
	}
	return nil
}
