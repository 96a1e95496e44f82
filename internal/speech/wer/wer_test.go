package wer_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/parley-voice/parley/internal/speech/wer"
)

func TestCount(t *testing.T) {
	for _, c := range []struct {
		name, reference, hypothesis string
		wrong, of                   int
	}{
		{"equal but for case and punctuation", "He was not an ill-disposed man.", "he was not an ill disposed man", 0, 7},
		{"a changed word", "go forward ten meters", "go forward ten miles", 1, 5},
		{"a missing word", "go forward ten meters", "go ten meters", 1, 5},
		{"an added word", "go forward", "go forward now", 1, 2},
		{"all of them", "a b c d", "a x d e", 3, 4},
		{"nothing heard", "are you there", "", 3, 3},
		{"nothing said", "", "thank you", 2, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if wrong, of := wer.Count(c.reference, c.hypothesis); wrong != c.wrong || of != c.of {
				t.Errorf("got %d of %d, want %d of %d", wrong, of, c.wrong, c.of)
			}
		})
	}
}

func TestWrittenAndSpokenNumbersAreEqual(t *testing.T) {
	for _, c := range []struct{ written, spoken string }{
		{"60", "sixty"},
		{"$60", "sixty dollars"},
		{"$45.50", "forty-five dollars fifty cents"},
		{"9:30 a.m.", "nine thirty am"},
		{"9:00", "nine o'clock"},
		{"10am", "ten a.m."},
		{"29340", "two nine three four zero"},
		{"505", "five oh five"},
		{"105", "one hundred and five"},
		{"1,200", "one thousand two hundred"},
		{"1,200", "twelve hundred"},
		{"2026", "two thousand twenty six"},
		{"1980", "nineteen eighty"},
		{"2,000,000", "two million"},
		{"March 21st", "March twenty first"},
		{"the 3rd", "the third"},
		{"3.5%", "three point five percent"},
		{"Dr. Smith & Mr. Jones", "doctor smith and mister jones"},
	} {
		t.Run(c.written, func(t *testing.T) {
			if a, b := wer.Words(c.written), wer.Words(c.spoken); !slices.Equal(a, b) {
				t.Errorf("%q against %q", a, b)
			}
		})
	}
}

func TestWordsThatAreNoNumbersStay(t *testing.T) {
	got := strings.Join(wer.Words("Oh, a hundred thanks and one more and you"), " ")
	if want := "oh a hundred thanks and 1 more and you"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRate(t *testing.T) {
	for _, c := range []struct {
		reference, hypothesis string
		want                  float64
	}{{"", "", 0}, {"", "you", 1}, {"a b", "a", 0.5}, {"a", "b c", 2}} {
		if got := wer.Rate(c.reference, c.hypothesis); got != c.want {
			t.Errorf("%q against %q: %v, want %v", c.reference, c.hypothesis, got, c.want)
		}
	}
}

func FuzzWordsAreStable(f *testing.F) {
	f.Add("Call 555-0100 at 9:30 a.m., it's $12.50!")
	f.Add("twenty oh hundred thousand and")
	f.Fuzz(func(t *testing.T, s string) {
		if wrong, _ := wer.Count(s, s); wrong != 0 {
			t.Errorf("%q differs from itself", s)
		}
	})
}
