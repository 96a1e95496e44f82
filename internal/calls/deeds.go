package calls

import (
	"context"
	"encoding/json"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/media"
)

// holdMost bounds how long an agent lets a caller wait.
const holdMost = 10 * time.Minute

// Inputs of transfer actions beside the number, with fixed values.
const (
	inputMode     = "mode"     // one of parley.TransferModes, or cold; bridged when left out
	inputBriefing = "briefing" // said to the target first where the mode has that
)

// fixedText is the fixed value of an input as a text; empty when there is none.
func fixedText(a *parley.Action, name string) (text string) {
	for i := range a.Inputs {
		if v, ok := a.Inputs[i].Fixed(); ok && a.Inputs[i].Name == name {
			_ = json.Unmarshal(v, &text) // what is no text is none
		}
	}
	return text
}

// actionTargets are whom an agent's transfer actions name. A number that is not fixed is none: the model chooses among people, it does not dial.
func actionTargets(snap *parley.Snapshot) (all []Target) {
	for i := range snap.Actions {
		a := &snap.Actions[i]
		to := fixedText(a, parley.InputTransferTo)
		if a.Type != parley.ActionTransfer || to == "" || a.Mode != parley.DuringCall {
			continue
		}
		r := parley.TransferRequest{To: to, Mode: parley.TransferMode(fixedText(a, inputMode))}
		switch r.Mode {
		case "":
			r.Mode = parley.TransferBridged
		case "cold":
			r.Mode = parley.TransferRefer
		}
		if b := fixedText(a, inputBriefing); r.Mode == parley.TransferWarm || r.Mode == parley.TransferAttended {
			r.Briefing = b[:min(len(b), briefingMost)]
		}
		all = append(all, Target{Name: a.Name, Description: a.Description, TransferRequest: r, Action: a})
	}
	return all
}

// pausing is what an agent's hold action is.
type pausing struct {
	text   string // for the model; empty when there is none
	last   time.Duration
	action *parley.Action
}

// says is what the caller hears before he waits.
func (p pausing) says() *string {
	if p.action == nil {
		return nil
	}
	return p.action.SpeakOnSend
}

// holdOf is the first hold action of an agent with a duration.
func holdOf(snap *parley.Snapshot) pausing {
	for i := range snap.Actions {
		a := &snap.Actions[i]
		if a.Type != parley.ActionHold || a.Mode != parley.DuringCall {
			continue
		}
		for j := range a.Inputs {
			var seconds float64
			v, ok := a.Inputs[j].Fixed()
			if ok && a.Inputs[j].Name == parley.InputHoldDuration && json.Unmarshal(v, &seconds) == nil && seconds > 0 {
				return pausing{a.Name + ": " + a.Description, time.Duration(min(seconds, holdMost.Seconds()) * float64(time.Second)), a}
			}
		}
	}
	return pausing{}
}

// holdAsTold lets the caller wait, with music where there is any. The agent has him again afterwards and knows that he waited.
func (s *Switchboard) holdAsTold(ctx context.Context, l *live, t *talk, call llm.ToolCall) {
	asking, cancel := context.WithTimeout(ctx, lendWithin)
	defer cancel()
	lent, err := t.session.Lend(asking)
	if err != nil {
		s.log.Warn("hold not begun", "call", l.id, "error", err)
		return
	}
	pause := holdOf(l.call.Snapshot)
	d := deedOf(l.id, pause.action, parley.Stamp(time.Now()), map[string]any{parley.InputHoldDuration: pause.last.Seconds()})
	settle := func(ok bool, message string) string {
		told := map[string]any{"ok": ok}
		if message != "" {
			told["message"] = message
		}
		d.run.Settle(ok, marshalled(told))
		l.did(d)
		lent.Do(func() { s.keepDeeds(l) })
		return string(d.run.Output)
	}
	thanks := "Thank you for waiting."
	if s := pause.action.SpeakOnReceive; s != nil && *s != "" {
		thanks = "" // it was said in the owner's words
	}
	resume := s.putOnHold(ctx, l, lent.Leg)
	timer := time.NewTimer(pause.last)
	defer timer.Stop()
	select {
	case <-timer.C:
		if !resume() {
			settle(false, "The call could not be taken up again.")
			lent.End(parley.EndedAgentFault)
			return
		}
		lent.Return(&convo.Outcome{Call: call, Result: settle(true, thanks), Says: pause.action.SpeakOnReceive})
	case <-lent.Done():
		settle(false, "The caller hung up.")
		lent.End(parley.EndedByCaller)
	case <-ctx.Done():
		settle(false, "The call ended.")
	}
}

// holdWithin bounds how long the far side of a leg may take to agree to a hold, or to its end.
const holdWithin = 5 * time.Second

// putOnHold lets a caller hear what his network plays to those who wait; where it does not agree he waits in silence. resume ends that, and says
// false when he would go on hearing it.
func (s *Switchboard) putOnHold(ctx context.Context, l *live, leg media.Leg) (resume func() bool) {
	h, ok := leg.(media.Holder)
	if !ok {
		return func() bool { return true }
	}
	asking, cancel := context.WithTimeout(ctx, holdWithin)
	defer cancel()
	if err := h.Hold(asking); err != nil {
		s.log.Info("the caller waits without being on hold", "call", l.id, "error", err)
	}
	return func() bool {
		asking, cancel := context.WithTimeout(ctx, holdWithin)
		defer cancel()
		err := h.Resume(asking)
		if err != nil {
			s.log.Warn("hold not ended", "call", l.id, "error", err)
		}
		return err == nil
	}
}
