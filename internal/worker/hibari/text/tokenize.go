package text

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Characters that are tokens of their own at the begin or end of a word.
const (
	quotes     = "'\"”“`‘´’‚,„»«「」『』（）〔〕【】《》〈〉"
	marks      = "…,:;!?¿¡()[]{}<>_#*&。？！，、；：～·"
	icons      = "™®©°§¶†‡•"
	currencies = "$£€¥฿₽₹₩₪₺₴₦₫₱₲₵₸₼₾₿"
)

// units stand behind a number.
var units = words(`km km² km³ m m² m³ dm dm² dm³ cm cm² cm³ mm mm² mm³ ha µm nm yd in ft kg g mg µg t lb oz m/s km/h kmh mph hPa Pa
	mbar mb MB kb KB gb GB tb TB T G M K %`)

var reURL = regexp.MustCompile(`(?i)^(?:(?:https?|ftp)://|www\.)\S+$|^[\pL\pN_.+-]+@[\pL\pN_-]+(?:\.[\pL\pN_-]+)+$` +
	`|^(?:[\pL\pN_-]+\.)+(?:com|org|net|edu|gov|io|co|uk|de|fr|info|biz|us|ca|au|tv|me|ly|ai)(?:/\S*)?$`)

func words(list string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(list) {
		m[w] = true
	}
	return m
}

// piece is a token before it is tagged.
type piece struct {
	text  string
	space bool // white space follows
}

// tokenizer splits text by spaCy's English rules: special spellings (contractions, "10am"), then marks peeled off both ends of
// each word, then hyphens and the like within; pieces that spell a special case together are joined again.
type tokenizer struct{ special map[string][]string }

func (t *tokenizer) tokens(text string) (out []piece) {
	for text != "" {
		text = strings.TrimLeftFunc(text, unicode.IsSpace)
		n := strings.IndexFunc(text, unicode.IsSpace)
		space := n >= 0
		if !space {
			n = len(text)
		}
		if n == 0 {
			break
		}
		for _, s := range t.split(text[:n]) {
			out = append(out, piece{text: s})
		}
		out[len(out)-1].space = space
		text = text[n:]
	}
	return out
}

func (t *tokenizer) split(s string) []string {
	if whole, ok := t.special[s]; ok {
		return whole
	}
	front, s, back := t.peel(s)
	out := front
	if whole, ok := t.special[s]; ok {
		out = append(out, whole...)
	} else if s != "" {
		out = append(out, within(s)...)
	}
	for i := len(back) - 1; i >= 0; i-- {
		out = append(out, back[i])
	}
	return t.rejoin(out)
}

// peel takes marks off both ends until nothing more comes off or a special case is laid bare. What came off the end is listed
// from the end inwards.
func (t *tokenizer) peel(s string) (front []string, core string, back []string) {
	for s != "" && t.special[s] == nil {
		n := prefix(s)
		if rest := s[n:]; n > 0 && t.special[rest] != nil {
			return append(front, s[:n]), rest, back
		}
		k := suffix(s[n:])
		if rest := s[:len(s)-k]; k > 0 && t.special[rest] != nil {
			return front, rest, append(back, s[len(s)-k:])
		}
		if n == 0 && k == 0 {
			break
		}
		if n > 0 {
			front = append(front, s[:n])
		}
		if k > 0 {
			back = append(back, s[len(s)-k:])
		}
		s = s[n : len(s)-k]
	}
	return front, s, back
}

// prefix is the length of the mark that s begins with.
func prefix(s string) int {
	r, n := utf8.DecodeRuneInString(s)
	switch {
	case r == '+' && !isDigit(first(s[1:])):
		return n
	case strings.ContainsRune("§%=—–"+marks+quotes+icons+currencies, r):
		return n
	case strings.HasPrefix(s, ".."):
		return len(s) - len(strings.TrimLeft(s, "."))
	case strings.HasPrefix(s, "US$"):
		return 3
	case strings.HasPrefix(s, "C$"), strings.HasPrefix(s, "A$"):
		return 2
	}
	return 0
}

