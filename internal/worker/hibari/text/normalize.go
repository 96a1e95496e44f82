package text

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/parley-voice/parley/internal/spoken"
)

// normalizer writes out what tokens and lexicon cannot read by themselves: times, dates, units, abbreviations, symbols. Plain
// numbers, years and amounts in $, £ and € are left to the lexicon.
type normalizer struct {
	Months       map[string]string   `json:"months"`        // "jan": "January"
	Titles       map[string]string   `json:"titles"`        // in front of a name: "St": "Saint"
	Abbreviation map[string]string   `json:"abbreviations"` // "approx.": "approximately"
	Units        map[string][]string `json:"units"`         // "km": one kilometer, two kilometers
	Symbols      symbols             `json:"symbols"`       // "=": "equals"
	Currency     map[string][]string `json:"currency"`      // "¥": one yen, two yen
	RomanPlain   []string            `json:"roman_cardinal"`
	RomanRank    []string            `json:"roman_ordinal"`

	rules []rule
}

// symbols keeps the order of the table, because one symbol's words may hold another.
type symbols []struct{ sign, word string }

// UnmarshalJSON reads an object in the order in which it is written.
func (s *symbols) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	var flat []string
	for {
		t, err := d.Token()
		if err != nil {
			break
		}
		if w, ok := t.(string); ok {
			flat = append(flat, w)
		}
	}
	if len(flat)%2 != 0 {
		return fmt.Errorf("symbols: %d names and words", len(flat))
	}
	for i := 0; i < len(flat); i += 2 {
		*s = append(*s, struct{ sign, word string }{flat[i], flat[i+1]})
	}
	return nil
}

const (
	number = `(\d+(?:,\d{3})*(?:\.\d+)?)`
	big    = `(hundred|thousand|million|billion|trillion|[kKmMbB]\b)`
	roman  = `((?:CM|CD|C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3}))`
)

var (
	reSpacePunct = regexp.MustCompile(` +([,.;:!?])`)
	reSameSigns  = strings.NewReplacer("’", "'", "‒", "-", "―", "—")
	romanDigits  = map[byte]int{'I': 1, 'V': 5, 'X': 10, 'L': 50, 'C': 100, 'D': 500, 'M': 1000}
	bigShort     = map[string]string{"k": "thousand", "m": "million", "b": "billion"}
	parts        = map[int]string{2: "half", 3: "third", 4: "quarter", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth", 9: "ninth", 10: "tenth"}
)

// normalize applies the rules in their order.
func (n *normalizer) normalize(text string) string {
	text = reSameSigns.Replace(strings.Join(strings.FieldsFunc(text, unicode.IsSpace), " "))
	for _, r := range n.rules {
		text = r.apply(text)
	}
	for _, s := range n.Symbols {
		if !strings.Contains(text, s.sign) {
			continue
		}
		word := " "
		if s.word != "" {
			word = " " + s.word + " "
		}
		if strings.Contains("=<>~", s.sign) { // only between two things
			text = rule{re: regexp.MustCompile(` ?` + s.sign + ` ?`), before: solid, after: solid, write: say(func([]string) string { return word })}.apply(text)
		} else {
			text = strings.ReplaceAll(text, s.sign, word)
		}
	}
	text = strings.Join(strings.Fields(text), " ")
	return reSpacePunct.ReplaceAllString(text, "$1")
}

// compile makes the rules of the tables.
func (n *normalizer) compile() {
	re := regexp.MustCompile
	n.rules = []rule{
		{re: re(`(\d{1,2}):(\d{2})(?::(\d{2}))?`), before: noWord, write: clock},
		{re: re(`(\d{4})-(\d{2})-(\d{2})`), before: noWord, after: noWord, write: n.dateISO},
		{re: re(`(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})`), before: noWord, after: noWord, write: n.dateUS},
		{re: re(`([$£€])` + number + ` ?` + big), write: say(n.bigMoney)},
		{re: re(number + ` ?¢`), before: noWordPoint, write: say(func(g []string) string { return g[1] + " " + plural(g[1], n.Currency["¢"]) })},
		{re: re(`([¥₹₩]|Rs\.?|USD|EUR|GBP) ?` + number + `(?: ?` + big + `)?`), before: noWord, write: say(n.money)},
		{re: re(`(-?` + number + `) ?°`), before: noWordPoint, write: degrees},
		{re: re(`(-?` + number + `) ?`), before: noWordPoint, write: n.unit},
		{re: re(n.monthNames() + `\.? (\d{1,2})(st|nd|rd|th)?`), before: noWord, write: n.monthDay},
		{re: re(`(the )?(\d{1,2}) (?:of )?` + n.monthNames()), before: noWord, after: noWord, write: n.dayMonth},
		{re: re(either(keys(n.Titles)) + `\.? `), before: noWord, after: func(r rune) bool { return r >= 'A' && r <= 'Z' },
			write: say(func(g []string) string { return n.Titles[g[1]] + " " })},
		{re: re(either(keys(n.Abbreviation))), before: noWordPoint, after: noWord, write: n.abbreviation},
		{re: re(`(No|Nos)\. ?`), before: noWord, after: unicode.IsDigit, write: say(func(g []string) string {
			return map[string]string{"No": "Number ", "Nos": "Numbers "}[g[1]]
		})},
		{re: re(`#`), before: func(r rune) bool { return !isWord(r) && r != '&' }, after: unicode.IsDigit, write: say(func([]string) string { return "number " })},
		{re: re(either(n.RomanPlain) + " " + roman), before: noWord, after: noWord, write: romanRule("%s %d")},
		{re: re(either(n.RomanRank) + " " + roman), before: noWord, after: noWord, write: romanRule("%s the %d")},
		{re: re(`(?:\d{3}-)?\d{3}-\d{4}`), before: noWordDash, after: noWordDash, write: say(func(g []string) string {
			return strings.Join(strings.Split(strings.ReplaceAll(g[0], "-", ", "), ""), " ")
		})},
		{re: re(`(\d{1,2})/(\d{1,2})`), before: noWordSlash, after: noWordSlash, write: say(n.fraction)},
		{re: re(`(\d{1,4}) ?[-–] ?(\d{1,4})`), before: noWordDash, after: func(r rune) bool { return noWordDash(r) && r != '%' },
			write: say(func(g []string) string { return g[1] + " to " + g[2] })},
		{re: re(`\+`), before: func(r rune) bool { return !isWord(r) && r != '+' }, after: unicode.IsDigit, write: say(func([]string) string { return "plus " })},
	}
}

func keys(m map[string]string) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	return out
}

