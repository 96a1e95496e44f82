package calls

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// returned is the call that a caller returns.
type returned struct {
	call   *parley.Call
	source string // name of its agent
}

// picked is the agent that takes a call, with what the call means to it.
type picked struct {
	agent    *parley.Agent
	callback *parley.Callback // nil when the agent has no callback role
	returns  *returned        // nil when there is no call to return
}

// pick chooses among agents that take calls, oldest first, the one for a caller: a callback agent of which a source has called him lately,
// else the first callback agent, else the first of all (contract notes, chapter 6).
func pick(ctx context.Context, tx store.Tx, takers []*parley.Agent, from string) (picked, error) {
	ids := make([]string, len(takers))
	for i, a := range takers {
		ids[i] = a.ID
	}
	roles, err := tx.CallbackRolesOf(ctx, ids...)
	if err != nil {
		return picked{}, err
	}
	best := picked{agent: takers[0]}
	for _, a := range takers {
		if roles[a.ID] == nil {
			continue
		}
		r, err := callToReturn(ctx, tx, a, from)
		if err != nil {
			return picked{}, err
		}
		if r != nil {
			return picked{a, &parley.Callback{CallID: r.call.ID, SourceID: r.call.AgentID}, r}, nil
		}
		if best.callback == nil {
			best = picked{agent: a, callback: &parley.Callback{}}
		}
	}
	return best, nil
}

// callToReturn finds what a caller returns by calling a callback agent; nil for nothing. Who withholds his number returns nothing.
func callToReturn(ctx context.Context, tx store.Tx, a *parley.Agent, from string) (*returned, error) {
	if !strings.HasPrefix(from, "+") {
		return nil, nil
	}
	c, err := tx.CallToReturn(ctx, a.EnvironmentID, a.ID, from, time.Now().Add(-parley.CallbackWindow))
	if c == nil || err != nil {
		return nil, err
	}
	source, err := tx.Agent(ctx, a.EnvironmentID, c.AgentID)
	if err != nil {
		return nil, err
	}
	return &returned{c, source.Name}, nil
}

// values fill the placeholders of the conversation: the payload of the call, before it that of the call it returns, and as callback what
// that call was.
func (l *live) values() map[string]any {
	own := payload(l.call.Payload)
	if l.returns == nil {
		return own
	}
	e := l.returns.call
	all := map[string]any{}
	maps.Copy(all, payload(e.Payload))
	maps.Copy(all, own)
	all["callback"] = map[string]any{
		"agent": l.returns.source, "outcome": string(e.Outcome()), "called_at": e.CreatedAt.Format(time.RFC3339),
		"payload": payload(e.Payload), "context": payload(e.Context),
	}
	return all
}

// mostKnown bounds what the model is told of an earlier call's payload, in bytes.
const mostKnown = 2000

// situation is what the model is to know of the call before it begins; empty for nothing.
func (l *live) situation() string {
	if l.returns == nil {
		return ""
	}
	e := l.returns.call
	text := fmt.Sprintf("The caller is returning a call that %s placed to this number on %s for the same business; that call came to: %s.",
		l.returns.source, e.CreatedAt.Format(time.RFC3339), e.Outcome())
	if len(e.Payload) > 0 && len(e.Payload) <= mostKnown && json.Valid(e.Payload) {
		text += " What that call was about: " + string(e.Payload)
	}
	return text
}
