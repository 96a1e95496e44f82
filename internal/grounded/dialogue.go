package grounded

import (
	"regexp"
	"slices"
	"strings"
)

// act is what one turn of the caller's leads to. Questions are searched for only when the act is spoken.
type act struct {
	before    []string // said first
	questions []question
	after     []string // said last
	call      *form    // whose tool is to be called with the values of the state
	hangUp    bool
	again     bool // the last answer is to be repeated
	offer     bool // an unanswered question may be followed by the offer of a message
}

func say(texts ...string) act { return act{after: texts} }

// step is the pure heart of the dialogue: it changes the state by what the caller said and tells what to do.
func (k *knowledge) step(s *state, text string) act {
	u := hear(text)
	if len(u.plain) == 0 {
		return say(k.tail(s, sayNotHeard)...)
	}
	if a, ok := k.universal(s, u); ok {
		return a
	}
	if s.form != nil {
		return k.inForm(s, u)
	}
	if s.offered && accepts(u) {
		k.openForm(s, k.fallback, u)
		k.keepUnanswered(s)
		return say(append([]string{sayGladly}, k.next(s)...)...)
	}
	if mended := k.rejoin(u.raw); mended != u.raw {
		u = hear(mended)
	}
	if f := k.wanted(u, s); f != nil {
		return k.begin(s, f, u)
	}
	if u.only() {
		return k.smallTalk(u)
	}
	return k.ask(s, u)
}

// accepts says that a message is to be taken; "okay, and the large one" goes on asking.
func accepts(u utterance) bool {
	if !u.has(affirms) || u.has(denies) {
		return false
	}
	qs := questions(u)
	return u.only() || len(qs) == 0 || !qs[0].asks && !(u.rest[0] == "and" && qs[0].goesOn && len(qs[0].ws) < 5)
}

// keepUnanswered puts the question that led to the offer into the message, so that it need not be said again.
func (k *knowledge) keepUnanswered(s *state) {
	for _, sl := range s.form.slots {
		if sl.kind == textSlot && reMatter.MatchString(sl.label) && s.unanswered != "" {
			s.values[sl.key] = plainValue(s.unanswered)
		}
	}
}

// reAsksUs is a question to the business, whatever was asked of the caller.
var reAsksUs = regexp.MustCompile(`\b(?:(?:do|are|can|could|will) you|is there|are there|how much|what time)\b`)

var reMatter = regexp.MustCompile(`\b(?:message|reason|question|request|concern|matter|enquiry|inquiry|about|issue)\b`)

// universal handles what means the same in every state.
func (k *knowledge) universal(s *state, u utterance) (act, bool) {
	asksMore := !u.only() && startsQuestion(u.rest)
	text := s.asked != nil && s.asked.kind == textSlot
	switch {
	case u.has(leaves|closes) && !asksMore && !(s.form != nil && s.confirming && u.has(affirms)) && (!text || u.only()):
		s.drop()
		return act{after: []string{sayGoodbye}, hangUp: true}, true
	case u.only() && u.has(wantsRepeat|wantsSlower):
		return act{again: true}, true
	case u.only() && u.has(wantsWait):
		return say(sayWait), true
	case text:
		return act{}, false
	case u.has(wantsPerson) && !asksMore:
		return k.person(s, u), true
	case u.has(asksRobot):
		return say(k.tail(s, sayRobot)...), true
	case u.only() && u.has(asksWho):
		return say(k.tail(s, k.who())...), true
	case u.only() && u.has(wantsHelp) && s.form == nil:
		return say(k.abilities(), askHowHelp), true
	case s.form != nil && u.only() && u.has(givesUp):
		s.drop()
		return say(sayDropped, askAnythingElse), true
	case s.form != nil && u.has(givesUp) && !u.only() && reStarter.MatchString(u.rest[0]):
		s.drop()
		return k.ask(s, utterance{raw: strings.Join(u.rest, " "), plain: u.rest, ws: digits(u.rest), rest: u.rest}), true
	case s.form == nil && u.only() && u.has(denies) && s.anythingMo:
		return act{after: []string{sayGoodbye}, hangUp: true}, true
	}
	return act{}, false
}