// plural picks the word that goes with a number as written.
func plural(n string, words []string) string {
	switch strings.ReplaceAll(n, ",", "") {
	case "1", "1.0", "-1":
		return words[0]
	}
	return words[1]
}

func (n *normalizer) money(g []string) string {
	w := n.Currency[strings.TrimSuffix(g[1], ".")]
	if g[3] == "" {
		return g[2] + " " + plural(g[2], w)
	}
	return g[2] + " " + bigWord(g[3]) + " " + w[1]
}

func (n *normalizer) bigMoney(g []string) string {
	return g[2] + " " + bigWord(g[3]) + " " + n.Currency[g[1]][1]
}

func bigWord(s string) string {
	if w, ok := bigShort[strings.ToLower(s)]; ok {
		return w
	}
	return s
}

var reScale = regexp.MustCompile(`^ ?([CF])`)

// degrees takes the scale along if it stands alone.
func degrees(g []string, rest string) (string, int, bool) {
	words := g[1] + " " + plural(g[1], []string{"degree", "degrees"})
	if m := reScale.FindStringSubmatch(rest); m != nil && !isWord(first(rest[len(m[0]):])) {
		return words + map[string]string{"C": " Celsius", "F": " Fahrenheit"}[m[1]], len(m[0]), true
	}
	if strings.HasPrefix(rest, " ") && !isWord(first(rest[1:])) {
		return words, 1, true
	}
	return words, 0, !isWord(first(rest))
}

// unit needs one of the table's units, alone, behind the number.
func (n *normalizer) unit(g []string, rest string) (string, int, bool) {
	longest := ""
	for u := range n.Units {
		if len(u) > len(longest) && strings.HasPrefix(rest, u) && !isWord(first(rest[len(u):])) {
			longest = u
		}
	}
	if longest == "" {
		return "", 0, false
	}
	return g[1] + " " + plural(g[1], n.Units[longest]), len(longest), true
}

// abbreviation gives the end of the text its full stop back.
func (n *normalizer) abbreviation(g []string, rest string) (string, int, bool) {
	w := n.Abbreviation[g[1]]
	if rest == "" && strings.HasSuffix(g[1], ".") {
		w += "."
	}
	return w, 0, true
}

// romanRule reads a roman numeral behind a word that wants one; %d is the number, as a rank if "the" stands before it.
func romanRule(format string) func([]string, string) (string, int, bool) {
	return func(g []string, rest string) (string, int, bool) {
		if g[2] == "" || strings.ContainsRune(".'’", first(rest)) && len(rest) > 1 && isWord([]rune(rest)[1]) {
			return "", 0, false
		}
		total := 0
		for i := range len(g[2]) {
			v := romanDigits[g[2][i]]
			if i+1 < len(g[2]) && romanDigits[g[2][i+1]] > v {
				v = -v
			}
			total += v
		}
		if strings.Contains(format, "the") {
			return g[1] + " the " + spoken.Ordinal(strconv.Itoa(total)), 0, true
		}
		return fmt.Sprintf(format, g[1], total), 0, true
	}
}

func (n *normalizer) fraction(g []string) string {
	a, b := small(g[1]), small(g[2])
	switch {
	case b == 2 && a == 1:
		return "one half"
	case 0 < a && a < b && b <= 10 && a == 1:
		return "1 " + parts[b]
	case 0 < a && a < b && b <= 10:
		return strconv.Itoa(a) + " " + parts[b] + "s"
	case 1 <= a && a <= 12 && 1 <= b && b <= 31:
		return n.date("", a, b)
	}
	return fmt.Sprintf("%d slash %d", a, b)
}
