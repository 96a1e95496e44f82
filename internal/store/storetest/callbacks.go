package storetest

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

var callbackRules = []rule{
	{"a role comes back as it was set, and is replaced whole", func(t *testing.T, h *house) {
		a, b, c := h.agent(t), h.agent(t), h.agent(t)
		first := h.role(t, a, &parley.CallbackRole{SourceIDs: []string{c.ID, b.ID}, Triggers: []parley.CallOutcome{"busy", "no-answer"}})
		h.roles(t, map[string]*parley.CallbackRole{a.ID: first}, a.ID, b.ID, "none")
		second := h.role(t, a, &parley.CallbackRole{SourceIDs: []string{b.ID}})
		h.roles(t, map[string]*parley.CallbackRole{a.ID: second}, a.ID)
		h.roles(t, map[string]*parley.CallbackRole{})
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.DeleteCallbackRole(ctx, a.ID) })
		h.roles(t, map[string]*parley.CallbackRole{}, a.ID)
		refused(t, h, parley.NotACallbackAgent, func(ctx context.Context, tx store.Tx) error { return tx.DeleteCallbackRole(ctx, a.ID) })
	}},
	{"a role needs its agent and its sources", func(t *testing.T, h *house) {
		a := h.agent(t)
		for _, ids := range [][2]string{{"none", a.ID}, {a.ID, "none"}} {
			refused(t, h, parley.AgentNotFound, func(ctx context.Context, tx store.Tx) error {
				return tx.SetCallbackRole(ctx, ids[0], &parley.CallbackRole{SourceIDs: []string{ids[1]}})
			})
		}
	}},
	{"a deleted agent leaves the lists of sources, and its role goes with it", func(t *testing.T, h *house) {
		a, b, c := h.agent(t), h.agent(t), h.agent(t)
		h.role(t, a, &parley.CallbackRole{SourceIDs: []string{b.ID, c.ID}})
		h.role(t, c, &parley.CallbackRole{SourceIDs: []string{b.ID}})
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			return same("agents that b is a source of", []*parley.Agent{a, c})(tx.CallbackAgentsFrom(ctx, b.ID))
		})
		h.drop(t, b)
		h.roles(t, map[string]*parley.CallbackRole{a.ID: {SourceIDs: []string{c.ID}}, c.ID: {SourceIDs: []string{}}}, a.ID, c.ID)
		h.drop(t, a)
		h.roles(t, map[string]*parley.CallbackRole{c.ID: {SourceIDs: []string{}}}, a.ID, c.ID)
	}},
	{"agents with the role can be listed by themselves", func(t *testing.T, h *house) {
		a, b := h.agent(t), h.agent(t)
		h.role(t, a, &parley.CallbackRole{SourceIDs: []string{b.ID}})
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			list, n, err := tx.ListAgents(ctx, h.env, store.AgentFilter{Callback: true})
			want(t, "agents with the role", list, []*parley.Agent{a})
			want(t, "how many", n, 1)
			return err
		})
	}},
	{"the call to return is the last of a source to the number with an outcome that counts", callToReturn},
	{"what a call returns never changes, and calls are summed by it", tallyCallbacks},
}

func (h *house) role(t *testing.T, a *parley.Agent, r *parley.CallbackRole) *parley.CallbackRole {
	t.Helper()
	update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.SetCallbackRole(ctx, a.ID, r) })
	return r
}

func (h *house) roles(t *testing.T, wanted map[string]*parley.CallbackRole, ids ...string) {
	t.Helper()
	view(t, h, func(ctx context.Context, tx store.Tx) error {
		return same("roles", wanted)(tx.CallbackRolesOf(ctx, ids...))
	})
}

// placed writes an outbound call.
func (h *house) placed(t *testing.T, a *parley.Agent, to string, status parley.CallStatus, edit ...func(*parley.Call)) *parley.Call {
	t.Helper()
	return h.call(t, a, append([]func(*parley.Call){func(c *parley.Call) {
		c.Direction, c.To, c.Status = parley.Outbound, to, status
	}}, edit...)...)
}

