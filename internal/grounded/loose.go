package grounded

import (
	"cmp"
	"slices"
)

// Weights of the looser search, settled on the tuning dialogues.
const (
	shareCommon  = 0.5  // what a word of daily use weighs beside one that names a thing
	shareUnknown = 0.3  // and one of daily use that the texts do not hold
	sharePrior   = 0.7  // and one of the question before, which this one may lean on
	bonusSpoken  = 0.35 // the sentence belongs to what was spoken of
	bonusNumber  = 0.5  // the number asked for stands in the sentence
	enoughWords  = 0.45 // share of a question of common words that a sentence has to cover
	looseClose   = 0.1  // score within which a second sentence is told as well
	mostLike     = 0.35 // what likeness may add here
)

// loosely finds the sentence that fits a question best when none fits it word by word. What the question names has to stand in the
// sentence, or near it; words of daily use only rank. It finds nothing when no word and nothing spoken of before speaks for a sentence.
func (k *knowledge) loosely(q question, topic []*fact, vector []float32) found {
	var pool []candidate
	mean := meanLikeness(k.facts, vector)
	for _, f := range k.facts {
		c, ok := k.weigh(q, f, topic)
		if !ok {
			continue
		}
		if vector != nil && f.vector != nil {
			c.score += mostLike * max(-1, min(1, (dot(vector, f.vector)-mean)/(2*k.likeness)))
		}
		pool = append(pool, c)
	}
	if len(pool) == 0 && q.kind == kindPlace && !slices.Contains(q.ws, "my") && !slices.ContainsFunc(q.keys, func(n key) bool { return !k.knows(n) }) {
		q.kind, q.keys = kindAddress, nil
		return k.aboutUs(q)
	}
	if len(pool) == 0 {
		return found{}
	}
	slices.SortStableFunc(pool, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	var facts []*fact
	for _, c := range pool[:min(len(pool), maxSentences)] {
		if pool[0].score-c.score <= looseClose && c.own >= pool[0].own-0.05 {
			facts = append(facts, c.fact)
		}
	}
	if q.days != 0 {
		facts = onDays(facts, q.days)
	}
	slices.SortStableFunc(facts, func(a, b *fact) int { return cmp.Compare(slices.Index(k.facts, a), slices.Index(k.facts, b)) })
	return found{facts: facts}
}

// weigh judges one fact for the looser search; false when it cannot answer.
func (k *knowledge) weigh(q question, f *fact, topic []*fact) (candidate, bool) {
	c := candidate{fact: f}
	if f.identity && q.kind&(kindAddress|kindPlace|kindDistance|kindSince) == 0 || !q.nearlyFits(f) {
		return c, false
	}
	own, all, total, ok := k.named(q, f)
	if !ok {
		return c, false
	}
	common := k.commonCover(q, f)
	leaning := q.refers || q.goesOn || len(q.keys) == 0
	spoken := leaning && (slices.Contains(topic, f) || f.within(topic) || f.leansOn != nil && slices.Contains(topic, f.leansOn))
	onDay := q.days != 0 && f.days&q.days != 0
	prior := k.priorCover(q, f)
	about := k.priorCover(question{context: q.context, aside: q.aside}, f)
	if q.kind == kindAny && q.days == 0 && total == 0 && common.hit+about.hit == 0 {
		return c, false
	}
	share := (all + common.hit + prior.hit) / max(total+common.all+prior.all, 0.01)
	switch {
	case total > 0, onDay && q.kind&^(kindOpen|kindTime) == 0, spoken && q.kind != kindAny, share >= enoughWords && common.hit+prior.hit > 0:
	default:
		return c, false
	}
	if total > 0 {
		c.own = own / total
	}
	c.score = share + k.rank(q, f)
	if spoken {
		c.score += bonusSpoken
	}
	for _, w := range q.weak {
		if isNumber(w) && f.own[w] {
			c.score += bonusNumber
		}
	}
	return c, true
}

// named weighs the words that name what is asked for; false when the fact lacks one that is not mere circumstance.
func (k *knowledge) named(q question, f *fact) (own, all, total float64, ok bool) {
	hit := slices.ContainsFunc(q.keys, func(n key) bool { return k.coverIn(n, f.own) > 0 })
	if len(q.keys) > 0 && !hit && q.kind == kindAny {
		return 0, 0, 0, false // a heading alone says neither yes nor no
	}
	for _, n := range q.keys {
		o, a := k.covers(n, f)
		if a == 0 && f.topic > 0 && hit && q.kind&(kindPrice|kindPerson) == 0 {
			a = coverNearby * k.coverIn(n, k.trainings[f.topic])
		}
		if a == 0 && (n.circumstance || hit && k.coverIn(n, k.trade) > 0) {
			continue
		}
		if a == 0 {
			return 0, 0, 0, false
		}
		w := k.weight(n.stem)
		own, all, total = own+w*o, all+w*a, total+w
	}
	return own, all, total, true
}

// cover is how much of a weight of words a fact holds.
type cover struct{ hit, all float64 }

// commonCover weighs the words of daily use.
func (k *knowledge) commonCover(q question, f *fact) (c cover) {
	for _, s := range q.weak {
		if isNumber(s) || english().shares(s, "price") {
			continue
		}
		n := key{stem: s}
		w := shareCommon * k.weight(s)
		_, a := k.covers(n, f)
		if a == 0 && !k.knows(n) {
			w = shareUnknown * k.weight(s)
		}
		c.all += w
		c.hit += w * a
	}
	return c
}

// priorCover weighs what the question before named, or the statement around this one.
func (k *knowledge) priorCover(q question, f *fact) (c cover) {
	for _, n := range slices.Concat(q.prior, q.context, q.aside) {
		_, a := k.covers(n, f)
		if a == 0 && !k.knows(n) {
			continue
		}
		w := sharePrior * k.weight(n.stem)
		c.all += w
		c.hit += w * a
	}
	return c
}

// nearlyFits is fits with a wider view of what may answer: a length of time may say when something is ready.
func (q question) nearlyFits(f *fact) bool {
	switch {
	case q.kind == kindOpen && len(q.keys) == 0 && !f.isOpen && q.days&f.days == 0:
		return false // when we are open is told by nothing else
	case q.days != 0 && q.kind&^(kindOpen|kindTime) == 0 && f.days == 0 && f.holds&kindMonth == 0:
		return false
	case q.fits(f):
		return true
	}
	switch q.kind {
	case kindTime, kindDuration, kindOpen, kindMonth:
		return f.holds&(kindTime|kindDuration|kindMonth) != 0 || f.days != 0
	case kindAge:
		return f.holds&kindCount != 0
	case kindDistance:
		return f.holds&kindDuration != 0
	case kindNeed:
		return true
	}
	return false
}
