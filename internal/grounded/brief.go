package grounded

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/parley-voice/parley/internal/llm"
)

// fact is a sentence that may be said to a caller, and what it can answer.
type fact struct {
	text     string
	topic    int // which description or training it stands in
	subject  string
	own      map[string]bool // stems of the sentence itself
	around   map[string]bool // stems of its subject, its heading and what it leans on
	leansOn  *fact           // the sentence before, when this one makes no sense alone
	holds    kind
	days     days
	isOpen   bool // about the opening hours of the business itself
	answers  bool // its heading is a question that it answers
	identity bool // who the agent is: answers only who and where
	vector   []float32
}

// knowledge is an agent's brief, understood.
type knowledge struct {
	name       string
	greeting   string
	facts      []*fact
	forms      []*form
	fallback   *form  // what to take down when there is no answer
	identity   string // what the agent says of itself
	subjects   []string
	brief      bool                    // asked to be short
	self       map[string]bool         // stems of the business's own name: they decide nothing
	known      map[string]bool         // stems of all facts
	vocabulary map[string]bool         // words of all facts as they are written
	trade      map[string]bool         // stems of how the agent's texts introduce the business
	domain     map[string]bool         // stems of what the description says the business deals with
	names      map[string]bool         // stems that stand in facts as the last word of a name only
	pairs      map[[2]string]bool      // stems that stand side by side in a fact
	trainings  map[int]map[string]bool // stems by topic
	rarity     map[string]float64      // inverse document frequency of a stem
	now        time.Time
	likeness   float64  // how far the embedder sets answers apart from other sentences; see gauge
	open       hours    // the span of the day in which the business is open
	tools      []string // names of all tools, which no caller is to hear
	transfer   *form    // a tool that reaches a person
}

// understand reads a brief. It never fails: what it cannot use it leaves out.
func understand(b llm.Brief) *knowledge {
	k := &knowledge{
		name: b.AgentName, greeting: b.Greeting, self: map[string]bool{}, known: map[string]bool{}, vocabulary: map[string]bool{}, domain: map[string]bool{},
		names: map[string]bool{}, trainings: map[int]map[string]bool{}, pairs: map[[2]string]bool{}, now: time.Now(),
	}
	if t, err := time.Parse(time.RFC3339, b.Now); err == nil {
		k.now = t
	}
	for _, tool := range b.Tools {
		k.addTool(tool)
		k.tools = append(k.tools, tool.Name)
	}
	k.read(0, "", b.Description)
	for i, t := range b.Trainings {
		k.read(i+1, t.Subject, t.Instructions)
	}
	if k.fallback == nil {
		k.fallback = defaultMessage()
	}
	for _, w := range words(b.AgentName + " " + b.Greeting + " " + capitals(k.identity)) {
		k.self[stem(w)] = true
	}
	k.index()
	k.trade = stems(words(k.identity))
	for s := range k.domain {
		k.trade[s] = true
	}
	for _, f := range k.facts {
		if f.isOpen {
			k.open = k.open.widen(words(f.text))
		}
	}
	return k
}

var (
	// Conditions that say no more than "once you have it".
	reThen = regexp.MustCompile(`^(?i) ?(?:that|this|it|you (?:are done|have (?:it|them|that|everything|all))|all|the end|` +
		`everything is (?:noted|taken)|taking .*)$`)
	// A sentence behind a form that says what comes of it.
	reFollowUp = regexp.MustCompile(`(?i)\b(?:calls? (?:them |you |him or her )?back|calls? (?:you|them)|called back|(?:rings?|phones?|` +
		`writes?) back|hear from us|returns? (?:the|your) call|confirms?|confirmed|gets? back|be in touch|repl(?:y|ies)|answers|contacts?|` +
		`responds?|sends?)\b`)
)

// capitals keeps the words of a sentence that are written as names.
func capitals(s string) string {
	var out []string
	for _, w := range strings.Fields(s) {
		if isCapital(w) {
			out = append(out, w)
		}
	}
	return strings.Join(out, " ")
}

