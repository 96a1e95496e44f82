package text

import (
	"strings"
	"unicode/utf8"
)

const (
	primary   = "ˈ"
	secondary = "ˌ"

	vowels     = "AIOQWYaiuæɑɒɔəɛɜɪʊʌᵻ"
	consonants = "bdfhjklmnpstvwzðŋɡɹɾʃʒʤʧθ"
	longSounds = "AIOQWYʤʧ" // they weigh double
)

// stress says how the stress of a word is changed by where it stands.
type stress int

const (
	asIs     stress = iota
	none            // no stress at all
	weaker          // primary becomes secondary
	level           // the same, and a word without any gets secondary
	stronger        // a word without any gets secondary
	loud            // the highest becomes primary, and a word without any gets it
)

// apply changes the stress marks of phonemes.
func (s stress) apply(ps string) string {
	hasPrimary, hasSecondary := strings.Contains(ps, primary), strings.Contains(ps, secondary)
	switch {
	case s == none:
		return strings.NewReplacer(primary, "", secondary, "").Replace(ps)
	case (s == weaker || s == level) && hasPrimary:
		return strings.ReplaceAll(strings.ReplaceAll(ps, secondary, ""), primary, secondary)
	case (s == level || s == stronger) && !hasPrimary && !hasSecondary:
		return mark(ps, secondary)
	case s == loud && !hasPrimary && hasSecondary:
		return strings.ReplaceAll(ps, secondary, primary)
	case s == loud && !hasPrimary:
		return mark(ps, primary)
	}
	return ps
}

// mark puts a stress mark in front of the first vowel.
func mark(ps, m string) string {
	i := strings.IndexAny(ps, vowels)
	if i < 0 {
		return ps
	}
	return ps[:i] + m + ps[i:]
}

// weigh is the length of phonemes in beats, marks counted.
func weigh(ps string) int {
	n := utf8.RuneCountInString(ps)
	for _, r := range ps {
		if strings.ContainsRune(longSounds, r) {
			n++
		}
	}
	return n
}

// next is the sound that follows a word.
type next int

const (
	pause next = iota
	consonant
	vowel
)

// sound finds what phonemes begin with, or gives otherwise if they hold nothing that counts.
func sound(ps string, otherwise next) next {
	for _, r := range ps {
		switch {
		case strings.ContainsRune(vowels, r):
			return vowel
		case strings.ContainsRune(consonants, r):
			return consonant
		case strings.ContainsRune(breaks, r):
			return pause
		}
	}
	return otherwise
}
