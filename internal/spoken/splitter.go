package spoken

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// How many words a clause has before it may end at a comma, and at most.
const (
	firstClause = 3  // the first is short, so that speech begins early
	laterClause = 7  // later ones are longer: a comma inside a phrase then keeps its melody
	longClause  = 40 // a text without punctuation is cut here
)

// Splitter cuts streamed text into clauses as early as natural: at the end of a sentence or a line, and at a comma,
// semicolon, colon or dash after enough words. It never cuts inside a number, an abbreviation or an e-mail address. The clauses,
// joined by spaces, are the text again but for white space and pieces that hold nothing to say. The zero value is ready for use.
type Splitter struct {
	buf   string
	begun bool // the first clause is out
}

// Add takes the next piece of the stream and returns the clauses that it completes.
func (s *Splitter) Add(text string) []string {
	s.buf += text
	return s.cut(false)
}

// Flush ends the stream: it returns what is left and makes the splitter ready for another stream.
func (s *Splitter) Flush() []string {
	out := s.cut(true)
	*s = Splitter{}
	return out
}

func (s *Splitter) cut(final bool) (out []string) {
	for {
		n := s.next(final)
		if n == 0 {
			return out
		}
		c := strings.Join(strings.Fields(s.buf[:n]), " ")
		s.buf = s.buf[n:]
		if strings.ContainsFunc(c, sayable) {
			out = append(out, c)
			s.begun = true
		}
	}
}

// sayable reports whether r is more than punctuation.
func sayable(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// verdict on a place where a clause might end.
type verdict int

const (
	no   verdict = iota
	yes          // cut here
	wait         // what follows decides, and has not come yet
)

// next is the length of the first whole clause in the buffer, 0 if there is none yet.
func (s *Splitter) next(final bool) int {
	words, inWord := 0, false
	for i := 0; i < len(s.buf); {
		r, n := utf8.DecodeRuneInString(s.buf[i:])
		if unicode.IsSpace(r) {
			if r == '\n' && words > 0 || words >= longClause {
				return i + n
			}
			inWord = false
			i += n
			continue
		}
		if !inWord {
			inWord = true
			words++
		}
		if !strings.ContainsRune(".!?…,;:—–", r) {
			i += n
			continue
		}
		end := i + n
		for end < len(s.buf) { // more of it, and what closes behind it
			r, n := utf8.DecodeRuneInString(s.buf[end:])
			if !strings.ContainsRune(".!?…\"'”’)]*_", r) {
				break
			}
			end += n
		}
		switch s.judge(s.buf[:i], s.buf[i:end], s.buf[end:], words, final) {
		case yes:
			return end
		case wait:
			return 0
		}
		i = end
	}
	if final {
		return len(s.buf)
	}
	return 0
}

// judge decides whether a clause ends with mark, which stands between before and after.
func (s *Splitter) judge(before, mark, after string, words int, final bool) verdict {
	if after == "" {
		if final {
			return yes
		}
		return wait
	}
	if r, _ := utf8.DecodeRuneInString(after); !unicode.IsSpace(r) {
		return no
	}
	ending, _ := utf8.DecodeRuneInString(mark)
	follows := strings.TrimLeftFunc(after, unicode.IsSpace)
	switch {
	case ending == '!' || ending == '?':
		return yes
	case ending == '.' && !strings.HasPrefix(mark, ".."):
		return fullStop(before, follows, final)
	}
	return s.pause(before, follows, words, final)
}

// pause judges a comma and its like, where a clause ends only if it is long enough.
func (s *Splitter) pause(before, follows string, words int, final bool) verdict {
	least := laterClause
	if !s.begun {
		least = firstClause
	}
	if words < least {
		return no
	}
	last := lastWord(before)
	if utf8.RuneCountInString(last) == 1 && last != "I" { // letters or digits being spelled
		return no
	}
	if follows == "" {
		if final {
			return yes
		}
		return wait
	}
	if digit(last[max(0, len(last)-1):]) && digit(follows) { // the groups of a number, the year of a date
		return no
	}
	if !s.begun {
		return yes
	}
	// A later clause takes a short rest along ("…, please.") rather than leave it alone.
	for f, n := follows, 0; ; n++ {
		i := strings.IndexFunc(f, unicode.IsSpace)
		switch {
		case n == 2:
			return yes
		case i < 0 && !final:
			return wait
		case i < 0 || strings.ContainsAny(f[:i], ".!?"):
			return no
		}
		f = strings.TrimLeftFunc(f[i:], unicode.IsSpace)
	}
}

// fullStop tells the end of a sentence from the point of an abbreviation, an initial or a list's number.
func fullStop(before, follows string, final bool) verdict {
	last := strings.TrimLeft(lastWord(before), "(\"'“‘[*_")
	lower := strings.ToLower(last)
	ambiguous := endsSentence[lower]
	switch {
	case strings.TrimSpace(before) == last && last != "" && len(last) < 3 && digit(last): // "1. First"
		return no
	case neverEnds[lower], utf8.RuneCountInString(last) == 1 && last != "I" && unicode.IsUpper([]rune(last)[0]):
		return no
	case !ambiguous && strings.Contains(last, ".") && !strings.ContainsAny(last, "@0123456789") && len(last) < 6: // "U.S."
		return no
	case !ambiguous && lower != "no":
		return yes
	case follows == "" && !final:
		return wait
	case lower == "no": // "No. 5", but "No. We are closed."
		if digit(follows) {
			return no
		}
		return yes
	}
	return capital(follows, final)
}

// capital judges an abbreviation that may end a sentence: it does if a capital follows that is no weekday or month ("8 a.m. Monday").
func capital(follows string, final bool) verdict {
	if r, _ := utf8.DecodeRuneInString(follows); !unicode.IsUpper(r) {
		return no
	}
	if len(follows) < 3 && !final {
		return wait
	}
	if _, ok := calendarWord(follows); ok {
		return no
	}
	return yes
}

func lastWord(s string) string { return s[strings.LastIndexFunc(s, unicode.IsSpace)+1:] }

func digit(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }
