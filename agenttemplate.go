package parley

// BuilderType says how an agent made from a template leads its conversations.
type BuilderType string

// Builder types.
const (
	BuilderGeneral BuilderType = "general" // by its texts
	BuilderFlow    BuilderType = "flow"    // along a graph
)

// AgentTemplate is an agent to begin with, in one language. It belongs to nobody.
type AgentTemplate struct {
	ID           string
	Kind         string // what it is for; the same in each of its languages
	Name         string
	Description  string // for people who choose
	Sector       string
	SectorLabel  string
	Country      string // ISO 3166-1 alpha-2
	Direction    Direction
	Builder      BuilderType
	Placeholders []Placeholder
	AgentName    string // that an agent of it goes by, unless it is given one
	Settings     AgentSettings
	Trainings    []Training // subject and instructions
	Actions      []Action   // without ids
	Flow         string     // a graph, a JSON object; empty for BuilderGeneral
}

// PlaceholderKind says what a placeholder stands for.
type PlaceholderKind string

// Kinds of placeholders.
const (
	PlaceholderText  PlaceholderKind = "text"
	PlaceholderURL   PlaceholderKind = "url"   // that an action's requests go to
	PlaceholderPhone PlaceholderKind = "phone" // E.164, that an action transfers to
)

// Placeholder is a {{name}} in the texts of a template.
type Placeholder struct {
	Name        string
	Kind        PlaceholderKind
	Description string
	Example     string
	PerCall     bool // comes with each call's payload; others are filled in by the business, once
}
