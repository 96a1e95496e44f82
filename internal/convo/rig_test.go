package convo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/llm/llmtest"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/media/mediatest"
	"github.com/parley-voice/parley/internal/speech/speechtest"
	"github.com/parley-voice/parley/internal/turn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = time.Millisecond

// rig is a call with a scripted caller and scripted engines. Its time is virtual.
type rig struct {
	t   *testing.T
	leg *mediatest.Leg

	session *convo.Session

	recognizer  *speechtest.Recognizer
	synthesizer *speechtest.Synthesizer
	model       *llmtest.Model
	judge       *speechtest.Judge

	mu       sync.Mutex
	turns    map[string]parley.Turn
	order    []string
	messages []parley.TakenMessage
	steps    []turn.Step

	end     chan string
	done    chan struct{}
	result  convo.Result
	err     error
	agent   parley.Agent
	actions []parley.Action
	flow    *parley.FlowVersion
	cfg     convo.Config
}

func ptr[T any](v T) *T { return &v }

// agent is one that answers quickly and greets with "hello there".
func newAgent() parley.Agent {
	a := parley.Agent{ID: "agent", Name: "Desk"}
	a.Language, a.InitialMessage, a.Description = "en-US", ptr("hello there"), ptr("You answer the phone.")
	a.InterruptSensitivity, a.Endpointing, a.IdleSeconds, a.AskIfHumanPresent = "high", "high", 10, true
	a.WhoSpeaksFirst, a.Speed = parley.SpeakerAgent, 1
	return a
}

// call runs f in a bubble of virtual time, on a prepared call that has not begun.
func call(t *testing.T, f func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{
			t: t, leg: mediatest.Start(t), turns: map[string]parley.Turn{}, end: make(chan string, 1), done: make(chan struct{}),
			recognizer:  &speechtest.Recognizer{Delay: 80 * ms},
			synthesizer: &speechtest.Synthesizer{Delay: 40 * ms, Piece: 100 * ms},
			model:       llmtest.Lines(llmtest.Say("we are open from nine to six on every working day.")),
			judge:       &speechtest.Judge{Probability: 0.9, Delay: 50 * ms},
			agent:       newAgent(),
		}
		r.cfg = convo.Config{
			CallID: "call", Log: slog.New(slog.DiscardHandler), End: r.end,
			Turn: r.turn, Message: func(m parley.TakenMessage) { r.messages = append(r.messages, m) }, Trace: r.step,
		}
		f(r)
		r.leg.HangUp()
		<-r.done
	})
}

func (r *rig) turn(t parley.Turn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.turns[t.ID]; !known {
		r.order = append(r.order, t.ID)
	}
	r.turns[t.ID] = t
}

func (r *rig) step(s turn.Step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, s)
}

// begin answers the call.
func (r *rig) begin() {
	r.t.Helper()
	r.cfg.Snapshot = &parley.Snapshot{Agent: r.agent, Actions: r.actions, Flow: r.flow}
	e := &r.cfg.Engines
	e.Recognizer, e.Synthesizer, e.Detector, e.Judge = r.recognizer, r.synthesizer, &speechtest.Detector{}, r.judge
	if e.Model == nil {
		e.Model = r.model
	}
	s, err := convo.New(r.t.Context(), r.cfg)
	if err != nil {
		close(r.done)
		r.t.Fatal(err)
	}
	leg := r.leg
	r.session = s
	go func() {
		defer close(r.done)
		r.result, r.err = s.Run(context.WithoutCancel(r.t.Context()), leg)
	}()
}

// greeted begins and waits until the greeting was said.
func (r *rig) greeted() {
	r.t.Helper()
	r.begin()
	r.sleep(1500 * ms)
}

func (r *rig) sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// says makes the caller say a text and waits until he has said it.
func (r *rig) says(text string) {
	pcm := speechtest.Sound(text)
	r.leg.Play(pcm)
	r.sleep(time.Duration(len(pcm)) * time.Second / 16000)
}

