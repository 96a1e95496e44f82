package wer

import (
	"regexp"
	"strings"
	"unicode"
)

// Words is text as comparable words: lower case, no punctuation, every number as its single digits however it was written
// ("9:30", "nine thirty"), common abbreviations written out.
func Words(text string) []string {
	text = strings.NewReplacer("’", "'", "–", "-", "—", " ", "&", " and ", "%", " percent ", "@", " at ").Replace(strings.ToLower(text))
	for _, r := range rewrites {
		text = r.from.ReplaceAllString(text, r.to)
	}
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' })
	out := words[:0]
	for _, w := range words {
		if w = strings.ReplaceAll(w, "'", ""); w == "" || w == "oclock" {
			continue
		}
		if full, ok := abbreviations[w]; ok {
			w = full
		}
		out = append(out, w)
	}
	return numbers(out)
}

type rewrite struct {
	from *regexp.Regexp
	to   string
}

// rewrites turn what is written with signs into words that carry the same sound.
var rewrites = []rewrite{
	{regexp.MustCompile(`(\d),(\d\d\d)`), "$1$2"},
	{regexp.MustCompile(`\$(\d+)\.(\d\d)\b`), "$1 dollars $2 cents"},
	{regexp.MustCompile(`\$(\d+)`), "$1 dollars"},
	{regexp.MustCompile(`(\d):00\b`), "$1"},
	{regexp.MustCompile(`(\d)\.(\d)`), "$1 point $2"},
	{regexp.MustCompile(`\b([ap])\.? ?m\b\.?`), "${1}m"},
	{regexp.MustCompile(`(\d)([ap]m)\b`), "$1 $2"},
	{regexp.MustCompile(`(\d)(st|nd|rd|th)\b`), "$1 th"},
}

var abbreviations = map[string]string{"mr": "mister", "mrs": "missus", "dr": "doctor", "ok": "okay", "st": "street", "vs": "versus"}
