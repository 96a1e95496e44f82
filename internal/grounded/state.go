package grounded

import (
	"regexp"
	"slices"
	"strings"

	"github.com/parley-voice/parley/internal/llm"
)

// state is what the history tells about where the conversation stands. It is built anew for every reply.
type state struct {
	form       *form
	values     map[string]value
	asked      *slot // the slot that the agent's last words asked for
	confirming bool  // the agent's last words read the values back
	changing   bool  // the agent asked what to change
	offered    bool  // the agent's last words offered a message
	anythingMo bool  // the agent asked whether there is anything else
	choosing   bool  // the agent asked which of several things is meant
	refused    bool  // the agent's last words said that it does not know
	cut        bool  // the agent's last words were cut by the caller
	failures   int   // answers in a row that did not fill the slot asked for
	partial    string
	topic      []*fact
	last       question // the last thing asked, for "what about the suite"
	lastTimed  question // the last thing asked about times, for "and on Sunday"
	unanswered string   // what the caller said when the agent did not know
	lastAgent  string
	called     *form // whose tool was called last
	handed     *form // that and its values, until the result is known
	given      map[string]value
	calls      int // tool calls so far
}

var (
	reOffer   = regexp.MustCompile(`(?i)\b(?:take|leave) (?:a|your) message\b[^.!]*\?`)
	reConfirm = regexp.MustCompile(`(?i)\b(?:is (?:that|this|it|everything) (?:right|correct|okay)|did i get that right|is all of that (?:right|correct))\b`)
)

// fold reads the history up to its last message, which is the one to answer.
func (k *knowledge) fold(history []llm.Message) *state {
	s := &state{values: map[string]value{}}
	for i, m := range history {
		switch m.Role {
		case llm.Agent:
			k.said(s, m)
		case llm.Caller:
			if i == len(history)-1 {
				continue
			}
			// What was handed over is done with, even when the history does not keep the calls.
			if a := k.step(s, m.Text); a.call != nil && a.call == s.form {
				s.called = s.form
				s.hand()
			}
		case llm.Result:
			s.handBack(m.Text)
		}
	}
	return s
}

// said takes up what the agent said and called, be it this model or another.
func (k *knowledge) said(s *state, m llm.Message) {
	for _, c := range m.Calls {
		s.calls++
		if s.called == nil || s.called.tool != c.Name {
			s.called = k.formOf(c.Name, s.form)
		}
		if s.form != nil && c.Name == s.form.tool {
			s.hand()
		}
	}
	if strings.TrimSpace(m.Text) == "" {
		return
	}
	s.lastAgent, s.cut = m.Text, m.Interrupted
	s.confirming = reConfirm.MatchString(m.Text) || m.Interrupted && strings.HasPrefix(m.Text, readBack)
	s.changing = strings.Contains(m.Text, askChange)
	s.offered = reOffer.MatchString(m.Text) || m.Interrupted && strings.HasPrefix(m.Text, sayUnknown[:8])
	s.anythingMo = strings.Contains(strings.ToLower(m.Text), "anything else")
	s.choosing = strings.Contains(m.Text, askDoYouMean)
	s.refused = strings.Contains(m.Text, sayUnknown) || strings.Contains(m.Text, sayUnknownAgain)
	s.asked = nil
	if s.form != nil && !s.confirming {
		s.asked = s.form.askedIn(m.Text)
	}
	if facts := k.factsIn(m.Text); len(facts) > 0 {
		s.topic = facts
	}
}

func (k *knowledge) formOf(tool string, open *form) *form {
	if open != nil && open.tool == tool {
		return open
	}
	for _, f := range k.forms {
		if f.tool == tool {
			return f
		}
	}
	if tool == llm.ToolTakeMessage {
		return k.fallback
	}
	return nil
}

// hand gives a form out of hand, whose tool is called.
func (s *state) hand() {
	form, values := s.form, s.values
	s.drop()
	s.handed, s.given = form, values
}

// handBack takes a form up again whose values are to be confirmed before anything is done with them.
func (s *state) handBack(result string) {
	if s.handed != nil && unconfirmed(result) != "" {
		s.form, s.values, s.confirming = s.handed, s.given, true
	}
	s.handed, s.given = nil, nil
}

func (s *state) drop() {
	s.form, s.values, s.asked, s.confirming, s.failures, s.partial = nil, map[string]value{}, nil, false, 0, ""
}

// askedIn finds the slot that the words ask for: by this model's own wording, else by the slot's name in a question of another's.
func (f *form) askedIn(text string) *slot {
	for _, s := range f.slots {
		if strings.Contains(text, s.prompt) {
			return s
		}
	}
	q := text[strings.LastIndexAny(strings.TrimRight(text, "? "), ".!?")+1:]
	if !strings.Contains(q, "?") {
		return nil
	}
	said := stems(words(q))
	for _, s := range f.slots {
		if ws := strings.Fields(s.label); len(ws) > 0 && said[stem(ws[len(ws)-1])] {
			return s
		}
	}
	return nil
}

// factsIn lists the facts that stand in a text word by word.
func (k *knowledge) factsIn(text string) []*fact {
	var out []*fact
	for _, f := range k.facts {
		if strings.Contains(text, strings.TrimRight(f.text, ".")) {
			out = append(out, f)
		}
	}
	return out
}

// missing is the next slot to ask for, nil when all that is needed is there.
func (s *state) missing() *slot {
	for _, sl := range s.form.slots {
		if _, ok := s.values[sl.key]; !ok && !sl.optional {
			return sl
		}
	}
	return nil
}

// open starts a form with what the caller has said already.
func (k *knowledge) openForm(s *state, f *form, u utterance) {
	s.form, s.values, s.failures, s.partial = f, map[string]value{}, 0, ""
	s.asked, s.confirming = nil, false
	k.fill(s, u, nil)
}

// fill takes the values of an utterance; asked is the slot that it may answer with bare words. It tells whether any was found.
func (k *knowledge) fill(s *state, u utterance, asked *slot) bool {
	if asked != nil && asked.kind == textSlot {
		return k.fillText(s, u, asked)
	}
	var taken []slotKind
	filled := false
	if asked != nil {
		if v, ok := k.find(asked, u, true, !s.form.dated()); ok {
			s.set(asked, v)
			taken, filled = append(taken, asked.kind), true
		}
	}
	for _, sl := range s.form.slots {
		if sl == asked || slices.ContainsFunc(taken, func(t slotKind) bool {
			return overlaps(t, sl.kind) && sl.kind != numberSlot
		}) {
			continue
		}
		if _, had := s.values[sl.key]; had && sl.kind == nameSlot && asked != nil && asked.kind == nameSlot {
			continue
		}
		if v, ok := k.find(sl, u, false, !s.form.dated()); ok {
			s.set(sl, v)
			taken, filled = append(taken, sl.kind), true
		}
	}
	return filled
}

func (k *knowledge) fillText(s *state, u utterance, asked *slot) bool {
	if u.has(denies|corrects) && k.fill(s, u, nil) {
		return true
	}
	v, ok := freeText(u, asked)
	if ok {
		s.set(asked, v)
	}
	return ok
}

// dated says that the form asks for a day.
func (f *form) dated() bool {
	return slices.ContainsFunc(f.slots, func(s *slot) bool { return s.kind == dateSlot })
}

// set keeps a value; a name that corrects a part of the one before is put in its place.
func (s *state) set(sl *slot, v value) {
	if sl.kind == nameSlot {
		v = plainValue(mergeName(s.values[sl.key].canon, v.canon))
	}
	s.values[sl.key] = v
}