// read takes one text apart. Orders of the same training belong together: what is to be said after taking something down is its closing.
func (k *knowledge) read(topic int, subject, text string) {
	var previous *fact
	var taken *form
	speakable := speakableSubject(subject)
	if topic > 0 && speakable != "" {
		k.subjects = append(k.subjects, speakable)
	}
	before := ""
	for _, p := range passages(text) {
		if p.text = k.withoutTools(p.text); p.text == "" {
			continue
		}
		o, isOrder := splitOrder(p.text)
		if reSuch.MatchString(o.condition) {
			o.condition = before
		}
		before = afterAbout(p.text)
		if !isOrder {
			if taken != nil && taken.closing == "" && reFollowUp.MatchString(p.text) {
				taken.closing = p.text
			}
			previous = k.addFact(&fact{text: p.text, topic: topic, subject: speakable, leansOn: previous, answers: p.asked}, subject, p.heading)
			continue
		}
		k.brief = k.brief || reSoon.MatchString(o.text)
		if id, ok := identity(o); ok {
			k.introduce(topic, id)
			continue
		}
		if f := messageForm(o, subject); f != nil {
			f.topic = topic
			taken = f
			k.addForm(f, o)
			continue
		}
		if said, ok := factIn(o); ok {
			if taken != nil && (o.condition == "" || reThen.MatchString(o.condition)) {
				taken.closing = strings.TrimSpace(taken.closing + " " + said)
				continue
			}
			previous = k.addFact(&fact{text: said, topic: topic, subject: speakable}, subject, o.condition+" "+p.heading)
		}
	}
}

var (
	reSuch  = regexp.MustCompile(`(?i)\b(?:such|these|those|this kind of|that kind of) (?:questions?|cases?|requests?|matters?|things?|calls?|issues?)\b`)
	reAbout = regexp.MustCompile(`(?i)\b(?:on|about|regarding|discuss|diagnose) (.+)$`)
)

// afterAbout is what a sentence speaks of, for a next one that says "such questions".
func afterAbout(s string) string {
	if m := reAbout.FindStringSubmatch(strings.TrimRight(s, ".;")); m != nil {
		return m[1]
	}
	return s
}

// withoutTools drops the part of a sentence that tells the agent which tool to use: "Tours are on Tuesdays, you can book one with book_tour."
func (k *knowledge) withoutTools(s string) string {
	var kept []string
	parts := strings.Split(s, ", ")
	for _, p := range parts {
		if !slices.ContainsFunc(k.tools, func(t string) bool { return strings.Contains(t, "_") && strings.Contains(p, t) }) {
			kept = append(kept, p)
		}
	}
	if len(kept) == len(parts) {
		return s
	}
	if len(kept) == 0 || strings.HasSuffix(kept[0], " by you") {
		return ""
	}
	return stopped(strings.Join(kept, ", "))
}

func (k *knowledge) introduce(topic int, text string) {
	if k.identity == "" {
		k.identity = text
	}
	k.addFact(&fact{text: text, topic: topic, identity: true}, "", "")
}

// speakableSubject gives a subject that can be named to a caller; one that is a condition cannot.
func speakableSubject(s string) string {
	s = strings.TrimRight(strings.TrimSpace(s), ".:?!")
	ws := plainWords(s)
	if len(ws) == 0 || len(ws) > 4 || isOneOf(ws[0], "if", "when", "what", "how", "never", "do", "always", "who", "where") {
		return ""
	}
	return s
}

func (k *knowledge) addForm(f *form, o order) {
	unsure := reUnsure.MatchString(o.condition) || slices.ContainsFunc(f.triggers, func(t []string) bool { return slices.Equal(t, []string{"messag"}) }) ||
		slices.ContainsFunc(f.triggers, func(t []string) bool { return slices.Equal(t, []string{"leav", "messag"}) }) || (o.condition == "" && len(f.triggers) == 0)
	if unsure && k.fallback == nil {
		k.fallback = f
	}
	if len(f.triggers) > 0 {
		k.forms = append(k.forms, f)
	}
}

