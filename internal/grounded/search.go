package grounded

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strings"
)

// candidate is a fact that may answer a question.
type candidate struct {
	fact  *fact
	score float64
	own   float64 // how much of the question the sentence itself covers, 0 to 1
}

// found is what a search gives: sentences to say, or topics to choose from, or nothing.
type found struct {
	facts   []*fact
	choose  []string
	settled bool // nothing else is to be looked for
	unsure  bool // they may answer it
}

func (f found) ok() bool { return f.settled || len(f.facts) > 0 || len(f.choose) > 0 }

// Weights of the search, settled on the tuning dialogues.
const (
	coverOwn     = 1.0  // the word itself stands in the sentence
	coverSense   = 0.95 // a word of the same sense
	coverLean    = 0.9  // it stands in the sentence that this one leans on
	coverHeard   = 0.8  // a word that sounds like it
	coverAround  = 0.6  // it stands in the subject, the heading or the sentence before
	coverNearby  = 0.3  // it stands elsewhere in the same training
	bonusWeak    = 0.25
	bonusMust    = 0.15 // asked what one has to do, told what one has to do
	bonusSelf    = 0.4  // a word of the business's own name
	bonusDays    = 0.3
	bonusTopic   = 0.25
	bonusExactly = 0.3  // it is the one sentence that was spoken of
	malusLength  = 0.02 // for each word of the sentence that was not asked for
	maxLike      = 0.08 // what likeness may add: it decides between near equals only
	closeEnough  = 0.12 // score within which two answers are close
	maxSentences = 2
	maxOpenings  = 3
)

// rarity weighs a word by how few of all sentences hold it.
func rarity(holding, all int) float64 {
	return math.Log(1 + float64(all)/float64(max(holding, 1)))
}

func (k *knowledge) weight(s string) float64 {
	if w, ok := k.rarity[s]; ok {
		return w
	}
	return rarity(1, max(len(k.facts), 1))
}

// covers says how well a fact covers a word: by itself, and with what stands around it.
func (k *knowledge) covers(n key, f *fact) (own, all float64) {
	own = k.coverIn(n, f.own)
	if own == 0 && f.leansOn != nil {
		own = coverLean * k.coverIn(n, f.leansOn.own)
	}
	if own > 0 {
		return own, own
	}
	return 0, coverAround * k.coverIn(n, f.around)
}

func (k *knowledge) coverIn(n key, set map[string]bool) float64 {
	if set[n.stem] && !k.onlyName(n) {
		return coverOwn
	}
	best := 0.0
	for s := range set {
		switch {
		case s == n.stem:
		case akin(n.stem, s) || english().answers(n.stem, s) && !k.names[s]:
			return coverSense
		case best == 0 && !k.names[s] && len(english().senses[n.stem]) == 0 && (alike(n.stem, s) || k.misheard(n, s)):
			best = coverHeard
		}
	}
	return best
}

// onlyName says that a word of daily use stands in the texts only as somebody's surname, which was not said: to park is not Helen Park.
func (k *knowledge) onlyName(n key) bool {
	return k.names[n.stem] && len(english().senses[n.stem]) > 0 && !k.pairs[[2]string{n.prev, n.stem}]
}

// knows says whether any fact speaks of a word.
func (k *knowledge) knows(n key) bool {
	return slices.ContainsFunc(k.facts, func(f *fact) bool { _, all := k.covers(n, f); return all > 0 })
}

// misheard says whether a word of the question is what a recognizer made of s: it sounds nearly like it and stands beside the same word.
func (k *knowledge) misheard(n key, s string) bool {
	if k.known[n.stem] || english().stop[s] || !soundsNear(n.stem, s) {
		return false
	}
	if n.prev != "" && !english().stop[n.prev] && k.pairs[[2]string{n.prev, s}] {
		return true
	}
	return n.next != "" && !english().stop[n.next] && k.pairs[[2]string{s, n.next}]
}

// search finds the sentences that answer a question. topic is what was spoken of last, vector the question's embedding or nil.
func (k *knowledge) search(q question, topic []*fact, vector []float32) found {
	q = q.without(k.self)
	if reStatus.MatchString(strings.Join(q.ws, " ")) {
		return found{}
	}
	strict := k.strictly(q, topic, vector)
	if strict.settled || len(strict.facts) > 0 {
		return strict
	}
	if f := k.loosely(q, topic, vector); f.ok() {
		return f
	}
	return strict
}

// reStatus asks how things stand with the caller's own order, which no text knows.
var reStatus = regexp.MustCompile(`^(?:is|are|has|have|did) my (?:\w+ ){1,3}(?:ready|arrived|finished|done|in|come|been|here|there|sent|shipped)(?: yet| already| now)?$`)

