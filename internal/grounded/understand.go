package grounded

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-voice/parley/internal/llm"
)

// Wanted is a value that a caller was asked for.
type Wanted struct {
	Name     string
	Kind     string // text, name, number, date, time, email, phone, code, choice or boolean
	Choices  []string
	Optional bool // he may decline
}

// Query asks what a caller means by his words, without any brief.
type Query struct {
	Said     string
	Wanted   *Wanted   // nil when nothing was asked for
	Options  []string  // what he may want, in plain words
	Anywhere []string  // what he may want instead of answering
	Now      time.Time // for "tomorrow"
}

// Meaning is what he means. The value is as the kind has it: 2006-01-02, 15:04, digits, true or false.
type Meaning struct {
	Value, Spoken                           string
	Option, Elsewhere                       int // which of Options and Anywhere, counted from 1; 0 is none
	Yes, No, Declined, Repeat, Wait, Leaves bool
}

// Understand makes sense of what a caller says where something else than this mind leads the conversation.
func (m *Model) Understand(ctx context.Context, q Query) Meaning {
	u := hear(q.Said)
	yes, no := u.sides()
	out := Meaning{
		Yes: yes, No: no, Declined: u.has(declines | givesUp), Repeat: u.has(wantsRepeat|wantsSlower) && u.only(),
		Wait: u.has(wantsWait) && u.only(), Leaves: u.has(leaves) && u.only(),
	}
	if v, ok := q.Wanted.read(u, q.Now); ok {
		out.Value, out.Spoken = v.canon, v.spoken
	}
	out.Option, out.Elsewhere = m.match(ctx, u, q, out.Value != "")
	if w := q.Wanted; w != nil && w.Kind == "choice" && out.Value == "" && out.Elsewhere == 0 {
		if i, _ := m.match(ctx, u, Query{Said: q.Said, Options: w.Choices}, false); i > 0 {
			out.Value = w.Choices[i-1]
		}
	}
	return out
}

// sides says whether the caller agrees, and whether he disagrees. "Absolutely not" is a no.
func (u utterance) sides() (yes, no bool) {
	not := slices.Contains(u.plain, "not") && !slices.Contains(u.plain, "know") && u.has(affirms|declines|givesUp)
	return u.has(affirms) && !not, u.has(denies) || not
}

// Prepare lets an embedder that remembers get to know what callers may want, so that their words are not kept waiting.
func (m *Model) Prepare(ctx context.Context, wishes []string) {
	if m.embedder == nil || len(wishes) == 0 {
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, readPatience, errors.New("embedding what callers may want took too long"))
	defer cancel()
	_, err := m.gaugeOnce(ctx)
	if err == nil {
		_, err = m.embedder.Embed(ctx, slices.Concat(wishes, nothings), false)
	}
	if err != nil {
		slog.WarnContext(ctx, "what callers may want was not embedded", "err", err)
	}
}

// slotKinds are the kinds of values by their names.
var slotKinds = map[string]slotKind{
	"name": nameSlot, "number": numberSlot, "date": dateSlot, "time": timeSlot, "email": emailSlot, "phone": phoneSlot, "code": codeSlot,
	"choice": choiceSlot, "boolean": yesNoSlot,
}

// read finds the value in an answer to the question for it.
func (w *Wanted) read(u utterance, now time.Time) (value, bool) {
	if w == nil {
		return value{}, false
	}
	s := newSlot(w.Name, strings.ReplaceAll(w.Name, "_", " "), "")
	s.kind, s.choices = slotKinds[w.Kind], w.Choices
	s.numeric = s.kind == numberSlot
	if s.kind == textSlot {
		return w.freely(u, s)
	}
	switch yes, no := u.sides(); {
	case s.kind == yesNoSlot && yes != no:
		return value{canon: strconv.FormatBool(yes), spoken: map[bool]string{true: "yes", false: "no"}[yes]}, true
	case s.kind == yesNoSlot, s.kind == nameSlot && u.only(), s.kind == numberSlot && slices.ContainsFunc(u.plain, vague):
		return value{}, false
	}
	return (&knowledge{now: now}).find(s, u, true, false)
}

// vague words count nothing.
func vague(w string) bool { return isOneOf(w, "few", "some", "several", "many", "lot", "lots") }

// freely takes any words but those that every conversation has. A bare yes or no is an answer too, unless it declines.
func (w *Wanted) freely(u utterance, s *slot) (value, bool) {
	if u.only() && (!u.has(affirms|denies) || w.Optional && u.has(denies)) {
		return value{}, false
	}
	if u.only() {
		return plainValue(strings.Trim(u.raw, " .!?")), true
	}
	return freeText(u, s)
}

// Bounds of matching, settled on the tuning table of the tests.
const (
	sureByWords  = 0.5 // share of a wish's words that the caller must have said
	wholeByWords = 0.99
	clearBy      = 0.2 // by which the best must be ahead of the others
	sureByLike   = 0.5 // the same by likeness, in scales of the embedder
	mostBare     = 4   // words that may say what is wanted without asking for it
)

// hearPatience bounds the embedding of what a caller said: the flow has nothing to say before.
const hearPatience = 1200 * time.Millisecond

// nothings are what callers say who want none of what is offered; a likeness counts only beyond theirs.
var nothings = []string{"The caller mumbles", "The caller only greets", "The caller talks about the weather", "The caller gives his name"}

