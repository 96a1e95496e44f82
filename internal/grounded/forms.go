package grounded

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/parley-voice/parley/internal/llm"
)

// slotKind says what a value of a slot looks like.
type slotKind int

const (
	textSlot slotKind = iota
	nameSlot
	phoneSlot
	emailSlot
	dateSlot
	timeSlot
	numberSlot
	codeSlot
	choiceSlot
	yesNoSlot
)

// slot is one thing to be learned from the caller.
type slot struct {
	key, label string
	kind       slotKind
	optional   bool
	numeric    bool // the tool wants a JSON number
	exact      bool // a wrong letter or figure spoils it, so that it is read back
	choices    []string
	units      map[string]bool // stems that mark a number as meant for this slot
	people     bool            // counts people
	prompt     string
}

// form is a request that is filled slot by slot: an action of the agent, or a message that its texts tell it to take down.
type form struct {
	tool     string
	message  bool // handed over with take_message
	slots    []*slot
	triggers [][]string // stems that the caller uses who wants this, in alternatives
	topic    int
	closing  string // said once it is handed over
	title    string
	replies  bool                       // taken down in answer to a question: "wants to know where the order is"
	reaches  map[string]map[string]bool // stems of what each target of a transfer is there for
}

// somebody is who may call back: "we", "Gwen", "the site manager (Gus)".
const somebody = `(?:we|he|she|they|(?-i:[A-Z])\w+|(?:the|our|an?|one of (?:our|the)) \w+(?: \w+)?(?: \([^)]*\))?)`

// maxSlots bounds what one form asks a caller.
const maxSlots = 10

var (
	reTakes = regexp.MustCompile(`^(?i)(?:please |always |then |just |only |also )*(?:take(?: down)?|ask(?: them| the caller| callers|` +
		` him or her)?(?: for)?|note(?: down)?|write(?: down)?|collect|get|` +
		`record|request|jot(?: down)?|gather|obtain|find out|(?:callers?|customers?|guests?|patients?|clients?|they|people) (?:must|should|` +
		`need to|have to) (?:leave|give|provide|state|name)(?: us)?) (.+)$`)
	reSlotNoun = regexp.MustCompile(`(?i)\b(?:names?|numbers?|phone|telephone|mobile|e-?mail|address(?:es)?|dates?|times?|day|message|` +
		`plate|reference|size|reason|details|contact|make|model|birthday|what|which|how many|` +
		`insurance|symptoms|problem|company|room|case|code|medicine|colou?r)\b`)
	reTakeMessage = regexp.MustCompile(`(?i)\b(?:take|leave|record|note|offer) (?:down )?(?:a |the |their )?messages?\b|\boffer (?:a )?call ?backs?\b`)
	reMessageWith = regexp.MustCompile(`(?i)\bmessages?(?: with|:) (?:the |their |a )?(.+)$`)
	reListEnd     = regexp.MustCompile(`(?i)(?:,? (?:so|so that|in order to|before|because|when|if|unless) |,? and (?:then |also )?(?:let |` +
		`say|tell|promise|repeat|confirm|explain|read|thank|assure|pass|send|forward)\b|;|` +
		`,? (?:and )?` + somebody + `(?: will| can|'ll|’ll)? (?:calls?|rings?|phones?|gets?|contacts?|writes?|` +
		`repl(?:y|ies)|answers?|responds?|returns?)\b)`)
	reComesOf = regexp.MustCompile(`^(?i),? (?:and )?(` + somebody + `(?: will| can|'ll|` +
		`’ll)? (?:calls?|rings?|phones?|gets?|` +
		`contacts?|writes?|repl(?:y|ies)|answers?|responds?|returns?)\b.*)$`)
	reAnd     = regexp.MustCompile(`^(?i),? ?and (?:then |also )?`)
	reListCut = regexp.MustCompile(`(?i),? and |, | as well as | plus | \+ `)
	reOwner   = regexp.MustCompile(`^(?i)(?:(?:for |also |the |a |an |their |his or her |her |his |your |both |callers?(?:'s|s')? |` +
		`customers?(?:'s|s')? |guests?(?:'s|s')? |patients?(?:'s|s')? |` +
		`clients?(?:'s|s')? |owners?(?:'s|s')? |members?(?:'s|s')? |users?(?:'s|s')? )*)`)
	reDescription = regexp.MustCompile(`^(?i)(?:short |brief |rough )*(?:description|details|account|summary|note) (?:of|on|` +
		`about) ((?:what|how|where|why) .+)$`)
	reAsks     = regexp.MustCompile(`(?i)\b(?:know|asks?|asking|questions?|wonders?|inquires?|enquires?)\b`)
	reAsClause = regexp.MustCompile(`(?i)^(?:what|which|how|where|when|why|whether) `)
)

