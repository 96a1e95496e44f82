package text

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// rule rewrites what its expression matches where the neighbours allow it.
type rule struct {
	re     *regexp.Regexp
	before func(rune) bool // may this character (edge at the begin) stand in front? nil: any may
	after  func(rune) bool // and behind?
	// write gives the new text and how much of rest, the text behind the match, it takes in; false leaves the match as it is
	// and goes on behind its first character.
	write func(group []string, rest string) (out string, more int, ok bool)
}

// apply rewrites text from left to right.
func (r rule) apply(text string) string {
	var b strings.Builder
	done := 0
	for at := 0; at <= len(text); {
		loc := r.re.FindStringSubmatchIndex(text[at:])
		if loc == nil {
			break
		}
		start, end := at+loc[0], at+loc[1]
		if r.before == nil || r.before(last(text[:start])) {
			if r.after == nil || r.after(first(text[end:])) {
				group := make([]string, len(loc)/2)
				for i := range group {
					if loc[2*i] >= 0 {
						group[i] = text[at+loc[2*i] : at+loc[2*i+1]]
					}
				}
				if out, more, ok := r.write(group, text[end:]); ok {
					b.WriteString(text[done:start])
					b.WriteString(out)
					done = end + more
					at = max(done, start+1)
					continue
				}
			}
		}
		_, n := utf8.DecodeRuneInString(text[start:])
		at = start + max(n, 1)
	}
	if done == 0 {
		return text
	}
	return b.String() + text[done:]
}

// say makes the write of a rule that looks at nothing but the match.
func say(f func(group []string) string) func([]string, string) (string, int, bool) {
	return func(g []string, _ string) (string, int, bool) { return f(g), 0, true }
}

// either matches any of the words, the longest first.
func either(words []string) string {
	words = slices.Clone(words)
	slices.SortStableFunc(words, func(a, b string) int { return len(b) - len(a) })
	for i, w := range words {
		words[i] = regexp.QuoteMeta(w)
	}
	return "(" + strings.Join(words, "|") + ")"
}

// Neighbours.

func noWord(r rune) bool      { return !isWord(r) }
func noWordPoint(r rune) bool { return !isWord(r) && r != '.' }
func noWordDash(r rune) bool  { return !isWord(r) && r != '.' && r != '-' }
func noWordSlash(r rune) bool { return !isWord(r) && r != '.' && r != '/' }
func solid(r rune) bool       { return r != edge && r != ' ' }
