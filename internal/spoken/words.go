package spoken

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Words writes text out as people say it: "$60" as "sixty dollars", "17:30" as "five thirty P.M", "Mon–Fri" as "Monday to Friday".
// Plain numbers and units stay as they are, because every synthesizer reads them. british puts the day of a date before the
// month. Lines become sentences, and Markdown loses its marks.
func Words(text string, british bool) string {
	text = plain(text)
	var b strings.Builder
	for i := 0; i < len(text); {
		c := cursor{before: text[max(0, i-lookBack):i], rest: text[i:min(len(text), i+lookAhead)], british: british}
		if c.atStart() {
			if said, n := c.read(); n > 0 {
				b.WriteString(said)
				i += n
				continue
			}
		}
		_, n := utf8.DecodeRuneInString(text[i:])
		b.WriteString(text[i : i+n])
		i += n
	}
	return b.String()
}

// What the readers see of the text before and behind a place, in bytes. Nothing that they read is longer; and the time for a text
// must not grow with the square of its length.
const (
	lookBack  = 60
	lookAhead = 250
)

// cursor is a place in the text.
type cursor struct {
	before, rest string
	british      bool
}

// reader says what stands at a place and how many bytes of it that covers; 0 if it cannot.
type reader func(c cursor) (said string, n int)

// atStart says that something new begins here, not the middle of a word or number.
func (c cursor) atStart() bool {
	r, _ := utf8.DecodeLastRuneInString(c.before)
	return c.before == "" || !sayable(r) && r != '_'
}

// read tries the readers for what begins with this kind of character, the most special first.
func (c cursor) read() (string, int) {
	r, _ := utf8.DecodeRuneInString(c.rest)
	var readers []reader
	switch {
	case unicode.IsSpace(r):
		return "", 0
	case r >= '0' && r <= '9':
		readers = []reader{email, website, timestamp, numericDate, phone, spelledDigits, clockRange, allDay, priceBehind, percent, dayMonth,
			ordinalRange, address, reference, numberRange}
	case strings.ContainsRune("+(", r):
		readers = []reader{phone}
	case unicode.IsLetter(r):
		readers = []reader{email, website, postcode, spelledLetters, codeOf, price, monthDay, weekday, state, title, street, shortWord}
	case strings.ContainsRune("$€£¥₹-", r):
		readers = []reader{price}
	default:
		readers = []reader{sign}
	}
	for _, read := range readers {
		if said, n := read(c); n > 0 {
			return said, n
		}
	}
	return "", 0
}

// closed says that the word or number that ends before rest really ends there.
func closed(rest string) bool {
	r, n := utf8.DecodeRuneInString(rest)
	switch {
	case rest == "":
		return true
	case sayable(r) || r == '_' || r == '@':
		return false
	case strings.ContainsRune(".,:/-–", r): // part of a larger number
		return !digit(rest[n:])
	}
	return true
}

// ends says that a sentence may end before rest: nothing more comes, or a capital that is no weekday or month.
func ends(rest string) bool {
	t := strings.TrimSpace(rest)
	if t == "" {
		return true
	}
	r, _ := utf8.DecodeRuneInString(t)
	if _, calendar := calendarWord(t); calendar {
		return false
	}
	return unicode.IsUpper(r) && len(t) < len(rest)
}

// point is how much of rest belongs to an abbreviation before it: its point, unless that also ends the sentence.
func point(rest string) int {
	if strings.HasPrefix(rest, ".") && !ends(rest[1:]) {
		return 1
	}
	return 0
}

// plain takes the marks of Markdown away and turns lines into sentences.
func plain(text string) string {
	text = reLink.ReplaceAllStringFunc(text, func(m string) string {
		g := reLink.FindStringSubmatch(m)
		if strings.HasPrefix(g[2], "/") && strings.HasSuffix(g[2], "/") && len(g[2]) > 1 { // phonemes, for who can read them
			return m
		}
		return g[1]
	})
	text = reEmphasis.ReplaceAllString(text, "$1$2")
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(reBullet.ReplaceAllString(line, ""))
		if line != "" {
			lines = append(lines, line)
		}
	}
	for i, line := range lines[:max(0, len(lines)-1)] {
		if last, _ := utf8.DecodeLastRuneInString(line); sayable(last) || last == ')' {
			lines[i] += "."
		}
	}
	return strings.Join(lines, " ")
}
