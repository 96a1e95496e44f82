package text

import "strings"

// subtokens cuts a token where its kind of character changes: "B12" at the digit, "iPhone" at the capital, "ABig" behind
// the first. A quote that joins letters stays with them.
func subtokens(s string) (out []string) {
	r := []rune(s)
	for i := 0; i < len(r); {
		n := subtoken(r, i)
		if n > 0 {
			out = append(out, string(r[i:i+n]))
		}
		i += max(n, 1)
	}
	return out
}

// subtoken is the length of the piece that begins at i; 0 is a character that belongs to none.
func subtoken(r []rune, i int) int {
	at := func(k int) rune {
		if k < len(r) {
			return r[k]
		}
		return edge
	}
	quoted := span(r, i, isQuote)
	switch {
	case i == 0 && quoted > 0:
		return quoted
	case isUpper(r[i]) && isUpper(at(i+1)) && isLower(at(i+2)):
		return 1
	}
	if n := numeral(r, i); n > 0 {
		return n
	}
	if n := span(r, i, func(r rune) bool { return r == '-' || r == '_' }); n > 0 {
		return n
	}
	if quoted > 1 {
		return quoted
	}
	if n := hump(r, i); n > 0 {
		return n
	}
	if n := span(r, i, isLetter); n > 0 {
		for isQuote(at(i+n)) && isLetter(at(i+n+1)) {
			n += 2
		}
		return n
	}
	if !isQuote(r[i]) || i+quoted == len(r) {
		return 1
	}
	return 0
}

// span is the length of the run of characters of a kind that begins at i.
func span(r []rune, i int, kind func(rune) bool) int {
	n := 0
	for i+n < len(r) && kind(r[i+n]) {
		n++
	}
	return n
}

// numeral is the length of a number: digits, each with at most one point or comma in front; a minus only begins a token.
func numeral(r []rune, i int) int {
	k := i
	if i == 0 && r[i] == '-' {
		k++
	}
	begin := k
	for k < len(r) {
		switch {
		case decimal10(r[k]):
			k++
		case (r[k] == '.' || r[k] == ',') && k+1 < len(r) && decimal10(r[k+1]):
			k += 2
		default:
			if k == begin {
				return 0
			}
			return k - i
		}
	}
	if k == begin {
		return 0
	}
	return k - i
}

func decimal10(r rune) bool { return isWord(r) && r != '_' && !isLetter(r) }

// hump is the length of the part of a word up to the first capital inside it.
func hump(r []rune, i int) int {
	for n := 0; ; n++ {
		for k := i + n; k+1 < len(r); k += 2 {
			if isLower(r[k]) && isUpper(r[k+1]) {
				return k + 1 - i
			}
			if !isQuote(r[k]) || !isLetter(r[k+1]) {
				break
			}
		}
		if i+n >= len(r) || !isLetter(r[i+n]) {
			return 0
		}
	}
}

// junk holds the characters that may stay silent between the parts of a word.
const junk = "',-._‘’/"

func isJunk(s string) bool { return strings.Trim(s, junk) == "" }
