package flow

import "encoding/json"

// Phase says what a conversation waits for.
type Phase string

// Phases.
const (
	New           Phase = ""              // Begin, or the caller's first words
	Listening     Phase = "listening"     // Heard
	Understanding Phase = "understanding" // Understood
	Running       Phase = "running"       // Done, of an action
	Connecting    Phase = "connecting"    // Done, of a transfer
	Over          Phase = "over"          // nothing
)

// State is where a conversation stands in its graph. Make it with Start. It is a value: Next changes none.
type State struct {
	Node   string
	Phase  Phase
	Values map[string]Value

	language string
	payload  map[string]any
	said     string   // the caller's latest words
	judged   []string // decisions that have judged them
	before   string   // what the agent had said before them
	spoke    string   // what it has said since
	asked    bool     // the node has asked, and did not judge earlier words
	tries    int      // how often the node did not understand
	held     *Value   // to be confirmed
	aside    *global  // a function that runs beside the node
	visits   map[string]int
	steps    int  // nodes entered without a word of the caller's
	early    bool // the caller's latest words answer nothing; see Event.Early
	unsure   bool // an action waits for a yes to what was read back
}

// Value is what a variable holds.
type Value struct {
	Value  any    // text, float64, bool, or a JSON object
	Spoken string // as it is said; empty when Value is said as it is
}

// Start is the state before Begin. payload fills {{placeholders}} that are no variables.
func Start(language string, payload map[string]any) State {
	return State{language: language, payload: payload}
}

// EventKind names what happened.
type EventKind string

// Kinds of events. Beside each stand the fields it fills.
const (
	Begin      EventKind = "begin"      // the agent speaks first
	Heard      EventKind = "heard"      // the caller said Text
	Understood EventKind = "understood" // Answer to the last Understand
	Done       EventKind = "done"       // of an action or a transfer: Outcome, and Result
	Unsure     EventKind = "unsure"     // the action is done only after a yes to Text, which holds values as they are read back
)

// Event is something that happened.
type Event struct {
	Kind EventKind
	Text string
	// Early says of Heard that what was asked last had not been heard, or something else was said since. Whoever is not understood then is
	// asked again without blame.
	Early   bool
	Answer  Answer
	Outcome string          // success, or why not: failure, busy, no_answer, refused
	Result  json.RawMessage // what the action answered; an object keeps its fields
}

// Verb names what is to be done.
type Verb string

// Verbs. Beside each stand the fields it fills.
const (
	Enter      Verb = "enter"      // Node is reached
	Speak      Verb = "speak"      // Text
	Understand Verb = "understand" // Question; Understood answers
	Run        Verb = "run"        // Action with Inputs; Done answers
	Connect    Verb = "connect"    // give the caller to Number, or as Action says; Done answers if he comes back
	Keep       Verb = "keep"       // the caller has given Name as Value
	HangUp     Verb = "hang_up"
)

// Output is something to be done, in the order of a list of them.
type Output struct {
	Do       Verb
	Node     string
	Text     string
	Question *Question
	Action   string          // id, node id or name
	Inputs   json.RawMessage // an object
	Number   string
	Name     string
	Value    Value
}

// Question asks what a caller meant.
type Question struct {
	Language string    // BCP 47
	Said     string    // by the caller
	Asked    string    // by the agent before it
	Variable *Variable // what was asked for; nil for nothing
	Options  []string  // what he may want here, in plain words
	Anywhere []string  // what he may want wherever he is
}

// Answer is what a caller meant.
type Answer struct {
	Value     string // of the Variable, as its Kind has it; empty for none
	Spoken    string // as it is said; empty when Value is said as it is
	Option    int    // which of Options, counted from 1; 0 is none
	Elsewhere int    // which of Anywhere, likewise
	Yes, No   bool
	Declined  bool // he has none, or will not say
	Repeat    bool // he wants to hear it again, and nothing else
	Wait      bool // he wants a moment, and nothing else
	Leaves    bool // he says goodbye, and nothing else
}