// takesDown says whether an order asks for things to be learned from the caller.
func takesDown(s string) bool {
	if reTakeMessage.MatchString(s) {
		return true
	}
	m := reTakes.FindStringSubmatch(s)
	if m == nil || strings.HasPrefix(strings.ToLower(m[1]), "that ") {
		return false
	}
	return reSlotNoun.MatchString(firstItem(m[1]))
}

func firstItem(list string) string {
	list = list[:cutAt(reListEnd, list)]
	return list[:cutAt(reListCut, list)]
}

func cutAt(re *regexp.Regexp, s string) int {
	if loc := re.FindStringIndex(s); loc != nil {
		return loc[0]
	}
	return len(s)
}

// messageForm reads an order to take something down; nil when it is none.
func messageForm(o order, subject string) *form {
	if !takesDown(o.text) {
		return nil
	}
	f := &form{tool: llm.ToolTakeMessage, message: true, title: "a message"}
	if m := reTakes.FindStringSubmatch(o.text); m != nil && !reTakeMessage.MatchString(o.text) {
		f.slots = slotList(m[1])
	}
	if m := reMessageWith.FindStringSubmatch(o.text); m != nil {
		f.slots = slotList(m[1])
	}
	if len(f.slots) == 0 {
		f.slots = defaultMessage().slots
	}
	if loc := reListEnd.FindStringIndex(o.text); loc != nil {
		f.closing, _ = factIn(order{text: reAnd.ReplaceAllString(o.text[loc[0]:], "")})
		if m := reComesOf.FindStringSubmatch(o.text[loc[0]:]); m != nil && f.closing == "" {
			f.closing = capital(stopped(m[1]))
		}
	}
	about := o.condition
	if about == "" {
		about = subject
	}
	f.replies = reAsks.MatchString(o.condition)
	if !reUnsure.MatchString(about) {
		f.triggers = alternatives(about)
	}
	return f
}

func slotList(list string) []*slot {
	var out []*slot
	list = list[:cutAt(reListEnd, list)]
	for _, item := range reListCut.Split(list, -1) {
		item = strings.TrimSpace(strings.Trim(strings.ReplaceAll(item, "’", "'"), " .:"))
		item, _, _ = strings.Cut(item, " or ")
		bare := reOwner.ReplaceAllString(item, "")
		if m := reDescription.FindStringSubmatch(bare); m != nil {
			bare = m[1]
		}
		if bare == "" || strings.HasPrefix(strings.ToLower(bare), "whether") || len(strings.Fields(bare)) > 9 || len(out) == maxSlots {
			continue
		}
		s := newSlot(slotKey(bare), bare, "")
		if !slices.ContainsFunc(out, func(o *slot) bool { return o.key == s.key }) {
			out = append(out, s)
		}
	}
	return out
}

// slotKey makes the name under which a value is kept.
func slotKey(label string) string {
	label, _, _ = strings.Cut(label, " for ")
	ws := plainWords(label)
	key := strings.Join(ws, "_")
	switch kindOf(ws, "") {
	case nameSlot:
		if len(ws) == 1 || isOneOf(key, "full_name", "first_name", "last_name", "family_name", "surname") {
			return strings.Replace(key, "names", "name", 1)
		}
	case phoneSlot:
		return "phone"
	case emailSlot:
		return "email"
	}
	return key
}

// defaultMessage is what is taken down when the agent's texts do not say what.
func defaultMessage() *form {
	return &form{tool: llm.ToolTakeMessage, message: true, title: "a message", triggers: [][]string{{"messag"}},
		slots: []*slot{newSlot("name", "name", ""), newSlot("phone", "phone number", ""), newSlot("message", "message", "")}}
}

