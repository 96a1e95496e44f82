package text

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/parley-voice/parley/internal/spoken"
)

// monthNames matches a month, whole or shortened.
func (n *normalizer) monthNames() string {
	names := []string{"Sept"}
	for short, full := range n.Months {
		names = append(names, full)
		if c := capitalized(short); c != full { // May is both
			names = append(names, c)
		}
	}
	return either(names)
}

func (n *normalizer) month(name string) string { return n.Months[strings.ToLower(name)[:3]] }

// monthOrder are the keys of the months in the order of the year.
var monthOrder = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}

// date says a day as "November third, 2026"; empty if there is no such day.
func (n *normalizer) date(year string, month, day int) string {
	if month < 1 || month > 12 || day < 1 || day > 31 {
		return ""
	}
	s := n.Months[monthOrder[month-1]] + " " + spoken.Ordinal(strconv.Itoa(day))
	if year != "" {
		s += ", " + year
	}
	return s
}

func (n *normalizer) dateISO(g []string, _ string) (string, int, bool) {
	return orAsIs(n.date(g[1], small(g[2]), small(g[3])), g)
}

// dateUS takes the month first, unless it can only be the day.
func (n *normalizer) dateUS(g []string, _ string) (string, int, bool) {
	a, b, year := small(g[1]), small(g[2]), g[3]
	if len(year) == 2 {
		if small(year) > 30 {
			year = "19" + year
		} else {
			year = "20" + year
		}
	}
	if a > 12 {
		a, b = b, a
	}
	return orAsIs(n.date(year, a, b), g)
}

// orAsIs passes over a match whose numbers make no sense.
func orAsIs(s string, g []string) (string, int, bool) {
	if s == "" {
		s = g[0]
	}
	return s, 0, true
}

var reYear = regexp.MustCompile(`^,? \d{4}`)

func (n *normalizer) monthDay(g []string, rest string) (string, int, bool) {
	next := first(rest)
	if isWord(next) || next == ':' || next == '%' {
		return "", 0, false
	}
	year := reYear.FindString(rest)
	if isWord(first(rest[len(year):])) {
		year = ""
	}
	day := small(g[2])
	if day < 1 || day > 31 {
		return g[0] + year, len(year), true
	}
	return n.month(g[1]) + " " + spoken.Ordinal(g[2]) + year, len(year), true
}

func (n *normalizer) dayMonth(g []string, rest string) (string, int, bool) {
	point := 0
	if strings.HasPrefix(rest, ".") {
		point = 1
	}
	day := small(g[2])
	if day < 1 || day > 31 {
		return g[0] + rest[:point], point, true
	}
	return "the " + spoken.Ordinal(g[2]) + " of " + n.month(g[3]), point, true
}

var reHalf = regexp.MustCompile(`^ ?([AaPp])\.?[Mm]`)

// clock says "17:30" as "seventeen thirty", "9:00" as "nine o'clock", and takes a following "pm" along.
func clock(g []string, rest string) (string, int, bool) {
	more, half := 0, ""
	if m := reHalf.FindStringSubmatch(rest); m != nil {
		n := len(m[0])
		if strings.HasPrefix(rest[n:], ".") && !asciiLetter(first(rest[n+1:])) {
			n++
		}
		if !asciiLetter(first(rest[n:])) {
			more, half = n, strings.ToUpper(m[1])
		}
	}
	if isDigit(first(rest[more:])) {
		return "", 0, false
	}
	h, m := small(g[1]), small(g[2])
	if h > 24 || m > 59 || small(g[3]) > 59 {
		return g[0] + rest[:more], more, true
	}
	words := spoken.Cardinal(g[1])
	switch {
	case m == 0 && half == "" && g[3] == "":
		words += " o'clock"
	case m == 0:
	case m < 10:
		words += " oh " + spoken.Cardinal(g[2])
	default:
		words += " " + spoken.Cardinal(g[2])
	}
	if g[3] != "" {
		words += " and " + spoken.Cardinal(g[3]) + " " + plural(strings.TrimPrefix(g[3], "0"), []string{"second", "seconds"})
	}
	if half != "" { // the points make the lexicon spell it
		words += " " + half + ".M"
		if !strings.HasPrefix(rest[more:], ".") {
			words += "."
		}
	}
	return words, more, true
}

func asciiLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }
