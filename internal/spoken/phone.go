package spoken

import (
	"regexp"
	"strings"
)

// Spellings of telephone numbers: with a plus; with the area in brackets; North American groups; British ones; a bare run.
var rePhones = []*regexp.Regexp{
	regexp.MustCompile(`^\+\d{1,3}(?:[ .-]?\(?\d{2,5}\)?){1,5}`),
	regexp.MustCompile(`^(?:1[-. ])?\(\d{3,5}\)[ -]?\d{3,4}[ .-]?\d{3,4}`),
	regexp.MustCompile(`^(?:1[-. ])?\d{3}[-. ]\d{3}[-. ]\d{4}`),
	regexp.MustCompile(`^\d{3}-\d{4}`),
	regexp.MustCompile(`^0\d{2,4}(?: \d{3,4}){1,3}`),
	regexp.MustCompile(`^0\d{9,10}|^\d{10,11}`),
}

var (
	reExtension = regexp.MustCompile(`^,? ?(?:ext\.?|extension|x) ?(\d{1,6})\b`)
	reRun       = regexp.MustCompile(`\d+`)
	rePhoneWord = regexp.MustCompile(`^1-(8\d\d)-([A-Z]{3,10})\b`)
)

// phone says a telephone number digit by digit, with a rest between its groups.
func phone(c cursor) (string, int) {
	if m := rePhoneWord.FindStringSubmatch(c.rest); m != nil {
		return "one, " + Cardinal(m[1]) + ", " + capitalized(m[2]), len(m[0])
	}
	for _, re := range rePhones {
		m := re.FindString(c.rest)
		if n := len(strings.Join(reRun.FindAllString(m, -1), "")); n < 7 || n > 15 || !closed(c.rest[len(m):]) {
			continue
		}
		said, n := sayPhone(m), len(m)
		if x := reExtension.FindStringSubmatch(c.rest[n:]); x != nil {
			return said + ", extension " + Digits(x[1]), n + len(x[0])
		}
		return said, n
	}
	return "", 0
}

func sayPhone(number string) string {
	groups := reRun.FindAllString(number, -1)
	if len(groups) == 1 || strings.HasPrefix(number, "+") && len(groups[len(groups)-1]) > 6 {
		groups = split(strings.Join(groups, ""))
	}
	for i, g := range groups {
		if len(g) == 3 && g[0] == '8' && g[1:] == "00" && i < 2 {
			groups[i] = "eight hundred"
		} else {
			groups[i] = Digits(g)
		}
	}
	said := strings.Join(groups, ", ")
	if strings.HasPrefix(number, "+") {
		return "plus " + said
	}
	return said
}

// split cuts a bare number into the groups in which it is said.
func split(digits string) []string {
	switch n := len(digits); {
	case n == 10:
		return []string{digits[:3], digits[3:6], digits[6:]}
	case n == 11 && digits[0] == '1':
		return append([]string{"1"}, split(digits[1:])...)
	case n == 11 && digits[0] == '0':
		return []string{digits[:5], digits[5:8], digits[8:]}
	case n <= 4:
		return []string{digits}
	case n == 5:
		return []string{digits[:2], digits[2:]}
	case n == 8:
		return []string{digits[:4], digits[4:]}
	}
	return append([]string{digits[:3]}, split(digits[3:])...)
}