// kindOf tells the kind of a slot from the words of its name or label and the format of its schema.
func kindOf(ws []string, format string) slotKind {
	has := func(set ...string) bool {
		return slices.ContainsFunc(ws, func(w string) bool { return isOneOf(w, set...) })
	}
	switch format {
	case "date":
		return dateSlot
	case "time", "date-time":
		return timeSlot
	case "email":
		return emailSlot
	case "phone", "tel":
		return phoneSlot
	case "digits":
		return codeSlot
	}
	joined := strings.Join(ws, " ")
	switch {
	case reAsClause.MatchString(joined) && !strings.HasPrefix(joined, "how many"):
		return textSlot
	case has("email", "mail"):
		return emailSlot
	case strings.HasPrefix(joined, "how many"), strings.HasPrefix(joined, "number of"), strings.HasPrefix(joined, "party"),
		has("quantity", "amount", "count", "guests", "persons", "people", "nights"):
		return numberSlot
	case has("phone", "telephone", "mobile", "callback", "cell", "cellphone"), joined == "number", joined == "contact number":
		return phoneSlot
	case has("number", "plate", "code", "reference", "registration", "zip", "postcode"):
		return codeSlot
	case has("date", "day", "birthday"):
		return dateSlot
	case has("time", "hour"):
		return timeSlot
	case has("name", "names", "surname"):
		return nameSlot
	}
	return textSlot
}

func newSlot(key, label, format string) *slot {
	ws := plainWords(label)
	s := &slot{key: key, label: strings.ReplaceAll(strings.ToLower(label), "email", "e-mail"), kind: kindOf(ws, format), units: map[string]bool{}}
	for _, w := range ws {
		if !english().stop[w] || isOneOf(w, "people", "person", "day", "days") {
			s.units[stem(w)] = true
		}
	}
	for _, w := range []string{"person", "guest", "adult", "player", "passeng", "particip", "visitor", "seat", "attende", "diner", "parti"} {
		s.people = s.people || s.units[w]
	}
	if s.people {
		for _, w := range []string{"person", "guest", "adult", "us"} {
			s.units[w] = true
		}
	}
	s.prompt = s.ask()
	return s
}

// past says that a date lies behind: somebody's birthday.
func (s *slot) past() bool { return strings.Contains(s.label, "birth") }

// callersName are labels that stand for the caller's own name.
var callersName = map[string]bool{"name": true, "names": true, "full name": true, "guest name": true, "customer name": true, "caller name": true,
	"patient name": true, "client name": true}

// ask words the question for a slot.
func (s *slot) ask() string {
	label := strings.NewReplacer("they are", "you are", "they want", "you want", "they", "you", "their", "your", "he or she", "you").Replace(s.label)
	switch {
	case s.kind == choiceSlot && len(s.choices) > 0 && len(s.choices) <= 5:
		return "What would you like: " + list(s.choices, "or") + "?"
	case s.kind == nameSlot && callersName[s.label]:
		return "What is your name, please?"
	case strings.HasPrefix(label, "how many"):
		return capital(label) + "?"
	case s.kind == numberSlot && strings.HasPrefix(label, "number of "):
		return "How many " + strings.TrimPrefix(label, "number of ") + "?"
	case s.kind == numberSlot && strings.HasPrefix(label, "party"):
		return "For how many people?"
	case s.kind == numberSlot && strings.HasSuffix(label, "s"):
		return "How many " + label + "?"
	case s.kind == phoneSlot:
		return "What is your phone number?"
	case s.kind == emailSlot:
		return "What is your e-mail address?"
	case s.label == "date" || s.label == "day":
		return "Which date would you like?"
	case s.label == "time":
		return "What time would you like?"
	case s.kind == textSlot && s.label == "message":
		return "What is your message?"
	case reAsClause.MatchString(label):
		return "Please tell me " + label + "."
	}
	return "What is the " + label + "?"
}

// list joins words as people do.
func list(items []string, last string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	return strings.Join(items[:len(items)-1], ", ") + " " + last + " " + items[len(items)-1]
}

type schema struct {
	Properties json.RawMessage `json:"properties"`
	Required   []string        `json:"required"`
}

type property struct {
	Type        any    `json:"type"`
	Format      string `json:"format"`
	Description string `json:"description"`
	Enum        []any  `json:"enum"`
}

