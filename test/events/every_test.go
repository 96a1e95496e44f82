package events

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/media/mediatest"
	"github.com/parley-voice/parley/internal/speech/speechtest"
	"github.com/parley-voice/parley/internal/sqlstore"
	"github.com/parley-voice/parley/internal/store"
)

// diary is a receiver that writes down what each call tells, in the order in which it comes.
type diary struct {
	mu    sync.Mutex
	calls map[string][]told
	order []string // of the calls
}

type told struct {
	Event    parley.Event `json:"event"`
	CallID   string       `json:"call_id"`
	Sequence int64        `json:"sequence"`
}

func (d *diary) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var t told
	_ = json.NewDecoder(r.Body).Decode(&t) // what is no event is of no call, which no test wants
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.calls[t.CallID] == nil {
		d.order = append(d.order, t.CallID)
	}
	d.calls[t.CallID] = append(d.calls[t.CallID], t)
}

// ended counts the calls whose end was told.
func (d *diary) ended() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, all := range d.calls {
		if slices.ContainsFunc(all, func(t told) bool { return t.Event == parley.EventCallEnded }) {
			n++
		}
	}
	return n
}

// offers gives the agent an action at a path of a server.
func (h *house) offers(name, url string) {
	h.t.Helper()
	now := parley.Stamp(time.Now())
	h.update(func(ctx context.Context, tx store.Tx) error {
		return tx.InsertAction(ctx, &parley.Action{
			ID: parley.NewID(), AgentID: h.agent.ID, NodeID: name, Name: name, Description: "For who asks.", Type: parley.ActionWebhook, URL: &url,
			Method: "POST", Scheme: "none", Mode: parley.DuringCall, Status: parley.ActionActive, CreatedAt: now, UpdatedAt: now,
		})
	})
}

// Events of the parts of a call, in order, without their common prefix.
const (
	comes  = "phone_call_started phone_call_connected connection_established user_connected participant_joined participant_joined"
	goes   = "participant_left participant_left user_disconnected connection_closed phone_call_disconnected"
	breaks = "participant_left participant_left user_disconnected connection_error connection_closed phone_call_error phone_call_disconnected"
	client = "phone_call_started phone_call_connected connection_established client_connected user_connected participant_joined participant_joined"
	leaves = "participant_left participant_left user_disconnected client_disconnected connection_closed phone_call_disconnected"
)

// All 22 events of agents reach a receiver within five calls, in the order of what happened, numbered without gaps in each.
func TestEveryEventArrivesInOrder(t *testing.T) {
	t.Parallel()
	receiver := &diary{calls: map[string][]told{}}
	at := httptest.NewServer(receiver)
	t.Cleanup(at.Close)
	h := open(t, sqlstore.Options{DataDir: t.TempDir()}, at.URL)
	h.agent.Recording = true
	h.update(func(ctx context.Context, tx store.Tx) error { return tx.UpdateAgent(ctx, h.agent) })
	h.acts()
	h.run()
	for n, one := range []struct {
		call func()
		want string
	}{
		{func() { h.talks(media.EndRemote, "please book a visit", "and cancel it again", "thank you") },
			comes + " conversation_started action action_failed conversation_ended " + goes + " recording phone_call_ended"},
		{func() { h.talks(media.EndNetwork, "are you open") }, comes + " conversation_started conversation_ended " + breaks + " recording phone_call_ended"},
		{h.callsABusyLine, "phone_call_started phone_call_did_not_connect phone_call_ended"},
		{h.callsAMachine, comes + " voicemail_detected voicemail_message_left " + goes + " recording phone_call_ended"},
		{h.isCalledFromOutside, client + " " + leaves + " recording phone_call_ended"},
	} {
		one.call()
		h.until(func() bool { return receiver.ended() == n+1 })
		receiver.check(t, n, strings.Fields(one.want))
	}
	receiver.wantAll(t)
}

