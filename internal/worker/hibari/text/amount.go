package text

import (
	"regexp"
	"strings"

	"github.com/parley-voice/parley/internal/spoken"
)

// coins are the names of a currency and its hundredth.
var coins = map[string][2]string{"$": {"dollar", "cent"}, "£": {"pound", "pence"}, "€": {"euro", "cent"}}

var (
	reEnding   = regexp.MustCompile(`[a-z']+$`)
	reNotSmall = regexp.MustCompile(`[^a-z]+`)
)

// isNumber says that a word is made of digits, with points and commas, a minus in front and an ending behind.
func isNumber(word string, head bool) bool {
	if !strings.ContainsFunc(word, isDigit) {
		return false
	}
	for _, s := range []string{"ing", "'d", "ed", "'s", "st", "nd", "rd", "th", "s"} {
		if w, ok := strings.CutSuffix(word, s); ok {
			word = w
			break
		}
	}
	if head {
		word = strings.TrimPrefix(word, "-")
	}
	return !strings.ContainsFunc(word, func(r rune) bool { return !isDigit(r) && r != ',' && r != '.' })
}

// amount collects the words of a number.
type amount struct {
	l   *lexicon
	out []string
	bad bool // a word could not be read
}

func (a *amount) say(ps string, ok bool) {
	a.out = append(a.out, ps)
	a.bad = a.bad || !ok
}

// words adds number words.
func (a *amount) words(text string) {
	for _, w := range reNotSmall.Split(text, -1) {
		switch w {
		case "and":
		case "point":
			a.say(a.l.lookup(w, place{stress: none, number: true}))
		default:
			a.say(a.l.lookup(w, place{number: true}))
		}
	}
}

func (a *amount) singly(digits string) {
	for _, d := range digits {
		a.words(spoken.Cardinal(string(d)))
	}
}

// number reads a word for which isNumber holds. head says that it begins a token: a rest, as in "B12", is read in groups.
func (l *lexicon) number(word, currency string, head bool) (string, bool) {
	suffix := reEnding.FindString(word)
	word = strings.TrimSuffix(word, suffix)
	a := &amount{l: l}
	word, minus := strings.CutPrefix(word, "-")
	if minus {
		a.say(l.lookup("minus", place{number: true}))
	}
	whole := strings.ReplaceAll(word, ",", "")
	if strings.Trim(whole, ".") == "" {
		return "", false
	}
	rank := suffix == "st" || suffix == "nd" || suffix == "rd" || suffix == "th"
	_, known := coins[currency]
	switch points := strings.Count(word, "."); {
	case rank && digits(word), rank && head && points == 0:
		a.words(spoken.Ordinal(whole))
	case !minus && len(word) == 4 && !known && digits(word):
		a.words(spoken.Year(word))
	case !head && points == 0:
		a.group(whole)
	case points > 1 || !head:
		a.version(whole)
	case known && (points == 0 || len(word)-strings.IndexByte(word, '.') <= 3):
		a.money(whole, coins[currency])
	case points == 0:
		a.words(spoken.Cardinal(whole))
	case whole[0] == '.':
		a.words("point " + spoken.Digits(whole[1:]))
	default:
		a.words(spoken.Decimal(whole))
	}
	if a.bad || len(a.out) == 0 {
		return "", false
	}
	return l.inflected(strings.Join(a.out, " "), suffix)
}

func (l *lexicon) inflected(ps, suffix string) (string, bool) {
	switch suffix {
	case "s", "'s":
		return l.addS(ps)
	case "ed", "'d":
		return l.addED(ps)
	case "ing":
		return l.addING(ps)
	}
	return ps, true
}

// group reads the digits behind letters: "one oh five", "twelve", "one thirty".
func (a *amount) group(digits string) {
	switch {
	case digits[0] == '0' || len(digits) > 3:
		a.singly(digits)
	case len(digits) < 3 || strings.HasSuffix(digits, "00"):
		a.words(spoken.Cardinal(digits))
	case digits[1] == '0':
		a.words(spoken.Cardinal(digits[:1]))
		a.say(a.l.lookup("O", place{stress: none, number: true}))
		a.words(spoken.Cardinal(digits[2:]))
	default:
		a.words(spoken.Cardinal(digits[:1]))
		a.words(spoken.Cardinal(digits[1:]))
	}
}

// version reads numbers between points, as in 10.4.2.
func (a *amount) version(s string) {
	for _, part := range strings.Split(s, ".") {
		switch {
		case part == "":
		case part[0] == '0' || len(part) != 2 && strings.Trim(part[1:], "0") != "":
			a.singly(part)
		default:
			a.words(spoken.Cardinal(part))
		}
	}
}

// money reads an amount with its coins; an empty part is silent.
func (a *amount) money(s string, names [2]string) {
	parts := strings.Split(s, ".")
	from := 0
	if len(parts) == 2 {
		switch {
		case small(parts[1]) == 0:
			parts = parts[:1]
		case strings.Trim(parts[0], "0") == "":
			from = 1
		}
	}
	for i := from; i < len(parts); i++ {
		if i > from {
			a.say(a.l.lookup("and", place{number: true}))
		}
		a.words(spoken.Cardinal(parts[i]))
		if name := names[i]; strings.TrimLeft(parts[i], "0") != "1" && name != "pence" {
			a.say(a.l.plural(name+"s", place{number: true}))
		} else {
			a.say(a.l.lookup(name, place{number: true}))
		}
	}
}

// price adds the name of the currency behind a number word.
func (l *lexicon) price(ps, currency string) string {
	if c, ok := coins[currency]; ok {
		if unit, ok := l.plural(c[0]+"s", place{number: true}); ok {
			return ps + " " + unit
		}
	}
	return ps
}