func (k *knowledge) who() string {
	if k.identity != "" {
		return k.identity
	}
	if k.name != "" {
		return "This is " + stopped(k.name)
	}
	return sayRobot
}

// tail goes on with what was being asked after an interlude.
func (k *knowledge) tail(s *state, texts ...string) []string {
	if s.form == nil {
		return texts
	}
	return append(texts, k.next(s)...)
}

// next words the next step of a form.
func (k *knowledge) next(s *state) []string {
	if sl := s.missing(); sl != nil {
		return []string{sl.prompt}
	}
	return []string{s.form.summary(s.values)}
}

// person handles the wish for a human being.
func (k *knowledge) person(s *state, u utterance) act {
	if k.transfer != nil {
		return k.handOver(s, u)
	}
	if s.form != nil {
		return say(append([]string{sayCannotPass}, k.next(s)...)...)
	}
	if f, score := k.bestForm(u, true); f != nil && (score >= 1 || f.message && score >= 0.5) {
		return k.begin(s, f, u)
	}
	k.openForm(s, k.fallback, u)
	return say(append([]string{sayCannotPass, "But I can take a message."}, k.next(s)...)...)
}

// begin starts a form that the caller asked for.
func (k *knowledge) begin(s *state, f *form, u utterance) act {
	if f == k.transfer {
		return k.handOver(s, u)
	}
	if len(f.slots) == 0 {
		return act{call: f}
	}
	k.openForm(s, f, u)
	s.topic = nil
	for _, fact := range k.facts {
		if f.topic > 0 && fact.topic == f.topic {
			s.topic = append(s.topic, fact)
		}
	}
	if s.missing() == nil && f.harmless() {
		return act{call: f}
	}
	return say(append([]string{sayGladly}, k.next(s)...)...)
}

// harmless says that a form may be handed over without reading it back: one plain value, nothing exact and nothing of the caller's person.
func (f *form) harmless() bool {
	if f.message || len(f.slots) != 1 || f.slots[0].exact {
		return false
	}
	kind := f.slots[0].kind
	return kind != nameSlot && kind != phoneSlot && kind != emailSlot && kind != textSlot
}

func (k *knowledge) smallTalk(u utterance) act {
	switch {
	case u.has(thanks):
		return say(sayWelcome, askAnythingElse)
	case u.has(greets):
		return say(sayHello, askHowHelp)
	case u.has(givesUp | declines | denies):
		return say("All right.", askWhatElse)
	case u.has(affirms):
		return say(askWhatElse)
	case u.has(corrects):
		return act{again: true}
	}
	return say(sayNotHeard)
}

// ask turns an utterance into questions and completes them from the last one.
func (k *knowledge) ask(s *state, u utterance) act {
	qs := questions(u)
	if s.refused {
		s.lastTimed.keys = nil // what was not known is not asked again
	}
	for i := range qs {
		from := s.last
		if i > 0 {
			from = qs[i-1]
		}
		switch {
		case qs[i].days != 0 && len(qs[i].keys) == 0 && qs[i].kind == kindAny:
			qs[i] = qs[i].inherit(s.lastTimed)
			if qs[i].kind == kindAny {
				qs[i].kind = kindOpen
			}
		case qs[i].goesOn || s.choosing || qs[i].refers:
			qs[i] = qs[i].inherit(from)
		}
		if qs[i].kind&(kindOpen|kindTime) != 0 {
			s.lastTimed = qs[i]
		}
	}
	if len(qs) == 0 {
		return say(sayNotHeard)
	}
	if f := k.lookUp(u, qs, s.topic); f != nil && s.form == nil {
		return k.begin(s, f, u)
	}
	s.last, s.unanswered = qs[len(qs)-1], u.raw
	return act{questions: qs, offer: true}
}