// suffix is the length of the longest mark, unit or possessive that s ends with.
func suffix(s string) int {
	if n := len(s) - len(strings.TrimRight(s, ".")); n > 1 {
		return n
	}
	longest := 0
	for i, runes := len(s), 0; i > 0 && runes < 5; runes++ {
		_, k := utf8.DecodeLastRuneInString(s[:i])
		i -= k
		if isSuffix(s[:i], s[i:]) {
			longest = len(s) - i
		}
	}
	return longest
}

// isSuffix says whether mark is split from before.
func isSuffix(before, mark string) bool {
	prev := last(before)
	switch mark {
	case "'s", "'S", "’s", "’S", "……":
		return true
	case "+":
		return isDigit(prev)
	case ".":
		two := ending(before, 2)
		head, tail := first(two), last(two)
		return isDigit(prev) || isLower(prev) || strings.ContainsRune("%²-+"+marks+quotes, prev) ||
			isUpper(head) && isUpper(tail) && len(two) > utf8.RuneLen(head) || head == '°' && strings.ContainsRune("FfCcKk", tail)
	case "US$", "C$", "A$":
		return isDigit(prev)
	}
	if isDigit(prev) && units[mark] {
		return true
	}
	r, n := utf8.DecodeRuneInString(mark)
	if n < len(mark) {
		return false
	}
	return strings.ContainsRune("—–"+marks+quotes+icons, r) || isDigit(prev) && strings.ContainsRune(currencies, r)
}

// within splits what is left between the marks: at hyphens, slashes and the like between letters.
func within(s string) (out []string) {
	if reURL.MatchString(s) {
		return []string{s}
	}
	start := 0
	for i := 0; i < len(s); {
		n := infix(s[:i], s[i:])
		if n == 0 {
			_, k := utf8.DecodeRuneInString(s[i:])
			i += k
			continue
		}
		if i > 0 {
			if i > start {
				out = append(out, s[start:i])
			}
			out = append(out, s[i:i+n])
			start = i + n
		}
		i += n
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}

// infix is the length of the mark with which rest begins, if it parts a word behind before.
func infix(before, rest string) int {
	r, n := utf8.DecodeRuneInString(rest)
	prev, next := last(before), first(rest[n:])
	inner := prev != edge && isWord(prev) && prev != '_'
	switch {
	case strings.HasPrefix(rest, ".."):
		return len(rest) - len(strings.TrimLeft(rest, "."))
	case strings.ContainsRune("…"+icons, r):
		return n
	case strings.ContainsRune("+-*^", r) && isDigit(prev) && (isDigit(next) || next == '-'):
		return n
	case r == '.' && (isLower(prev) || strings.ContainsRune(quotes, prev)) && (isUpper(next) || strings.ContainsRune(quotes, next)):
		return n
	case r == ',' && isLetter(prev) && isLetter(next):
		return n
	case inner && strings.ContainsRune(":<>=/", r) && isLetter(next):
		return n
	}
	if inner {
		for _, dash := range []string{"-", "–", "—", "--", "---", "——", "~"} {
			if strings.HasPrefix(rest, dash) && isLetter(first(rest[len(dash):])) {
				return len(dash)
			}
		}
	}
	return 0
}

// rejoin puts pieces together that spell a special case: "Sept" and "." are "Sept.".
func (t *tokenizer) rejoin(in []string) []string {
	out := make([]string, 0, len(in))
next:
	for i := 0; i < len(in); {
		for k := min(3, len(in)-i); k > 1; k-- {
			if whole, ok := t.special[strings.Join(in[i:i+k], "")]; ok {
				out = append(out, whole...)
				i += k
				continue next
			}
		}
		out = append(out, in[i])
		i++
	}
	return out
}
