package grounded

import (
	"cmp"
	"slices"
	"strings"
)

// aboutUs answers where the business is and when it is open.
func (k *knowledge) aboutUs(q question) found {
	var out []*fact
	for _, f := range k.facts {
		switch {
		case q.kind == kindAddress && f.addressed() > 0 && k.coversAll(q, f):
			out = append(out, f)
		case q.kind == kindOpen && f.isOpen:
			out = append(out, f)
		}
	}
	if q.kind == kindOpen {
		out = onDays(out, q.days)
		return found{facts: out[:min(len(out), maxOpenings)]}
	}
	slices.SortStableFunc(out, func(a, b *fact) int { return cmp.Compare(b.addressed(), a.addressed()) })
	return found{facts: out[:min(len(out), 1)]}
}

// whatWeDo answers what the business does or offers, when its texts say so in a training of that name or in "We …" of the description.
func (k *knowledge) whatWeDo(q question) found {
	if len(q.keys) > 0 || !reWhatWeDo.MatchString(strings.Join(q.ws, " ")) {
		return found{}
	}
	var named, plain []*fact
	for _, f := range k.facts {
		switch {
		case f.topic > 0 && reServices.MatchString(strings.ToLower(f.subject)):
			named = append(named, f)
		case f.topic == 0 && strings.HasPrefix(f.text, "We ") && f.holds&(kindPrice|kindTime) == 0:
			plain = append(plain, f)
		}
	}
	if len(named) == 0 {
		named = plain
	}
	return found{facts: named[:min(len(named), maxOpenings)], settled: true}
}

// addressed ranks how far a fact tells where the business is: with a house number best; 0 when it does not.
func (f *fact) addressed() int {
	about := f.topic == 0 || reWhere.MatchString(strings.ToLower(f.subject)) || reOurPlace.MatchString(strings.ToLower(f.text))
	switch {
	case !about || f.holds&(kindAddress|kindPlace) == 0:
		return 0
	case reHouse.MatchString(strings.ToLower(f.text)) || reAddressName.MatchString(f.text):
		return 4
	case f.identity && f.holds&kindPlace != 0:
		return 3
	case f.holds&kindAddress != 0:
		return 2
	case reOurPlace.MatchString(strings.ToLower(f.text)), f.topic == 0 && f.holds&kindPlace != 0 && f.holds&(kindPrice|kindOpen) == 0:
		return 1
	}
	return 0
}