// addTool makes a form of an action. Tools that every conversation has are known by name.
func (k *knowledge) addTool(t llm.Tool) {
	if t.Name == "" || t.Name == llm.ToolHangUp || t.Name == llm.ToolTakeMessage {
		return
	}
	if t.Name == llm.ToolTransfer {
		k.transfer = handover(t)
		k.forms = append(k.forms, k.transfer)
		return
	}
	name := strings.ToLower(strings.NewReplacer("_", " ", "-", " ").Replace(splitCamel(t.Name)))
	f := &form{tool: t.Name, title: name, triggers: [][]string{triggerStems(name)}}
	var s schema
	if err := json.Unmarshal(t.Parameters, &s); err == nil {
		f.slots = toolSlots(s)
	}
	if reTransfer.MatchString(name) && len(f.slots) == 0 && k.transfer == nil {
		k.transfer = f
	}
	k.forms = append(k.forms, f)
}

var (
	reTransfer = regexp.MustCompile(`\b(?:transfer|forward|connect|human|operator|handoff|hand off|handover|person|agent|escalate)\b`)
	reCamel    = regexp.MustCompile(`([a-z])([A-Z])`)
)

func splitCamel(s string) string { return reCamel.ReplaceAllString(s, "$1 $2") }

// toolSlots reads the inputs of an action: required ones in their order, then the optional ones in the order of the schema.
func toolSlots(s schema) []*slot {
	props := map[string]property{}
	_ = json.Unmarshal(s.Properties, &props) // what does not fit leaves no slot
	order := slices.Clone(s.Required)
	for _, key := range objectKeys(s.Properties) {
		if !slices.Contains(order, key) {
			order = append(order, key)
		}
	}
	var out []*slot
	for _, key := range order {
		p, ok := props[key]
		if !ok || len(out) == maxSlots {
			continue
		}
		out = append(out, toolSlot(key, p, !slices.Contains(s.Required, key)))
	}
	shareUnits(out)
	return out
}

// shareUnits lets a count be said with what may be chosen: "two tandems".
func shareUnits(slots []*slot) {
	for _, count := range slots {
		for _, s := range slots {
			if count.kind != numberSlot || s.kind != choiceSlot {
				continue
			}
			for _, c := range s.choices {
				for w := range stems(plainWords(c)) {
					count.units[w] = true
				}
			}
		}
	}
}

func toolSlot(key string, p property, optional bool) *slot {
	label := strings.ToLower(strings.NewReplacer("_", " ", "-", " ").Replace(splitCamel(key)))
	described := strings.ToLower(strings.TrimSpace(p.Description))
	if (strings.HasPrefix(described, "number of ") || strings.HasPrefix(described, "how many ")) && len(strings.Fields(described)) < 6 {
		label = strings.TrimRight(described, ".")
	}
	if n := len(strings.Fields(described)); len(label) < 3 && n > 0 && n < 5 { // "a" is no word to ask for
		label = strings.TrimRight(described, ".")
	}
	sl := newSlot(key, label, p.Format)
	sl.optional = optional
	sl.exact = isOneOf(p.Format, "date", "time", "date-time", "email", "phone", "tel", "digits")
	switch oneType(p.Type) {
	case "integer", "number":
		sl.numeric, sl.exact = true, true
		if sl.kind != codeSlot && sl.kind != phoneSlot { // an order number may be long, a count is not
			sl.kind = numberSlot
		}
	case "boolean":
		sl.kind = yesNoSlot
	}
	for _, e := range p.Enum {
		if c, ok := e.(string); ok {
			sl.kind, sl.exact = choiceSlot, false
			sl.choices = append(sl.choices, c)
		}
	}
	sl.prompt = sl.ask()
	return sl
}

// oneType is the type of a property that may be left empty as well: "integer" of ["integer", "null"].
func oneType(of any) any {
	all, ok := of.([]any)
	if !ok {
		return of
	}
	for _, t := range all {
		if t != "null" {
			return t
		}
	}
	return nil
}

// objectKeys lists the keys of a JSON object in their order.
func objectKeys(raw json.RawMessage) []string {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	var keys []string
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return keys
		}
		if key, ok := t.(string); ok {
			keys = append(keys, key)
		}
		var skip json.RawMessage
		if dec.Decode(&skip) != nil {
			return keys
		}
	}
	return keys
}
