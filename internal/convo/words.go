package convo

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Shares of a clause's sound, in letters: engines say a digit as a whole word and rest at a comma.
const (
	digitShare  = 4
	commaShare  = 3
	periodShare = 5
)

// weight is how long a word sounds, in letters.
func weight(word string) int {
	w := 1 // the gap behind it
	for _, r := range word {
		switch {
		case unicode.IsDigit(r):
			w += digitShare
		case r == ',' || r == ';' || r == ':':
			w += commaShare
		case strings.ContainsRune(".!?…", r):
			w += periodShare
		default:
			w++
		}
	}
	return w
}

// perLetter is the sound of a letter in samples while the length of a clause is not known yet.
const perLetter = 16000 / 14

// reached tells which words of a clause were heard when at of its total samples have left, and where in the sound the word begins that
// was being said. A word counts as heard once most of it has left. rendered is false while total may still grow.
func reached(text string, total, at int, rendered bool) (words string, wordStart int) {
	all := strings.Fields(text)
	sum := 0
	for _, w := range all {
		sum += weight(w)
	}
	if !rendered {
		total = max(total, sum*perLetter)
	}
	if at <= 0 || sum == 0 || total == 0 {
		return "", 0
	}
	if rendered && at >= total {
		return text, total
	}
	before, n := 0, 0
	for _, w := range all {
		begin := total * before / sum
		end := total * (before + weight(w)) / sum
		if at < begin+(end-begin)*6/10 {
			return strings.Join(all[:n], " "), min(begin, at)
		}
		if at < end {
			return strings.Join(all[:n+1], " "), min(begin, at)
		}
		before += weight(w)
		n++
	}
	return text, total
}

// clip cuts a text to at most n bytes at a rune's border.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