// acts gives the agent two actions, of which one fails.
func (h *house) acts() {
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/book" {
			w.WriteHeader(http.StatusConflict)
		}
		_, _ = io.WriteString(w, `{"message":"So it is."}`)
	}))
	h.t.Cleanup(shop.Close)
	h.offers("book", shop.URL+"/book")
	h.offers("cancel", shop.URL+"/cancel")
}

func (h *house) actor() parley.Actor {
	return parley.Actor{EnvironmentID: h.env, Abilities: []string{parley.AllAbilities}}
}

func (h *house) place() {
	h.t.Helper()
	if _, err := h.board.Place(h.t.Context(), h.actor(), h.agent.ID, parley.CallRequest{To: "+15550142042"}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) callsABusyLine() {
	h.phones.Err = &media.NotAnswered{Outcome: media.OutcomeBusy, Status: 486, Reason: "sip_486"}
	h.place()
}

func (h *house) callsAMachine() {
	leg := mediatest.Start(h.t)
	h.phones.Err, h.phones.Leg = nil, func() media.Leg { return leg }
	h.place()
	h.until(func() bool { return speechtest.Text(leg.Said()) == "hello there" })
	says(leg, "you have reached bob please leave a message after the tone")
	h.until(func() bool {
		return strings.HasSuffix(speechtest.Text(leg.Said()), "yes we are.") && leg.Quiet() > time.Second
	})
	leg.HangUp()
}

func (h *house) isCalledFromOutside() {
	announced := parley.ExternalRequest{SID: "s", From: "+15550199999", To: number, Direction: parley.Inbound}
	c, _, err := h.board.Expect(h.t.Context(), h.actor(), h.agent.ID, announced)
	if err != nil {
		h.t.Fatal(err)
	}
	leg := mediatest.Start(h.t)
	if err := h.board.Connect(h.t.Context(), c.ID, leg); err != nil {
		h.t.Fatal(err)
	}
	h.until(func() bool { return speechtest.Text(leg.Said()) == "hello there" })
	leg.HangUp()
}

// talks makes a call in which a caller says something, hears an answer, says the next thing, and which ends for a cause.
func (h *house) talks(cause media.EndCause, lines ...string) {
	leg := mediatest.Start(h.t)
	in := mediatest.Ringing(number, "+15550199999", leg)
	in.Inv.TrunkID = h.trunk
	done := make(chan struct{})
	go func() { defer close(done); h.board.Serve(context.Background(), in) }()
	h.until(func() bool { return speechtest.Text(leg.Said()) == "hello there" })
	for _, text := range lines {
		before := len(speechtest.Text(leg.Said()))
		says(leg, text)
		h.until(func() bool { return len(speechtest.Text(leg.Said())) > before && leg.Quiet() > time.Second })
	}
	leg.End(cause)
	<-done
}

func says(l *mediatest.Leg, text string) { l.Play(speechtest.Sound(text)) }

// check wants the events of the nth call as they are given.
func (d *diary) check(t *testing.T, n int, want []string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	var got []string
	for i, x := range d.calls[d.order[n]] {
		got = append(got, strings.TrimPrefix(string(x.Event), "event_"))
		t.Logf("call %d: %2d %s", n+1, x.Sequence, x.Event)
		if x.Sequence != int64(i+1) {
			t.Errorf("call %d: event %d is numbered %d", n+1, i+1, x.Sequence)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("call %d:\n got %s\nwant %s", n+1, got, want)
	}
}

// wantAll wants every event that agents have.
func (d *diary) wantAll(t *testing.T) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	missing := parley.AgentEvents()
	all := len(missing)
	for _, call := range d.calls {
		for _, x := range call {
			delete(missing, x.Event)
		}
	}
	if len(missing) > 0 {
		t.Errorf("%d events did not come: %v", len(missing), missing)
	}
	t.Logf("%d of %d events came, in %d calls", all-len(missing), all, len(d.calls))
}
