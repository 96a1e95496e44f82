package parley

// Identifiers of integrations.
const (
	IntegrationHTTP   = "http"
	IntegrationMCP    = "mcp"
	IntegrationCalDAV = "caldav"
	IntegrationSMTP   = "smtp"
	IntegrationSlack  = "slack"
)

// Integration is an outside service that actions know how to use.
type Integration struct {
	ID          string // UUID; actions may name it by this or by the identifier
	Identifier  string
	DisplayName string
	Description string
	Category    string // scheduling, data or communication
	Settings    []Setting
	Inputs      []ActionInput // what an action takes that names no inputs of its own
}

// Named says whether an action may call the integration by this name.
func (i *Integration) Named(name string) bool { return name == i.Identifier || name == i.ID }

// SettingType says what a setting takes.
type SettingType string

// Types of settings.
const (
	SettingText     SettingType = "text"      // one line
	SettingTemplate SettingType = "template"  // a text with inputs in it, as {{name}}
	SettingLine     SettingType = "line"      // a template of one line
	SettingURL      SettingType = "url"       // http or https
	SettingHost     SettingType = "host"      // name or address of a server
	SettingEmail    SettingType = "email"     // one address
	SettingZone     SettingType = "time_zone" // IANA name
	SettingClock    SettingType = "time"      // HH:MM
	SettingInteger  SettingType = "integer"
	SettingSelect   SettingType = "select"
	SettingList     SettingType = "list"     // of texts
	SettingWeekdays SettingType = "weekdays" // list of 1 (Monday) to 7 (Sunday)
	SettingHeaders  SettingType = "headers"
)

// Setting is a field that an integration looks at: of an action's config, or with OfAction of the action itself.
type Setting struct {
	Name        string
	Type        SettingType
	Label       string
	Description string
	Required    bool
	Secret      bool // sealed, and never shown again
	OfAction    bool
	Options     []string // of a select
	Min, Max    int      // of an integer
	Default     any      // nil for none
}

// Config are the settings of an action's integration by name, as JSON has them.
type Config map[string]any

// Text is a setting that is a text; empty when it is not set.
func (c Config) Text(name string) string {
	s, _ := c[name].(string)
	return s
}

// Int is a setting that is a whole number; 0 when it is not set.
func (c Config) Int(name string) int {
	switch n := c[name].(type) {
	case float64:
		return int(n)
	case int:
		return n
	}
	return 0
}

// List is a setting that is a list of texts.
func (c Config) List(name string) []string {
	all, _ := c[name].([]any)
	out := make([]string, 0, len(all))
	for _, v := range all {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// Ints is a setting that is a list of whole numbers.
func (c Config) Ints(name string) []int {
	all, _ := c[name].([]any)
	out := make([]int, 0, len(all))
	for _, v := range all {
		switch n := v.(type) {
		case float64:
			out = append(out, int(n))
		case int:
			out = append(out, n)
		}
	}
	return out
}

// WithDefaults is the config with what it leaves out.
func (i *Integration) WithDefaults(c Config) Config {
	out := Config{}
	for _, s := range i.Settings {
		if v, ok := c[s.Name]; ok {
			out[s.Name] = v
		} else if s.Default != nil && !s.OfAction {
			out[s.Name] = s.Default
		}
	}
	return out
}
