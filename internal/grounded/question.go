package grounded

import (
	"regexp"
	"slices"
	"strings"
)

// key is a word that an answer has to cover; its neighbours help when it was misheard.
type key struct {
	stem, prev, next string
	circumstance     bool // only says where: "ants in my kitchen"
}

// question is one thing that the caller wants to know.
type question struct {
	ws      []string
	said    string   // in the caller's words, all of them when nothing else was asked
	keys    []key    // must be covered
	weak    []string // stems that only rank
	kind    kind
	days    days
	context []key // of a statement before it: "a screw came out, can you fix it"
	aside   []key // of "… when you clean": must be known, but not to the same sentence
	prior   []key // what "it" may stand for
	named   []key // words of the business's own name among the keys
	refers  bool  // leans on what was said before: "it", "that"
	goesOn  bool  // "and on Sunday", "what about the suite"
	asks    bool  // worded as a question
}

var (
	reStarter = regexp.MustCompile(`^(?:do|does|did|is|are|was|were|am|can|could|may|might|would|will|should|shall|have|has|what|which|who|` +
		`whom|whose|where|when|why|how|any)$`)
	reGoesOn = regexp.MustCompile(`^(?:(?:and|so|then|okay|ok|also|but|or) )*(?:what about|how about|and|also|or|but|plus|same for|for) `)
	reRefers = regexp.MustCompile(`\b(?:it|that|this|these|those|them|they|he|she|one|ones)\b`)
	// Wordings in which "it" or "that" stands for nothing.
	reEmptyIt = regexp.MustCompile(`\b(?:is it (?:possible|okay|ok|true|allowed|fine|necessary|free)|is that (?:possible|okay|ok|true|so|` +
		`right)|it is (?:about|for)|i (?:heard|think|hope|read) that|know (?:if|that)|(?:does|would|will) it cost|no one|one of|that i|` +
		`that you|this is)\b`)
	rePolite = regexp.MustCompile(`^(?:(?:wait|hold on|one moment|pardon|hi|hello|hey|okay|ok|um|uh|so|well|yes|yeah|no|and|please|sorry|` +
		`excuse me|alright|great|perfect|fine|cool|good|super|lovely|ah|hm|now|` +
		`thanks|thank you|i see|actually|oh|just|good morning|good afternoon|good evening|quick question|one more (?:thing|question)|another question|` +
		`(?:can|could|would|will) you (?:please )?(?:tell me|let me know|give me|explain)|do you (?:know|happen to know)|i (?:want|need|` +
		`would like|like|was wanting) to (?:know|ask|find out|check|hear)|i (?:am|was) (?:just )?(?:wondering|curious|calling to (?:ask|` +
		`find out|know|check)|calling because|interested in|asking)|` +
		`i have (?:a|one|another) question|(?:can|could|may) i (?:just |quickly )?ask(?: you)?(?: something)?|i just wanted to (?:ask|know|` +
		`check)|tell me|let me ask|i wonder|please tell me|do you mind telling me) (?:about )?)+`)
)

// questions cuts an utterance into what it asks. Statements around a question are taken up only when the question says too little itself.
func questions(u utterance) []question {
	var out []question
	var statements [][]string
	for _, part := range clauses(u) {
		q, ok := newQuestion(part)
		switch {
		case !ok:
		case q.asks || q.goesOn || q.kind != kindAny:
			out = append(out, q)
		default:
			statements = append(statements, part)
		}
	}
	if len(out) == 0 {
		if q, ok := newQuestion(slices.Concat(statements...)); ok {
			q.said = u.raw
			return []question{q}
		}
		return nil
	}
	if first := &out[0]; len(first.keys) == 0 && first.kind == kindAny && first.days == 0 && len(statements) > 0 {
		if q, ok := newQuestion(slices.Concat(statements...)); ok {
			first.keys, first.weak = q.keys, append(first.weak, q.weak...)
			if first.kind == kindAny {
				first.kind = q.kind
			}
			first.days |= q.days
		}
	}
	if first := &out[0]; (first.refers || len(first.keys) == 0) && len(statements) > 0 {
		if q, ok := newQuestion(slices.Concat(statements...)); ok {
			first.context = q.keys
		}
	}
	if len(out) == 1 {
		out[0].said = u.raw
	}
	return out[:min(len(out), maxQuestions)]
}

// maxQuestions bounds how many questions of one utterance are answered.
const maxQuestions = 3

