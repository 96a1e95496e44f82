package convo

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/llm"
)

// startWithin is when an answer in text counts as failed, as package turn has it for sound.
const startWithin = 3 * time.Second

// ErrOver is returned by a Text that has ended.
var ErrOver = errors.New("convo: the conversation is over")

// Text is a conversation without sound: the same mind, greeting, tools and ladder of failure as a Session, and turns of the same form. It
// belongs to one goroutine. Of the engines only Model and Fallback are used.
type Text struct {
	cfg   Config
	mind  *mind
	lines Lines
	taken int
	over  bool
}

// NewText opens a conversation.
func NewText(ctx context.Context, cfg Config) (*Text, error) {
	lines := linesOf(cfg)
	ctx, cancel := context.WithTimeoutCause(ctx, prepareWithin, errors.New("not ready to answer within 6s"))
	defer cancel()
	m, err := openMind(ctx, cfg, lines.Greeting)
	if err != nil {
		return nil, err
	}
	t := &Text{cfg: cfg, mind: m, lines: lines}
	if m.led {
		err = t.openLed(ctx)
	}
	return t, err
}

// openLed goes along a flow up to where it listens first.
func (t *Text) openLed(ctx context.Context) error {
	o := &t.mind.opening
	t.lines.Greeting = o.text
	if !o.acts() || t.cfg.Snapshot.Agent.WhoSpeaksFirst == parley.SpeakerUser {
		return nil
	}
	d := &draftText{t: t, begun: func() {}}
	err := think(ctx, t.mind.first, nil, d)
	*o = opening{text: strings.TrimSpace(o.initial + " " + strings.Join(d.clauses, " ")), nodes: d.nodes, calls: d.calls}
	t.lines.Greeting = o.text
	return err
}

// Close releases the conversation.
func (t *Text) Close() { t.mind.close() }

// Over says whether the agent has ended the conversation.
func (t *Text) Over() bool { return t.over }

// Greet gives the agent's greeting. Agents that let the caller speak first have none: ok is false.
func (t *Text) Greet() (greeting parley.Turn, ok bool) {
	if t.cfg.Snapshot.Agent.WhoSpeaksFirst == parley.SpeakerUser {
		return parley.Turn{}, false
	}
	o := t.mind.opening
	t.over = parts(o.calls)
	t.mind.says(llm.Message{Text: t.lines.Greeting, Calls: o.calls, Nodes: o.nodes})
	return t.agentTurn(parley.Turn{Text: t.lines.Greeting, Nodes: o.nodes}), true
}

// Say gives what the caller says and returns the turns that come of it, his own first.
func (t *Text) Say(ctx context.Context, text string) ([]parley.Turn, error) {
	if t.over {
		return nil, ErrOver
	}
	text = clip(strings.TrimSpace(text), mostText)
	asked := time.Now()
	at := parley.Stamp(asked)
	caller := parley.Turn{ID: parley.NewID(), CallID: t.cfg.CallID, Who: parley.WhoCaller, StartedAt: at, EndedAt: at, Text: text}
	t.keep(caller)
	turns := []parley.Turn{caller}
	t.mind.hears(text, false)
	got, err := t.ask(ctx, t.mind.first)
	if ctx.Err() != nil {
		return turns, context.Cause(ctx)
	}
	if err != nil && t.mind.second != nil {
		turns = append(turns, t.agentTurn(parley.Turn{Text: t.lines.Filler, ReplyTo: &caller.ID}))
		got, err = t.ask(ctx, t.mind.second)
	}
	if err != nil {
		t.over = true
		t.cfg.Log.Error("no mind answers", "error", err)
		return append(turns, t.agentTurn(parley.Turn{Text: t.lines.Apology, ReplyTo: &caller.ID})), nil
	}
	t.act(got.calls)
	answer := strings.Join(got.clauses, " ")
	t.mind.says(llm.Message{Text: answer, Calls: got.calls, Nodes: got.nodes})
	if answer == "" && len(got.nodes) == 0 {
		return turns, nil
	}
	timing := parley.TurnTiming{Model: millis(got.first.Sub(asked))}
	return append(turns, t.agentTurn(parley.Turn{Text: answer, ReplyTo: &caller.ID, Timing: timing, Nodes: got.nodes})), nil
}

// agentTurn completes a turn of the agent and keeps it.
func (t *Text) agentTurn(a parley.Turn) parley.Turn {
	now := parley.Stamp(time.Now())
	a.ID, a.CallID, a.Who, a.StartedAt, a.EndedAt, a.Heard = parley.NewID(), t.cfg.CallID, parley.WhoAgent, now, now, &a.Text
	t.keep(a)
	return a
}

func (t *Text) keep(row parley.Turn) {
	if t.cfg.Turn != nil {
		t.cfg.Turn(row)
	}
}

func (t *Text) act(calls []llm.ToolCall) {
	t.over = t.over || parts(calls)
	for _, m := range t.mind.messages(calls, t.cfg.Log) {
		if t.taken++; t.taken <= messagesMost && t.cfg.Message != nil {
			t.cfg.Message(m)
		}
	}
}

// draftText gathers an answer.
type draftText struct {
	t       *Text
	clauses []string
	nodes   []string
	calls   []llm.ToolCall
	first   time.Time
	begun   func() // called at the first clause
}

func (d *draftText) clause(text string) {
	if len(d.clauses) == 0 {
		d.first = time.Now()
		d.begun()
	}
	d.clauses = append(d.clauses, text)
}

// run lets an action happen; nobody waits for sound here.
func (d *draftText) run(ctx context.Context, call llm.ToolCall, history []llm.Message) (string, bool) {
	what, ok := d.t.mind.deed(call)
	if !ok {
		return "", false
	}
	d.begun()
	arguments, why := argumentsOf(what.action, call.Arguments, d.t.cfg, history)
	if why != "" {
		d.t.mind.did(call, why, false)
		return why, true
	}
	d.adds(what.action.SpeakOnSend)
	result, told := carryOut(ctx, d.t.cfg, what, arguments)
	d.t.mind.did(call, result, false)
	told()
	d.adds(what.action.SpeakOnReceive)
	return result, true
}

func (d *draftText) adds(text *string) {
	if t := strings.TrimSpace(fill(deref(text), d.t.cfg.Payload)); t != "" {
		d.clause(t)
	}
}

func (d *draftText) reached(node string) { d.nodes = append(d.nodes, node) }

func (d *draftText) called(calls []llm.ToolCall) { d.calls = append(d.calls, calls...) }

// ask gets an answer that begins in time and is more than nothing. One that fails after its first words stands as it is.
func (t *Text) ask(ctx context.Context, b *brain) (*draftText, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(startWithin, func() { cancel(errors.New("no answer began within 3s")) })
	defer late.Stop()
	d := &draftText{t: t, begun: func() { late.Stop() }}
	err := think(ctx, b, append([]llm.Message(nil), t.mind.history...), d)
	switch {
	case err != nil && len(d.clauses) == 0:
		return nil, errors.Join(err, context.Cause(ctx))
	case len(d.clauses) == 0 && len(d.calls) == 0:
		return nil, errors.New("the answer holds no words")
	}
	return d, nil
}
