package grounded

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strings"
)

// What speaks for a sentence as the answer, in units of log odds: a logistic regression over the dialogues of four folders of testdata,
// in which the sentences that hold the fact asked for are the ones that answer.
const (
	oddsAtFirst   = -5.1
	oddsLike      = 1.3   // per unit of the embedder's scale that it is more like the question than the mean sentence
	oddsBehind    = 0.85  // per unit that it is less like it than the best one
	oddsFits      = 1.25  // it holds the kind of value asked for
	oddsNamed     = 2.2   // all that the question names stands in it
	oddsNothing   = 1.15  // the question names nothing
	oddsSpoken    = 1.0   // the question leans on what was spoken of, and it belongs to that
	oddsCommon    = 0.85  // it holds all the words of daily use
	oddsAnyKind   = -0.45 // the question asks for no kind of value
	oddsFound     = 2.6   // the search by words found it
	oddsElsewhere = -0.55 // that search found something
	oddsLong      = -0.03 // per word
)

// How likely an answer has to be.
const (
	surely     = 0.55 // to be said outright when the search by words found it
	plainly    = 0.75 // and when it did not
	perMissing = 0.12 // more for each word that is missing
	maybe      = 0.07 // to be told with a caveat
	nearly     = 0.4  // share of the best one's likelihood with which a second one is told as well
)

// belief is how likely it is that a fact answers.
type belief struct {
	fact  *fact
	share float64
}

// weighed judges what the search by words found, and the sentences that it did not find, by all that speaks for them together. What
// surely answers is left as it is, what may answer is told with a caveat. Without a vector only the search by words counts.
func (k *knowledge) weighed(q question, topic []*fact, vector []float32, by found) found {
	if vector == nil || by.settled {
		return by
	}
	all := k.beliefs(q.without(k.self), topic, vector, by)
	if len(all) == 0 {
		return by
	}
	for _, b := range all {
		if slices.Contains(by.facts, b.fact) && b.share >= k.enough(q, b.fact, surely) {
			return by
		}
	}
	best := all[0]
	if best.share >= k.enough(q, best.fact, plainly) {
		return found{facts: []*fact{best.fact}}
	}
	if len(by.choose) > 0 || best.share < maybe {
		return found{choose: by.choose}
	}
	out := found{facts: []*fact{best.fact}, unsure: true}
	if len(all) > 1 && all[1].share > nearly*best.share {
		out.facts = append(out.facts, all[1].fact)
	}
	slices.SortFunc(out.facts, func(a, b *fact) int { return cmp.Compare(slices.Index(k.facts, a), slices.Index(k.facts, b)) })
	return out
}

// beliefs weighs all facts, the likeliest first.
func (k *knowledge) beliefs(q question, topic []*fact, vector []float32, by found) []belief {
	mean, best := meanLikeness(k.facts, vector), 0.0
	for _, f := range k.facts {
		best = max(best, dot(vector, f.vector)-mean)
	}
	var out []belief
	for _, f := range k.facts {
		if f.vector == nil || f.identity && !slices.Contains(by.facts, f) {
			continue
		}
		like := dot(vector, f.vector) - mean
		odds := (oddsLike*like - oddsBehind*(best-like)) / k.likeness
		odds += oddsAtFirst + k.oddsByWords(q, f, topic, by)
		out = append(out, belief{f, 1 / (1 + math.Exp(-odds))})
	}
	slices.SortStableFunc(out, func(a, b belief) int { return cmp.Compare(b.share, a.share) })
	return out
}

// oddsByWords is what the words say for a fact.
func (k *knowledge) oddsByWords(q question, f *fact, topic []*fact, by found) float64 {
	odds := oddsLong * float64(min(len(f.own), 25))
	if q.nearlyFits(f) {
		odds += oddsFits
	}
	if q.kind == kindAny {
		odds += oddsAnyKind
	}
	if len(q.keys) == 0 {
		odds += oddsNothing
	}
	own, total := 0.0, 0.0
	for _, n := range q.keys {
		o, _ := k.covers(n, f)
		own, total = own+o*k.weight(n.stem), total+k.weight(n.stem)
	}
	odds += oddsNamed * own / max(total, 0.01)
	common := k.commonCover(q, f)
	odds += oddsCommon * common.hit / max(common.all, 0.5)
	if (q.refers || q.goesOn || len(q.keys) == 0) && (slices.Contains(topic, f) || f.within(topic)) {
		odds += oddsSpoken
	}
	if len(by.facts) > 0 {
		odds += oddsElsewhere
	}
	if slices.Contains(by.facts, f) {
		odds += oddsFound
	}
	return odds
}

// reYesNo begins a question that is answered by yes or no.
var reYesNo = regexp.MustCompile(`^(?:do|does|did|is|are|was|were|can|could|may|might|would|will|should|have|has) `)

// enough is how likely a fact must be to be said outright: more for each word of the question that it does not hold. Yes and no are not
// said at all then: renting out shoes is not selling them, and keeping the books of a company not setting one up.
func (k *knowledge) enough(q question, f *fact, least float64) float64 {
	yesNo := reYesNo.MatchString(strings.Join(q.ws, " ") + " ")
	for i, w := range q.ws {
		if yesNo && i < 2 || english().stop[w] && !reDeal.MatchString(w) || isNumber(w) || k.self[stem(w)] {
			continue
		}
		if _, all := k.covers(key{stem: stem(w)}, f); all > 0 {
			continue
		}
		if q.kind == kindAny && (yesNo || !q.asks) {
			return math.Inf(1)
		}
		least += perMissing
	}
	return least
}

// reDeal are verbs that say nothing in other questions.
var reDeal = regexp.MustCompile(`^(?:sell|sold|provide|handle)$`)
