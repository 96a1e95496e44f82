package remains

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// Places in which words are planted; each has a word of its own.
const (
	atName = iota
	atLabel
	atDescription
	atSubject
	atInstructions
	atAction
	atActionURL
	atHook
	atHookURL
	atFlow
	atSID
	atPayload
	atContext
	atTurn
	atHeard
	atSIP
	atSound
	atSlot
	atTransfer
	atEvent
	atResponse
	atDeed
	atInput
	atOutput
)

// agentWord is what is planted in a place of an agent, callWord of a call, and phone stands for a caller. All are known by their form.
func agentWord(n, place int) string { return fmt.Sprintf("zeb-a%04d-%02d", n, place) }
func callWord(n, place int) string  { return fmt.Sprintf("zeb-c%04d-%02d", n, place) }
func phone(n int) string            { return fmt.Sprintf("+1999555%04d", n) }

// planted finds them, and ids; a word of a call or an agent tells of which. Much is sealed, so that only ids tell of a row that was left.
const planted = `zeb-[ac]\d{4}-\d{2}|1999555\d{4}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`

// agent is an agent that was made.
type agent struct {
	n    int
	row  *parley.Agent
	old  bool // deleted, so that nothing of it may be found
	held bool // hidden until its export is packed
}

// call is one that began.
type call struct {
	n, caller int
	agent     *agent
	row       *parley.Call
	sound     store.Blob // of the recording, while it is written
	open      bool       // it is up
	ours      bool       // it began in this process, which may write to it late
	old       bool       // its agent or its caller was erased
}

// model is what is known of the past.
type model struct {
	agents []*agent
	calls  []*call
	jobs   []store.Job // that nothing has worked on
}

func (m model) clone() model {
	c := model{jobs: slices.Clone(m.jobs)}
	copies := map[*agent]*agent{}
	for _, a := range m.agents {
		b := *a
		copies[a] = &b
		c.agents = append(c.agents, &b)
	}
	for _, k := range m.calls {
		b := *k
		b.agent, b.sound = copies[k.agent], nil
		row := *k.row
		b.row = &row
		c.calls = append(c.calls, &b)
	}
	return c
}

// restored takes the past as it was when a backup was made. What came since is gone, and what was erased since is to go again.
func (w *world) restored(then model) {
	now := w.model
	w.model = then
	for _, a := range now.agents {
		i := slices.IndexFunc(w.agents, func(b *agent) bool { return b.n == a.n })
		if i < 0 {
			a.old = true
			w.agents = append(w.agents, a)
			continue
		}
		w.agents[i].old = w.agents[i].old || a.old
	}
	for _, c := range now.calls {
		i := slices.IndexFunc(w.calls, func(b *call) bool { return b.n == c.n })
		if i < 0 {
			c.old, c.open = true, false
			c.agent = w.agents[slices.IndexFunc(w.agents, func(a *agent) bool { return a.n == c.agent.n })]
			w.calls = append(w.calls, c)
			continue
		}
		w.calls[i].old = w.calls[i].old || c.old
	}
	w.age()
}

// age makes the calls of old agents old.
func (w *world) age() {
	for _, c := range w.calls {
		c.old = c.old || c.agent.old
		c.open = c.open && !c.old
	}
}

// living are the agents that are there; nil when there is none.
func (w *world) living() (agents []*agent) {
	return slices.DeleteFunc(slices.Clone(w.agents), func(a *agent) bool { return a.old || a.held })
}

func (w *world) callsThat(ok func(*call) bool) []*call {
	return slices.DeleteFunc(slices.Clone(w.calls), func(c *call) bool { return !ok(c) })
}

// learn asks the database which agents and calls are still there, after a crash in the middle of something.
func (w *world) learn() {
	w.t.Helper()
	w.update(func(ctx context.Context, tx store.Tx) error {
		for _, a := range w.agents {
			_, hidden := tx.Agent(ctx, w.env, a.row.ID)
			_, _, free := tx.LockHeld(ctx, a.row.ID)
			for _, err := range []error{hidden, free} {
				if err != nil && parley.CodeOf(err) != parley.AgentNotFound {
					return err
				}
			}
			a.held, a.old = free == nil, a.old || hidden != nil && free != nil
		}
		w.age()
		for _, c := range w.callsThat(func(c *call) bool { return !c.old }) {
			if _, err := tx.Call(ctx, "", c.row.ID); parley.CodeOf(err) == parley.CallNotFound {
				c.old = true
			} else if err != nil {
				return err
			}
		}
		return nil
	})
}

// alive says of a planted word whether it may be found.
func (w *world) alive(word string) bool {
	var n, place int
	if _, err := fmt.Sscanf(word, "zeb-a%d-%d", &n, &place); err == nil {
		return slices.ContainsFunc(w.agents, func(a *agent) bool { return a.n == n && !a.old })
	}
	if _, err := fmt.Sscanf(word, "zeb-c%d-%d", &n, &place); err == nil {
		return slices.ContainsFunc(w.calls, func(c *call) bool { return c.n == n && !c.old })
	}
	if strings.HasPrefix(word, "1999") && len(word) == len("19995550000") {
		return slices.ContainsFunc(w.calls, func(c *call) bool { return phone(c.caller) == "+"+word && !c.old })
	}
	return !slices.ContainsFunc(w.calls, func(c *call) bool { return c.row.ID == word && c.old }) // receipts name agents
}
