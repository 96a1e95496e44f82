package storetest

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

var callRules = []rule{
	{"a call comes back as it was, snapshot included", func(t *testing.T, h *house) {
		a := h.agent(t)
		c := h.call(t, a, func(c *parley.Call) {
			c.Payload, c.Context = json.RawMessage(`{"b": 1.0,"a":"O'Neil ☎","a":null}`), json.RawMessage(`{}`)
			c.TokenHash, c.DialAt, c.AnsweredAt, c.Testing = "hash", h.tick(), new(h.tick()), true
			c.Messages = []parley.TakenMessage{{TakenAt: h.tick(), Slots: map[string]string{"name": "Ada"}}}
			c.Transfers = []parley.Transfer{{To: "+12025550155", Mode: parley.TransferWarm, Outcome: "busy", Reason: "sip_486", StartedAt: h.tick(), EndedAt: new(h.tick())}}
			c.Quality = &parley.Quality{Codec: "PCMU", Encryption: "sdes", LossPercent: 1.5, RoundTripMillis: new(12.5), MOSEstimate: 4.1, Method: parley.QualityMethod}
		})
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			if err := same("by id", c)(tx.Call(ctx, h.env, c.ID)); err != nil {
				return err
			}
			return same("of any environment", c)(tx.Call(ctx, "", c.ID))
		})
	}},
	{"another environment's call does not exist", func(t *testing.T, h *house) {
		c := h.call(t, h.agent(t))
		refused(t, h, parley.CallNotFound, func(ctx context.Context, tx store.Tx) error { _, err := tx.Call(ctx, h.other, c.ID); return err })
		refused(t, h, parley.CallNotFound, func(ctx context.Context, tx store.Tx) error {
			_, err := tx.CallByRef(ctx, h.other, c.AgentID, c.ID)
			return err
		})
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			page, total, err := tx.ListCalls(ctx, h.other, store.CallFilter{AgentID: c.AgentID})
			want(t, "list", len(page)+total, 0)
			return err
		})
	}},
	{"a call needs a living agent of its environment", func(t *testing.T, h *house) {
		a := h.agent(t)
		c := h.call(t, a)
		c.ID, c.EnvironmentID = parley.NewID(), h.other
		refused(t, h, parley.AgentNotFound, func(ctx context.Context, tx store.Tx) error { return tx.InsertCall(ctx, c) })
		c.EnvironmentID, c.AgentID = h.env, "none"
		refused(t, h, parley.AgentNotFound, func(ctx context.Context, tx store.Tx) error { return tx.InsertCall(ctx, c) })
	}},
	{"a call is found by sid within its agent, the newest first", func(t *testing.T, h *house) {
		a, b := h.agent(t), h.agent(t)
		same1 := func(c *parley.Call) { c.SID = "sid-" + h.env }
		h.call(t, a, same1)
		newest := h.call(t, a, same1)
		h.call(t, b, same1)
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			return same("by sid", newest)(tx.CallByRef(ctx, h.env, a.ID, newest.SID))
		})
	}},
	{"a final call is never written again", func(t *testing.T, h *house) {
		c := h.call(t, h.agent(t))
		ended := *c
		ended.Status, ended.EndedReason, ended.EndedAt, ended.UpdatedAt = parley.CallCompleted, parley.EndedByCaller, new(h.tick()), h.tick()
		h.writes(t, &ended, true)
		back := *c
		back.Status, back.UpdatedAt = parley.CallAnswered, h.tick()
		h.writes(t, &back, false)
		failed := ended
		failed.Status = parley.CallFailed
		h.writes(t, &failed, false)
		view(t, h, func(ctx context.Context, tx store.Tx) error { return same("call", &ended)(tx.Call(ctx, h.env, c.ID)) })
	}},
	{"an update keeps what the call comes without", func(t *testing.T, h *house) {
		c := h.call(t, h.agent(t), func(c *parley.Call) {
			c.Recording, c.RecordingNote = "e/a/c.wav", "disk full"
			c.Transfers = []parley.Transfer{{To: "+12025550155", Mode: parley.TransferRefer, StartedAt: h.tick()}}
			c.Messages = []parley.TakenMessage{{TakenAt: h.tick(), Slots: map[string]string{"name": "Ada"}}}
			c.Quality = &parley.Quality{Codec: "PCMU", Encryption: "sdes", LossPercent: 1.5, RoundTripMillis: new(12.5), MOSEstimate: 4.1, Method: parley.QualityMethod}
		})
		bare := *c
		bare.Snapshot, bare.Recording, bare.RecordingNote, bare.Messages, bare.Transfers, bare.Quality, bare.Status = nil, "", "", nil, nil, nil, parley.CallAnswered
		h.writes(t, &bare, true)
		c.Status = parley.CallAnswered
		view(t, h, func(ctx context.Context, tx store.Tx) error { return same("kept", c)(tx.Call(ctx, h.env, c.ID)) })
		c.Snapshot, c.Recording = &parley.Snapshot{Agent: c.Snapshot.Agent}, "e/a/d.wav"
		c.Snapshot.Agent.Name = "Later"
		h.writes(t, c, true)
		view(t, h, func(ctx context.Context, tx store.Tx) error { return same("replaced", c)(tx.Call(ctx, h.env, c.ID)) })
	}},
	{"recording, messages and transfers are amended even at the end, and nothing else", func(t *testing.T, h *house) {
		c := h.call(t, h.agent(t), func(c *parley.Call) { c.Status = parley.CallCompleted })
		amended := *c
		amended.Recording, amended.RecordingNote = "e/a/c.wav", "disk full"
		amended.Transfers = []parley.Transfer{{To: "+12025550155", Mode: parley.TransferRefer, Outcome: "answered", StartedAt: h.tick()}}
		amended.Messages = []parley.TakenMessage{{TakenAt: h.tick(), Slots: map[string]string{"phone": "123"}}}
		written := amended
		written.Status, written.To = parley.CallRinging, "+1"
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.AmendCall(ctx, &written) })
		view(t, h, func(ctx context.Context, tx store.Tx) error { return same("call", &amended)(tx.Call(ctx, h.env, c.ID)) })
	}},
	{"a call that is not there cannot be written", func(t *testing.T, h *house) {
		c := &parley.Call{ID: "none"}
		refused(t, h, parley.CallNotFound, func(ctx context.Context, tx store.Tx) error { _, err := tx.UpdateCall(ctx, c); return err })
		refused(t, h, parley.CallNotFound, func(ctx context.Context, tx store.Tx) error { return tx.AmendCall(ctx, c) })
	}},
	{"lists are narrowed, counted, and cut into pages, newest first", listCalls},
	{"calls that are no tests are summed by hour and status", tallyCalls},
	{"an idempotency key gives the first answer until it runs out", rememberKeys},
}

