package agents

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/parley-voice/parley"
)

// entries are what integrations there are, and what they take.
type entries interface {
	Integrations() []parley.Integration
	// CheckConfig notes what is wrong with the settings of an action.
	CheckConfig(i parley.Integration, c parley.Config, faults *parley.Faults)
}

// Integrations returns the catalogue.
func (a *Agents) Integrations(actor parley.Actor) ([]parley.Integration, error) {
	if err := actor.Require(parley.ReadAgents); err != nil {
		return nil, err
	}
	return a.deps.Catalogue.Integrations(), nil
}

// Integration returns an entry of the catalogue by identifier or id.
func (a *Agents) Integration(actor parley.Actor, name string) (parley.Integration, error) {
	if err := actor.Require(parley.ReadAgents); err != nil {
		return parley.Integration{}, err
	}
	i, ok := a.integration(&name)
	if !ok {
		return parley.Integration{}, parley.Errorf(parley.IntegrationNotFound, "no integration of that name")
	}
	return i, nil
}

func (a *Agents) integration(name *string) (parley.Integration, bool) {
	if name == nil || a.deps.Catalogue == nil {
		return parley.Integration{}, false
	}
	all := a.deps.Catalogue.Integrations()
	i := slices.IndexFunc(all, func(i parley.Integration) bool { return i.Named(*name) })
	if i < 0 {
		return parley.Integration{}, false
	}
	return all[i], true
}

// configured are settings of an action's integration, beside those of the action itself.
func configured(i parley.Integration) bool {
	return slices.ContainsFunc(i.Settings, func(s parley.Setting) bool { return !s.OfAction })
}

// configure completes and checks what a deed says of its integration; had is the action that it replaces, or nil.
func (a *Agents) configure(d *Deed, had *parley.Action, faults *parley.Faults) error {
	i, ok := a.integration(d.Integration)
	if !ok || !configured(i) {
		if len(d.Config) > 0 {
			faults.Add("config", "The config field is only available for actions of an integration that takes one.")
		}
		d.Config = nil
		return nil
	}
	if d.Type != parley.ActionWebhook {
		faults.Add("type", fmt.Sprintf("The type must be webhook for the integration %s.", i.Identifier))
	}
	if d.Config == nil {
		d.Config = parley.Config{}
	}
	if err := a.keepSecrets(i, d.Config, had); err != nil {
		return err
	}
	for name, v := range d.Config {
		if v == nil { // emptied
			delete(d.Config, name)
		}
	}
	a.deps.Catalogue.CheckConfig(i, d.Config, faults)
	if len(d.Inputs) == 0 {
		d.Inputs = i.Inputs
	}
	return nil
}

// keepSecrets puts the secrets in that were given before and are left out now, since nobody is shown them. They go only where they
// went before: who may change an action is not to learn its secrets by sending them somewhere else.
func (a *Agents) keepSecrets(i parley.Integration, c parley.Config, had *parley.Action) error {
	if had == nil || had.SealedConfig == nil || had.Integration == nil || !i.Named(*had.Integration) {
		return nil
	}
	before, err := a.config(had)
	if err != nil {
		return err
	}
	for _, s := range i.Settings {
		if (s.Type == parley.SettingURL || s.Type == parley.SettingHost) && !s.Secret && !reflect.DeepEqual(before[s.Name], c[s.Name]) {
			return nil
		}
	}
	for _, s := range i.Settings {
		if _, given := c[s.Name]; s.Secret && !given && before[s.Name] != nil {
			c[s.Name] = before[s.Name]
		}
	}
	return nil
}

// config opens the settings of an action.
func (a *Agents) config(act *parley.Action) (c parley.Config, err error) {
	plain, err := a.deps.Vault.Open(act.SealedConfig, act.ConfigContext())
	if err == nil {
		err = json.Unmarshal(plain, &c)
	}
	if err != nil {
		return nil, fmt.Errorf("config of action %s: %w", act.ID, err)
	}
	return c, nil
}

// shown is a config without what is secret.
func (a *Agents) shown(act *parley.Action, c parley.Config) parley.Config {
	i, ok := a.integration(act.Integration)
	if c == nil || !ok {
		return nil
	}
	out := parley.Config{}
	for _, s := range i.Settings {
		if v, given := c[s.Name]; given && !s.Secret {
			out[s.Name] = v
		}
	}
	return out
}

func (a *Agents) sealedConfig(act *parley.Action, c parley.Config) ([]byte, error) {
	if c == nil {
		return nil, nil
	}
	plain, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	sealed, err := a.deps.Vault.Seal(plain, act.ConfigContext())
	if err != nil {
		return nil, fmt.Errorf("seal the config of action %s: %w", act.ID, err)
	}
	return sealed, nil
}
