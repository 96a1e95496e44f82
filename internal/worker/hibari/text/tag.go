package text

import "strings"

// tagger gives each token its part of speech (Penn Treebank): a word with one dominant tag has it from a dictionary, the others
// from the weights of an averaged perceptron.
type tagger struct {
	Tags    []string                      `json:"tags"`
	Single  map[string]string             `json:"tagdict"`
	Words   []string                      `json:"vocab"`
	Weights map[string]map[string]float64 `json:"weights"`

	frequent map[string]bool     // Words
	weights  map[string][]weight // Weights, by place of the tag
}

type weight struct {
	tag int
	w   float64
}

// pack turns the table as read into the one that is used, which is smaller.
func (t *tagger) pack() {
	t.frequent = make(map[string]bool, len(t.Words))
	for _, w := range t.Words {
		t.frequent[w] = true
	}
	place := map[string]int{}
	for i, tag := range t.Tags {
		place[tag] = i
	}
	t.weights = make(map[string][]weight, len(t.Weights))
	for f, tags := range t.Weights {
		ws := make([]weight, 0, len(tags))
		for tag, w := range tags {
			if i, ok := place[tag]; ok {
				ws = append(ws, weight{i, w})
			}
		}
		t.weights[f] = ws
	}
	t.Words, t.Weights = nil, nil
}

func (t *tagger) tag(words []string) []string {
	window := make([]string, 0, len(words)+4)
	window = append(window, "-START2-", "-START-")
	for _, w := range words {
		window = append(window, t.seen(w))
	}
	window = append(window, "-END-", "-END2-")
	out := make([]string, len(words))
	before, before2 := "-START-", "-START2-"
	for i, w := range words {
		tag, ok := t.Single[w]
		if !ok {
			tag = t.predict(features(i, w, window[i:i+5], before, before2))
		}
		out[i] = tag
		before, before2 = tag, before
	}
	return out
}

// features describes a word: itself, its neighbours (window: two before, itself, two behind) and the tags before it.
func features(i int, w string, window []string, before, before2 string) [16]string {
	at := "i+"
	if i == 0 {
		at = "i0"
	}
	return [16]string{"b", "s3=" + ending(w, 3), "p1=" + string(first(w)), "w=" + window[2], "sh=" + shape(w), at,
		"t-1=" + before, "t-2=" + before2, "t-12=" + before + "," + before2,
		"w-1=" + window[1], "s3-1=" + ending(window[1], 3), "w-2=" + window[0],
		"w+1=" + window[3], "s3+1=" + ending(window[3], 3), "w+2=" + window[4]}
}

func (t *tagger) predict(features [16]string) string {
	scores, known := make([]float64, len(t.Tags)), false
	for _, f := range features {
		for _, w := range t.weights[f] {
			scores[w.tag] += w.w
			known = true
		}
	}
	if !known {
		return "NN"
	}
	best := 0
	for i := range scores {
		if scores[i] > scores[best] || scores[i] == scores[best] && t.Tags[i] > t.Tags[best] {
			best = i
		}
	}
	return t.Tags[best]
}

// seen is a word as its neighbours see it: a rare one by its shape alone.
func (t *tagger) seen(w string) string {
	n := strings.ToLower(w)
	switch {
	case strings.Contains(w, "-") && w[0] != '-':
		n = "!HYPHEN"
	case len([]rune(w)) == 4 && decimals(w):
		n = "!YEAR"
	case decimals(string(first(w))):
		n = "!DIGITS"
	}
	if t.frequent[n] {
		return n
	}
	return "<" + shape(w) + ">"
}

func shape(w string) string {
	switch {
	case alpha(w):
		rest := strings.TrimPrefix(w, string(first(w)))
		switch {
		case lower(w) && !upper(w):
			return "x"
		case upper(w) && !lower(w) && rest != "":
			return "XX"
		case upper(w) && !lower(w):
			return "X1"
		case upper(string(first(w))) && !lower(string(first(w))) && lower(rest) && !upper(rest):
			return "Xx"
		}
		return "xX"
	case decimals(w):
		return "d"
	}
	var b strings.Builder
	for i, r := range []rune(w) {
		switch {
		case i == 4:
			return b.String()
		case decimals(string(r)):
			b.WriteByte('d')
		case alpha(string(r)):
			b.WriteByte('x')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