// heard is what the caller was told so far.
func (r *rig) heard() string { return speechtest.Text(r.leg.Said()) }

// wordsAfter are the words that the caller was told, with the time of each.
func (r *rig) words() []speechtest.Word { return speechtest.Words(r.leg.Said()) }

func (r *rig) wantHeard(want string) {
	r.t.Helper()
	if got := r.heard(); got != want {
		r.t.Errorf("the caller was told\n %q, want\n %q", got, want)
	}
}

// ended waits for the end within a time.
func (r *rig) wantEnd(within time.Duration, reason string) {
	r.t.Helper()
	select {
	case <-r.done:
	case <-time.After(within):
		r.t.Fatalf("the call goes on after %v; told: %q", within, r.heard())
	}
	if r.err != nil || r.result.Reason != reason {
		r.t.Errorf("ended with %q, %v; want %q", r.result.Reason, r.err, reason)
	}
}

// transcript is what was stored, a line a turn; what was cut shows what was heard.
func (r *rig) transcript() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, id := range r.order {
		t := r.turns[id]
		line := t.Who + ": " + t.Text
		if t.Interrupted {
			line += " | " + *t.Heard
		}
		all = append(all, line)
	}
	return all
}

func (r *rig) wantTranscript(want ...string) {
	r.t.Helper()
	got := r.transcript()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		r.t.Errorf("stored\n %s\nwant\n %s", strings.Join(got, "\n "), strings.Join(want, "\n "))
	}
}

// wantReplay gives the recorded events to a new machine and compares the actions.
func (r *rig) wantReplay() {
	r.t.Helper()
	var recorded []turn.Step
	b, err := json.Marshal(r.steps)
	if err == nil {
		err = json.Unmarshal(b, &recorded)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	events := make([]turn.Event, len(recorded))
	for i, s := range recorded {
		events[i] = s.Event
	}
	for i, s := range turn.Replay(turn.RulesOf(&r.agent), events) {
		got, _ := json.Marshal(s.Actions)
		want, _ := json.Marshal(recorded[i].Actions)
		if string(got) != string(want) {
			r.t.Fatalf("step %d, %+v: replayed %s, recorded %s", i, s.Event, got, want)
		}
	}
	if len(events) == 0 {
		r.t.Error("nothing was recorded")
	}
	if *record != "" {
		r.writeLog(recorded)
	}
}

// record keeps the logs of calls as turn's recorded ones: go test ./internal/convo -run … -record NAME.
var record = flag.String("record", "", "write the log of the call that is replayed to ../turn/testdata/NAME.json")

func (r *rig) writeLog(steps []turn.Step) {
	var b bytes.Buffer
	agent, _ := json.Marshal(r.agent)
	fmt.Fprintf(&b, "{\"Agent\": %s,\n\"Steps\": [\n", agent)
	for i, s := range steps {
		line, _ := json.Marshal(s)
		b.Write(line)
		if i < len(steps)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("]}\n")
	if err := os.WriteFile("../turn/testdata/"+*record+".json", b.Bytes(), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// remember makes a model that keeps the histories it was given.
func remember(m *llmtest.Model, into *[][]llm.Message) {
	script, mu := m.Script, sync.Mutex{}
	m.Script = func(b llm.Brief, h []llm.Message) llmtest.Reply {
		mu.Lock()
		defer mu.Unlock()
		*into = append(*into, append([]llm.Message(nil), h...))
		return script(b, h)
	}
}

// keeper is a recorder in memory.
type keeper struct {
	mu          sync.Mutex
	heard, said []int16
}

func (k *keeper) Push(t *media.Tick) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.heard = append(k.heard, t.Heard[:]...)
	k.said = append(k.said, t.Said[:]...)
}

// samples says how much was heard so far.
func (k *keeper) samples() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.heard)
}
