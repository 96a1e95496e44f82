package convo

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/turn"
)

// reply begins to think of an answer. It is a draft until it is released.
func (s *Session) reply(a turn.Action) {
	u := s.newUtterance(turn.Answer)
	u.reply, u.open = a.ID, true
	if s.play.drafts == nil {
		s.play.drafts = map[int]*utterance{}
	}
	s.play.drafts[a.ID] = u
	s.rows.clauseAt = 0
	var spoken llm.Message
	if h := s.play.head(); s.play.held && h != nil && h.begun {
		spoken = llm.Message{Text: h.textHeard(), Interrupted: true, Calls: slices.Clone(h.calls), Nodes: h.nodesHeard()}
	}
	b := s.mind.first
	if a.Fallback && s.mind.second != nil {
		b = s.mind.second
	}
	history := append([]llm.Message(nil), s.mind.history...)
	if !a.Report {
		history = s.mind.asking(clip(a.Text, mostText), a.Continue, spoken)
	}
	s.thinkOf(u, b, history)
}

// thinkOf runs a brain beside the session and puts what it says into u.
func (s *Session) thinkOf(u *utterance, b *brain, history []llm.Message) {
	ctx := u.ctx
	s.jobs.do(func(context.Context) {
		err := think(ctx, b, history, &pen{s: s, u: u, ctx: ctx})
		s.post(func() {
			if ctx.Err() != nil || u.ctx != ctx {
				return // dropped, or another mind took over
			}
			s.thought(u, err)
		})
	})
}

// pen writes what is thought into an utterance, in the session's goroutine.
type pen struct {
	s   *Session
	u   *utterance
	ctx context.Context // ends when the answer is not wanted any more
}

func (p *pen) clause(text string) { p.post(func() { p.add(text) }) }

// post runs f in the session's goroutine, as long as the answer is wanted.
func (p *pen) post(f func()) {
	p.s.post(func() {
		if p.ctx.Err() == nil {
			f()
		}
	})
}

func (p *pen) add(text string) {
	if len(p.u.clauses) == 0 {
		p.s.rows.clauseAt = p.s.now()
	}
	p.u.clauses = append(p.u.clauses, &clause{text: text})
	p.s.pump()
}

func (p *pen) reached(node string) {
	p.post(func() { p.u.nodes = append(p.u.nodes, node) })
}

func (p *pen) called(calls []llm.ToolCall) {
	p.post(func() {
		p.u.calls = append(p.u.calls, calls...)
		if c := hands(calls); c != nil {
			p.handsOver(*c)
		}
		if parts(calls) {
			p.s.happen(turn.Event{Kind: turn.Parting, ID: p.u.reply})
		}
		if p.s.play.drafts[p.u.reply] != p.u {
			p.s.act(p.u)
		}
	})
}

// handsOver says what is to be said before the caller is out of the agent's hands: nobody is given away without a word.
func (p *pen) handsOver(c llm.ToolCall) {
	if text := p.filled(p.s.cfg.partingWords(c)); text != "" {
		p.add(text)
	} else if len(p.u.clauses) == 0 {
		p.add(p.s.lines.Filler)
	}
}

// partingWords are those of the owner for a transfer or a hold; nil for none.
func (c *Config) partingWords(call llm.ToolCall) *string {
	if call.Name == llm.ToolHold {
		return c.HoldSays
	}
	var to struct{ Target string }
	_ = json.Unmarshal(call.Arguments, &to) // what names nobody means the only one there is
	for _, t := range c.Targets {
		if strings.EqualFold(t.Name, strings.TrimSpace(to.Target)) || to.Target == "" && len(c.Targets) == 1 {
			return t.Says
		}
	}
	return nil
}

// interject says a text before the answer that is being thought of.
func (s *Session) interject(text string) {
	u := s.newUtterance(turn.Filler)
	u.clauses = []*clause{{text: text}}
	s.enqueue(u)
}

// thought ends the thinking of an answer.
func (s *Session) thought(u *utterance, err error) {
	u.open = false
	if err != nil {
		s.log.Warn("answer failed", "clauses", len(u.clauses), "error", err)
	}
	if err != nil && len(u.clauses) == 0 {
		s.happen(turn.Event{Kind: turn.Failed, ID: u.reply})
		return
	}
	s.pump()
	s.report()
}

// release lets an answer be heard, and carries out what it calls for.
func (s *Session) release(id int) {
	u := s.play.drafts[id]
	if u == nil {
		return
	}
	delete(s.play.drafts, id)
	s.act(u)
	s.enqueue(u)
	s.report()
}

// act carries out those of an answer's calls that were not yet.
func (s *Session) act(u *utterance) {
	for _, m := range s.mind.messages(u.calls[u.acted:], s.log) {
		s.takeMessage(m)
	}
	u.acted = len(u.calls)
}

// hold makes an answer a draft again, if nothing of it was heard.
func (s *Session) hold(id int) {
	for i, u := range s.play.list {
		if u.reply != id {
			continue
		}
		if i == 0 {
			s.recall()
		}
		u.write, u.heard, u.told = place{}, place{}, false
		s.play.list = append(s.play.list[:i:i], s.play.list[i+1:]...)
		s.play.drafts[id] = u
		s.pump()
		return
	}
}

// drop forgets an answer.
func (s *Session) drop(id int) {
	if u := s.play.drafts[id]; u != nil {
		u.cancel()
		delete(s.play.drafts, id)
	}
	for i, u := range s.play.list {
		if u.reply == id && !u.begun {
			u.cancel()
			s.play.list = append(s.play.list[:i:i], s.play.list[i+1:]...)
			return
		}
	}
}

// fallBack lets the second mind make an answer that the first one failed.
func (s *Session) fallBack(id int) {
	for _, u := range s.play.list {
		if u.reply == id {
			s.secondThought(u)
			return
		}
	}
	// The first one ended without a word, so that its utterance is over.
	u := s.newUtterance(turn.Answer)
	u.reply, u.open = id, true
	s.enqueue(u)
	s.secondThought(u)
}

func (s *Session) secondThought(u *utterance) {
	u.cancel()
	u.ctx, u.cancel = context.WithCancel(s.jobs.ctx)
	u.clauses, u.nodes, u.results, u.write, u.heard, u.calls, u.acted, u.open = nil, nil, nil, place{}, place{}, nil, 0, true
	if s.mind.second == nil {
		s.happen(turn.Event{Kind: turn.Failed, ID: u.reply})
		return
	}
	s.thinkOf(u, s.mind.second, append([]llm.Message(nil), s.mind.history...))
}
