package grounded

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// value is what a slot holds: as a tool takes it and as it is read back.
type value struct {
	canon, spoken string
	declined      bool // the caller has none or will not say
}

func plainValue(s string) value { return value{canon: s, spoken: s} }

var (
	reNameLead = regexp.MustCompile(`\b(?:name(?: of the \w+)?(?: is| of)?|i am called|call me|under the name|speaking is) ((?:\p{L}+ ?)+)`)
	reNameWeak = regexp.MustCompile(`\b(this is|i am|it is|under|it was) ((?:\p{L}+ ?)+)`)
	reMailDot  = regexp.MustCompile(`(?i)([\p{L}\d._%+-]+)\s*(?:@|\bat\b)\s*([\p{L}\d-]+(?:\.[\p{L}\d-]+)+)`)
)

// digitRuns collects the longest run of figures; words of hesitation do not end one.
func digitRuns(ws []string) string {
	best, run := "", ""
	for i, w := range append(slices.Clone(ws), "") {
		switch {
		case w == "plus" && run == "":
			run = "+"
		case isNumber(w) && !strings.ContainsAny(w, ":."):
			run += w
		case isNumber(w):
			run += strings.NewReplacer(".", "", ":", "").Replace(w)
		case isOneOf(w, "um", "uh", "er", "and", "then", "dash", "hyphen", "space") && run != "" && i < len(ws):
		default:
			if len(run) > len(best) {
				best = run
			}
			run = ""
		}
	}
	return best
}

func spaced(digits string) string {
	out := strings.Join(strings.Split(strings.TrimPrefix(digits, "+"), ""), " ")
	if strings.HasPrefix(digits, "+") {
		return "plus " + out
	}
	return out
}

// Bounds of a telephone number in digits (E.164 allows 15; short ones are local).
const (
	minPhone       = 5
	minPhoneUnsaid = 7 // when no number was asked for
	maxPhone       = 15
)

func findPhone(ws []string, asked bool) (string, bool) {
	d := digitRuns(ws)
	least := minPhoneUnsaid
	if asked {
		least = minPhone
	}
	n := len(strings.TrimPrefix(d, "+"))
	return d, n >= least && n <= maxPhone
}

var mailWords = strings.NewReplacer(" dot ", ".", " period ", ".", " point ", ".", " underscore ", "_",
	" hyphen ", "-", " dash ", "-", " minus ", "-", " plus ", "+")

// findEmail reads an address as it is written or as it is said: "laura dot chen at mail dot example".
func findEmail(raw string) (string, bool) {
	text := " " + strings.ToLower(strings.Trim(raw, " .,!?")) + " "
	text = strings.NewReplacer(", ", " ", "? ", " ", "! ", " ", "e-mail", "email").Replace(text)
	text = joinLetters(text)
	text = mailWords.Replace(mailWords.Replace(text))
	text = strings.ReplaceAll(text, " at sign ", " at ")
	m := reMailDot.FindStringSubmatchIndex(text)
	if m == nil {
		return "", false
	}
	local, domain := text[m[2]:m[3]], strings.TrimRight(text[m[4]:m[5]], ".-")
	// A first and a last name said apart are one local part only when letters were spelled, which joinLetters has done.
	return local + "@" + domain, true
}

// joinLetters puts spelled letters and digits together: "j o h n 7" becomes "john7".
func joinLetters(text string) string {
	ws := digits(strings.Fields(text))
	var out []string
	joinable := false
	for _, w := range ws {
		single := len([]rune(w)) == 1 || isNumber(w)
		if single && joinable {
			out[len(out)-1] += w
			continue
		}
		out = append(out, w)
		joinable = single
	}
	return " " + strings.Join(out, " ") + " "
}

// notHeads are words that show that the figure before them counts no people.
var notHeads = wordSet(`am pm o a p night nights day days hour hours minute minutes dollars euros pounds in`)

// countsPeople says that a bare figure counts heads: "a table for two", "we are four".
func countsPeople(ws []string, i int) bool {
	if i+1 < len(ws) && (notHeads[ws[i+1]] || isNumber(ws[i+1])) {
		return false
	}
	return ws[i-1] == "for" || i > 1 && isOneOf(ws[i-1], "are", "be") && isOneOf(ws[i-2], "we", "there", "will", "would")
}

// findNumber reads a count: with one of the slot's units anywhere, or bare when it was asked for.
func findNumber(ws []string, s *slot, asked bool) (string, bool) {
	for i, w := range ws {
		if !isNumber(w) || strings.ContainsAny(w, ":.") || len(w) > 4 {
			continue
		}
		for _, next := range ws[i+1 : min(i+4, len(ws))] {
			if s.units[stem(next)] {
				return w, true
			}
		}
		if i > 0 && s.people && countsPeople(ws, i) {
			return w, true
		}
		if i > 0 && s.people && (isOneOf(ws[i-1], "party", "group") || i > 1 && isOneOf(ws[i-2], "party", "group") && ws[i-1] == "of") {
			return w, true
		}
	}
	if !asked {
		return "", false
	}
	if d := digitRuns(ws); s.numeric && d != "" && len(d) <= maxPhone && onlyDigits(ws) { // said figure by figure, or typed
		return d, true
	}
	for _, w := range ws {
		if isNumber(w) && len(w) <= 4 {
			return w, true
		}
		if isOneOf(w, "couple", "both") {
			return "2", true
		}
		if isOneOf(w, "a", "an", "alone", "myself", "single") && len(ws) < 5 {
			return "1", true
		}
	}
	return "", false
}

