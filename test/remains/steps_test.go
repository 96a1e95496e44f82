package remains

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/envelope"
	"github.com/parley-voice/parley/internal/jobs"
	"github.com/parley-voice/parley/internal/store"
)

func now() time.Time { return parley.Stamp(time.Now()) }

// create makes an agent with a word in each of its places.
func (w *world) create() {
	w.t.Helper()
	a := &agent{n: len(w.agents) + 1}
	word := func(place int) string { return agentWord(a.n, place) }
	text := strings.Repeat("I know "+word(atDescription)+". ", 300) // long enough for a page of its own
	at := now()
	a.row = &parley.Agent{
		ID: parley.NewID(), EnvironmentID: w.env, Name: word(atName), Label: word(atLabel), Direction: parley.Inbound, Status: parley.Published,
		Mode: parley.LLMDriven, CreatedAt: at, UpdatedAt: at, AgentSettings: parley.AgentSettings{Description: &text, Recording: true},
	}
	url := "https://" + word(atActionURL) + ".example"
	act := parley.Action{
		ID: parley.NewID(), AgentID: a.row.ID, NodeID: "book", Name: word(atAction), Type: parley.ActionWebhook, URL: &url, Method: "POST", CreatedAt: at, UpdatedAt: at,
	}
	hook := parley.Webhook{
		ID: parley.NewID(), AgentID: a.row.ID, Name: word(atHook), URL: "https://" + word(atHookURL) + ".example", Timeout: time.Second, MaxRetries: 3,
		Events: []parley.Event{parley.EventCallStarted, parley.EventCallEnded}, Enabled: true, Method: "POST", Scheme: "none", CreatedAt: at, UpdatedAt: at,
	}
	flow := parley.FlowVersion{
		ID: parley.NewID(), AgentID: a.row.ID, Number: 1, Version: "1", Mode: parley.FlowDriven, Config: `{"note": "` + word(atFlow) + `"}`, Current: true, CreatedAt: at,
	}
	w.update(func(ctx context.Context, tx store.Tx) error {
		if err := tx.InsertAgent(ctx, a.row); err != nil {
			return err
		}
		return errors.Join(tx.InsertAction(ctx, &act), tx.InsertWebhook(ctx, &hook), tx.AddFlowVersion(ctx, &flow, 10))
	})
	w.agents = append(w.agents, a)
}

func (w *world) train(a *agent) {
	w.t.Helper()
	at := now()
	w.update(func(ctx context.Context, tx store.Tx) error {
		return tx.InsertTraining(ctx, &parley.Training{
			ID: parley.NewID(), AgentID: a.row.ID, Subject: agentWord(a.n, atSubject), Instructions: strings.Repeat(agentWord(a.n, atInstructions)+" ", 400),
			Status: "active", CreatedAt: at, UpdatedAt: at,
		})
	})
}

// ring begins a call, as the switchboard does: in one transaction under the agent's lock.
func (w *world) ring(a *agent, caller int) {
	w.t.Helper()
	c := &call{n: len(w.calls) + 1, caller: caller, agent: a, open: true, ours: true}
	at := now()
	w.update(func(ctx context.Context, tx store.Tx) error {
		row, err := tx.LockAgent(ctx, w.env, a.row.ID)
		if err != nil {
			return err
		}
		lessons, err := tx.TrainingsOf(ctx, row.ID)
		if err != nil {
			return err
		}
		flow, err := tx.CurrentFlow(ctx, row.ID)
		if err != nil {
			return err
		}
		c.row = &parley.Call{
			ID: parley.NewID(), EnvironmentID: w.env, AgentID: row.ID, SID: callWord(c.n, atSID), From: phone(caller), To: "+12025550143", Direction: parley.Inbound,
			Transport: parley.TransportSIP, Status: parley.CallAnswered, Snapshot: parley.NewSnapshot(row, lessons[row.ID], nil, flow), NodeID: node,
			LeaseUntil: at.Add(time.Hour), CreatedAt: at, UpdatedAt: at, AnsweredAt: &at,
			Payload: json.RawMessage(`{"name":"` + callWord(c.n, atPayload) + `"}`), Context: json.RawMessage(`{"name":"` + callWord(c.n, atContext) + `"}`),
		}
		c.row.Recording = row.ID + "/" + c.row.ID + ".wav"
		if err := tx.InsertCall(ctx, c.row); err != nil {
			return err
		}
		return w.hooks.Put(ctx, tx, c.row, parley.CallEvent{Event: parley.EventCallStarted, At: at})
	})
	w.calls = append(w.calls, c)
	var err error
	c.sound, err = w.blobs.Create(context.Background(), c.row.Recording)
	w.must(err)
	w.talk(c)
}

