package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Classes of characters as the tables' rules see them.

// edge stands for the character before the first or behind the last.
const edge = rune(-1)

// isLetter is a letter or a number that is no decimal digit (as ² is).
func isLetter(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) && !unicode.Is(unicode.Nd, r)
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) || r == '_' }

func isLower(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'ß' && r <= 'ÿ' && r != '÷'
}

func isUpper(r rune) bool {
	return r >= 'A' && r <= 'Z' || r >= 'À' && r <= 'Þ' && r != '×'
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func isQuote(r rune) bool { return r == '\'' || r == '‘' || r == '’' }

// alpha says that s is nothing but letters, and not empty.
func alpha(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) })
}

// digits says that s is nothing but ASCII digits, and not empty.
func digits(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !isDigit(r) })
}

// decimals says that s is nothing but digits of any script or height, and not empty.
func decimals(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.Is(unicode.Nd, r) && !strings.ContainsRune("²³¹⁰⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉", r)
	})
}

// lower, upper: s has no character of the other case.
func lower(s string) bool { return s == strings.ToLower(s) }
func upper(s string) bool { return s == strings.ToUpper(s) }

// capitalized is s with a capital in front and small letters behind.
func capitalized(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + strings.ToLower(s[n:])
}

// first and last are the outer characters of s, edge if it is empty.
func first(s string) rune {
	if s == "" {
		return edge
	}
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

func last(s string) rune {
	if s == "" {
		return edge
	}
	r, _ := utf8.DecodeLastRuneInString(s)
	return r
}

// ending is the last n characters of s.
func ending(s string, n int) string {
	i := len(s)
	for ; n > 0 && i > 0; n-- {
		_, k := utf8.DecodeLastRuneInString(s[:i])
		i -= k
	}
	return s[i:]
}

// small is the value of a few ASCII digits.
func small(digits string) (n int) {
	for _, d := range []byte(digits) {
		n = 10*n + int(d-'0')
	}
	return n
}