// inForm handles a turn while a form is being filled or read back.
func (k *knowledge) inForm(s *state, u utterance) act {
	asked := s.asked
	if asked == nil {
		asked = s.missing()
	}
	if s.confirming || asked == nil {
		return k.confirm(s, u)
	}
	if a, ok := k.interlude(s, u, asked); ok {
		return a
	}
	if s.extendNumber(u, asked) || k.fill(s, u, asked) {
		s.failures = 0
		return k.filled(s)
	}
	if s.partial != "" {
		return say(sayWholeNumber)
	}
	if u.has(declines|denies) && u.only() {
		return k.decline(s, asked)
	}
	s.failures++
	if s.failures > 1 {
		return k.giveIn(s, u, asked)
	}
	return say(sayNotHeard, asked.prompt)
}

// filled goes on after a value was taken.
func (k *knowledge) filled(s *state) act {
	if s.missing() == nil && s.form.harmless() {
		return act{call: s.form}
	}
	if s.missing() != nil {
		return say(append([]string{sayThanks}, k.next(s)...)...)
	}
	return say(k.next(s)...)
}

// interlude answers a question in the middle of a form, unless the words answer the form.
func (k *knowledge) interlude(s *state, u utterance, asked *slot) (act, bool) {
	if u.only() || !startsQuestion(u.rest) && !startsQuestion(withoutPolite(u)) {
		return act{}, false
	}
	if _, ok := k.find(asked, u, false, false); ok {
		return act{}, false
	}
	qs := questions(u)
	if len(qs) == 0 || asked.kind == textSlot && !k.meantForUs(u, qs[0], asked) {
		return act{}, false
	}
	s.last = qs[len(qs)-1]
	return act{questions: qs, after: k.next(s)}, true
}

// meantForUs says whether a question is one, where any words could be the value asked for.
func (k *knowledge) meantForUs(u utterance, q question, asked *slot) bool {
	if reMatter.MatchString(asked.label) {
		return false
	}
	return reAsksUs.MatchString(strings.Join(u.ws, " ")) || k.search(q, nil, nil).ok()
}

func withoutPolite(u utterance) []string {
	return strings.Fields(rePolite.ReplaceAllString(strings.Join(u.ws, " ")+" ", ""))
}

// extendNumber joins a telephone number that was said in two breaths.
func (s *state) extendNumber(u utterance, asked *slot) bool {
	if asked == nil || asked.kind != phoneSlot {
		return false
	}
	d := digitRuns(u.ws)
	whole := s.partial + d
	if d != "" && s.partial != "" && len(d) < minPhoneUnsaid && len(whole) >= minPhone && len(whole) <= maxPhone {
		s.values[asked.key] = value{canon: whole, spoken: spaced(whole)}
		s.partial = ""
		return true
	}
	s.partial = ""
	if len(d) > 1 && len(d) < minPhone {
		s.partial = d
	}
	return false
}

// longer takes figures that follow a short number for its rest, said after a pause.
func (s *state) longer(u utterance) bool {
	d := digitRuns(u.ws)
	if d == "" || u.has(denies|corrects) || len(u.rest) != len(u.plain) || len(d) >= minPhoneUnsaid || !onlyDigits(u.ws) {
		return false
	}
	for _, sl := range s.form.slots {
		v, ok := s.values[sl.key]
		if ok && sl.kind == phoneSlot && !v.declined && len(v.canon) < 9 && len(v.canon)+len(d) <= maxPhone {
			s.values[sl.key] = value{canon: v.canon + d, spoken: spaced(v.canon + d)}
			return true
		}
	}
	return false
}

func onlyDigits(ws []string) bool {
	for _, w := range ws {
		if !isNumber(w) && w != "and" && w != "then" && w != "pressed" {
			return false
		}
	}
	return true
}

// decline takes it that the caller has no such thing to give.
func (k *knowledge) decline(s *state, asked *slot) act {
	if !s.form.message {
		s.drop()
		return say(sayNotPossible, askMessage)
	}
	s.values[asked.key] = value{declined: true}
	return k.filled(s)
}

// giveIn keeps what was said as it is rather than asking a third time.
func (k *knowledge) giveIn(s *state, u utterance, asked *slot) act {
	s.failures = 0
	if asked.kind != nameSlot && asked.kind != codeSlot {
		return k.decline(s, asked)
	}
	s.values[asked.key] = plainValue(u.raw)
	return k.filled(s)
}

