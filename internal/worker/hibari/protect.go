package hibari

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// Spellings that the tables' rules would read as something else.
var (
	reNo     = regexp.MustCompile(`\bno(\.(?:\s+[^\d\s]|\s*$))`)                              // would be "number", as in front of digits
	reLetter = regexp.MustCompile(`\b([Pp]art|[Tt]ype|[Cc]lass|[Gg]rade|[Ss]ection) (C|L)\b`) // would be a Roman hundred or fifty
	reA      = regexp.MustCompile(`\bA([,.!?;:]| [A-Z]\b|$)`)                                 // a letter, not the article
)

// protect gives such words their phonemes outright.
func protect(sentence string) string {
	sentence = reNo.ReplaceAllString(sentence, "[no](/nˈO/)$1")
	sentence = reA.ReplaceAllStringFunc(sentence, func(m string) string {
		if strings.HasPrefix(m, "A.") { // "A.M" is known
			return m
		}
		return "[A](/ˈA/)" + m[1:]
	})
	return reLetter.ReplaceAllStringFunc(sentence, func(m string) string {
		i := len(m) - 1
		return m[:i] + map[byte]string{'C': "[C](/sˈi/)", 'L': "[L](/ˈɛl/)"}[m[i]]
	})
}

// finish gives phonemes the full stop back that an abbreviation at the end of the sentence took with it: the voice falls by it.
func finish(phonemes, sentence string) string {
	end, _ := utf8.DecodeLastRuneInString(strings.TrimRight(phonemes, `"”) `))
	if strings.HasSuffix(sentence, ".") && phonemes != "" && !strings.ContainsRune(".!?…", end) {
		return phonemes + "."
	}
	return phonemes
}