func callToReturn(t *testing.T, h *house) {
	source, stranger := h.agent(t), h.agent(t)
	const phone, other = "+12025550177", "+12025550178"
	busy := h.placed(t, source, phone, parley.CallBusy, func(c *parley.Call) { c.Payload = json.RawMessage(`{"name": "Ada"}`) })
	missed := h.placed(t, source, phone, parley.CallNoAnswer)
	machine := h.placed(t, source, phone, parley.CallCompleted, func(c *parley.Call) { c.Voicemail = true })
	spoken := h.placed(t, source, phone, parley.CallCompleted)
	failed := h.placed(t, source, phone, parley.CallFailed)
	h.placed(t, source, phone, parley.CallAnswered)
	h.placed(t, stranger, phone, parley.CallBusy)
	h.call(t, source, func(c *parley.Call) { c.To, c.From, c.Status = phone, phone, parley.CallBusy }) // inbound
	for _, c := range []struct {
		rule     string
		phone    string
		since    time.Time
		triggers []parley.CallOutcome
		want     *parley.Call
	}{
		{"any outcome, but no call that is open", phone, time.Time{}, nil, failed},
		{"busy", phone, time.Time{}, []parley.CallOutcome{"busy"}, busy},
		{"no answer, as a status spells it", phone, time.Time{}, []parley.CallOutcome{"no-answer"}, missed},
		{"no answer, as an outcome spells it", phone, time.Time{}, []parley.CallOutcome{"no_answer"}, missed},
		{"a machine", phone, time.Time{}, []parley.CallOutcome{"voicemail"}, machine},
		{"a person", phone, time.Time{}, []parley.CallOutcome{"completed"}, spoken},
		{"the last of several outcomes", phone, time.Time{}, []parley.CallOutcome{"busy", "voicemail"}, machine},
		{"a call placed just then", phone, busy.CreatedAt, []parley.CallOutcome{"busy"}, busy},
		{"not one placed before", phone, busy.CreatedAt.Add(time.Microsecond), []parley.CallOutcome{"busy"}, nil},
		{"not another number's", other, time.Time{}, nil, nil},
	} {
		taker := h.agent(t)
		h.role(t, taker, &parley.CallbackRole{SourceIDs: []string{source.ID}, Triggers: c.triggers})
		h.returns(t, c.rule, h.env, taker, c.phone, c.since, c.want)
		h.returns(t, c.rule+", in another environment", h.other, taker, c.phone, c.since, nil)
	}
	h.returns(t, "an agent without the role", h.env, stranger, phone, time.Time{}, nil)
	taker := h.agent(t)
	h.role(t, taker, &parley.CallbackRole{SourceIDs: []string{source.ID, stranger.ID}})
	h.drop(t, stranger)
	h.returns(t, "a source that was deleted", h.env, taker, phone, time.Time{}, failed)
}

func (h *house) returns(t *testing.T, rule, env string, taker *parley.Agent, phone string, since time.Time, wanted *parley.Call) {
	t.Helper()
	if wanted != nil {
		bare := *wanted
		bare.Snapshot = nil
		wanted = &bare
	}
	view(t, h, func(ctx context.Context, tx store.Tx) error {
		return same(rule, wanted)(tx.CallToReturn(ctx, env, taker.ID, phone, since))
	})
}

func tallyCallbacks(t *testing.T, h *house) {
	a, b := h.agent(t), h.agent(t)
	earlier := &parley.Callback{CallID: "earlier", SourceID: "source"}
	c := h.call(t, a, func(c *parley.Call) { c.Callback = earlier })
	h.call(t, a, func(c *parley.Call) { c.Callback, c.AnsweredAt = &parley.Callback{}, new(h.tick()) })
	h.call(t, a)
	h.call(t, b, func(c *parley.Call) { c.Callback, c.AnsweredAt = earlier, new(h.tick()) })
	changed := *c
	changed.Callback, changed.Voicemail = nil, true
	h.writes(t, &changed, true)
	c.Voicemail = true
	view(t, h, func(ctx context.Context, tx store.Tx) error { return same("call", c)(tx.Call(ctx, h.env, c.ID)) })
	for _, q := range []struct {
		rule   string
		env    string
		filter store.TallyFilter
		want   []store.CallbackTally
	}{
		{"all", h.env, store.TallyFilter{}, []store.CallbackTally{{SourceID: "", Calls: 1, Answered: 1}, {SourceID: "source", Calls: 2, Answered: 1}}},
		{"of an agent", h.env, store.TallyFilter{AgentID: b.ID}, []store.CallbackTally{{SourceID: "source", Calls: 1, Answered: 1}}},
		{"before any", h.env, store.TallyFilter{Before: c.CreatedAt}, []store.CallbackTally{}},
		{"of another environment", h.other, store.TallyFilter{}, []store.CallbackTally{}},
	} {
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			return same(q.rule, q.want)(tx.TallyCallbacks(ctx, q.env, q.filter))
		})
	}
}
