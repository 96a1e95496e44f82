package grounded

import (
	"regexp"
	"slices"
	"strings"
)

var (
	reRequest = regexp.MustCompile(`\b(?:(?:i|we) (?:just )?(?:want|need|would like|would love|wish|am calling|are calling|am looking|` +
		`are looking|was hoping|have to|must|am trying|am interested|have (?:a|an|some))|(?:can|could|may|might) (?:i|we|you)|let (?:me|us)|` +
		`i am here (?:for|to)|it is about|` +
		`about (?:a|an|my|the)|please|(?:some|any)(?:body|one) (?:should|must|needs to|has to|to) come|send (?:some|any)(?:body|one)|` +
		`put (?:me|us) down|sign (?:me|us) up|(?:i|we) (?:have|had) got to|is it possible to|would it be possible to)\b`)
	reWithout = regexp.MustCompile(`\bwithout (?:an? |any )?(?:appointment|booking|reservation)\b`)
	reCanI    = regexp.MustCompile(`\b(?:can|could|may|might) (?:i|we|you)\b|\bis it possible to\b|\bwould it be possible to\b`)
	// Verbs of getting something that is taken down or done.
	reCanGet = regexp.MustCompile(`\b(?:can|could|may|might) (?:i|we) (?:please |also |maybe |just )?(?:book|make|schedule|arrange|set up|` +
		`get|reserve|order|place|request|have|talk|speak|see|meet|sign up|apply|report)\b`)
	// A message for somebody, whatever the agent's texts say.
	reLeaveMessage = regexp.MustCompile(`\b(?:leave|take|give|pass on|pass|record|send) (?:him |her |them |you |down )?(?:a|my|this|` +
		`the) message\b|\bcall(?:ed)? (?:me|us) back\b|\b(?:call ?back|callback)\b|\bring me back\b|\b(?:can|could|would|will|have) (?:you|they|` +
		`\w+) (?:please )?(?:call|ring|phone) (?:me|us)\b|\bphone me back\b`)
	// Words of a request that say nothing about what is requested.
	requestWords = wordSet(`
	want wants request requests ask asks need needs would like someone caller customer patient guest client callers customers guests
	patients clients people user get make have has take new create start call calls calling phone phones wish wishes interested about
	come visit please member person anyone somebody set arrange wanting add submit an sends brings bring up inquire enquire check`)
)

// triggerStems are the words by which a caller shows that the form is wanted.
func triggerStems(text string) []string {
	var out []string
	for _, w := range english().fold(words(text)) {
		s := stem(w)
		if requestWords[w] || isNumber(w) || english().stop[w] && !isOneOf(w, "order", "type") || slices.Contains(out, s) {
			continue
		}
		out = append(out, s)
	}
	return out
}

// wanted finds the form that the caller asks for, nil when it is a question or something else.
func (k *knowledge) wanted(u utterance, s *state) *form {
	if u.only() {
		return nil
	}
	joined := strings.Join(u.plain, " ")
	if reLeaveMessage.MatchString(joined) {
		return k.fallback
	}
	if reWithout.MatchString(joined) {
		return nil
	}
	request := reRequest.MatchString(joined) || tells(u)
	questionLike := startsQuestion(withoutPolite(u)) && !reCanI.MatchString(joined)
	if questionLike || asked(strings.Join(u.ws, " ")) != kindAny && !request {
		return nil
	}
	best, score := k.bestForm(u, request)
	if best != nil && k.otherObject(best, u) {
		return nil
	}
	if ws := withoutPolite(u); best != nil && best.message && score < 1 && len(ws) > 0 && questionWord(ws[0]) {
		return nil
	}
	if best == nil || !request && reGoesOn.MatchString(joined+" ") {
		return nil
	}
	if score < 1 && reCanI.MatchString(joined) && (best.message || !reCanGet.MatchString(joined)) {
		return nil
	}
	if reCanGet.MatchString(joined) && (!best.message || score >= 1) || (!best.message && score >= 1 || score >= 1.02) && reCanI.MatchString(joined) {
		return best
	}
	// A question that a fact covers as well is a question: "can I return a book".
	if asked(strings.Join(u.ws, " ")) != kindAny || reCanI.MatchString(joined) && score < 1.5 {
		for _, q := range questions(u) {
			if f := k.search(q, s.topic, nil); len(f.facts) > 0 && (len(q.keys) > 0 || q.kind != kindAny) {
				return nil
			}
		}
	}
	return best
}

// tells says that the caller tells of something of his own rather than asking: "your brushes scratched my door".
func tells(u utterance) bool {
	return reOfOwn.MatchString(strings.Join(u.plain, " ")) && !slices.ContainsFunc(questions(u), func(q question) bool { return q.asks || q.goesOn })
}

