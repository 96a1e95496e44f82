package actions

import (
	"fmt"
	"math"
	"net"
	"net/mail"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/parley-voice/parley"
)

// Bounds of settings.
const (
	mostLine     = 1000 // bytes
	mostTemplate = 8000 // bytes
	mostItems    = 50   // of a list
)

// wrong notes a fault of a setting, in the words of the API's forms.
func wrong(faults *parley.Faults, name, what string) {
	faults.Add("config."+name, fmt.Sprintf("The config.%s %s.", strings.ReplaceAll(name, "_", " "), what))
}

func invalid(faults *parley.Faults, name string) {
	faults.Add("config."+name, fmt.Sprintf("The selected config.%s is invalid.", strings.ReplaceAll(name, "_", " ")))
}

// checkSetting notes what is wrong with one setting.
func (a *Actions) checkSetting(s parley.Setting, c parley.Config, faults *parley.Faults) {
	v, given := c[s.Name]
	if text, ok := v.(string); !given || ok && strings.TrimSpace(text) == "" {
		if s.Required {
			wrong(faults, s.Name, "field is required")
		}
		return
	}
	switch s.Type {
	case parley.SettingInteger:
		checkInteger(s, v, faults)
	case parley.SettingList, parley.SettingWeekdays:
		checkList(s, c, v, faults)
	default:
		text, ok := v.(string)
		if !ok {
			wrong(faults, s.Name, "must be a string")
			return
		}
		a.checkText(s, text, faults)
	}
}

func checkInteger(s parley.Setting, v any, faults *parley.Faults) {
	n, ok := v.(float64)
	if i, whole := v.(int); whole { // a default
		n, ok = float64(i), true
	}
	if !ok || n != math.Trunc(n) {
		wrong(faults, s.Name, "must be an integer")
	} else if n < float64(s.Min) || n > float64(s.Max) {
		wrong(faults, s.Name, fmt.Sprintf("must be between %d and %d", s.Min, s.Max))
	}
}

func checkList(s parley.Setting, c parley.Config, v any, faults *parley.Faults) {
	all, ok := v.([]any)
	switch {
	case !ok:
		wrong(faults, s.Name, "must be an array")
	case len(all) > mostItems:
		wrong(faults, s.Name, fmt.Sprintf("field must not have more than %d items", mostItems))
	case s.Type == parley.SettingWeekdays:
		days := c.Ints(s.Name)
		if len(days) != len(all) || len(days) == 0 || slices.ContainsFunc(days, func(d int) bool { return d < 1 || d > 7 }) {
			invalid(faults, s.Name)
		}
	default:
		texts := c.List(s.Name)
		if len(texts) != len(all) || slices.ContainsFunc(texts, func(t string) bool { return t == "" || len(t) > mostLine }) {
			invalid(faults, s.Name)
		}
	}
}

func (a *Actions) checkText(s parley.Setting, text string, faults *parley.Faults) {
	most, lines := mostLine, s.Type == parley.SettingTemplate
	if lines {
		most = mostTemplate
	}
	switch {
	case len(text) > most:
		wrong(faults, s.Name, fmt.Sprintf("field must not be greater than %d characters", most))
	case !lines && !httpguts.ValidHeaderFieldValue(text): // no line may end another one's header
		invalid(faults, s.Name)
	case !fits(s, text):
		invalid(faults, s.Name)
	case s.Type == parley.SettingURL:
		a.checkReach(s, text, faults)
	case s.Type == parley.SettingHost:
		a.checkReach(s, "https://"+net.JoinHostPort(text, "1"), faults)
	}
}

func (a *Actions) checkReach(s parley.Setting, url string, faults *parley.Faults) {
	if err := a.deps.CheckURL(url); err != nil {
		wrong(faults, s.Name, fmt.Sprintf("cannot be used: %s", err))
	}
}

// fits says whether a text is what the setting takes.
func fits(s parley.Setting, text string) bool {
	switch s.Type {
	case parley.SettingSelect:
		return slices.Contains(s.Options, text)
	case parley.SettingZone:
		_, err := time.LoadLocation(text)
		return err == nil && text != "Local"
	case parley.SettingClock:
		_, err := time.Parse("15:04", text)
		return err == nil
	case parley.SettingEmail:
		at, err := mail.ParseAddress(text)
		return err == nil && at != nil
	case parley.SettingHost:
		return !strings.ContainsAny(text, "/@ []")
	}
	return true
}