// onDays keeps the sentences that speak of the days asked for, or all when none does.
func onDays(facts []*fact, d days) []*fact {
	if d == 0 {
		return facts
	}
	var out []*fact
	for _, f := range facts {
		if f.days&d != 0 {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		return facts
	}
	return out
}

func (k *knowledge) coversAll(q question, f *fact) bool {
	for _, n := range q.keys {
		if _, all := k.covers(n, f); all == 0 {
			return false
		}
	}
	return true
}

// choose takes the best candidate, with a second one when it answers as well, or asks back when more do.
func (k *knowledge) choose(q question, pool []candidate) found {
	if len(pool) == 0 {
		return found{}
	}
	if len(q.keys)+len(q.named) == 0 && q.kind&(kindOpen|kindAddress|kindAge) == 0 && !q.ranked(k, pool[0].fact) {
		return k.askBack(q, pool)
	}
	return k.pick(q, pool)
}

// pick takes the best candidates of a pool that is known to be spoken of.
func (k *knowledge) pick(q question, pool []candidate) found {
	if len(pool) == 0 {
		return found{}
	}
	if facts := k.wholeSubject(q, pool); facts != nil {
		return found{facts: facts}
	}
	limit := maxSentences
	if q.kind == kindOpen {
		limit = maxOpenings
	}
	var facts []*fact
	for _, c := range pool {
		if pool[0].score-c.score > closeEnough || c.own < pool[0].own-0.05 || len(facts) == limit {
			break
		}
		facts = append(facts, c.fact)
	}
	if q.days != 0 {
		facts = onDays(facts, q.days)
	}
	slices.SortStableFunc(facts, func(a, b *fact) int { return cmp.Compare(slices.Index(k.facts, a), slices.Index(k.facts, b)) })
	return found{facts: k.withSequel(q, facts)}
}

// withSequel adds the sentence that leans on a single answer, when all was asked about it: "We take a deposit. It is not refundable."
func (k *knowledge) withSequel(q question, facts []*fact) []*fact {
	if len(facts) != 1 || q.kind != kindAny {
		return facts
	}
	for _, f := range k.facts {
		if f.leansOn == facts[0] {
			return append(facts, f)
		}
	}
	return facts
}

// wholeSubject answers a question that names a training's subject and no more ("how much are tickets", "which insurance do you take") with
// the sentences of that training that fit it best.
func (k *knowledge) wholeSubject(q question, pool []candidate) []*fact {
	best := pool[0].fact
	if q.kind&^kindPrice != 0 || q.days != 0 || len(q.keys) == 0 || best.topic == 0 {
		return nil
	}
	for _, w := range words(best.subject) {
		if !english().stop[w] && !slices.ContainsFunc(q.keys, func(n key) bool { return n.stem == stem(w) || english().shares(n.stem, stem(w)) }) {
			return nil
		}
	}
	var out []*fact
	for _, c := range pool {
		if c.fact.topic == best.topic {
			out = append(out, c.fact)
		}
	}
	inOrder := func(a, b *fact) int { return cmp.Compare(slices.Index(k.facts, a), slices.Index(k.facts, b)) }
	slices.SortFunc(out, inOrder)
	limit := maxOpenings
	if q.kind == kindAny {
		slices.SortStableFunc(out, func(a, b *fact) int {
			x, _ := k.weakHits(q, a)
			y, _ := k.weakHits(q, b)
			return cmp.Compare(y, x)
		})
		limit = maxSentences
	}
	out = out[:min(len(out), limit)]
	slices.SortFunc(out, inOrder)
	return out
}

// ranked says whether any word of the question speaks for the fact.
func (q question) ranked(k *knowledge, f *fact) bool {
	for _, s := range q.weak {
		if english().shares(s, "price") {
			continue
		}
		if k.coverIn(key{stem: s}, f.own) > 0 || k.coverIn(key{stem: s}, f.around) > 0 {
			return true
		}
	}
	return q.days != 0 && f.days&q.days != 0
}

// askBack names what the prices are of, so that the caller may choose. Other bare questions ("when?") say too little to choose from.
func (k *knowledge) askBack(q question, pool []candidate) found {
	if q.kind != kindPrice || q.days != 0 {
		return found{}
	}
	if rates := k.rates(pool); len(rates) > 0 {
		return found{facts: rates}
	}
	var names []string
	for _, c := range pool {
		name := c.fact.label()
		if name != "" && !slices.Contains(names, name) && len(names) < 3 {
			names = append(names, name)
		}
	}
	if len(names) < 2 {
		return found{}
	}
	return found{choose: names}
}

// rates are the first sentences of the one training that is about prices, when there is one: what it costs in general.
func (k *knowledge) rates(pool []candidate) []*fact {
	topic := 0
	for _, c := range pool {
		if !reMoney.MatchString(strings.ToLower(c.fact.subject)) || c.fact.topic == topic {
			continue
		}
		if topic != 0 {
			return nil
		}
		topic = c.fact.topic
	}
	var out []*fact
	for _, f := range k.facts {
		if topic != 0 && f.topic == topic && f.holds&kindPrice != 0 && len(out) < maxSentences {
			out = append(out, f)
		}
	}
	return out
}

// label is what a fact is about, in its own words: what stands before its verb or its price, or its subject.
func (f *fact) label() string {
	ws := strings.Fields(strings.TrimRight(f.text, "."))
	for i, w := range ws {
		bare := strings.TrimSuffix(w, ":")
		if leading[strings.ToLower(bare)] {
			break
		}
		if i > 0 && i < 5 && (bare != w || isOneOf(w, "costs", "cost", "is", "are", "takes", "starts", "start")) {
			return strings.ToLower(strings.Join(ws[:i], " ") + strings.TrimSuffix(" "+bare, " "+w))
		}
	}
	return strings.ToLower(f.subject)
}

// leading are words that a thing's name does not hold.
var leading = wordSet(`
	it there they from after before if you we this that on in at for who anyone he she not no without outside customers`)
