package convo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/speech"
	"github.com/parley-voice/parley/internal/spoken"
)

const (
	// mostRounds bounds how often a model is asked again after tool calls without words.
	mostRounds = 4
	// ledRounds is the same for a flow, whose own bounds are tighter for all but chains of actions.
	ledRounds = 20
	// mostText bounds an answer, in bytes: several minutes of talk.
	mostText = 6000
	// chatWithin bounds one answer as a whole.
	chatWithin = 60 * time.Second
	// messagesMost bounds what one call may take down.
	messagesMost = 50
)

// errWordy ends an answer that is too long.
var errWordy = errors.New("convo: answer is too long")

// brain is one chat and the right to use it: a chat belongs to one goroutine at a time.
type brain struct {
	chat   llm.Chat
	rounds int           // how often it may be asked again for one answer
	free   chan struct{} // holds a token while nobody uses chat
}

func newBrain(c llm.Chat, rounds int) *brain {
	b := &brain{chat: c, rounds: rounds, free: make(chan struct{}, 1)}
	b.free <- struct{}{}
	return b
}

// mind is what answers: the agent's chat, a second one for turns that it fails, and what was said so far.
type mind struct {
	first, second *brain // second may be nil
	led           bool   // by a flow
	opening       opening
	history       []llm.Message
	deeds         []deed            // actions that the model is offered
	results       map[string]string // of actions that ran, by call id, until the history has them
}

// openMind opens both chats. One that cannot be opened leaves the call to the other.
func openMind(ctx context.Context, cfg Config, greeting string) (*mind, error) {
	deeds := deedsOf(offersOf(ctx, cfg))
	if cfg.Snapshot.Flow != nil {
		return openLedMind(ctx, cfg, deeds)
	}
	brief := briefOf(cfg, greeting)
	for _, d := range deeds {
		brief.Tools = append(brief.Tools, d.tool)
	}
	var chats [2]llm.Chat
	var errs [2]error
	var work errgroup.Group
	for i, m := range []llm.Model{cfg.Engines.Model, cfg.Engines.Fallback} {
		if m != nil {
			work.Go(func() error {
				errs[i] = caught(func() (err error) { chats[i], err = m.Open(ctx, brief); return err })
				return nil
			})
		}
	}
	_ = work.Wait() // the functions return nil
	for i, err := range errs {
		if err != nil {
			cfg.Log.Warn("chat not opened", "fallback", i == 1, "error", err)
		}
	}
	if chats[0] == nil {
		chats[0], chats[1] = chats[1], nil
	}
	if chats[0] == nil {
		return nil, fmt.Errorf("convo: no model answers: %w", errors.Join(errs[0], errs[1]))
	}
	m := &mind{first: newBrain(chats[0], mostRounds), deeds: deeds, results: map[string]string{}}
	if chats[1] != nil {
		m.second = newBrain(chats[1], mostRounds)
	}
	return m, nil
}

func (m *mind) close() {
	m.first.chat.Close()
	if m.second != nil {
		m.second.chat.Close()
	}
}

// says adds what the caller heard from the agent.
func (m *mind) says(a llm.Message) {
	if a.Text == "" && len(a.Calls) == 0 {
		return
	}
	m.history = append(m.history, m.spoke(a)...)
	for _, c := range a.Calls {
		delete(m.results, c.ID)
	}
}

// result is what the history holds of a call: what came of an action, or that it is not known yet.
func (m *mind) result(c llm.ToolCall) llm.Message {
	if _, ok := m.deed(c); !ok {
		return atOnce(c)
	}
	text, done := m.results[c.ID]
	if !done {
		text = notYet
	}
	return llm.Message{Role: llm.Result, Text: text, CallID: c.ID}
}

// spoke are the messages of what an agent said and called.
func (m *mind) spoke(a llm.Message) []llm.Message {
	a.Role = llm.Agent
	all := []llm.Message{a}
	for _, c := range a.Calls {
		all = append(all, m.result(c))
	}
	return all
}

// did keeps the result of an action. late says that the answer that called it is over, so that the history is to have it at once.
func (m *mind) did(c llm.ToolCall, result string, late bool) {
	if late {
		m.came(c, result)
		return
	}
	m.results[c.ID] = result
}

const (
	fine   = `{"ok":true}`
	notYet = `{"ok":false,"message":"It is not known yet whether that worked."}`
)

// atOnce is what a call comes to at once. A transfer begins when what was said beside it was heard to its end; came tells its outcome.
func atOnce(c llm.ToolCall) llm.Message {
	text := fine
	if c.Name == llm.ToolTransfer || c.Name == llm.ToolHold {
		text = notBegun(c.Name)
	}
	return llm.Message{Role: llm.Result, Text: text, CallID: c.ID}
}

// notBegun is what a call comes to that is to take the caller out of the agent's hands and has not yet.
func notBegun(tool string) string {
	if tool == llm.ToolHold {
		return `{"ok":false,"message":"The caller was not put on hold."}`
	}
	return `{"ok":false,"message":"The caller was not transferred."}`
}

// hears adds the caller's turn; continued replaces one that was not answered.
func (m *mind) hears(text string, continued bool) {
	m.history = append(m.past(continued), llm.Message{Role: llm.Caller, Text: text})
}

// past is the history, without the caller's last turn when it is continued.
func (m *mind) past(continued bool) []llm.Message {
	if n := len(m.history); continued && n > 0 && m.history[n-1].Role == llm.Caller {
		return m.history[:n-1]
	}
	return m.history
}

