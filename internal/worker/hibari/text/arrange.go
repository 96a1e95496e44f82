package text

import (
	"sort"
	"strings"
	"unicode"
)

// allMarks make sounds of their own: they shape the melody.
const allMarks = breaks + "\"“”"

// markTags are the parts of speech of punctuation.
var markTags = words(". , -LRB- -RRB- `` \"\" '' : $ # NFP")

var markSounds = map[string]string{"-LRB-": "(", "-RRB-": ")", "``": "“", `""`: "”", "''": "”"}

// arrange cuts tokens into subtokens, settles marks, gives amounts their currency and groups what no white space parts.
func arrange(tokens []*token) []word {
	var out []word
	open := false // the last word takes the next subtoken
	currency := ""
	for i, t := range tokens {
		subs := t.subtokens()
		for j, s := range subs {
			tail := j+1 == len(subs)
			switch {
			case !s.free():
			case s.mark(&currency):
			case currency != "" && s.tag != "CD":
				currency = ""
			case currency != "" && tail && (i+1 == len(tokens) || tokens[i+1].tag != "CD"):
				s.currency = currency
			case currency == "" && j > 0 && !tail && s.text == "2" && unicode.IsLetter(last(subs[j-1].text)) && unicode.IsLetter(first(subs[j+1].text)):
				s.alias = "to"
			}
			switch {
			case !s.free():
				out, open = append(out, word{s}), false
			case open:
				s.head = false
				out[len(out)-1] = append(out[len(out)-1], s)
				open = !s.space
			default:
				out, open = append(out, word{s}), !s.space
			}
		}
	}
	return out
}

func (t *token) subtokens() []*token {
	if !t.free() {
		return []*token{t}
	}
	var out []*token
	for _, s := range subtokens(t.text) {
		out = append(out, &token{text: s, tag: t.tag, head: true})
	}
	if len(out) == 0 { // nothing but a quote in an odd place
		out = []*token{{text: t.text, tag: t.tag, head: true, read: true}}
	}
	out[len(out)-1].space = t.space
	return out
}

// mark settles a punctuation mark or a currency sign, which waits for its amount.
func (t *token) mark(currency *string) bool {
	_, isCoin := coins[t.text]
	switch {
	case t.tag == "$" && isCoin:
		*currency = t.text
		t.settle("")
	case t.tag == ":" && (t.text == "-" || t.text == "–"):
		t.settle("—")
	case markTags[t.tag] && strings.ContainsFunc(t.text, func(r rune) bool { return !asciiLetter(r) }):
		ps, ok := markSounds[t.tag]
		if !ok {
			ps = strings.Map(func(r rune) rune {
				if strings.ContainsRune(allMarks, r) {
					return r
				}
				return -1
			}, t.text)
		}
		t.settle(ps)
	default:
		return false
	}
	return true
}

// balance settles silent parts of a word and lets only some of several parts keep their stress.
func (w word) balance() {
	gap := w.mixed()
	for i, t := range w {
		switch {
		case t.read && i > 0:
			t.gap = gap
		case !t.read && i == len(w)-1 && strings.Contains(breaks, t.text):
			t.settle(t.text)
		case !t.read && isJunk(t.text):
			t.settle("")
		}
	}
	if gap {
		return
	}
	var spoken word
	stressed := 0
	for _, t := range w {
		if t.phonemes != "" {
			spoken = append(spoken, t)
			if strings.Contains(t.phonemes, primary) {
				stressed++
			}
		}
	}
	switch {
	case len(spoken) == 2 && spoken[0].lone():
		spoken[1].phonemes = weaker.apply(spoken[1].phonemes)
		return
	case len(spoken) < 2 || stressed <= (len(spoken)+1)/2:
		return
	}
	sort.SliceStable(spoken, func(i, j int) bool { return spoken[i].lighter(spoken[j]) })
	for _, t := range spoken[:len(spoken)/2] {
		t.phonemes = weaker.apply(t.phonemes)
	}
}

// lighter orders by primary stress, then by length.
func (t *token) lighter(u *token) bool {
	a, b := strings.Contains(t.phonemes, primary), strings.Contains(u.phonemes, primary)
	if a != b {
		return b
	}
	return weigh(t.phonemes) < weigh(u.phonemes)
}