// talk adds to an open call.
func (w *world) talk(c *call) {
	w.t.Helper()
	if c.sound != nil {
		_, err := c.sound.Write([]byte(strings.Repeat(callWord(c.n, atSound), 200)))
		w.must(err)
	}
	w.must(w.say(c))
}

// say writes what is said in a call, which may be gone.
func (w *world) say(c *call) error {
	at := now()
	heard := strings.Repeat(callWord(c.n, atHeard)+" ", 300)
	turn := parley.Turn{ID: parley.NewID(), CallID: c.row.ID, Who: parley.WhoAgent, Text: callWord(c.n, atTurn), Heard: &heard, StartedAt: at, EndedAt: at}
	msg := parley.SIPMessage{ID: parley.NewID(), CallID: c.row.ID, At: at, Peer: "192.0.2.1:5060", Raw: "INFO " + callWord(c.n, atSIP)}
	c.row.Messages = append(c.row.Messages, parley.TakenMessage{TakenAt: at, Slots: map[string]string{"name": callWord(c.n, atSlot)}})
	c.row.Transfers = append(c.row.Transfers, parley.Transfer{To: callWord(c.n, atTransfer), Mode: parley.TransferBridged, Outcome: "busy", StartedAt: at})
	act := parley.CallAction{
		ID: parley.NewID(), CallID: c.row.ID, ActionID: parley.NewID(), Type: parley.ActionWebhook, Mode: parley.DuringCall, Name: callWord(c.n, atDeed),
		Input: json.RawMessage(`{"for":"` + callWord(c.n, atInput) + `"}`), CreatedAt: at,
	}
	act.Settle(true, json.RawMessage(`{"answer":"`+callWord(c.n, atOutput)+`"}`))
	return w.store.Update(context.Background(), func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.PutCallAction(ctx, &act); err != nil {
			return err
		}
		return errors.Join(tx.PutTurns(ctx, []parley.Turn{turn}), tx.PutSIPMessages(ctx, []parley.SIPMessage{msg}), tx.AmendCall(ctx, c.row))
	})
}

// end ends an open call.
func (w *world) end(c *call) {
	w.t.Helper()
	at := now()
	c.row.Status, c.row.EndedReason, c.row.EndedAt, c.open = parley.CallCompleted, parley.EndedByCaller, &at, false
	if c.sound != nil {
		w.must(c.sound.Close())
		c.sound = nil
	}
	w.update(func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.UpdateCall(ctx, c.row); err != nil {
			return err
		}
		return w.hooks.Put(ctx, tx, c.row, parley.CallEvent{Event: parley.EventCallEnded, At: at, Data: map[string]any{"note": callWord(c.n, atEvent)}})
	})
}

// hangUp is what the switchboard does for an erasure by force. The calls go on writing for a moment.
func (w *world) hangUp(agentID string) int {
	for _, c := range w.calls {
		if c.open && c.row.AgentID == agentID {
			c.open = false
		}
	}
	return 0
}

// late does what a call may still do that is gone: write its turns, open its recording. Nothing of it may be kept.
func (w *world) late(c *call) {
	w.t.Helper()
	if err := w.say(c); err != nil && parley.CodeOf(err) != parley.CallNotFound {
		w.t.Fatalf("what comes late to a call that is gone: %v", err)
	}
	if c.sound != nil {
		_, _ = c.sound.Write([]byte(callWord(c.n, atSound))) // to a file that has no name any more
		_ = c.sound.Close()
		c.sound = nil
	}
	if !c.agent.old {
		return // its caller was erased; what the agent's key seals is not in the clear
	}
	if f, err := w.blobs.Create(context.Background(), c.row.Recording); err == nil {
		_ = f.Close()
		w.t.Fatalf("a recording was begun for an agent that is gone")
	} else if !errors.Is(err, envelope.ErrNoKey) {
		w.t.Fatalf("a late recording: %v", err)
	}
}