// clauses cuts at punctuation that a recognizer sets and in front of words that begin a question.
func clauses(u utterance) [][]string {
	var out [][]string
	for _, piece := range strings.FieldsFunc(u.raw, func(r rune) bool { return r == '?' || r == '!' || r == ';' || r == '\n' }) {
		for _, s := range splitStops(piece) {
			out = append(out, splitStarters(words(s))...)
		}
	}
	return out
}

func splitStops(s string) []string { return sentences(s) }

// splitStarters cuts "my dog is ill do you treat dogs" before "do you", and "is it free and when do you open" before "and".
func splitStarters(ws []string) [][]string {
	var out [][]string
	start := 0
	for i := 1; i < len(ws); i++ {
		joint := isOneOf(ws[i-1], "and", "or", "but", "also", "so", "then")
		switch {
		case !startsQuestion(ws[i:]), questionWord(ws[i-1]):
			continue
		case joint && i-1 > start:
			out = append(out, ws[start:i-1])
			start = i - 1
		case !joint && !questionWord(ws[i]) && (hangsOn(ws[start:i]) || i-start < 3 && auxiliary(ws[start])):
			continue
		case !joint && !bindsQuestion[ws[i-1]]:
			out = append(out, ws[start:i])
			start = i
		}
	}
	return append(out, ws[start:])
}

// bindsQuestion are words that take the question behind them in: "do you know when …", "the day on which …".
var bindsQuestion = wordSet(`
	know ask tell wondering me if i you we they it that wonder see out to in at from of about until the for since with by on curious
	check there`)

// hangsOn says that the words wait for an auxiliary: "how much | is a cleaning".
func hangsOn(ws []string) bool {
	for i, w := range ws {
		if questionWord(w) {
			return !slices.ContainsFunc(ws[i+1:], func(w string) bool { return auxiliary(w) })
		}
	}
	return false
}

func questionWord(w string) bool {
	return isOneOf(w, "what", "which", "who", "whom", "whose", "where", "when", "why", "how")
}

func auxiliary(w string) bool { return reStarter.MatchString(w) && !questionWord(w) && w != "any" }

// subjects are words that follow an auxiliary in a question.
var subjects = wordSet(`
	i you we they he she it there your the my our any this that a an people children kids dogs pets someone anyone`)

// startsQuestion says whether the words begin like a question: an auxiliary with a subject behind it, or a question word.
func startsQuestion(ws []string) bool {
	if len(ws) < 2 || !reStarter.MatchString(ws[0]) {
		return false
	}
	if isOneOf(ws[0], "when", "where", "why", "who") {
		return auxiliary(ws[1]) || ws[0] == "who"
	}
	if questionWord(ws[0]) {
		return ws[0] != "which" || len(ws) > 2
	}
	if isOneOf(ws[0], "have", "has") {
		return isOneOf(ws[1], "you", "i", "we", "they")
	}
	return subjects[ws[1]]
}

// newQuestion reads one clause; it gives false when nothing is left of it.
func newQuestion(ws []string) (question, bool) {
	joined := strings.Join(ws, " ") + " "
	q := question{}
	if lead := reGoesOn.FindString(joined); lead != "" {
		q.goesOn = !startsQuestion(strings.Fields(joined[len(lead):]))
	}
	joined = strings.TrimSpace(rePolite.ReplaceAllString(joined, ""))
	q.ws, q.said = strings.Fields(joined), joined
	if len(q.ws) == 0 {
		return q, false
	}
	q.asks = reStarter.MatchString(q.ws[0]) || len(q.ws) < len(ws) && q.kind != kindAny
	q.refers = reRefers.MatchString(reEmptyIt.ReplaceAllString(joined, ""))
	main, aside := subordinate(q.ws)
	q.kind = asked(strings.Join(main, " "))
	q.days = daysIn(main)
	q.keys, q.weak = keysOf(main)
	more, _ := keysOf(aside)
	if len(q.keys) == 0 {
		q.keys = more
	} else {
		q.aside = more
	}
	return q, len(q.keys)+len(q.weak) > 0 || q.kind != kindAny || q.days != 0 || q.asks
}

// timeOfDay says that a part of the day names a thing, as in "evening course", and not when, as in "in the evening".
func timeOfDay(ws []string, i int) bool {
	if !isOneOf(ws[i], "morning", "afternoon", "evening") || i+1 == len(ws) {
		return false
	}
	return i == 0 || !isOneOf(ws[i-1], "in", "this", "tomorrow") && !isDay(ws[i-1])
}