var reOfOwn = regexp.MustCompile(`\b(?:my|our|your)\b`)

// otherObject says that the caller wants to book something that this business does not know: a table at the dentist's.
func (k *knowledge) otherObject(f *form, u utterance) bool {
	if joined := strings.Join(u.plain, " "); reCanYou.MatchString(joined) {
		keys, _ := keysOf(u.ws)
		return slices.ContainsFunc(keys, func(n key) bool { return !f.triggeredBy(n) && !k.knows(n) && !k.self[n.stem] })
	}
	m := reObject.FindStringSubmatch(strings.Join(u.plain, " "))
	if m == nil {
		return false
	}
	keys, _ := keysOf(strings.Fields(m[1]))
	for _, n := range keys[:min(len(keys), 1)] {
		if !f.triggeredBy(n) && !k.knows(n) && !k.self[n.stem] && !f.asksFor(n) {
			return true
		}
	}
	return false
}

func (f *form) triggeredBy(n key) bool {
	return slices.ContainsFunc(slices.Concat(f.triggers...), func(t string) bool { return t == n.stem || english().shares(n.stem, t) })
}

// asksFor says whether a slot's label holds the word.
func (f *form) asksFor(n key) bool {
	return slices.ContainsFunc(f.slots, func(s *slot) bool { return stems(plainWords(s.label))[n.stem] })
}

var reCanYou = regexp.MustCompile(`^(?:\w+ ){0,2}(?:can|could|will|would) you \w+`)

var reObject = regexp.MustCompile(`\b(?:book|reserve|order|schedule|make|arrange|get|want|need|like) (?:an? |the |my |some |two |three |` +
	`four )((?:\w+ ?){1,2})`)

// lookUp finds the action that a question asks for when no fact answers it: "do you have free appointments on Friday".
func (k *knowledge) lookUp(u utterance, qs []question, topic []*fact) *form {
	f, score := k.bestForm(u, true)
	if f == nil || f.message && !f.replies || score < 1 || f == k.transfer {
		return nil
	}
	for _, q := range qs {
		if found := k.search(q, topic, nil); len(found.facts) > 0 && len(q.keys)+len(q.named)+len(q.weak) > 0 {
			return nil
		}
	}
	return f
}

// alternatives parts a condition like "wants to view a property or speak with an agent".
func alternatives(condition string) [][]string {
	var out [][]string
	for _, part := range reAlternative.Split(condition, -1) {
		head, _, _ := strings.Cut(part, " for ")
		if t := triggerStems(head); len(t) > 0 {
			part = head
		}
		if t := unreported(triggerStems(part)); len(t) > 0 {
			out = append(out, t)
		}
	}
	return out
}

// unreported drops the word of reporting where what is reported is named as well: who says that something is damaged, complains.
func unreported(trigger []string) []string {
	rest := slices.DeleteFunc(slices.Clone(trigger), func(s string) bool { return isOneOf(s, "complain", "complaint", "report", "mention") })
	if len(rest) == 0 {
		return trigger
	}
	return rest
}

var reAlternative = regexp.MustCompile(`(?i),? or |, `)

func (k *knowledge) bestForm(u utterance, request bool) (best *form, score float64) {
	keys, weak := keysOf(u.ws)
	said := stems(u.ws)
	for _, f := range k.forms {
		if k.otherRequest(f, said) {
			continue
		}
		for _, t := range f.triggers {
			if share := f.shareSaid(t, said, u); share >= 0.5 && (request || share == 1 && len(keys)+len(weak) <= 4) && share+0.01*float64(len(t)) > score {
				best, score = f, share+0.01*float64(len(t))
			}
		}
	}
	return best, score
}

// shareSaid is how much of a trigger was said. Of what can be chosen in a form, the name of one choice stands for the thing.
func (f *form) shareSaid(trigger []string, said map[string]bool, u utterance) float64 {
	hit := 0.0
	if len(trigger) > 1 && anyLike("book", said) && slices.ContainsFunc(trigger, func(t string) bool { return english().shares(t, "book") }) {
		for _, s := range f.slots {
			if _, ok := findChoice(u.ws, s); ok {
				return 1
			}
		}
	}
	for _, t := range trigger {
		if anyLike(t, said) {
			hit++
		}
	}
	return hit / float64(len(trigger))
}

// otherRequest says that the caller wants the contrary: an appointment cancelled is not an appointment made.
func (k *knowledge) otherRequest(f *form, said map[string]bool) bool {
	all := slices.Concat(f.triggers...)
	for w := range english().turns {
		if said[w] && !slices.ContainsFunc(all, func(t string) bool { return t == w || english().shares(t, w) }) {
			return true
		}
	}
	return false
}
