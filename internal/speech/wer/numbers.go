package wer

import (
	"strconv"
	"strings"
)

// ordinal follows the digits of a number that says a rank.
const ordinal = "th"

// numberWords maps words to their values; ordinals map to the number and true.
func numberWords() map[string]value {
	m := map[string]value{"zero": {n: 0}}
	small := "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
	ranks := "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth " +
		"sixteenth seventeenth eighteenth nineteenth"
	for i, w := range strings.Fields(small) {
		m[w] = value{n: i + 1}
	}
	for i, w := range strings.Fields(ranks) {
		m[w] = value{n: i + 1, rank: true}
	}
	for i, w := range strings.Fields("twenty thirty forty fifty sixty seventy eighty ninety") {
		m[w] = value{n: 10 * (i + 2)}
		m[strings.TrimSuffix(w, "y")+"ieth"] = value{n: 10 * (i + 2), rank: true}
	}
	return m
}

type value struct {
	n    int
	rank bool
}

// reader gathers number words into one number.
type reader struct {
	words map[string]value
	out   []string
	open  bool
	total int // of whole thousands and millions
	last  int // below them
}

// numbers replaces every number, in words or digits, by its single digits.
func numbers(words []string) []string {
	r := &reader{words: numberWords()}
	for i, w := range words {
		if !r.take(w, next(words, i)) {
			r.flush()
			r.plain(w)
		}
	}
	r.flush()
	return r.out
}

func next(words []string, i int) string {
	if i+1 < len(words) {
		return words[i+1]
	}
	return ""
}

// take adds w to the number being read, or says that w is no part of one.
func (r *reader) take(w, next string) bool {
	if v, ok := r.words[w]; ok {
		r.add(v)
		return true
	}
	if !r.open {
		return false
	}
	_, goesOn := r.words[next]
	switch {
	case w == "hundred" && r.last > 0 && r.last < 100:
		r.last *= 100
	case w == "thousand" && r.last > 0:
		r.total, r.last = r.total+1000*r.last, 0
	case w == "million" && r.last > 0:
		r.total, r.last = r.total+1000000*r.last, 0
	case w == "and" && goesOn && r.last%100 == 0 && (r.last > 0 || r.total > 0): // "one hundred and five"
	case (w == "oh" || w == "o") && goesOn: // "five oh five"
		r.flush()
		r.digits("0")
		r.open = false
	default:
		return false
	}
	return true
}

// add appends a value where it fits ("twenty" "one", "hundred" "five") and else begins a new number ("two" "nine").
func (r *reader) add(v value) {
	fits := r.open && (r.last == 0 && r.total > 0 || r.last%100 == 0 && r.last > 0 || r.last%100 >= 20 && r.last%10 == 0 && v.n > 0 && v.n < 10)
	if !fits {
		r.flush()
	}
	r.open, r.last = true, r.last+v.n
	if v.rank {
		r.flush()
		r.out = append(r.out, ordinal)
	}
}

func (r *reader) flush() {
	if r.open {
		r.digits(strconv.Itoa(r.total + r.last))
	}
	r.open, r.total, r.last = false, 0, 0
}

// plain appends a word that says no number, or digits as they were written.
func (r *reader) plain(w string) {
	if _, err := strconv.Atoi(w); err == nil {
		r.digits(w)
		return
	}
	r.out = append(r.out, w)
}

func (r *reader) digits(s string) {
	for _, d := range s {
		r.out = append(r.out, string(d))
	}
}
