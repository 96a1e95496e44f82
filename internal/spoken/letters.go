package spoken

import (
	"regexp"
	"strings"
	"unicode"
)

var (
	reHyphened     = regexp.MustCompile(`^[A-Za-z](?:-[A-Za-z])+\b`)
	reSpaced       = regexp.MustCompile(`^[A-Z](?: [A-Z]){2,}\b`)
	reSingleDigits = regexp.MustCompile(`^\d(?:-\d){2,}\b`)
	reCode         = regexp.MustCompile(`^[A-Z0-9]+(?:-[A-Z0-9]+)*\b`)
	reRuns         = regexp.MustCompile(`[A-Z]+|\d+`)
	rePostcode     = regexp.MustCompile(`^([A-Z]{1,2}\d[A-Z\d]?) (\d[A-Z]{2})\b`)
	reReference    = regexp.MustCompile(`(?i)\b(?:number|code|pin|id|ref|reference|zip|account|confirmation|booking|order|ticket|policy|membership)` +
		`(?: (?:number|code|no\.?|id))?(?:,? is(?: now)?| was|:|,| #)* ?#?$`)
)

// spelledLetters says "S-M-I-T-H" and "S M I T H" with a rest behind each letter.
func spelledLetters(c cursor) (string, int) {
	m := reHyphened.FindString(c.rest)
	if letters := (len(m) + 1) / 2; letters < 3 { // "X-ray" has one, "T-V" is a word
		m = reSpaced.FindString(c.rest)
	}
	if m == "" || !closed(c.rest[len(m):]) || strings.HasPrefix(c.rest[len(m):], "-") {
		return "", 0
	}
	return strings.Join(strings.FieldsFunc(strings.ToUpper(m), func(r rune) bool { return !unicode.IsLetter(r) }), ", "), len(m)
}

// spelledDigits says "4-2-7" the same way.
func spelledDigits(c cursor) (string, int) {
	m := reSingleDigits.FindString(c.rest)
	if m == "" || !closed(c.rest[len(m):]) {
		return "", 0
	}
	return strings.Join(strings.Split(Digits(strings.ReplaceAll(m, "-", "")), " "), ", "), len(m)
}

// codeOf spells what mixes capitals with three digits or more: "AB1234", "X7-K9Q2".
func codeOf(c cursor) (string, int) {
	m := reCode.FindString(c.rest)
	figures := len(strings.Join(reRun.FindAllString(m, -1), ""))
	if figures < 3 || figures == len(strings.ReplaceAll(m, "-", "")) || !closed(c.rest[len(m):]) {
		return "", 0
	}
	return mixed(m), len(m)
}

// mixed spells letters and digits, with a rest between the runs of a long code.
func mixed(code string) string {
	var out []string
	for _, run := range reRuns.FindAllString(code, -1) {
		if digit(run) {
			out = append(out, grouped(run))
		} else {
			out = append(out, strings.Join(strings.Split(run, ""), " "))
		}
	}
	return strings.Join(out, ", ")
}

// grouped says digits one by one, with rests if there are many.
func grouped(digits string) string {
	if len(digits) <= 5 {
		return Digits(digits)
	}
	var out []string
	for len(digits) > 4 {
		out = append(out, Digits(digits[:3]))
		digits = digits[3:]
	}
	return strings.Join(append(out, Digits(digits)), ", ")
}

// reference says the digits of a code, a number by which something is known, or one that begins with zero, one by one.
func reference(c cursor) (string, int) {
	if said, n := codeOf(c); n > 0 {
		return said, n
	}
	m := reRun.FindString(c.rest)
	known := len(m) >= 4 && reReference.MatchString(c.before)
	if !known && !(len(m) > 1 && m[0] == '0') || !closed(c.rest[len(m):]) {
		return "", 0
	}
	return grouped(m), len(m)
}

// postcode spells a British one.
func postcode(c cursor) (string, int) {
	m := rePostcode.FindStringSubmatch(c.rest)
	if m == nil {
		return "", 0
	}
	return strings.ReplaceAll(mixed(m[1]), ",", "") + ", " + strings.ReplaceAll(mixed(m[2]), ",", ""), len(m[0])
}

var reNumberRange = regexp.MustCompile(`^(\d{1,4}) ?[-–] ?(\d{1,4})`)

// numberRange says "8–18" as "8 to 18".
func numberRange(c cursor) (string, int) {
	m := reNumberRange.FindStringSubmatch(c.rest)
	if m == nil || strings.HasSuffix(c.before, "-") || strings.HasSuffix(c.before, "/") {
		return "", 0
	}
	rest := c.rest[len(m[0]):]
	if r := []rune(rest + " ")[0]; r == '-' || r == '–' || r == '/' || digit(rest) || !unicode.IsLetter(r) && !closed(rest) {
		return "", 0
	}
	return m[1] + " to " + m[2], len(m[0])
}

// capitalized is a word in capitals as a name.
func capitalized(w string) string { return w[:1] + strings.ToLower(w[1:]) }