// writes updates a call and expects the answer wrote.
func (h *house) writes(t *testing.T, c *parley.Call, wrote bool) {
	t.Helper()
	update(t, h, func(ctx context.Context, tx store.Tx) error { return same("wrote", wrote)(tx.UpdateCall(ctx, c)) })
}

func listCalls(t *testing.T, h *house) {
	a, b := h.agent(t), h.agent(t)
	c0 := h.call(t, a, func(c *parley.Call) { c.SID, c.To, c.Status = "CA%_0", "+4930100", parley.CallCompleted })
	c1 := h.call(t, a, func(c *parley.Call) { c.SID, c.From, c.Direction = "CA1", "+4417", parley.Outbound })
	c2 := h.call(t, b, func(c *parley.Call) { c.SID, c.From, c.Status = "CA2", parley.Anonymous, parley.CallBusy })
	c3 := h.call(t, a, func(c *parley.Call) { c.SID, c.To, c.Status = "CA3", "+4930100", parley.CallAnswered })
	for _, c := range []struct {
		rule   string
		filter store.CallFilter
		total  int
		want   []*parley.Call
	}{
		{"all", store.CallFilter{}, 4, []*parley.Call{c3, c2, c1, c0}},
		{"a page", store.CallFilter{Page: store.Page{Number: 2, Size: 3}}, 4, []*parley.Call{c0}},
		{"of an agent", store.CallFilter{AgentID: a.ID}, 3, []*parley.Call{c3, c1, c0}},
		{"by statuses", store.CallFilter{Statuses: []parley.CallStatus{parley.CallBusy, parley.CallCompleted}}, 2, []*parley.Call{c2, c0}},
		{"by direction", store.CallFilter{Direction: parley.Outbound}, 1, []*parley.Call{c1}},
		{"from a moment on", store.CallFilter{From: c2.CreatedAt}, 2, []*parley.Call{c3, c2}},
		{"before a moment", store.CallFilter{Before: c2.CreatedAt}, 2, []*parley.Call{c1, c0}},
		{"to a number", store.CallFilter{To: "+4930100"}, 2, []*parley.Call{c3, c0}},
		{"part of a number", store.CallFilter{Search: "4417"}, 1, []*parley.Call{c1}},
		{"part of a sid, signs for signs", store.CallFilter{Search: "%_"}, 1, []*parley.Call{c0}},
		{"all at once", store.CallFilter{AgentID: a.ID, Search: "+49", To: "+4930100", From: c1.CreatedAt}, 1, []*parley.Call{c3}},
	} {
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			page, total, err := tx.ListCalls(ctx, h.env, c.filter)
			var expected []*parley.Call
			for _, e := range c.want {
				bare := *e
				bare.Snapshot = nil
				expected = append(expected, &bare)
			}
			want(t, c.rule, page, expected)
			want(t, c.rule+", total", total, c.total)
			return err
		})
	}
}