// asking is a copy of the history that ends in a caller's turn that does not stand yet. spoken is what the agent was stopped at, with what
// it had called for.
func (m *mind) asking(text string, continued bool, spoken llm.Message) []llm.Message {
	past := m.past(continued)
	h := append(make([]llm.Message, 0, len(past)+2), past...)
	if spoken.Text != "" && !continued {
		h = append(h, m.spoke(spoken)...)
	}
	return append(h, llm.Message{Role: llm.Caller, Text: text})
}

// thought gets an answer as it is made. Its methods are called by the goroutine that thinks.
type thought interface {
	clause(text string)
	reached(node string)
	called(calls []llm.ToolCall)
	// run carries out a call that asks for an action, and says false for another one, or when the answer is not wanted any more. history is
	// what the model knew.
	run(ctx context.Context, call llm.ToolCall, history []llm.Message) (result string, ok bool)
}

// think asks a brain for an answer to the last message of history and hands it on clause by clause. Calls without words are answered and
// the model is asked again for words.
func think(ctx context.Context, b *brain, history []llm.Message, to thought) error {
	ctx, cancel := context.WithTimeoutCause(ctx, chatWithin, errors.New("no whole answer within 60s"))
	defer cancel()
	select {
	case <-b.free:
		defer func() { b.free <- struct{}{} }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for range b.rounds {
		said, calls, err := answer(ctx, b.chat, history, to)
		for err != nil && said == "" && errors.Is(err, speech.ErrUnavailable) && wait(ctx, retryPause) {
			said, calls, err = answer(ctx, b.chat, history, to)
		}
		if len(calls) > 0 {
			to.called(calls)
		}
		if err != nil && !errors.Is(err, errWordy) {
			return err
		}
		results, ran := outcomes(ctx, calls, history, to)
		if said != "" && !ran || len(calls) == 0 || parts(calls) || hands(calls) != nil || ctx.Err() != nil {
			return nil
		}
		history = append(history, llm.Message{Role: llm.Agent, Text: said, Calls: calls})
		history = append(history, results...)
	}
	return nil
}

// outcomes are what calls come to. ran says that there was an action among them, whose result is to be put into words.
func outcomes(ctx context.Context, calls []llm.ToolCall, history []llm.Message, to thought) (results []llm.Message, ran bool) {
	for _, c := range calls {
		m := atOnce(c)
		if text, ok := to.run(ctx, c, history); ok {
			m.Text, ran = text, true
		}
		results = append(results, m)
	}
	return results, ran
}

// answer streams one reply. said is what it holds in words.
func answer(ctx context.Context, chat llm.Chat, history []llm.Message, to thought) (said string, calls []llm.ToolCall, err error) {
	var cut spoken.Splitter
	length := 0
	give := func(clauses []string) {
		for _, c := range clauses {
			said = strings.TrimSpace(said + " " + c)
			to.clause(c)
		}
	}
	err = chat.Reply(ctx, history, func(k llm.Chunk) error {
		if k.Call != nil {
			calls = append(calls, renamed(*k.Call, history))
			return nil
		}
		if k.Node != "" {
			to.reached(k.Node)
			return nil
		}
		if length += len(k.Text); length > mostText {
			return errWordy
		}
		give(cut.Add(k.Text))
		return nil
	})
	if ctx.Err() == nil {
		give(cut.Flush())
	}
	return said, calls, err
}

// renamed is a call under an id that none before it has: models that have no ids of their own count anew in each answer. A flow says by its
// ids which call it means.
func renamed(c llm.ToolCall, history []llm.Message) llm.ToolCall {
	if strings.HasPrefix(c.ID, callPrefix) {
		return c
	}
	for _, m := range history {
		if slices.ContainsFunc(m.Calls, func(o llm.ToolCall) bool { return o.ID == c.ID }) {
			c.ID = "call-" + parley.NewID()
			break
		}
	}
	return c
}

// parts says whether the call is to end.
func parts(calls []llm.ToolCall) bool {
	for _, c := range calls {
		if c.Name == llm.ToolHangUp {
			return true
		}
	}
	return false
}

// hands is the call that takes the caller out of the agent's hands; nil when there is none.
func hands(calls []llm.ToolCall) *llm.ToolCall {
	for i := range calls {
		if n := calls[i].Name; n == llm.ToolTransfer || n == llm.ToolHold {
			return &calls[i]
		}
	}
	return nil
}

// messages reads what the calls take down.
func (m *mind) messages(calls []llm.ToolCall, log *slog.Logger) []parley.TakenMessage {
	var all []parley.TakenMessage
	for _, c := range calls {
		switch c.Name {
		case llm.ToolTakeMessage:
			if t, ok := taken(c.Arguments); ok {
				all = append(all, t)
			} else {
				log.Warn("message of the model not understood", slog.Group("pii", "arguments", string(c.Arguments)))
			}
		case llm.ToolHangUp, llm.ToolTransfer, llm.ToolHold:
		default:
			if _, ok := m.deed(c); ok {
				continue
			}
			log.Warn("model called an unknown tool", "tool", c.Name)
		}
	}
	return all
}

func taken(arguments json.RawMessage) (parley.TakenMessage, bool) {
	var in struct {
		Slots map[string]any `json:"slots"`
	}
	if json.Unmarshal(arguments, &in) != nil || len(in.Slots) == 0 {
		return parley.TakenMessage{}, false
	}
	m := parley.TakenMessage{TakenAt: parley.Stamp(time.Now()), Slots: map[string]string{}}
	for k, v := range in.Slots {
		if text := strings.TrimSpace(parley.Written(v)); text != "" {
			m.Slots[k] = text
		}
	}
	return m, len(m.Slots) > 0
}