// findCode reads what is made of figures and letters: an order number, a licence plate.
func findCode(ws []string, s *slot, asked bool) (string, bool) {
	if !asked && !slices.ContainsFunc(ws, func(w string) bool { return s.units[stem(w)] }) {
		return "", false
	}
	var best, run string
	for i, w := range append(slices.Clone(ws), "") {
		article := (w == "a" || w == "i") && run == "" && (i+1 >= len(ws) || len(ws[i+1]) != 1 && !isNumber(ws[i+1]))
		if isOneOf(w, "dash", "hyphen", "slash") && run != "" {
			continue
		}
		if isNumber(w) || len(w) == 1 && !article {
			run += strings.ToUpper(w)
			continue
		}
		if len(run) > len(best) {
			best = run
		}
		run = ""
	}
	return best, len(best) >= 2 && strings.ContainsAny(best, "0123456789") || asked && len(best) >= 3
}

func spelledOut(code string) string { return strings.Join(strings.Split(code, ""), " ") }

// findChoice reads one of a few answers.
func findChoice(ws []string, s *slot) (string, bool) {
	said := stems(ws)
	for _, c := range s.choices {
		want := plainWords(strings.ReplaceAll(c, "_", " "))
		all := len(want) > 0
		for _, w := range want {
			all = all && anyLike(stem(w), said)
		}
		if all {
			return c, true
		}
	}
	return "", false
}

func anyLike(s string, said map[string]bool) bool {
	if said[s] {
		return true
	}
	for o := range said {
		if english().shares(s, o) || alike(s, o) {
			return true
		}
	}
	return false
}

// find looks for a value of the slot in what was said; asked says that the agent has just asked for it,
// today that clock times are of this day.
func (k *knowledge) find(s *slot, u utterance, asked, today bool) (value, bool) {
	switch s.kind {
	case nameSlot:
		v, ok := findName(u.plain, asked)
		return plainValue(asSpelled(v, u.raw)), ok
	case phoneSlot:
		v, ok := findPhone(u.ws, asked)
		return value{canon: v, spoken: spaced(v)}, ok
	case emailSlot:
		v, ok := findEmail(u.raw)
		return plainValue(v), ok
	case dateSlot:
		if s.past() {
			d, ok := findBirth(u.plain, k.now)
			return value{canon: d.Format("2006-01-02"), spoken: d.Format("January 2, 2006")}, ok
		}
		d, ok := findDate(u.raw, u.plain, k.now)
		return value{canon: d.Format("2006-01-02"), spoken: d.Format("Monday, January 2")}, ok
	case timeSlot:
		c, ok := findTime(u.ws, asked, k.open)
		if now := clock(k.now.Hour()*60 + k.now.Minute()); ok && today && k.open.to == 0 && c < now && c < 12*60 && c+12*60 > now {
			c += 12 * 60 // "at eight", said at six in the evening
		}
		return value{canon: c.canon(), spoken: c.spoken()}, ok
	case numberSlot:
		v, ok := findNumber(u.ws, s, asked)
		return plainValue(v), ok
	case codeSlot:
		v, ok := findCode(u.ws, s, asked)
		return value{canon: v, spoken: spelledOut(v)}, ok
	case choiceSlot:
		v, ok := findChoice(u.ws, s)
		return plainValue(v), ok
	case yesNoSlot:
		if asked && u.has(affirms|denies) {
			v := strconv.FormatBool(u.has(affirms))
			return value{canon: v, spoken: map[string]string{"true": "yes", "false": "no"}[v]}, true
		}
	}
	return value{}, false
}

var reTextLead = regexp.MustCompile(`^(?i)(?:(?:um|uh|well|yes|yeah|okay|sure|so|please|just)[,.]? )*(?:(?:it's|it is|that's|that is|` +
	`my message is|the message is|please tell (?:them|him|her) (?:that )?|tell (?:them|him|her) (?:that )?|` +
	`(?:i live at|i'm at|i am at|my address is|the address is)) ?)?`)

// freeText is what a caller says for a slot that takes any words, without the words around it.
func freeText(u utterance, sl *slot) (value, bool) {
	t := strings.TrimSpace(strings.TrimRight(reTextLead.ReplaceAllString(u.raw, ""), " .!"))
	// "from 12 Lake Drive" for a slot named "moving from".
	first, rest, ok := strings.Cut(t, " ")
	first = strings.ToLower(first)
	if ok && isOneOf(first, "from", "to", "at", "in") && strings.HasSuffix(sl.label, first) {
		t = rest
	}
	if len(plainWords(t)) == 0 {
		return value{}, false
	}
	return plainValue(t), true
}

// overlaps says that one value must not fill slots of both kinds.
func overlaps(a, b slotKind) bool {
	return a == b || a == phoneSlot && b == codeSlot || a == codeSlot && b == phoneSlot
}