// deliver works on the jobs of webhooks, also on those that these enqueue; retries come when deliver does next.
func (w *world) deliver() {
	w.t.Helper()
	todo := w.jobs
	w.jobs = nil
	for _, j := range todo {
		var err error
		switch j.Kind {
		case jobs.DeliverEvents:
			err = w.hooks.HandleLane(context.Background(), j.Subject)
		case jobs.RetryDelivery:
			err = w.hooks.HandleRetry(context.Background(), j.Subject)
		}
		if _, again := errors.AsType[jobs.Again](err); !again {
			w.must(err)
		}
	}
}

// receiver answers requests of webhooks with a word of the call, every third call's with a failure.
type receiver struct{}

var ofCall = regexp.MustCompile(`zeb-c(\d{4})`)

// RoundTrip implements http.RoundTripper.
func (receiver) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	res := &http.Response{StatusCode: 200, Header: http.Header{}, Request: r}
	if m := ofCall.FindSubmatch(body); m != nil {
		n, _ := strconv.Atoi(string(m[1]))
		body = []byte("thanks for " + callWord(n, atResponse))
		if n%3 == 2 {
			res.StatusCode = 500
		}
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// remove deletes an agent. It is refused while one of its calls is up, unless by force; of its calls none may be left then.
func (w *world) remove(a *agent, force bool) {
	w.t.Helper()
	busy := len(w.callsThat(func(c *call) bool { return c.open && c.agent == a })) > 0
	if !force {
		w.update(func(ctx context.Context, tx store.Tx) error { // published agents are not deleted
			row, err := tx.Agent(ctx, w.env, a.row.ID)
			if err != nil {
				return err
			}
			row.Status = parley.Draft
			return tx.UpdateAgent(ctx, row)
		})
	}
	_, err := w.room.Delete(context.Background(), w.actor(), a.row.ID, force)
	if busy && !force {
		if parley.CodeOf(err) != parley.AgentHasActiveCalls {
			w.t.Fatalf("the deletion of an agent that talks: %v", err)
		}
		return
	}
	w.must(err)
	a.old = true
	w.age()
}

// eraseCaller erases one caller's calls with all agents. It is refused while he talks.
func (w *world) eraseCaller(caller int) {
	w.t.Helper()
	own := w.callsThat(func(c *call) bool { return !c.old && c.caller == caller })
	busy := false
	for _, c := range own {
		busy = busy || c.open
	}
	_, err := w.eraser.EraseCaller(context.Background(), w.actor(), phone(caller), nil)
	if busy {
		if parley.CodeOf(err) != parley.CallerHasActiveCalls {
			w.t.Fatalf("the erasure of a caller who talks: %v", err)
		}
		return
	}
	w.must(err)
	for _, c := range own {
		c.old = true
	}
}

// running are the erasures that are not complete.
func (w *world) running() []string { return w.erasures(parley.ErasureRunning) }

func (w *world) erasures(state string) (ids []string) {
	w.t.Helper()
	w.view(func(ctx context.Context, tx store.Tx) error {
		list, _, err := tx.ListErasures(ctx, w.env, store.ErasureFilter{State: state, Page: store.Page{Size: 1000}})
		for _, r := range list {
			ids = append(ids, r.ID)
		}
		return err
	})
	return ids
}

// settle works on erasures until all are complete, and ends the time of archives.
func (w *world) settle() {
	w.t.Helper()
	w.pack()
	for range 10 {
		ids := w.running()
		if len(ids) == 0 {
			w.noArchives()
			return
		}
		for _, id := range ids {
			if err := w.eraser.EndExport(context.Background(), w.actor(), id); parley.CodeOf(err) == "" {
				w.must(err)
			}
			err := w.eraser.Handle(context.Background(), id)
			if _, again := errors.AsType[jobs.Again](err); !again {
				w.must(err)
			}
		}
	}
	w.t.Fatalf("erasures do not come to their end: %v", w.running())
}

// cut does something and kills the process after some transactions.
func (w *world) cut(after int, do func()) {
	w.t.Helper()
	w.left.Store(int64(after))
	do()
	w.crash()
}

// attempt works on erasures once, whatever comes of it.
func (w *world) attempt() {
	var list []*parley.Erasure
	_ = w.store.View(context.Background(), func(ctx context.Context, tx store.Tx) (err error) {
		list, _, err = tx.ListErasures(ctx, w.env, store.ErasureFilter{State: parley.ErasureRunning, Page: store.Page{Size: 1000}})
		return err
	})
	for _, r := range list {
		_ = w.eraser.Handle(context.Background(), r.ID)
	}
}
