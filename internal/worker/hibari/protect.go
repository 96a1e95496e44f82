package hibari

import "regexp"

// Spellings that the tables' rules would read as something else.
var (
	reNo     = regexp.MustCompile(`\b(no)(\.)(?:\s|$)`)                                       // would be "number"
	reLetter = regexp.MustCompile(`\b([Pp]art|[Tt]ype|[Cc]lass|[Gg]rade|[Ss]ection) (C|L)\b`) // would be a Roman hundred or fifty
)

// protect gives such words their phonemes outright.
func protect(sentence string) string {
	sentence = reNo.ReplaceAllString(sentence, "[$1](/nˈO/)$2 ")
	return reLetter.ReplaceAllStringFunc(sentence, func(m string) string {
		i := len(m) - 1
		return m[:i] + map[byte]string{'C': "[C](/sˈi/)", 'L': "[L](/ˈɛl/)"}[m[i]]
	})
}
