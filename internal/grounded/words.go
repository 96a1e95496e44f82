package grounded

import (
	"regexp"
	"strconv"
	"strings"

	snowball "github.com/kljensen/snowball/english"
)

// Spellings that are opened up before a text is cut into words.
var (
	reCurrency = regexp.MustCompile(`([$€£])\s*(\d+(?:[.,]\d+)?)`)
	reAmPm     = regexp.MustCompile(`\b([ap])\.?\s?m\b\.?`)
	reGlued    = regexp.MustCompile(`(\d)([a-z])`)
	reRange    = regexp.MustCompile(`(\b\d{1,2}(?:[:.]\d\d)?|day|am|pm|noon|mon|tues?|wed|thu(?:rs)?|fri|sat|sun)\s*[-–—]\s*(\d{1,2}\b|noon|` +
		`midnight|mon|tue|wed|thu|fri|sat|sun)`)
	reWord   = regexp.MustCompile(`\d+(?:[:.]\d+)*|[\p{L}]+(?:'[\p{L}]+)*`)
	reLetter = regexp.MustCompile(`\b([etx])(?:- ?| )(mails?|books?|bikes?|scooters?|shirts?|rays?)\b`)
)

var contractions = map[string]string{
	"can't": "can not", "cannot": "can not", "won't": "will not", "let's": "let us", "o'clock": "o clock", "oclock": "o clock",
	"gonna": "going to", "wanna": "want to", "y'all": "you",
	"dont": "do not", "doesnt": "does not", "cant": "can not", "whats": "what is",
	"wheres": "where is", "im": "i am", "thats": "that is", "ive": "i have",
}

// Words whose 's stands for "is"; behind any other word it is a possessive.
var isBefore = wordSet(`what where who when how it that there he she here name everything why this`)

var endings = []struct{ from, to string }{{"n't", " not"}, {"'m", " am"}, {"'re", " are"}, {"'ve", " have"}, {"'ll", " will"}, {"'d", " would"}}

// words cuts a text into lower-case words with contractions opened, currency signs behind their numbers, and number words as digits.
func words(text string) []string { return digits(plainWords(text)) }

func plainWords(text string) []string {
	t := strings.ToLower(strings.NewReplacer("’", "'", "‘", "'", "%", " percent ", "&", " and ").Replace(text))
	t = reCurrency.ReplaceAllStringFunc(t, func(m string) string {
		p := reCurrency.FindStringSubmatch(m)
		return p[2] + " " + map[string]string{"$": "dollars", "€": "euros", "£": "pounds"}[p[1]] + " "
	})
	t = reLetter.ReplaceAllString(t, "$1$2")
	t = reGlued.ReplaceAllString(t, "$1 $2")
	t = reAmPm.ReplaceAllString(t, "${1}m")
	t = reRange.ReplaceAllString(t, "$1 to $2")
	var out []string
	for _, w := range reWord.FindAllString(t, -1) {
		out = append(out, strings.Fields(open(w))...)
	}
	return out
}

// open writes a contraction out and drops a possessive.
func open(w string) string {
	if full, ok := contractions[w]; ok {
		return full
	}
	for _, e := range endings {
		if head, ok := strings.CutSuffix(w, e.from); ok && head != "" {
			return head + e.to
		}
	}
	if head, ok := strings.CutSuffix(w, "'s"); ok {
		if isBefore[head] {
			return head + " is"
		}
		return head
	}
	return strings.ReplaceAll(w, "'", "")
}

var units = map[string]int{"zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
	"eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19}
var tens = map[string]int{"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
var multiples = map[string]int{"double": 2, "triple": 3, "treble": 3}

// digits turns number words into figures. Digits said one by one stay apart; "double three" is two threes; "oh" is a zero among digits.
func digits(in []string) []string {
	var out []string
	for i := 0; i < len(in); {
		if n, ok := multiples[in[i]]; ok && i+1 < len(in) {
			if d, ok := digit(in[i+1]); ok {
				for range n {
					out = append(out, d)
				}
				i += 2
				continue
			}
		}
		if n, used := number(in[i:]); used > 0 {
			out = append(out, strconv.Itoa(n))
			i += used
			continue
		}
		clock := i+1 < len(in) && in[i+1] == "clock"
		if (in[i] == "oh" || in[i] == "o") && !clock && (isNumber(last(out)) || followedByDigits(in[i+1:])) {
			out = append(out, "0")
			i++
			continue
		}
		out = append(out, in[i])
		i++
	}
	return out
}

func followedByDigits(in []string) bool {
	if len(in) < 2 {
		return false
	}
	for _, w := range in[:2] {
		if _, ok := digit(w); !ok && w != "oh" && multiples[w] == 0 {
			return false
		}
	}
	return true
}

func digit(w string) (string, bool) {
	if n, ok := units[w]; ok && n < 10 {
		return strconv.Itoa(n), true
	}
	if len(w) == 1 && w[0] >= '0' && w[0] <= '9' {
		return w, true
	}
	if w == "oh" || w == "o" {
		return "0", true
	}
	return "", false
}

// number reads one number of words from the front of in and says how many words it took.
func number(in []string) (n, used int) {
	n, used = below100(in)
	if used == 0 && len(in) > 1 && in[0] == "a" && (in[1] == "hundred" || in[1] == "thousand") {
		n, used = 1, 1
	}
	for used > 0 && used < len(in) && (in[used] == "hundred" || in[used] == "thousand") {
		n *= map[string]int{"hundred": 100, "thousand": 1000}[in[used]]
		used++
		rest := in[used:]
		skip := 0
		if len(rest) > 0 && rest[0] == "and" {
			skip = 1
		}
		if more, took := below100(rest[skip:]); took > 0 {
			n += more
			used += skip + took
		}
	}
	return n, used
}

func below100(in []string) (n, used int) {
	if len(in) == 0 {
		return 0, 0
	}
	if n, ok := units[in[0]]; ok {
		return n, 1
	}
	t, ok := tens[in[0]]
	if !ok {
		return 0, 0
	}
	if len(in) > 1 {
		if u, ok := units[in[1]]; ok && u > 0 && u < 10 {
			return t + u, 2
		}
	}
	return t, 1
}

func isNumber(w string) bool { return w != "" && w[0] >= '0' && w[0] <= '9' }

func last(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[len(s)-1]
}

var irregular = map[string]string{"instalment": "partpayment", "instalments": "partpayment", "installment": "partpayment", "installments": "partpayment",
	"children": "child", "men": "man", "women": "woman", "feet": "foot", "teeth": "tooth",
	"mice": "mouse", "people": "person",
	"knives": "knife", "wives": "wife", "lives": "life", "brought": "bring", "bought": "buy", "paid": "pay", "sold": "sell", "taught": "teach",
	"lost": "lose", "came": "come", "went": "go", "gave": "give", "took": "take",
	"left": "leave", "made": "make", "kept": "keep", "spoke": "speak", "ate": "eat", "drove": "drive", "held": "hold", "broken": "break", "broke": "break"}

// stem reduces a word to what its forms share.
func stem(w string) string {
	if isNumber(w) {
		return w
	}
	if one, ok := irregular[w]; ok {
		w = one
	}
	return snowball.Stem(w, true)
}

// distance counts the letters to insert, delete, replace or swap (optimal string alignment).
func distance(a, b string) int {
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
