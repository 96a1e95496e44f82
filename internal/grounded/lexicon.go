package grounded

import (
	_ "embed" // the word lists
	"slices"
	"strings"
	"sync"
)

//go:embed lexicon.txt
var lexiconText string

// lexicon is what the matcher knows of English: words that decide nothing, words that only rank, and senses shared by several words.
type lexicon struct {
	stop, weak map[string]bool     // by word and by stem
	turns      map[string]bool     // stems that turn a request into another one
	senses     map[string][]string // stem of a word to the names of its senses
	kinds      map[string][]string // stem of a word to the senses it is a kind of: dog to pet
	phrases    map[string]string   // words joined by spaces to the name of their sense
	longest    int                 // words in the longest phrase
}

// english is read once: the text is part of the program and cannot fail to parse.
var english = sync.OnceValue(func() *lexicon { return readLexicon(lexiconText) })

func readLexicon(text string) *lexicon {
	l := &lexicon{
		stop: map[string]bool{}, weak: map[string]bool{}, turns: map[string]bool{},
		senses: map[string][]string{}, kinds: map[string][]string{}, phrases: map[string]string{},
	}
	for line := range strings.Lines(text) {
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch kind {
		case "stop":
			addWords(l.stop, rest)
		case "weak":
			for _, w := range strings.Fields(rest) {
				// Only as written, and with an s: "fillings" must not pass for "fill".
				l.weak[w], l.weak[w+"s"] = true, true
			}
		case "turn":
			addWords(l.turns, rest)
		case "kind":
			name, members, _ := strings.Cut(rest, ":")
			for _, m := range strings.Split(members, ",") {
				s := stem(strings.TrimSpace(m))
				l.kinds[s] = append(l.kinds[s], name)
			}
		case "same":
			name, members, _ := strings.Cut(rest, ":")
			l.addSense(name, strings.Split(members, ","))
		}
	}
	return l
}

func addWords(set map[string]bool, words string) {
	for _, w := range strings.Fields(words) {
		set[w] = true
		set[stem(w)] = true
	}
}

func (l *lexicon) addSense(name string, members []string) {
	for _, m := range append(members, name) {
		m = strings.TrimSpace(m)
		if n := len(strings.Fields(m)); n > 1 {
			l.phrases[m] = name
			l.longest = max(l.longest, n)
			continue
		}
		l.senses[stem(m)] = append(l.senses[stem(m)], name)
	}
}

// ranksOnly says whether a word may go uncovered.
func (l *lexicon) ranksOnly(w string) bool { return l.weak[w] || l.weak[irregular[w]] }

// fold replaces each phrase among the words by the name of its sense, the longest phrase first.
func (l *lexicon) fold(words []string) []string {
	out := make([]string, 0, len(words))
	for i := 0; i < len(words); {
		taken := 1
		word := words[i]
		for n := min(l.longest, len(words)-i); n > 1; n-- {
			phrase := strings.Join(words[i:i+n], " ")
			name, ok := l.phrases[phrase]
			if !ok {
				name, ok = l.phrases[strings.TrimSuffix(phrase, "s")]
			}
			if ok {
				word, taken = name, n
				break
			}
		}
		out = append(out, word)
		i += taken
	}
	return out
}

// shares says whether two stems have a sense in common, or one is a kind of the other. Two kinds of one thing are not the same thing.
func (l *lexicon) shares(a, b string) bool {
	return meet(l.senses[a], l.senses[b]) || meet(l.kinds[a], l.senses[b]) || meet(l.senses[a], l.kinds[b])
}

func meet(a, b []string) bool {
	for _, x := range a {
		if slices.Contains(b, x) {
			return true
		}
	}
	return false
}

// wordSet makes a set of the words of a text.
func wordSet(text string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(text) {
		set[w] = true
	}
	return set
}
