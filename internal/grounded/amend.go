package grounded

import (
	"regexp"
	"strings"
)

var (
	reDenied = regexp.MustCompile(`(?i)\bnot (?:on |at |for |the )?([\p{L}\d]+)[,.]? (?:but |it's |it is |rather |on |at )?`)
	reEnd    = regexp.MustCompile(`\b(?:ends?|ending|last|final)\b`)
)

// withoutDenied takes out the old value that a correction names beside the new one: "not Friday, Saturday".
func (s *state) withoutDenied(u utterance) utterance {
	m := reDenied.FindStringSubmatchIndex(u.raw)
	if m == nil || m[1] == len(u.raw) {
		return u
	}
	old := strings.ToLower(u.raw[m[2]:m[3]])
	_, day := weekday(old)
	if !day && !isOneOf(old, "tomorrow", "today") && !isNumber(digits([]string{old})[0]) && !s.holds(old) {
		return u
	}
	rest := hear(u.raw[:m[0]] + u.raw[m[1]:])
	rest.is |= corrects
	return rest
}

// holds says whether a word stands in one of the values.
func (s *state) holds(word string) bool {
	for _, v := range s.values {
		for _, w := range plainWords(v.canon) {
			if w == word {
				return true
			}
		}
	}
	return false
}

// correctEnd puts new figures in the place of the last ones of a number: "it ends in two three".
func (s *state) correctEnd(u utterance) bool {
	d := digitRuns(u.ws)
	if d == "" || !reEnd.MatchString(strings.Join(u.plain, " ")) {
		return false
	}
	for _, sl := range s.form.slots {
		v := s.values[sl.key].canon
		if sl.kind == phoneSlot && len(d) < len(v) {
			v = v[:len(v)-len(d)] + d
			s.values[sl.key] = value{canon: v, spoken: spaced(v)}
			return true
		}
	}
	return false
}
