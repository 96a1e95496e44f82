package grounded

import (
	"strings"
	"unicode"
)

// Words at which a spoken name ends or that it cannot hold.
var notNames = wordSet(`
	back for at and on with to my number from in is by i we it the a an please thanks thank phone calling about here of you that this not
	was yes no what how when where who why do does can could have has are am would want need like looking just sure okay ok so email
	mail address date time today tomorrow speaking spelled spelt fine good sorry wondering interested trying going hoping there if or
	but again because as your our his her actually correct right wrong dot new afraid table appointment people available free open
	closed something some any put give tell hello hi bye then`)

// Fillers in front of a bare name.
var nameFillers = wordSet(`
	um uh er oh well yes yeah sure okay ok it is this hi hello of course please so that would be name my i am the under no sorry
	actually right put down and for`)

// findName reads a name: behind words that announce one, or bare when it was asked for. A first name that comes again with the last name,
// "this is Greg, Greg Palmer", is taken with it.
func findName(plain []string, asked bool) (string, bool) {
	name, ok := announcedName(plain, asked)
	for i, w := range plain {
		if ok && titled(w) == name && i+1 < len(plain) {
			if full, more := nameFrom(plain[i:]); more && len(strings.Fields(full)) == 2 {
				return full, true
			}
		}
	}
	return name, ok
}

func announcedName(plain []string, asked bool) (string, bool) {
	joined := strings.Join(plain, " ")
	for _, m := range reNameLead.FindAllStringSubmatch(joined, -1) {
		if n, ok := nameFrom(strings.Fields(m[1])); ok {
			return n, true
		}
	}
	if m := reNameWeak.FindStringSubmatch(joined); m != nil {
		n, ok := nameFrom(strings.Fields(m[2]))
		if ok && (asked || strings.Contains(n, " ") && isOneOf(m[1], "this is", "i am") && unheardOf(n)) {
			return n, true
		}
	}
	if !asked || reMonthDay.MatchString(dateWords(plain)) {
		return "", false
	}
	for len(plain) > 0 && nameFillers[plain[0]] {
		plain = plain[1:]
	}
	if len(plain) == 1 && isDay(plain[0]) {
		return "", false
	}
	return nameFrom(plain)
}

// unheardOf says that the words of a name are none of daily use: "I am moving house" names nobody.
func unheardOf(name string) bool {
	for _, w := range strings.Fields(strings.ToLower(name)) {
		if l := english(); l.stop[w] || l.weak[w] || len(l.senses[stem(w)]) > 0 || strings.HasSuffix(w, "ing") {
			return false
		}
	}
	return true
}

// nameFrom takes a name from the front of the words. Letters that were spelled make a word, and correct the one before if it is like it.
func nameFrom(ws []string) (string, bool) {
	var parts []string
	for i := 0; i < len(ws); i++ {
		w := ws[i]
		letters := letterRun(ws[i:])
		if len(letters) > 1 {
			word := strings.Join(letters, "")
			if n := len(parts); n > 0 && distance(parts[n-1], word) <= max(len(word)/2, 1) {
				parts[n-1] = word
			} else {
				parts = append(parts, word)
			}
			i += len(letters) - 1
			continue
		}
		if isOneOf(w, "spelled", "spelt", "with", "spell", "spelling") && i+1 < len(ws) && len(letterRun(ws[i+1:])) > 1 {
			continue
		}
		_, isDay := weekday(w)
		_, isDigit := units[w]
		if notNames[w] || isNumber(w) || isDay && len(parts) > 0 || isDigit {
			break
		}
		parts = append(parts, w)
	}
	if len(parts) == 0 || len(parts) > 4 {
		return "", false
	}
	for i := range parts {
		parts[i] = titled(parts[i])
	}
	return strings.Join(parts, " "), true
}

// letterRun is the run of single letters at the front of the words.
func letterRun(ws []string) []string {
	n := 0
	for n < len(ws) && len([]rune(ws[n])) == 1 && !isNumber(ws[n]) {
		n++
	}
	return ws[:n]
}

// asSpelled gives the words of a name the apostrophes that the recognizer wrote.
func asSpelled(name, raw string) string {
	parts := strings.Fields(name)
	for _, w := range strings.Fields(strings.ReplaceAll(raw, "’", "'")) {
		w = strings.Trim(w, ".,;:!?\"'")
		for i, p := range parts {
			if strings.Contains(w, "'") && strings.EqualFold(strings.ReplaceAll(w, "'", ""), p) {
				parts[i] = titled(strings.ToLower(w))
			}
		}
	}
	return strings.Join(parts, " ")
}

func titled(w string) string {
	out := []rune(w)
	for i := range out {
		if i == 0 || out[i-1] == '-' || out[i-1] == '\'' {
			out[i] = unicode.ToUpper(out[i])
		}
	}
	return string(out)
}
