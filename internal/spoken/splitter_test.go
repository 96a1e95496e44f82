package spoken_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/parley-voice/parley/internal/spoken"
)

// stream feeds text in pieces of n bytes, as a model would.
func stream(text string, n int) (out []string) {
	var s spoken.Splitter
	for len(text) > 0 {
		k := min(n, len(text))
		out = append(out, s.Add(text[:k])...)
		text = text[k:]
	}
	return append(out, s.Flush()...)
}

func TestSplitter(t *testing.T) {
	for _, c := range []struct {
		rule, text string
		want       []string
	}{
		{"sentences are cut apart", "Hello there. How are you? Fine!", []string{"Hello there.", "How are you?", "Fine!"}},
		{"the first clause may end at a comma after three words", "Thanks for calling, how can I help?", []string{"Thanks for calling,", "how can I help?"}},
		{"but not after two", "Good morning, how can I help?", []string{"Good morning, how can I help?"}},
		{"a later clause is longer", "Yes. We have Monday, Tuesday, and Wednesday at nine, and also Friday in the afternoon.",
			[]string{"Yes.", "We have Monday, Tuesday, and Wednesday at nine,", "and also Friday in the afternoon."}},
		{"a short rest stays with its clause", "Yes. Could you tell me your full name, please? Thanks.",
			[]string{"Yes.", "Could you tell me your full name, please?", "Thanks."}},
		{"a number is whole", "That makes 1,200.50 dollars. Good?", []string{"That makes 1,200.50 dollars.", "Good?"}},
		{"a sentence may end in a number", "It costs $60. Shall I book it?", []string{"It costs $60.", "Shall I book it?"}},
		{"a date keeps its year", "You are booked for November 28, 2026, at nine.", []string{"You are booked for November 28, 2026,", "at nine."}},
		{"a clock time is whole", "We open at 8:30 and close at 17:00.", []string{"We open at 8:30 and close at 17:00."}},
		{"a title is no end", "You are seeing Dr. Lee. She is nice.", []string{"You are seeing Dr. Lee.", "She is nice."}},
		{"an initial is no end", "This is J. Smith. Hello.", []string{"This is J. Smith.", "Hello."}},
		{"a street is no end", "We are at 12 Main St. Suite 4. Come in.", []string{"We are at 12 Main St. Suite 4.", "Come in."}},
		{"a.m. ends a sentence before a capital", "We open at 8 a.m. Please come early.", []string{"We open at 8 a.m.", "Please come early."}},
		{"but not before a weekday", "We open at 8 a.m. Monday to Friday.", []string{"We open at 8 a.m. Monday to Friday."}},
		{"nor before a small letter", "We open at 8 a.m. on Monday.", []string{"We open at 8 a.m. on Monday."}},
		{"no is an answer", "No. We are closed.", []string{"No.", "We are closed."}},
		{"or a number", "Take line No. 5 to the end.", []string{"Take line No. 5 to the end."}},
		{"an e-mail address is whole", "Write to info@north-side.example.com. Thanks.", []string{"Write to info@north-side.example.com.", "Thanks."}},
		{"a spelled name is whole", "So that is Smith, S, M, I, T, H, right?", []string{"So that is Smith,", "S, M, I, T, H, right?"}},
		{"a line ends a clause", "Our hours\nMonday to Friday", []string{"Our hours", "Monday to Friday"}},
		{"a list's number goes with its item", "1. Call us\n2. Come in", []string{"1. Call us", "2. Come in"}},
		{"a quote closes behind its end", `He said "come in." Then he left.`, []string{`He said "come in."`, "Then he left."}},
		{"dots that trail are a pause", "Let me check that... one moment.", []string{"Let me check that...", "one moment."}},
		{"nothing to say is nothing", " \n … — ", nil},
		{"e.g. is no end", "We do cuts, e.g. short ones.", []string{"We do cuts,", "e.g. short ones."}},
		{"U.S. is no end", "All over the U.S. market.", []string{"All over the U.S. market."}},
	} {
		for _, n := range []int{1, 4, 1000} {
			if got := stream(c.text, n); !slices.Equal(got, c.want) {
				t.Errorf("%s: in pieces of %d: %q, want %q", c.rule, n, got, c.want)
			}
		}
	}
}

func TestSplitterIsEarly(t *testing.T) {
	var s spoken.Splitter
	for _, c := range []struct {
		piece string
		want  []string
	}{
		{"Sure", nil}, {"!", nil}, {" It", []string{"Sure!"}}, {" costs", nil}, {" $", nil}, {"60", nil}, {".", nil},
		{"5", nil}, {"0.", nil}, {" ", []string{"It costs $60.50."}}, {"OK", nil},
	} {
		if got := s.Add(c.piece); !slices.Equal(got, c.want) {
			t.Errorf("after %q: %q, want %q", c.piece, got, c.want)
		}
	}
	if got := s.Flush(); !slices.Equal(got, []string{"OK"}) {
		t.Errorf("flush: %q", got)
	}
	if got := s.Flush(); got != nil {
		t.Errorf("second flush: %q", got)
	}
}

func TestSplitterBoundsAClause(t *testing.T) {
	for _, c := range stream(strings.Repeat("word ", 100), 7) {
		if n := len(strings.Fields(c)); n > 40 {
			t.Errorf("a clause of %d words", n)
		}
	}
}

func FuzzSplitterKeepsText(f *testing.F) {
	f.Add("Hi, Dr. Who. 5 a.m. \n1. x", 3)
	f.Fuzz(func(t *testing.T, text string, n int) {
		squeeze := func(s string) string {
			return strings.Map(func(r rune) rune {
				if strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789", r) {
					return r
				}
				return -1
			}, s)
		}
		if got := strings.Join(stream(text, max(1, n)), " "); squeeze(got) != squeeze(text) {
			t.Errorf("%q became %q", text, got)
		}
	})
}
