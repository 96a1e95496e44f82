package convo_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/flow"
)

// literal takes callers at their word: an option is meant by whoever says it, a value is what was said.
type literal struct{}

func (literal) Understand(_ context.Context, q flow.Question) (flow.Answer, error) {
	said := strings.Trim(strings.ToLower(q.Said), " .?!")
	a := flow.Answer{
		Option: slices.Index(q.Options, said) + 1, Elsewhere: slices.Index(q.Anywhere, said) + 1, Yes: strings.HasPrefix(said, "yes"), No: said == "no",
		Repeat: said == "what did you say", Leaves: said == "goodbye",
	}
	if q.Variable != nil && a.Option+a.Elsewhere == 0 && !a.Yes && !a.No && !strings.HasPrefix(said, "mumble") {
		a.Value = said
	}
	return a, nil
}

// leads makes a flow lead the conversation of an agent that has no message of its own.
func leads(r *rig, nodes string) {
	r.agent.InitialMessage = nil
	r.cfg.Engines.Listener = literal{}
	r.flow = &parley.FlowVersion{Version: "1.0", Mode: parley.FlowDriven, Config: flowOf(nodes)}
}

func flowOf(nodes string) string {
	var first struct{ ID string }
	_ = json.NewDecoder(strings.NewReader(nodes)).Decode(&first)
	return `{"initial_node_id":"` + first.ID + `","nodes":[` + nodes + `]}`
}

const ordering = `{"id":"hello","type":"say","content":"welcome to the shop.","next":"wish"},
	{"id":"wish","type":"ask","content":"what is your name?","variable":"name","next":"kind"},
	{"id":"kind","type":"decision","content":"would you buy or sell, {{name}}?","branches":[{"match":"buy","next":"bye"},{"match":"sell","next":"bye"}]},
	{"id":"bye","type":"end","content":"goodbye {{name}}."}`

func (r *rig) path() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, id := range r.order {
		all = append(all, r.turns[id].Nodes...)
	}
	return all
}

func (r *rig) wantPath(want ...string) {
	r.t.Helper()
	if got := r.path(); !slices.Equal(got, want) {
		r.t.Errorf("went along %v, want %v", got, want)
	}
}

func TestFlowLeadsACall(t *testing.T) {
	call(t, func(r *rig) {
		leads(r, ordering)
		r.begin()
		r.sleep(4 * time.Second)
		r.says("laura")
		r.sleep(5 * time.Second)
		r.says("buy")
		r.wantEnd(6*time.Second, parley.EndedByAgent)
		r.wantTranscript("agent: welcome to the shop. what is your name?", "caller: laura", "agent: would you buy or sell, laura?", "caller: buy",
			"agent: goodbye laura.")
		r.wantPath("hello", "wish", "kind", "bye")
		r.wantReplay()
	})
}

// textLed opens a conversation in text that a flow leads.
func textLed(t *testing.T, cfg convo.Config, nodes string, actions ...parley.Action) *convo.Text {
	t.Helper()
	a := newAgent()
	a.InitialMessage = nil
	cfg.CallID, cfg.Log = "chat", slog.New(slog.DiscardHandler)
	if cfg.Engines.Listener == nil {
		cfg.Engines.Listener = literal{}
	}
	cfg.Snapshot = &parley.Snapshot{Agent: a, Actions: actions, Flow: &parley.FlowVersion{Version: "1.0", Mode: parley.FlowDriven, Config: flowOf(nodes)}}
	c, err := convo.NewText(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// along gives the words and nodes of a conversation in text.
func along(t *testing.T, c *convo.Text, says ...string) (words, nodes []string) {
	t.Helper()
	if g, ok := c.Greet(); ok {
		words, nodes = append(words, g.Text), append(nodes, g.Nodes...)
	}
	for _, s := range says {
		turns, err := c.Say(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range turns[1:] {
			words, nodes = append(words, a.Text), append(nodes, a.Nodes...)
		}
	}
	return words, nodes
}

func TestFlowLeadsAChat(t *testing.T) {
	c := textLed(t, convo.Config{}, ordering)
	words, nodes := along(t, c, "mumble", "laura", "sell")
	want := []string{"welcome to the shop. what is your name?", "Sorry, I did not catch that. what is your name?", "would you buy or sell, laura?", "goodbye laura."}
	if !slices.Equal(words, want) || !slices.Equal(nodes, []string{"hello", "wish", "kind", "bye"}) || !c.Over() {
		t.Errorf("%q along %v, over %v", words, nodes, c.Over())
	}
}