// namesThing says that a form in "-ing" is no doing but a thing, or tells what sort of thing: "hearing tests".
func namesThing(ws []string, i int) bool {
	return strings.HasSuffix(ws[i], "ing") && i > 0 && i+1 < len(ws) && !english().weak[ws[i]] && !english().stop[ws[i+1]] &&
		isOneOf(ws[i-1], "do", "a", "an", "the", "your", "sell", "offer", "have", "any", "for")
}

// relations are for whom a caller asks: "can my daughter get her shots" is about shots.
var relations = wordSet(`
	son daughter wife husband partner mother father mom mum dad friend friends parents brother sister boyfriend girlfriend baby family
	colleague grandmother grandson`)

// subordinate cuts off "… when you clean", which says less of what is asked than the words before.
func subordinate(ws []string) (main, aside []string) {
	for i := 2; i+2 < len(ws); i++ {
		if isOneOf(ws[i], "when", "if", "while", "because") && isOneOf(ws[i+1], "i", "you", "we", "they", "it", "he", "she", "my", "the", "your", "there") {
			return ws[:i], ws[i:]
		}
	}
	return ws, nil
}

// keysOf sorts the words of a question into those that an answer must cover and those that only rank answers.
func keysOf(ws []string) (keys []key, weak []string) {
	l := english()
	folded := l.fold(ws)
	for i, w := range folded {
		s := stem(w)
		if i > 0 && relations[w] && isOneOf(folded[i-1], "my", "our") {
			weak = append(weak, s)
			continue
		}
		noun := i > 0 && isOneOf(w, "will", "can", "well", "back", "book") && isOneOf(folded[i-1], "a", "the") || i > 0 && w == "back" && folded[i-1] == "my"
		switch {
		case isNumber(w) && w != "1":
			weak = append(weak, w)
			continue
		case l.stop[w] && !noun, isNumber(w):
			continue
		case isDay(w):
			continue
		case l.ranksOnly(w) && !noun && !timeOfDay(folded, i) && !namesThing(folded, i):
			weak = append(weak, s)
			continue
		}
		n := key{stem: s}
		if i > 0 {
			n.prev = stem(folded[i-1])
		}
		if i+1 < len(folded) {
			n.next = stem(folded[i+1])
		}
		n.circumstance = i > 1 && isOneOf(folded[i-1], "my", "our") && isOneOf(folded[i-2], "in", "on", "from", "at", "inside", "under", "over", "around")
		if !slices.ContainsFunc(keys, func(k key) bool { return k.stem == s }) {
			keys = append(keys, n)
		}
	}
	return aboutPets(keys, weak)
}

// aboutPets takes "my dog" for whom is asked when more is asked: "when can I pick up my dog after surgery".
func aboutPets(keys []key, weak []string) ([]key, []string) {
	if len(keys) < 2 {
		return keys, weak
	}
	var rest []key
	for _, n := range keys {
		if (n.prev == "my" || n.prev == "our") && slices.Contains(english().kinds[n.stem], "pet") {
			weak = append(weak, n.stem)
		} else {
			rest = append(rest, n)
		}
	}
	return rest, weak
}

func isDay(w string) bool {
	_, ok := weekday(w)
	return ok || isOneOf(w, "weekdays", "weekday", "weekends", "weekend")
}

// without takes the business's own name from the keys: it decides nothing, and only ranks.
func (q question) without(self map[string]bool) question {
	keys := q.keys
	q.keys, q.weak, q.named = nil, slices.Clone(q.weak), nil
	for _, n := range keys {
		if self[n.stem] {
			q.named = append(q.named, n)
			q.weak = append(q.weak, n.stem)
			continue
		}
		q.keys = append(q.keys, n)
	}
	return q
}

// inherit completes a question that goes on from another: its kind, and its keys when it has none of its own.
func (q question) inherit(from question) question {
	if q.kind == kindAny && (q.goesOn || !q.asks) {
		q.kind = from.kind
	}
	if q.refers {
		q.prior = from.keys
	}
	bare := q.days != 0 || q.goesOn && !slices.ContainsFunc(q.weak, func(w string) bool { return !isNumber(w) })
	if len(q.keys) == 0 && bare && q.kind == from.kind {
		q.keys = from.keys
	}
	return q
}
