package text

import (
	"strings"
	"unicode/utf8"
)

// token is a piece of text on its way to phonemes.
type token struct {
	text, tag string
	space     bool   // white space follows
	phonemes  string // if read
	read      bool
	head      bool   // it begins what white space encloses
	alias     string // read instead of text
	currency  string // of the amount
	gap       bool   // a space stands in front of its phonemes
}

// settle gives a token its phonemes.
func (t *token) settle(ps string) { t.phonemes, t.read = ps, true }

// free says that a token is still to be read as written.
func (t *token) free() bool { return !t.read && t.alias == "" }

// word is a run of tokens without white space between them.
type word []*token

// merge joins tokens into one, which has the tag of the weightiest.
func (w word) merge() *token {
	m := &token{tag: w[0].tag, head: w[0].head, gap: w[0].gap, space: w[len(w)-1].space}
	heaviest := -1
	for _, t := range w {
		m.text += t.text
		m.currency = max(m.currency, t.currency)
		weight := utf8.RuneCountInString(t.text)
		for _, r := range t.text {
			if !lower(string(r)) {
				weight++
			}
		}
		if weight > heaviest {
			heaviest, m.tag = weight, t.tag
		}
	}
	return m
}

// phonemes joins those of a word's tokens.
func (w word) phonemes() string {
	var b strings.Builder
	for _, t := range w {
		if t.gap && b.Len() > 0 && t.phonemes != "" && !strings.HasSuffix(b.String(), " ") {
			b.WriteByte(' ')
		}
		b.WriteString(t.phonemes)
	}
	return b.String()
}
