package hibari

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestPieces(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("wˌi ˈOpᵊn æt ˈAt, ænd kˈlOz æt sˈɪks, ", 8))
	for _, c := range []struct {
		rule, ps string
		first    bool
		n        int
	}{
		{"a short sentence is whole", "həlˈO ðˈɛɹ.", true, 1},
		{"a long one begins with a short piece", long, true, 3},
		{"a later one has longer pieces", long, false, 2},
		{"without a comma it stays whole while it may", strings.Repeat("ˈab ", 40), true, 1},
		{"and is cut between words then", strings.Repeat("ˈab ", 60), true, 2},
		{"or inside one that never ends", strings.Repeat("ə", 450), false, 3},
		{"a short rest is not cut off", strings.Repeat("ˈab ", 16) + "ab, ˈab ab.", true, 1},
	} {
		got := pieces(c.ps, c.first)
		if len(got) != c.n {
			t.Errorf("%s: %d pieces: %q", c.rule, len(got), got)
		}
		for _, p := range got {
			if n := utf8.RuneCountInString(p); n > laterPiece || n == 0 {
				t.Errorf("%s: a piece of %d phonemes", c.rule, n)
			}
		}
		if a, b := strings.Join(strings.Fields(strings.Join(got, " ")), ""), strings.Join(strings.Fields(c.ps), ""); a != b {
			t.Errorf("%s: phonemes were lost", c.rule)
		}
	}
}

func TestRuns(t *testing.T) {
	for _, c := range []struct {
		rule, text string
		n          int
	}{
		{"a sentence is one", "How are you?", 1},
		{"a long text is cut between words", strings.TrimSpace(strings.Repeat("word ", 450)), 3},
		{"and between characters if there are no words", strings.Repeat("漢", 1000), 4},
		{"bytes that are no characters do no harm", strings.Repeat("\x80", 2500), 3},
	} {
		got := runs(c.text)
		if len(got) != c.n || strings.ReplaceAll(strings.Join(got, ""), " ", "") != strings.ReplaceAll(c.text, " ", "") {
			t.Errorf("%s: %d runs", c.rule, len(got))
		}
		for _, r := range got {
			if len(r) > longRun || utf8.ValidString(c.text) && !utf8.ValidString(r) || strings.HasPrefix(r, "ord") {
				t.Errorf("%s: %d bytes: %.10q", c.rule, len(r), r)
			}
		}
	}
}

func TestProtect(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"The answer is no.", "The answer is [no](/nˈO/)."},
		{"Line no. 5 it is.", "Line no. 5 it is."},
		{"S, A, R, A, H", "S, [A](/ˈA/), R, [A](/ˈA/), H"},
		{"A B and a plan A", "[A](/ˈA/) B and a plan [A](/ˈA/)"},
		{"A table at eight A.M", "A table at eight A.M"},
		{"part C of type IV", "part [C](/sˈi/) of type IV"},
	} {
		if got := protect(c.text); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

func TestFinish(t *testing.T) {
	for _, c := range []struct{ ps, sentence, want string }{
		{"ˌAˈɛm", "at eight A.M.", "ˌAˈɛm."},
		{"plˈiz.", "please.", "plˈiz."},
		{"plˈiz,", "please,", "plˈiz,"},
		{"", ".", ""},
	} {
		if got := finish(c.ps, c.sentence); got != c.want {
			t.Errorf("%q: %q, want %q", c.sentence, got, c.want)
		}
	}
}

func TestTrim(t *testing.T) {
	sound := func(blocks int, v float32) []float32 {
		out := make([]float32, blocks*block)
		for i := range out {
			out[i] = v
		}
		return out
	}
	whole := append(append(append(sound(30, 0), sound(10, 0.1)...), append(sound(20, 0), sound(5, 0.1)...)...), sound(40, 0)...)
	for _, step := range []int{100, block, 7*block + 1, len(whole)} {
		var tr trimmer
		var got []float32
		for at := 0; at < len(whole); at += step {
			got = tr.pass(got, whole[at:min(at+step, len(whole))])
		}
		if got = tr.end(got); len(got) < 36*block || len(got) > 37*block { // a block before, 10 of sound, 20 of pause, 5 of sound, a block behind
			t.Errorf("in steps of %d: %d blocks are left", step, len(got)/block)
		}
		if rest := tr.end(tr.pass(nil, sound(3, 0))); len(rest) > 0 {
			t.Errorf("silence alone gave %d samples", len(rest))
		}
	}
}

func TestPause(t *testing.T) {
	for ps, want := range map[string]time.Duration{"nˈO.": 280 * time.Millisecond, "nˈO.”": 280 * time.Millisecond, "wˈɛl,": 150 * time.Millisecond,
		"wˈɛl —": 150 * time.Millisecond, "wˈɛl": 60 * time.Millisecond, "": 60 * time.Millisecond} {
		if got := pause(ps); got != want {
			t.Errorf("%s: %v, want %v", ps, got, want)
		}
	}
}