// confirm handles the answer to a read-back.
func (k *knowledge) confirm(s *state, u utterance) act {
	before := len(s.values)
	if u.has(affirms) && !u.has(denies) && (u.only() || !startsQuestion(u.rest) && !k.fill(s, u, nil)) {
		return act{call: s.form}
	}
	if s.longer(u) {
		return say(s.form.summary(s.values))
	}
	if a, ok := k.correct(s, u); ok {
		return a
	}
	if u.has(denies) && u.only() {
		return say(askChange)
	}
	if a := k.ask(s, u); !u.only() && startsQuestion(u.rest) {
		a.offer, a.after = false, []string{askCorrect}
		return a
	}
	if before == len(s.values) && s.changing {
		return say(sayNotHeard, s.form.summary(s.values))
	}
	return say(s.form.summary(s.values))
}

// correct takes new values, or asks anew for a slot that is named as wrong.
func (k *knowledge) correct(s *state, u utterance) (act, bool) {
	if s.correctEnd(u) {
		return say(s.form.summary(s.values)), true
	}
	u = s.withoutDenied(u)
	said := stems(u.ws)
	var named *slot
	for _, sl := range s.form.slots {
		for _, w := range strings.Fields(sl.label) {
			if said[stem(w)] && (!english().stop[w] || sl.label == w) {
				named = sl
			}
		}
	}
	if named != nil && named.kind != textSlot {
		if v, ok := k.find(named, u, true, !s.form.dated()); ok && !(named.kind == nameSlot && u.has(denies) && strings.Contains(v.canon, "Wrong")) {
			k.fill(s, u, nil)
			s.set(named, v)
			return say(s.form.summary(s.values)), true
		}
	}
	if k.fill(s, u, nil) || s.replaceText(u) || k.replaceBare(s, u) {
		return say(s.form.summary(s.values)), true
	}
	if named != nil && (u.has(denies|corrects) || s.changing) {
		delete(s.values, named.key)
		return say(named.prompt), true
	}
	return act{}, false
}

// mergeName puts a single corrected name into the place of the one it is like: "Edward Grey" with "Gray" is "Edward Gray".
func mergeName(old, corrected string) string {
	parts := strings.Fields(old)
	if len(parts) < 2 || strings.Contains(corrected, " ") {
		return corrected
	}
	for i, p := range parts {
		if distance(strings.ToLower(p), strings.ToLower(corrected)) <= max(1, len(p)/3) {
			parts[i] = corrected
			return strings.Join(parts, " ")
		}
	}
	return corrected
}

// replaceText takes new words for a slot of free text that holds some of them already: "no, the right wrist".
func (s *state) replaceText(u utterance) bool {
	if !u.has(denies|corrects) && !s.changing || u.only() {
		return false
	}
	rest := utterance{raw: strings.Join(u.rest, " ")}
	for _, sl := range s.form.slots {
		old := stems(words(s.values[sl.key].canon))
		if sl.kind != textSlot || !slices.ContainsFunc(u.rest, func(w string) bool { return old[stem(w)] && !english().stop[w] }) {
			continue
		}
		if v, ok := freeText(rest, sl); ok {
			s.values[sl.key] = v
			return true
		}
	}
	return false
}

// replaceBare takes a bare value after "no": figures for what is made of figures, words for the name.
func (k *knowledge) replaceBare(s *state, u utterance) bool {
	if !u.has(denies|corrects) && !s.changing || u.only() {
		return false
	}
	rest := utterance{raw: strings.Join(u.rest, " "), plain: u.rest, ws: digits(u.rest)}
	for _, kinds := range [][]slotKind{{phoneSlot, timeSlot, numberSlot, codeSlot}, {nameSlot}} {
		for _, kind := range kinds {
			for _, sl := range s.form.slots {
				if sl.kind != kind || kind == nameSlot && slices.ContainsFunc(u.rest, func(w string) bool { return isOneOf(w, "the", "a", "an") }) {
					continue
				}
				if v, ok := k.find(sl, rest, true, !s.form.dated()); ok {
					s.set(sl, v)
					return true
				}
			}
		}
	}
	return false
}
