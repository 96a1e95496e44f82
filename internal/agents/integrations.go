package agents

import "github.com/parley-voice/parley"

// Integration is an outside service that actions know how to use.
type Integration struct {
	ID          string // UUID; actions may name it by this or by the identifier
	Identifier  string
	DisplayName string
	Description string
	Category    string
	Config      []Setting
}

// Setting is a field of an action that an integration looks at.
type Setting struct {
	Name, Type, Label string
	Required          bool
	Options           []string
	Default           string // empty for none
}

// integrations is every integration there is.
func integrations() []Integration {
	return []Integration{{
		ID: "5b0c5c1e-6f0a-4f44-9d3e-6f1d0b7f0a01", Identifier: "http", DisplayName: "HTTP webhook", Category: "data",
		Description: "Sends the inputs of the action to a URL as JSON and tells the agent what came back.",
		Config: []Setting{
			{Name: "url", Type: "url", Label: "URL", Required: true},
			{Name: "http_method", Type: "select", Label: "HTTP method", Options: []string{"GET", "POST", "PUT", "PATCH", "DELETE"}, Default: "POST"},
			{Name: "authorization_scheme", Type: "select", Label: "Authorization",
				Options: []string{"none", "bearer", "basic", "api_key", "custom"}, Default: "none"},
			{Name: "authorization_url", Type: "url", Label: "URL that gives a token"},
			{Name: "custom_headers", Type: "headers", Label: "Headers"},
		},
	}}
}

// Integrations returns the catalogue.
func (a *Agents) Integrations(actor parley.Actor) ([]Integration, error) {
	if err := actor.Require(parley.ReadAgents); err != nil {
		return nil, err
	}
	return integrations(), nil
}

// Integration returns an entry of the catalogue by identifier or id.
func (a *Agents) Integration(actor parley.Actor, name string) (Integration, error) {
	if err := actor.Require(parley.ReadAgents); err != nil {
		return Integration{}, err
	}
	i, ok := integration(&name)
	if !ok {
		return Integration{}, parley.Errorf(parley.IntegrationNotFound, "no integration of that name")
	}
	return i, nil
}

func integration(name *string) (Integration, bool) {
	for _, i := range integrations() {
		if name != nil && (i.Identifier == *name || i.ID == *name) {
			return i, true
		}
	}
	return Integration{}, false
}
