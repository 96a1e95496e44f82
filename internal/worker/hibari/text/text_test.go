package text

import (
	"slices"
	"strings"
	"testing"
)

func TestStress(t *testing.T) {
	for _, c := range []struct {
		rule     string
		s        stress
		ps, want string
	}{
		{"as it is", asIs, "həlˈO", "həlˈO"},
		{"none takes all away", none, "ˌæftəɹnˈun", "æftəɹnun"},
		{"weaker makes primary secondary", weaker, "ˌæftəɹnˈun", "æftəɹnˌun"},
		{"weaker leaves a word without stress alone", weaker, "ðə", "ðə"},
		{"level gives it a secondary one, in front of the vowel", level, "ðə", "ðˌə"},
		{"stronger too", stronger, "ðə", "ðˌə"},
		{"stronger leaves stress alone", stronger, "həlˈO", "həlˈO"},
		{"loud makes secondary primary", loud, "ˌɪts", "ˈɪts"},
		{"loud stresses what has none", loud, "ðə", "ðˈə"},
		{"no vowel takes no stress", loud, "ʃ", "ʃ"},
	} {
		if got := c.s.apply(c.ps); got != c.want {
			t.Errorf("%s: %s, want %s", c.rule, got, c.want)
		}
	}
}

func TestSubtokens(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"hello", "hello"},
		{"iPhone", "i Phone"},
		{"HTMLCalendar", "HTMLCalendar"},
		{"ABig", "A Big"},
		{"B12", "B 12"},
		{"don't", "don't"},
		{"1,234.5", "1,234.5"},
		{"-5", "-5"},
		{"a-5", "a - 5"},
		{"1.", "1 ."},
		{"'tis", "' tis"},
		{"rock''n", "rock '' n"},
		{"x_y", "x _ y"},
		{"café²", "café²"},
		{"Me'Too", "Me'T oo"},
	} {
		if got := strings.Join(subtokens(c.text), " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
}

func TestTokens(t *testing.T) {
	k := tokenizer{special: map[string][]string{"don't": {"do", "n't"}, "10am": {"10", "am"}, "Sept.": {"Sept."}}}
	for _, c := range []struct{ text, want string }{
		{"Hello, world!", "Hello , world !"},
		{`("don't")`, `( " do n't " )`},
		{"10am.", "10 am ."},
		{"well-known", "well - known"},
		{"Anna's", "Anna 's"},
		{"$5.50.", "$ 5.50 ."},
		{"5km", "5 km"},
		{"wait...", "wait ..."},
		{"a,b", "a , b"},
		{"end.Begin", "end . Begin"},
		{"(Sept.)", "( Sept. )"},
		{"www.example.com/a-b", "www.example.com/a-b"},
		{"U.S.", "U.S."},
		{"NASA.", "NASA ."},
		{"+1 +a", "+1 + a"},
		{"", ""},
	} {
		var got []string
		for _, p := range k.tokens(c.text) {
			got = append(got, p.text)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%q: %q, want %q", c.text, s, c.want)
		}
	}
}

func TestSentences(t *testing.T) {
	e := &English{normalizer: normalizer{Titles: map[string]string{"Dr": "Dr"}}}
	for _, c := range []struct {
		text string
		want []string
	}{
		{"One. Two? Three!", []string{"One.", "Two?", "Three!"}},
		{"Dr. Lee is in.", []string{"Dr. Lee is in."}},
		{"J. Smith is in.", []string{"J. Smith is in."}},
		{"It is 5 p.m. now.", []string{"It is 5 p.m. now."}},
		{"A line\nand another", []string{"A line", "and another"}},
		{"He said \"no.\" Then he left.", []string{"He said \"no.", "Then he left."}},
		{"\n\n", nil},
	} {
		if got := e.Sentences(c.text); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

func TestNumbersInTokens(t *testing.T) {
	for _, c := range []struct {
		text string
		head bool
		want bool
	}{
		{"12", true, true}, {"1,234.5", true, true}, {"-5", true, true}, {"-5", false, false}, {"3rd", false, true}, {"90's", true, true},
		{"abc", true, false}, {"", true, false}, {"1a", true, false}, {"٣", true, false},
	} {
		if got := isNumber(c.text, c.head); got != c.want {
			t.Errorf("%s: %v", c.text, got)
		}
	}
	if got := foldDigits("٣४5x"); got != "345x" {
		t.Errorf("digits of other scripts: %s", got)
	}
}
