package text

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// tapped are the sounds after which an American t before a vowel is a tap.
const tapped = "AIOWYiuæɑəɛɪɹʊʌ"

// plural reads "-s" by what it stands on.
func (l *lexicon) plural(word string, p place) (string, bool) {
	if len([]rune(word)) < 3 || !strings.HasSuffix(word, "s") {
		return "", false
	}
	n, stem := len([]rune(word)), ""
	switch one, two := word[:len(word)-1], word[:len(word)-2]; {
	case !strings.HasSuffix(word, "ss") && l.known(one):
		stem = one
	case (strings.HasSuffix(word, "'s") || n > 4 && strings.HasSuffix(word, "es") && !strings.HasSuffix(word, "ies")) && l.known(two):
		stem = two
	case n > 4 && strings.HasSuffix(word, "ies") && l.known(word[:len(word)-3]+"y"):
		stem = word[:len(word)-3] + "y"
	default:
		return "", false
	}
	ps, _ := l.lookup(stem, p)
	return l.addS(ps)
}

func (l *lexicon) addS(stem string) (string, bool) {
	switch end := last(stem); {
	case stem == "":
		return "", false
	case strings.ContainsRune("ptkfθ", end):
		return stem + "s", true
	case strings.ContainsRune("szʃʒʧʤ", end):
		return stem + l.weakVowel() + "z", true
	}
	return stem + "z", true
}

// weakVowel is that of "-es" and "-ed".
func (l *lexicon) weakVowel() string {
	if l.british {
		return "ɪ"
	}
	return "ᵻ"
}

// past reads "-ed" by what it stands on.
func (l *lexicon) past(word string, p place) (string, bool) {
	n, stem := len([]rune(word)), ""
	switch {
	case n < 4 || !strings.HasSuffix(word, "d"):
		return "", false
	case !strings.HasSuffix(word, "dd") && l.known(word[:len(word)-1]):
		stem = word[:len(word)-1]
	case n > 4 && strings.HasSuffix(word, "ed") && !strings.HasSuffix(word, "eed") && l.known(word[:len(word)-2]):
		stem = word[:len(word)-2]
	default:
		return "", false
	}
	ps, _ := l.lookup(stem, p)
	return l.addED(ps)
}

func (l *lexicon) addED(stem string) (string, bool) {
	end := last(stem)
	head := strings.TrimSuffix(stem, "t")
	switch {
	case stem == "":
		return "", false
	case strings.ContainsRune("pkfθʃsʧ", end):
		return stem + "t", true
	case end == 'd':
		return stem + l.weakVowel() + "d", true
	case end != 't':
		return stem + "d", true
	case l.british || head == "":
		return stem + "ɪd", true
	case strings.ContainsRune(tapped, last(head)):
		return head + "ɾᵻd", true
	}
	return stem + "ᵻd", true
}

var reDoubled = regexp.MustCompile(`(?:bb|cc|dd|gg|kk|ll|mm|nn|pp|rr|ss|tt|vv|xx|zz|ck)ing$`)

// progressive reads "-ing" by what it stands on.
func (l *lexicon) progressive(word string, p place) (string, bool) {
	n, stem := len([]rune(word)), ""
	base, ok := strings.CutSuffix(word, "ing")
	switch {
	case n < 5 || !ok:
		return "", false
	case n > 5 && l.known(base):
		stem = base
	case l.known(base + "e"):
		stem = base + "e"
	case n > 5 && reDoubled.MatchString(word) && l.known(word[:len(word)-4]):
		stem = word[:len(word)-4]
	default:
		return "", false
	}
	ps, _ := l.lookup(stem, p)
	return l.addING(ps)
}

func (l *lexicon) addING(stem string) (string, bool) {
	end := last(stem)
	head := stem[:len(stem)-max(0, utf8.RuneLen(end))]
	switch {
	case stem == "", l.british && (end == 'ə' || end == 'ː'):
		return "", false
	case !l.british && end == 't' && head != "" && strings.ContainsRune(tapped, last(head)):
		return head + "ɾɪŋ", true
	}
	return stem + "ɪŋ", true
}
