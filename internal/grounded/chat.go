package grounded

import (
	"context"
	"encoding/json"
	"errors"
	"github.com/parley-voice/parley/internal/llm"
	"log/slog"
	"strconv"
)

// chat is one conversation; all of its state comes with the history.
type chat struct {
	knows    *knowledge
	embedder llm.Embedder // nil: by words alone
}

// Close implements llm.Chat.
func (c *chat) Close() {}

// Reply implements llm.Chat. Text goes out sentence by sentence, a tool call last.
func (c *chat) Reply(ctx context.Context, history []llm.Message, emit func(llm.Chunk) error) error {
	r := c.reply(ctx, history)
	for i, s := range r.texts {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if i > 0 {
			s = " " + s
		}
		if err := emit(llm.Chunk{Text: s}); err != nil {
			return err
		}
	}
	if r.call == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return emit(llm.Chunk{Call: r.call})
}

// reply is what goes out in one turn.
type reply struct {
	texts []string
	call  *llm.ToolCall
}

func (c *chat) reply(ctx context.Context, history []llm.Message) reply {
	k := c.knows
	if len(history) == 0 {
		return reply{texts: []string{nonEmpty(k.greeting, sayHello)}}
	}
	last := history[len(history)-1]
	s := k.fold(history)
	if last.Role == llm.Result {
		return c.report(s, history, last)
	}
	if last.Role != llm.Caller {
		return reply{texts: k.tail(s, askHowHelp)}
	}
	a := k.step(s, last.Text)
	if a.again {
		return c.repeat(ctx, s, history)
	}
	return c.perform(ctx, s, a)
}

func nonEmpty(s ...string) string {
	for _, t := range s {
		if t != "" {
			return t
		}
	}
	return ""
}

// perform words an act.
func (c *chat) perform(ctx context.Context, s *state, a act) reply {
	var r reply
	r.texts = append(r.texts, a.before...)
	if len(a.questions) > 0 {
		r.texts = append(r.texts, c.answer(ctx, s, a)...)
	}
	r.texts = append(r.texts, a.after...)
	switch {
	case a.call != nil:
		r.call = call(a.call, s)
	case a.hangUp:
		r.call = &llm.ToolCall{ID: callID(s), Name: llm.ToolHangUp, Arguments: json.RawMessage(`{}`)}
	}
	if len(r.texts) == 0 && r.call == nil {
		r.texts = []string{sayNotHeard}
	}
	return r
}

// answer searches for each question and words what was found.
func (c *chat) answer(ctx context.Context, s *state, a act) []string {
	k := c.knows
	var out []string
	missed, unsure := false, false
	topic := s.topic
	for i, v := range c.vectors(ctx, a.questions) {
		f := k.weighed(a.questions[i], topic, v, k.search(a.questions[i], topic, v))
		switch {
		case len(f.facts) > 0 && f.unsure:
			out = appendNew(appendNew(out, sayNotExactly), spoken(f.facts)...)
			topic, unsure = f.facts, true
		case len(f.facts) > 0:
			out = appendNew(out, spoken(f.facts)...)
			topic = f.facts
		case len(f.choose) > 0:
			out = appendNew(out, askDoYouMean+list(f.choose, "or")+"?")
		default:
			missed = missed || len(a.questions[i].without(k.self).keys) > 0 || len(a.questions) == 1
		}
	}
	switch {
	case len(out) == 0 && a.offer && s.refused:
		return []string{sayUnknownAgain, k.abilities(), askMessage}
	case len(out) == 0 && a.offer:
		return []string{sayUnknown, askMessage}
	case len(out) == 0:
		return []string{sayUnknown}
	case unsure && a.offer:
		return append(out, askOrMessage)
	case missed && !unsure:
		return append(out, sayUnknownPart)
	}
	return out
}

func appendNew(out []string, texts ...string) []string {
	for _, t := range texts {
		seen := false
		for _, o := range out {
			seen = seen || o == t
		}
		if !seen {
			out = append(out, t)
		}
	}
	return out
}

// spoken gives the sentences of facts; one that leans on the sentence before brings it along.
func spoken(facts []*fact) []string {
	var out []string
	for _, f := range facts {
		if f.leansOn != nil {
			out = appendNew(out, f.leansOn.text)
		}
		out = appendNew(out, f.text)
	}
	return out
}

// vectors embeds the questions; each is nil without an embedder.
func (c *chat) vectors(ctx context.Context, qs []question) [][]float32 {
	out := make([][]float32, len(qs))
	if c.embedder == nil {
		return out
	}
	texts := make([]string, len(qs))
	for i, q := range qs {
		texts[i] = q.said
	}
	ctx, cancel := context.WithTimeoutCause(ctx, embedPatience, errors.New("embedding a question took too long"))
	defer cancel()
	v, err := c.embedder.Embed(ctx, texts, true)
	if err != nil || len(v) != len(qs) {
		slog.WarnContext(ctx, "embedding a question failed; it is understood by its words", "err", err)
		return out
	}
	return v
}

// repeat says the last answer again, whole even if it was cut.
func (c *chat) repeat(ctx context.Context, s *state, history []llm.Message) reply {
	if !s.cut {
		return reply{texts: []string{nonEmpty(s.lastAgent, c.knows.greeting, sayNotHeard)}}
	}
	for i := len(history) - 2; i >= 0; i-- {
		if history[i].Role != llm.Caller {
			continue
		}
		if u := hear(history[i].Text); u.only() && u.has(wantsRepeat|wantsSlower|corrects|wantsWait) {
			continue
		}
		return c.reply(ctx, history[:i+1])
	}
	return reply{texts: []string{nonEmpty(c.knows.greeting, s.lastAgent)}}
}

// call makes the tool call of a form from the values of the state.
func call(f *form, s *state) *llm.ToolCall {
	values := map[string]any{}
	for _, sl := range f.slots {
		v, ok := s.values[sl.key]
		if !ok || v.declined {
			continue
		}
		values[sl.key] = v.canon
		if n, err := strconv.Atoi(v.canon); err == nil && sl.numeric {
			values[sl.key] = n
		}
		if b, err := strconv.ParseBool(v.canon); err == nil && sl.kind == yesNoSlot {
			values[sl.key] = b
		}
	}
	var args any = values
	if f.message {
		args = map[string]any{"slots": values}
	}
	raw, err := json.Marshal(args)
	if err != nil {
		raw = json.RawMessage(`{}`) // strings, numbers and booleans always marshal
	}
	return &llm.ToolCall{ID: callID(s), Name: f.tool, Arguments: raw}
}

func callID(s *state) string { return "grounded-" + strconv.Itoa(s.calls+1) }
