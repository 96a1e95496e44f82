package grounded

import (
	_ "embed" // the word lists
	"slices"
	"strings"
	"sync"
)

// The words that decide nothing, those of daily use, and those that mean the same.
var (
	//go:embed lexicon.txt
	lexiconText string
	//go:embed common.txt
	commonText string
	//go:embed senses.txt
	sensesText string
)

// lexicon is what the matcher knows of English: words that decide nothing, words that only rank, and senses shared by several words.
type lexicon struct {
	stop, weak map[string]bool     // by word and by stem
	common     map[string]bool     // stems of daily use, which only rank as well
	turns      map[string]bool     // stems that turn a request into another one
	senses     map[string][]string // stem of a word to the names of its senses
	kinds      map[string][]string // stem of a word to the senses it is a kind of: dog to pet
	sorts      map[string][]string // stem of a word to the senses it is one sort of: French to language
	phrases    map[string]string   // words joined by spaces to the name of their sense
	longest    int                 // words in the longest phrase
}

// english is read once: the text is part of the program and cannot fail to parse.
var english = sync.OnceValue(func() *lexicon { return readLexicon(lexiconText + commonText + sensesText) })

func readLexicon(text string) *lexicon {
	l := &lexicon{
		stop: map[string]bool{}, weak: map[string]bool{}, common: map[string]bool{}, turns: map[string]bool{},
		senses: map[string][]string{}, kinds: map[string][]string{}, sorts: map[string][]string{}, phrases: map[string]string{},
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
		case "verbs", "plain", "things":
			for _, w := range strings.Fields(rest) {
				l.common[stem(w)] = true
			}
		case "turn":
			addWords(l.turns, rest)
		case "kind", "sort":
			into := map[string]map[string][]string{"kind": l.kinds, "sort": l.sorts}[kind]
			name, members, _ := strings.Cut(rest, ":")
			for _, m := range strings.Split(members, ",") {
				s := stem(strings.TrimSpace(m))
				into[s] = append(into[s], name)
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
			l.phrases[strings.Join(digits(strings.Fields(m)), " ")] = name // as words come from a question
			l.longest = max(l.longest, n)
			continue
		}
		l.senses[stem(m)] = append(l.senses[stem(m)], name)
	}
}

// ranksOnly says whether a word may go uncovered.
func (l *lexicon) ranksOnly(w string) bool { return l.weak[w] || l.weak[irregular[w]] || l.isCommon(w) }

// isCommon says whether a word is a form of one of daily use. What ends in "-ings" is a thing of its own, "fillings" are not "fill", and
// what is "used" is second-hand.
func (l *lexicon) isCommon(w string) bool {
	return l.common[stem(w)] && !strings.HasSuffix(w, "ings") && w != "used"
}

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

// answers says whether a word of a sentence answers a question for another: they share a sense, or it is of the sort asked for.
func (l *lexicon) answers(asked, said string) bool {
	return l.shares(asked, said) || meet(l.senses[asked], l.sorts[said])
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