// strictly finds sentences that cover all that the question names.
func (k *knowledge) strictly(q question, topic []*fact, vector []float32) found {
	if len(q.context) > 0 {
		whole := q
		whole.keys, whole.context, whole.refers = slices.Concat(q.keys, q.context), nil, false
		if f := k.choose(whole, k.candidates(whole, k.facts, nil, vector)); f.ok() {
			return f
		}
		q.refers = false // what it stands for was said just now
	}
	if q.refers && len(topic) == 0 && len(q.keys)+len(q.prior) == 0 && q.kind&(kindPrice|kindOpen) == 0 {
		return found{}
	}
	if q.refers && len(topic) > 0 {
		if f := k.pick(q, k.candidates(q, sameTopic(k.facts, topic), topic, vector)); f.ok() {
			return f
		}
		if len(q.prior) > 0 && (len(q.keys) > 0 || q.kind != kindAny) {
			whole := q
			whole.keys, whole.prior, whole.refers = slices.Concat(q.keys, q.prior), nil, false
			if f := k.choose(whole, k.candidates(whole, k.facts, nil, vector)); f.ok() {
				return f
			}
		}
		if len(q.keys) < 2 {
			return found{}
		}
	}
	for _, n := range q.aside {
		if !k.knows(n) {
			return found{}
		}
		q.weak = append(slices.Clip(q.weak), n.stem)
	}
	if f := k.whatWeDo(q); f.ok() {
		return f
	}
	if q.kind == kindPlace && len(q.keys) == 0 && !slices.Contains(q.ws, "my") {
		q.kind = kindAddress
	}
	if q.kind == kindAddress || q.kind == kindOpen && len(q.keys) == 0 {
		if f := k.aboutUs(q); f.ok() {
			return f
		}
	}
	pool := k.candidates(q, k.facts, topic, vector)
	if len(q.keys) == 0 && len(topic) > 0 && !q.asksOfUs() && (len(pool) == 0 || !q.ranked(k, pool[0].fact)) {
		if f := k.pick(q, k.candidates(q, sameTopic(k.facts, topic), topic, vector)); f.ok() {
			return f
		}
	}
	return k.choose(q, pool)
}

// asksOfUs says that a question without a key is about the business as a whole.
func (q question) asksOfUs() bool { return q.kind&(kindOpen|kindAddress) != 0 }

// sameTopic keeps the facts of the trainings that were spoken of, and of the description the neighbours of what was said.
func sameTopic(facts, topic []*fact) []*fact {
	var out []*fact
	for i, f := range facts {
		near := slices.ContainsFunc(facts[max(0, i-2):min(len(facts), i+3)], func(n *fact) bool {
			return n.topic == f.topic && slices.Contains(topic, n)
		})
		if near || f.within(topic) || f.leansOn != nil && slices.Contains(topic, f.leansOn) {
			out = append(out, f)
		}
	}
	return out
}

// within says whether a fact stands in a training that was spoken of.
func (f *fact) within(topic []*fact) bool {
	return f.topic > 0 && slices.ContainsFunc(topic, func(t *fact) bool { return t.topic == f.topic })
}

