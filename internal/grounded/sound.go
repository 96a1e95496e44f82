package grounded

import "strings"

var digraphs = strings.NewReplacer("tch", "x", "sch", "sk", "sh", "x", "ch", "x", "ph", "f", "ck", "k", "gh", "", "kn", "n", "wr", "r", "th", "0",
	"qu", "kw", "dge", "j")

// skeleton reduces a word to the consonants that are heard, so that spellings of one sound fall together.
func skeleton(w string) string {
	w = digraphs.Replace(w)
	var out []byte
	for i := 0; i < len(w); i++ {
		c := w[i]
		soft := i+1 < len(w) && strings.IndexByte("eiy", w[i+1]) >= 0
		switch c {
		case 'a', 'e', 'i', 'o', 'u', 'y', 'h', 'w':
			if i > 0 {
				continue
			}
			c = 'a'
		case 'c':
			c = 'k'
			if soft {
				c = 's'
			}
		case 'q':
			c = 'k'
		case 'z':
			c = 's'
		case 'g':
			if soft {
				c = 'j'
			}
		}
		if len(out) == 0 || out[len(out)-1] != c {
			out = append(out, c)
		}
	}
	return string(out)
}

// alike says whether b may be what a recognizer or a hasty speller made of a: it sounds the same and few letters differ.
func alike(a, b string) bool {
	short := min(len(a), len(b))
	if short < 5 || isNumber(a) || isNumber(b) || abs(len(a)-len(b)) > 2 {
		return false
	}
	return skeleton(a) == skeleton(b) && distance(a, b) <= (short+1)/3
}

// akin says whether one stem goes on from the other: "regist" and "registr".
func akin(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return len(a) >= 5 && a != b && strings.HasPrefix(b, a) && !isNumber(a)
}

// soundsNear is weaker than alike: the first sound agrees and one other may differ. It takes a neighbour to believe it.
func soundsNear(a, b string) bool {
	if len(a) < 4 || len(b) < 4 || isNumber(a) || isNumber(b) {
		return false
	}
	x, y := skeleton(a), skeleton(b)
	return x != "" && y != "" && x[0] == y[0] && distance(x, y) <= 1
}

func abs(n int) int { return max(n, -n) }
