package grounded

import "strings"

// rejoin puts together what a recognizer took apart: "tan dem" where the texts say tandem. Two words that are both at home in the texts
// or in daily use stay as they are.
func (k *knowledge) rejoin(text string) string {
	ws := strings.Fields(text)
	for i := 0; i+1 < len(ws); i++ {
		a, b := strings.ToLower(ws[i]), strings.ToLower(ws[i+1])
		if k.usual(a) && k.usual(b) || len(a)+len(b) < 6 {
			continue
		}
		if whole, ok := k.written(a + b); ok {
			ws[i] = whole
			ws = append(ws[:i+1], ws[i+2:]...)
		}
	}
	return strings.Join(ws, " ")
}

// usual says that a word stands in the texts or is one of English that needs no mending.
func (k *knowledge) usual(w string) bool {
	l := english()
	return k.vocabulary[w] || l.stop[w] || l.ranksOnly(w) && !k.startsWord(w) || len(l.senses[stem(w)]) > 0 && !k.startsWord(w)
}

func (k *knowledge) startsWord(w string) bool {
	for v := range k.vocabulary {
		if len(w) > 3 && len(v) > len(w) && strings.HasPrefix(v, w) {
			return true
		}
	}
	return false
}

// written finds the word of the texts that is written or sounds like w; the first in the alphabet of several.
func (k *knowledge) written(w string) (best string, ok bool) {
	if k.vocabulary[w] {
		return w, true
	}
	for v := range k.vocabulary {
		if len(v) > 5 && skeleton(v) == skeleton(w) && distance(v, w) <= 2 && (best == "" || v < best) {
			best = v
		}
	}
	return best, best != ""
}
