package calls

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/store"
)

// Target is somebody to whom an agent may give its callers, by the name that the model knows.
type Target struct {
	Name, Description string
	parley.TransferRequest
	Action *parley.Action // that names him; nil when none does
}

// targets are those of a call's agent: its actions, and the numbers in its flow, which go by the same rules.
func (s *Switchboard) targets(c *parley.Call, values map[string]any) []Target {
	all := actionTargets(c.Snapshot)
	for _, n := range convo.Numbers(c.Snapshot, values) {
		all = append(all, Target{Name: n, TransferRequest: parley.TransferRequest{To: n, Mode: parley.TransferBridged}})
	}
	if s.deps.Targets != nil {
		all = append(all, s.deps.Targets(c)...)
	}
	return all
}

func named(targets []Target) []convo.Target {
	all := make([]convo.Target, len(targets))
	for i, t := range targets {
		all[i] = convo.Target{Name: t.Name, Description: t.Description}
		if t.Action != nil {
			all[i].Says = t.Action.SpeakOnSend
		}
	}
	return all
}

// whatMessage says an outcome to the model, and to the caller where the model only repeats it.
func whatMessage(outcome string) string {
	switch media.Outcome(outcome) {
	case media.OutcomeBusy:
		return "The line is busy at the moment."
	case media.OutcomeNoAnswer:
		return "Nobody answers there at the moment."
	case media.OutcomeRefused:
		return "They cannot take the call at the moment."
	}
	return "I could not connect you."
}

// told is what a model learns of its transfer.
func told(call llm.ToolCall, outcome, message string) *convo.Outcome {
	if message == "" {
		message = whatMessage(outcome)
	}
	b, _ := json.Marshal(struct { // strings cannot fail
		OK      bool   `json:"ok"`
		Outcome string `json:"outcome"`
		Message string `json:"message"`
	}{false, outcome, message})
	return &convo.Outcome{Call: call, Result: string(b)}
}

// told is what a model learns of a transfer to the target, after what the target's action has to say.
func (t Target) told(call llm.ToolCall, outcome, message string) *convo.Outcome {
	o := told(call, outcome, message)
	if t.Action != nil {
		o.Says = t.Action.SpeakOnReceive
	}
	return o
}

// toolless makes the outcome of a transfer that the model did not ask for look like one that it did.
func toolless(outcome, message string) *convo.Outcome {
	return told(llm.ToolCall{ID: "transfer-" + parley.NewID(), Name: llm.ToolTransfer, Arguments: json.RawMessage(`{}`)}, outcome, message)
}

// transferTool takes up a transfer or a hold that the model asks for, without making it wait.
func (s *Switchboard) transferTool(l *live, targets []Target) func(llm.ToolCall) {
	return func(call llm.ToolCall) {
		t := l.talking()
		if t == nil {
			return
		}
		if call.Name == llm.ToolHold {
			t.spawn(func(ctx context.Context) { s.holdAsTold(ctx, l, t, call) })
			return
		}
		t.spawn(func(ctx context.Context) { s.transferAsTold(ctx, l, t, targets, call) })
	}
}

// transferAsTold begins the transfer; if it cannot be, the model hears of it.
func (s *Switchboard) transferAsTold(ctx context.Context, l *live, t *talk, targets []Target, call llm.ToolCall) {
	target, ok := ordered(targets, call.Arguments)
	prefixes, err := s.prefixesOf(ctx, l.call.EnvironmentID)
	var x *transfer
	if err == nil && ok {
		x, err = s.newTransfer(ctx, l, target.TransferRequest, prefixes)
	}
	if err == nil && ok {
		x.tell = func(outcome, message string) *convo.Outcome { return target.told(call, outcome, message) }
		x.action = target.Action
		err = x.begin(ctx)
	}
	if err == nil && ok {
		return
	}
	s.log.Warn("transfer not begun", "call", l.id, "known", ok, "error", err)
	if target.Action != nil {
		d := handedTo(l.id, target.Action, target.TransferRequest)
		d.settle(media.Report{Outcome: media.OutcomeFailed, Reason: "not_begun"})
		l.did(d)
	}
	ctx, cancel := context.WithTimeout(ctx, lendWithin)
	defer cancel()
	if lent, err := t.session.Lend(ctx); err == nil {
		lent.Do(func() { s.keepDeeds(l) })
		lent.Return(target.told(call, string(media.OutcomeFailed), ""))
	}
}

// ordered is what the model asked for.
func ordered(targets []Target, arguments json.RawMessage) (t Target, ok bool) {
	var in struct{ Target, Briefing string }
	if json.Unmarshal(arguments, &in) != nil {
		return t, false
	}
	for _, t := range targets {
		if strings.EqualFold(t.Name, strings.TrimSpace(in.Target)) || in.Target == "" && len(targets) == 1 {
			if b := strings.TrimSpace(in.Briefing); b != "" && t.Mode != parley.TransferBridged {
				t.Briefing = b[:min(len(b), briefingMost)]
			}
			return t, true
		}
	}
	return Target{}, false
}

// prefixesOf are those that an environment's agents may call.
func (s *Switchboard) prefixesOf(ctx context.Context, env string) (prefixes []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err = s.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		e, err := tx.Environment(ctx, env)
		if err == nil {
			prefixes = e.Limits.OutboundPrefixes
		}
		return err
	})
	return prefixes, err
}