// match finds what the caller wants among options, or what he wants instead of answering. answered says that his words hold the value that
// he was asked for.
func (m *Model) match(ctx context.Context, u utterance, q Query, answered bool) (option, elsewhere int) {
	all := slices.Concat(q.Options, q.Anywhere)
	if len(all) == 0 || len(u.plain) == 0 {
		return 0, 0
	}
	scores := make([]float64, len(all))
	for i, wish := range all {
		scores[i] = says(u, wish)
	}
	best, ok := chosen(scores, len(q.Options))
	if !ok && !u.only() {
		best, ok = m.byLikeness(ctx, q.Said, all)
	}
	switch {
	case !ok:
		return 0, 0
	case best < len(q.Options):
		return best + 1, 0
	}
	whole := scores[best] >= wholeByWords && (requests(u) || len(u.plain) <= mostBare && !answered)
	if whole || !answered && requests(u) {
		return 0, best - len(q.Options) + 1
	}
	return 0, 0
}

// chosen is the wish that was said best. The first ones were offered and go before others.
func chosen(scores []float64, offered int) (best int, ok bool) {
	if best, ok = ahead(scores[:offered], sureByWords, clearBy); ok {
		return best, true
	}
	best, ok = ahead(scores[offered:], sureByWords, clearBy)
	return offered + best, ok
}

// requests says that the words ask for something.
func requests(u utterance) bool {
	return reRequest.MatchString(strings.Join(u.plain, " ")) || u.has(wantsPerson|wantsHelp|wantsRepeat|leaves|closes|givesUp)
}

// ahead is the best score, if it is enough and clearly ahead of the next.
func ahead(scores []float64, least, by float64) (best int, ok bool) {
	if len(scores) == 0 {
		return 0, false
	}
	second := -1.0
	for i, s := range scores {
		switch {
		case i == 0:
		case s > scores[best]:
			second, best = scores[best], i
		case s > second:
			second = s
		}
	}
	return best, scores[best] >= least && (len(scores) == 1 || scores[best]-second >= by)
}

// Wishes that are told by what callers say to every business.
var universalWishes = []struct {
	is intent
	re *regexp.Regexp
}{
	{affirms, regexp.MustCompile(`\b(?:yes|agrees?|accepts?|confirms?|is (?:ok|okay|fine|happy|right|correct)|affirmative|wants to (?:continue|go on|proceed))\b`)},
	{denies, regexp.MustCompile(`\b(?:no|declines?|refuses?|rejects?|negative|disagrees?|does not want|do not want)\b`)},
	{wantsPerson, regexp.MustCompile(`\b(?:human|person|operator|somebody|someone|colleague|representative|staff|agent|receptionist)\b`)},
	{wantsRepeat, regexp.MustCompile(`\b(?:repeat|again)\b`)},
	{leaves | closes, regexp.MustCompile(`\b(?:hang up|end (?:the )?call|goodbye|nothing (?:else|more)|finished|done)\b`)},
	{wantsHelp, regexp.MustCompile(`\bhelp\b`)},
}

// says is how much of a wish was said, from 0 to 1.
func says(u utterance, wish string) (best float64) {
	text := strings.Join(plainWords(wish), " ")
	yes, no := u.sides()
	for _, w := range universalWishes {
		is := u.has(w.is)
		switch w.is {
		case affirms:
			is = yes
		case denies:
			is = no
		}
		if !is || !w.re.MatchString(text) {
			continue
		}
		if u.only() || w.is == wantsPerson || w.is == denies && u.has(affirms|declines|givesUp) {
			return 1
		}
		best = max(best, 0.6)
	}
	said := stems(u.ws)
	for _, trigger := range alternatives(wish) {
		best = max(best, covered(trigger, said))
	}
	return best
}

// covered is how much of a wish's words were said. A word that was said stands for one of them, first for itself.
func covered(trigger []string, said map[string]bool) float64 {
	free, rest := maps.Clone(said), trigger[:0:0]
	for _, t := range trigger {
		if !free[t] {
			rest = append(rest, t)
		}
		delete(free, t)
	}
	hits := len(trigger) - len(rest)
	for _, t := range rest {
		for _, o := range slices.Sorted(maps.Keys(free)) {
			if english().shares(t, o) || alike(t, o) {
				delete(free, o)
				hits++
				break
			}
		}
	}
	return float64(hits) / float64(len(trigger))
}

// byLikeness compares meanings; it finds nothing without an embedder that knows any.
func (m *Model) byLikeness(ctx context.Context, said string, wishes []string) (best int, ok bool) {
	if m.embedder == nil {
		return 0, false
	}
	ctx, cancel := context.WithTimeoutCause(ctx, hearPatience, errors.New("embedding a caller's words took too long"))
	defer cancel()
	scale, err := m.gaugeOnce(ctx)
	if err != nil || scale == 0 {
		return 0, false
	}
	scores, err := likenesses(ctx, m.embedder, said, slices.Concat(wishes, nothings))
	if err != nil {
		slog.WarnContext(ctx, "embedding a caller's words failed; they are understood by themselves", "err", err)
		return 0, false
	}
	for i := range scores {
		scores[i] /= scale
	}
	least := slices.Max(scores[len(wishes):]) + sureByLike/2
	return ahead(scores[:len(wishes)], least, sureByLike)
}

func likenesses(ctx context.Context, e llm.Embedder, said string, texts []string) ([]float64, error) {
	question, err := e.Embed(ctx, []string{said}, true)
	if err != nil {
		return nil, err
	}
	passages, err := e.Embed(ctx, texts, false)
	if err != nil {
		return nil, err
	}
	if len(question) != 1 || len(passages) != len(texts) {
		return nil, errors.New("the embedder does not return a vector for each text")
	}
	out := make([]float64, len(texts))
	for i, p := range passages {
		out[i] = dot(question[0], p)
	}
	return out, nil
}
