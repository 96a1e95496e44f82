package text

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// reading is an entry of the lexicon: one pronunciation, or one for each part of speech.
type reading struct {
	ps    string
	byTag map[string]*string // nil values are spelled out
}

// UnmarshalJSON reads a string or an object.
func (r *reading) UnmarshalJSON(b []byte) error {
	if b[0] == '{' {
		return json.Unmarshal(b, &r.byTag)
	}
	return json.Unmarshal(b, &r.ps)
}

// dictionary answers a small word also by its Capitalized entry and the other way round.
type dictionary map[string]reading

func (d dictionary) find(w string) (reading, bool) {
	r, ok := d[w]
	if ok || len(w) < 2 {
		return r, ok
	}
	switch l := strings.ToLower(w); {
	case w == l:
		r, ok = d[capitalized(w)]
	case w == capitalized(w):
		r, ok = d[l]
	}
	return r, ok
}

func (d dictionary) has(w string) bool {
	_, ok := d.find(w)
	return ok
}

// lexicon reads words of one accent.
type lexicon struct {
	gold, silver dictionary // silver is less sure and never gives a name its reading
	british      bool
}

// place is where a word stands in its sentence.
type place struct {
	tag    string
	stress stress
	next   next // the sound behind it
	to     bool // "to" follows
	number bool // inside a number, where pauses change nothing
}

// family joins the tags of one part of speech, as the lexicon's entries do.
func family(tag string) string {
	for _, f := range []struct{ prefix, name string }{{"VB", "VERB"}, {"NN", "NOUN"}, {"ADV", "ADV"}, {"RB", "ADV"}, {"ADJ", "ADJ"}, {"JJ", "ADJ"}} {
		if strings.HasPrefix(tag, f.prefix) {
			return f.name
		}
	}
	return tag
}

var signWords = map[string]string{"%": "percent", "&": "and", "+": "plus", "@": "at"}

// spell reads a word letter by letter, with the stress on the last.
func (l *lexicon) spell(word string) (string, bool) {
	var b strings.Builder
	for _, c := range word {
		if !alpha(string(c)) {
			continue
		}
		r, ok := l.gold.find(strings.ToUpper(string(c)))
		if !ok {
			return "", false
		}
		b.WriteString(r.ps)
	}
	ps := level.apply(b.String())
	if i := strings.LastIndex(ps, secondary); i >= 0 {
		ps = ps[:i] + primary + ps[i+len(secondary):]
	}
	return ps, true
}

// known says that lookup will find a word or may spell it.
func (l *lexicon) known(word string) bool {
	switch {
	case l.gold.has(word), signWords[word] != "", l.silver.has(word):
		return true
	case !alpha(word) || strings.ContainsFunc(word, func(r rune) bool { return !asciiLetter(r) }):
		return false
	case len(word) == 1, upper(word) && l.gold.has(strings.ToLower(word)):
		return true
	}
	return upper(word[1:])
}

// lookup finds the entry of a word as it stands. Names in capitals that no entry stresses are spelled.
func (l *lexicon) lookup(word string, p place) (string, bool) {
	name := false
	if upper(word) && !l.gold.has(word) {
		word, name = strings.ToLower(word), p.tag == "NNP"
	}
	r, ok := l.gold.find(word)
	if !ok && !name {
		r, ok = l.silver.find(word)
	}
	if ok && r.byTag != nil {
		r.ps, ok = r.pick(p)
	}
	if !ok || name && !strings.Contains(r.ps, primary) {
		if ps, spelled := l.spell(word); spelled {
			return ps, true
		}
	}
	return p.stress.apply(r.ps), ok
}

// pick chooses by part of speech; before a pause some words have a form of their own.
func (r reading) pick(p place) (string, bool) {
	tag := p.tag
	if _, ok := r.byTag["None"]; ok && !p.number && p.next == pause {
		tag = "None"
	} else if _, ok := r.byTag[tag]; !ok {
		tag = family(tag)
	}
	ps, ok := r.byTag[tag]
	if !ok {
		ps = r.byTag["DEFAULT"]
	}
	if ps == nil {
		return "", false
	}
	return *ps, true
}