// candidates judges each fact; only those that cover every key and hold the kind of value asked for remain.
func (k *knowledge) candidates(q question, facts, topic []*fact, vector []float32) []candidate {
	var out []candidate
	mean := meanLikeness(k.facts, vector)
	for _, f := range facts {
		c, ok := k.judge(q, f)
		if !ok {
			continue
		}
		if slices.Contains(topic, f) || f.within(topic) {
			if q.refers || q.goesOn || len(q.keys) == 0 {
				c.score += bonusTopic
			}
			if q.refers && q.days == 0 && len(topic) == 1 && slices.Contains(topic, f) {
				c.score += bonusExactly
			}
		}
		if vector != nil && f.vector != nil {
			c.score += maxLike * max(-1, min(1, (dot(vector, f.vector)-mean)/k.likeness))
		}
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	return out
}

func (k *knowledge) judge(q question, f *fact) (candidate, bool) {
	c := candidate{fact: f}
	if f.identity && q.kind&(kindAddress|kindPlace|kindDistance|kindSince) == 0 {
		return c, false
	}
	if !q.fits(f) {
		return c, false
	}
	if len(q.keys) == 0 && q.kind == kindAny && q.days == 0 && !k.coversWeak(q, f) {
		return c, false
	}
	if q.kind != kindAny && len(q.keys) == 0 && len(q.named) > 0 && q.kind&(kindOpen|kindAddress|kindPrice|kindTime) == 0 &&
		!slices.ContainsFunc(q.named, func(n key) bool { _, all := k.covers(n, f); return all > 0 }) {
		return c, false
	}
	var total, own, all float64
	hit := slices.ContainsFunc(q.keys, func(n key) bool { return k.coverIn(n, f.own) > 0 })
	for _, n := range q.keys {
		o, a := k.covers(n, f)
		if a == 0 && q.kind&^(kindAge|kindNeed|kindPlace) == 0 && hit && f.topic > 0 && k.coverIn(n, k.trainings[f.topic]) > 0 {
			a = coverNearby
		}
		if a == 0 && monthStems[n.stem] && f.holds&kindMonth != 0 {
			a = coverNearby
		}
		if a == 0 && (n.circumstance || k.domain[n.stem] && q.kind == kindAny && q.filed(f)) {
			continue
		}
		if a == 0 {
			return c, false
		}
		w := k.weight(n.stem)
		total, own, all = total+w, own+w*o, all+w*a
	}
	if total > 0 {
		c.own, c.score = own/total, all/total
	}
	c.score += k.rank(q, f)
	return c, true
}

// coversWeak says whether a question of weak words only is met by all of them.
func (k *knowledge) coversWeak(q question, f *fact) bool {
	hit, missed := 0, 0
	for _, s := range q.weak {
		switch {
		case k.coverIn(key{stem: s}, f.own) > 0 || k.coverIn(key{stem: s}, f.around) > 0:
			hit++
		case !k.self[s] && !isNumber(s):
			missed++
		}
	}
	return hit > 0 && missed == 0
}

// filed says whether a word of the question stands both in the fact and in the subject it is filed under.
func (q question) filed(f *fact) bool {
	return slices.ContainsFunc(q.keys, func(n key) bool { return f.own[n.stem] && f.around[n.stem] })
}

// fits says whether a fact holds the kind of value that the question asks for.
func (q question) fits(f *fact) bool {
	if reSelling.MatchString(strings.Join(q.ws, " ")) && f.holds&kindPrice == 0 && !reSale.MatchString(strings.ToLower(f.text)) {
		return false
	}
	if q.kind == kindAny {
		return q.days == 0 || f.days != 0
	}
	if f.holds&q.kind != 0 {
		return true
	}
	switch q.kind {
	case kindOpen:
		return f.holds&kindTime != 0 && len(q.keys) > 0
	case kindPlace:
		return f.holds&kindAddress != 0
	}
	return false
}

// What is asked to be sold is answered by what has a price or is for sale.
var (
	reSelling = regexp.MustCompile(`^(?:\w+ )?(?:do|can|could) (?:you|i|we) (?:\w+ )?(?:sell|buy|purchase)\b`)
	reSale    = regexp.MustCompile(`\b(?:s[eo]ll?s?d?|selling|sale|buys?|bought|stock|available|carry|have|shop|offer)\b`)
)

// rank is what a fact gains by words that need not be covered and loses by what was not asked for.
func (k *knowledge) rank(q question, f *fact) float64 {
	r, hits := k.weakHits(q, f)
	extra := -hits
	for s := range f.own {
		if !english().stop[s] && !isNumber(s) {
			extra++
		}
	}
	return r - malusLength*float64(max(0, extra-len(q.keys)))
}

// weakHits is what a fact gains by words that need not be covered, by the days asked for, and by saying what one must.
func (k *knowledge) weakHits(q question, f *fact) (r float64, hits int) {
	self := 0.0
	for _, s := range q.weak {
		if k.self[s] && k.coverIn(key{stem: s}, f.own) > 0 {
			self = bonusSelf
			hits++
		} else if k.coverIn(key{stem: s}, f.own) > 0 {
			r += bonusWeak * min(1, k.weight(s)/3)
			hits++
		} else if k.coverIn(key{stem: s}, f.around) > 0 {
			r += bonusWeak / 4
		}
	}
	if q.days != 0 && f.days&q.days != 0 {
		r += bonusDays
	}
	if f.holds&kindNeed != 0 && reMust.MatchString(strings.Join(q.ws, " ")) {
		r += bonusMust
	}
	return r + self, hits
}

func meanLikeness(facts []*fact, vector []float32) (mean float64) {
	n := 0
	for _, f := range facts {
		if f.vector != nil && vector != nil {
			mean += dot(vector, f.vector)
			n++
		}
	}
	return mean / float64(max(n, 1))
}

func dot(a, b []float32) (sum float64) {
	for i := range min(len(a), len(b)) {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}