func tallyCalls(t *testing.T, h *house) {
	a, gone := h.agent(t), h.agent(t)
	first := time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC)
	add := func(agent *parley.Agent, at, talk time.Duration, status parley.CallStatus, change func(*parley.Call)) {
		h.call(t, agent, func(c *parley.Call) {
			c.CreatedAt, c.Status, c.Cost, c.Direction = first.Add(at), status, 0.25, parley.Outbound
			if talk > 0 {
				c.AnsweredAt, c.EndedAt = new(first.Add(at)), new(first.Add(at+talk))
			}
			change(c)
		})
	}
	none := func(*parley.Call) {}
	add(a, 0, 90*time.Second, parley.CallCompleted, none)
	add(a, time.Hour-time.Microsecond, 30*time.Second+400*time.Millisecond, parley.CallCompleted, none)
	add(a, time.Hour, 0, parley.CallBusy, func(c *parley.Call) { c.Direction = parley.Inbound })
	add(a, 0, time.Hour, parley.CallCompleted, func(c *parley.Call) { c.Testing = true })
	add(gone, 0, time.Hour, parley.CallCompleted, none)
	h.drop(t, gone)
	completed := store.Tally{Hour: first, Status: parley.CallCompleted, Calls: 2, Talk: 2 * time.Minute, Cost: 0.5}
	busy := store.Tally{Hour: first.Add(time.Hour), Status: parley.CallBusy, Calls: 1, Cost: 0.25}
	for _, c := range []struct {
		rule   string
		env    string
		filter store.TallyFilter
		want   []store.Tally
	}{
		{"all", h.env, store.TallyFilter{}, []store.Tally{completed, busy}},
		{"of an agent", h.env, store.TallyFilter{AgentID: a.ID}, []store.Tally{completed, busy}},
		{"by direction", h.env, store.TallyFilter{Direction: parley.Inbound}, []store.Tally{busy}},
		{"before a moment", h.env, store.TallyFilter{Before: busy.Hour}, []store.Tally{completed}},
		{"from a moment on", h.env, store.TallyFilter{From: busy.Hour}, []store.Tally{busy}},
		{"of nobody", h.env, store.TallyFilter{AgentID: "none"}, []store.Tally{}},
		{"of another environment", h.other, store.TallyFilter{}, []store.Tally{}},
	} {
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			return same(c.rule, c.want)(tx.TallyCalls(ctx, c.env, c.filter))
		})
	}
}

func rememberKeys(t *testing.T, h *house) {
	remember := func(env, key, call, mark string, until time.Time) (first, firstMark string, ok bool) {
		t.Helper()
		update(t, h, func(ctx context.Context, tx store.Tx) (err error) {
			first, firstMark, ok, err = tx.RememberKey(ctx, env, key, call, mark, until)
			return err
		})
		return first, firstMark, ok
	}
	tomorrow, yesterday := time.Now().Add(24*time.Hour), time.Now().Add(-24*time.Hour)
	for _, c := range []struct {
		rule, env, key, call, mark string
		until                      time.Time
		first, firstMark           string
		ok                         bool
	}{
		{"a new key", h.env, "k1", "call1", "p1", tomorrow, "call1", "p1", true},
		{"again", h.env, "k1", "call2", "p2", tomorrow, "call1", "p1", false},
		{"of another environment", h.other, "k1", "call3", "p3", tomorrow, "call3", "p3", true},
		{"one that is over at once", h.env, "k2", "call4", "p4", yesterday, "call4", "p4", true},
		{"is not known later", h.env, "k2", "call5", "p5", tomorrow, "call5", "p5", true},
	} {
		first, mark, ok := remember(c.env, c.key, c.call, c.mark, c.until)
		want(t, c.rule, []any{first, mark, ok}, []any{c.first, c.firstMark, c.ok})
	}
	update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.ForgetKeys(ctx, time.Now()) })
	_, _, ok := remember(h.env, "k1", "call6", "p6", tomorrow)
	want(t, "forgetting leaves what has not run out", ok, false)
	update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.ForgetKeys(ctx, tomorrow.Add(time.Second)) })
	_, _, ok = remember(h.env, "k1", "call7", "p7", tomorrow)
	want(t, "and takes what has", ok, true)
}