// Words that lean on the sentence before.
func leans(ws []string) bool {
	if len(ws) == 0 {
		return false
	}
	return slices.Contains(ws[1:], "them") ||
		isOneOf(ws[0], "it", "they", "these", "those", "he", "she", "after", "otherwise", "then", "both", "this") &&
			(ws[0] != "after" || len(ws) > 1 && ws[1] == "that") && (ws[0] != "this" || len(ws) > 1 && isOneOf(ws[1], "is", "costs", "takes", "includes"))
}

func (k *knowledge) addFact(f *fact, subject, heading string) *fact {
	ws := words(f.text)
	if len(ws) < 2 && !f.answers {
		return f.leansOn
	}
	previous := f.leansOn
	if !leans(ws) {
		f.leansOn = nil
	}
	f.own, f.around = stems(ws), stems(words(subject+" "+heading))
	if f.leansOn != nil {
		for s := range previous.own {
			f.around[s] = true
		}
	}
	if f.answers {
		for _, w := range words(heading) {
			if !english().stop[w] {
				f.own[stem(w)] = true
			}
		}
	}
	f.holds, f.days = holds(f.text, ws), daysIn(ws)
	about := strings.Join(words(subject+" "+heading), " ")
	if f.holds&kindCount != 0 && reMoney.MatchString(about) {
		f.holds |= kindPrice // a price list need not name the currency
	}
	if f.holds&kindTime != 0 && (reOpenWords.MatchString(about) || strings.Contains(about, "hours")) {
		f.holds |= kindOpen
		f.isOpen = true
	}
	f.isOpen = f.isOpen || f.holds&kindOpen != 0 && reOpenSelf.MatchString(strings.ToLower(f.text))
	// A week's times in the description are the business's own, whatever they are called: "Consultations are Monday to Friday …".
	f.isOpen = f.isOpen || f.topic == 0 && !f.identity && f.days != 0 && f.holds&kindPrice == 0 && reClockSpan.MatchString(strings.Join(ws, " "))
	f.isOpen = f.isOpen || f.leansOn != nil && f.leansOn.isOpen && f.holds&kindOpen != 0
	k.facts = append(k.facts, f)
	return f
}

var reMoney = regexp.MustCompile(`\b(?:prices?|rates?|fees?|costs?|pricing|tariffs?)\b`)

// stems gives the stems of words, phrases folded into their sense.
func stems(ws []string) map[string]bool {
	set := map[string]bool{}
	for _, w := range english().fold(ws) {
		set[stem(w)] = true
	}
	for _, w := range ws {
		set[stem(w)] = true
	}
	return set
}

// index counts the words of all facts.
func (k *knowledge) index() {
	counts := map[string]int{}
	common := map[string]bool{}
	for _, f := range k.facts {
		k.gatherNames(f, common)
		if k.trainings[f.topic] == nil {
			k.trainings[f.topic] = map[string]bool{}
		}
		for s := range f.own {
			k.trainings[f.topic][s] = true
		}
		for s := range f.own {
			counts[s]++
			k.known[s] = true
			if f.topic == 0 && strings.HasPrefix(f.text, "We ") && f.holds&(kindPrice|kindTime) == 0 {
				k.domain[s] = true
			}
		}
		for s := range f.around {
			k.known[s] = true
		}
		ws := words(f.text)
		for _, w := range ws {
			k.vocabulary[w] = true
		}
		for i := range len(ws) - 1 {
			k.pairs[[2]string{stem(ws[i]), stem(ws[i+1])}] = true
		}
	}
	for s := range common {
		delete(k.names, s)
	}
	k.rarity = map[string]float64{}
	for s, n := range counts {
		k.rarity[s] = rarity(n, len(k.facts))
	}
}

// gatherNames finds words that end a name, like the second of "Helen Park", and words that stand elsewhere as well.
func (k *knowledge) gatherNames(f *fact, common map[string]bool) {
	fields := strings.Fields(f.text)
	for i, w := range fields {
		for _, p := range plainWords(w) {
			if i > 1 && isCapital(w) && isCapital(fields[i-1]) {
				k.names[stem(p)] = true
			} else {
				common[stem(p)] = true
			}
		}
	}
}

func isCapital(w string) bool { return w != "" && w[0] >= 'A' && w[0] <= 'Z' }