// word reads one word by entry, rule or ending.
func (l *lexicon) word(word string, p place) (string, bool) {
	if ps, ok := l.special(word, p); ok {
		return ps, true
	}
	if l.shouted(word, p) {
		word = strings.ToLower(word)
	}
	if l.known(word) {
		return l.lookup(word, p)
	}
	if stem, ok := strings.CutSuffix(word, "s'"); ok && l.known(stem+"'s") {
		return l.lookup(stem+"'s", p)
	}
	if stem, ok := strings.CutSuffix(word, "'"); ok && l.known(stem) {
		return l.lookup(stem, p)
	}
	if ps, ok := l.plural(word, p); ok {
		return ps, true
	}
	if ps, ok := l.past(word, p); ok {
		return ps, true
	}
	if p.stress == asIs {
		p.stress = stronger
	}
	return l.progressive(word, p)
}

// shouted says that a word with capitals is an ordinary one and is read in small letters.
func (l *lexicon) shouted(word string, p place) bool {
	small := strings.ToLower(word)
	switch {
	case len(word) < 2, word == small, !alpha(strings.ReplaceAll(word, "'", "")):
		return false
	case p.tag == "NNP" && len([]rune(word)) <= 7, l.gold.has(word), l.silver.has(word):
		return false
	case !upper(word) && !lower(strings.TrimPrefix(word, string(first(word)))):
		return false
	case l.gold.has(small), l.silver.has(small):
		return true
	}
	for _, ending := range []func(string, place) (string, bool){l.plural, l.past, l.progressive} {
		if _, ok := ending(small, p); ok {
			return true
		}
	}
	return false
}

var reVersus = regexp.MustCompile(`^(?i)vs\.?$`)

// special reads the words whose sound depends on their neighbours.
func (l *lexicon) special(word string, p place) (string, bool) {
	switch word {
	case "a", "A":
		if p.tag == "DT" {
			return "ɐ", true
		}
		return "ˈA", true
	case "am", "Am", "AM":
		return l.am(word, p)
	case "an", "An", "AN":
		if word == "AN" && strings.HasPrefix(p.tag, "NN") {
			return l.spell(word)
		}
		return "ɐn", true
	case "used", "Used", "USED":
		r, _ := l.gold.find("used")
		if (p.tag == "VBD" || p.tag == "JJ") && p.to {
			return r.pick(place{tag: "VBD", number: true})
		}
		return r.pick(place{number: true})
	}
	switch small := strings.ToLower(word); {
	case p.tag == "ADD" && word == ".":
		return l.lookup("dot", place{stress: weaker, next: p.next})
	case p.tag == "ADD" && word == "/":
		return l.lookup("slash", place{stress: weaker, next: p.next})
	case signWords[word] != "":
		return l.lookup(signWords[word], place{next: p.next})
	case dotted(word):
		return l.spell(word)
	case word == "I" && p.tag == "PRP":
		return secondary + "I", true
	case small == "by" && word != "bY" && family(p.tag) == "ADV":
		return "bˈI", true
	case isTo(word, p.tag):
		return l.to(p), true
	case word == "in" || word == "In" || word == "IN" && p.tag != "NNP":
		if p.next == pause || p.tag != "IN" {
			return primary + "ɪn", true
		}
		return "ɪn", true
	case word == "the" || word == "The" || word == "THE" && p.tag == "DT":
		if p.next == vowel {
			return "ði", true
		}
		return "ðə", true
	case p.tag == "IN" && reVersus.MatchString(word):
		return l.lookup("versus", place{next: p.next})
	}
	return "", false
}

// dotted is an abbreviation of single letters or pairs: "U.S.", "Ph.D".
func dotted(word string) bool {
	if !strings.Contains(strings.Trim(word, "."), ".") || !alpha(strings.ReplaceAll(word, ".", "")) {
		return false
	}
	return !slices.ContainsFunc(strings.Split(word, "."), func(s string) bool { return len([]rune(s)) > 2 })
}

func isTo(word, tag string) bool {
	return word == "to" || word == "To" || word == "TO" && (tag == "TO" || tag == "IN")
}

func (l *lexicon) to(p place) string {
	switch p.next {
	case consonant:
		return "tə"
	case vowel:
		return "tʊ"
	}
	r, _ := l.gold.find("to")
	return r.ps
}

func (l *lexicon) am(word string, p place) (string, bool) {
	switch {
	case strings.HasPrefix(p.tag, "NN"):
		return l.spell(word)
	case p.next == pause || word != "am" || p.stress >= stronger:
		r, ok := l.gold.find("am")
		return r.ps, ok
	}
	return "ɐm", true
}
