package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// flowFile holds a flow with nodes of every type and branches of every kind.
const flowFile = "testdata/flow.json"

// alongIt is where it leads a caller who says these words, whose booking succeeds, and whom nobody at the desk can take.
// He presses a key for the number.
var (
	wordsOfFlow = []string{"I want to book an appointment.", "My name is Laura.", "6", "Yes, that is right."}
	alongIt     = []string{"welcome", "wish", "what", "name", "guests", "book", "booked", "many", "desk", "nobody", "small", "bye"}
)

// led makes an agent that the flow leads and returns its id. The action of the flow goes to hook.
func (s *Server) led(hook string, numbers ...string) string {
	s.t.Helper()
	raw, err := os.ReadFile(flowFile)
	if err != nil {
		s.t.Fatal(err)
	}
	body := AgentBody(JSON{"initial_message": nil})
	body["phone_number_ids"] = numbers
	id := s.Must("POST", "/api/v1/agents", body)["id"].(string)
	s.Must("PUT", "/api/v1/agents/"+id+"/voice", JSON{"voice_id": s.Voice(), "conversation_speed": 1.0, "who_speaks_first": "agent"})
	s.Must("POST", "/api/v1/agents/"+id+"/actions", JSON{
		"node_id": "book_visit", "name": "Book a visit", "description": "Books.", "type": "webhook", "url": hook, "http_method": "POST",
		"inputs": []JSON{{"name": "name", "type": "string", "required": true}, {"name": "people", "type": "integer", "required": true}},
	})
	s.Must("PUT", "/api/v1/agents/"+id+"/flow", JSON{"conversation_mode": "flow_driven", "flow_config": json.RawMessage(raw)})
	s.Must("POST", "/api/v1/agents/"+id+"/publish", nil)
	return id
}

// path is the nodes that a call came to.
func path(call JSON) (all []string) {
	for _, t := range turns(call) {
		nodes, _ := t.(JSON)["nodes"].([]any)
		for _, n := range nodes {
			all = append(all, n.(string))
		}
	}
	return all
}

// simulated is the path of a simulation of the flow, told the same of its action and its transfer.
func simulated(t *testing.T, lines []string) (nodes []string) {
	t.Helper()
	cmd := exec.Command(Binary(t), "flow", "run", "--path", flowFile, "--action", `book_visit=success:{"number":17}`, "--transfer", "busy")
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("parley flow run: %v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if id, ok := strings.CutPrefix(line, "node:"); ok {
			nodes = append(nodes, strings.TrimSpace(id))
		}
	}
	return nodes
}

// TestFlowLeadsACallAsInTheSimulator: the same words lead along the same nodes.
func TestFlowLeadsACallAsInTheSimulator(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		asked <- string(b)
		_, _ = io.WriteString(w, `{"number":17}`)
	}))
	defer hook.Close()
	s, did, port := emptyDesk(t)
	s.led(hook.URL, did)
	args := []string{"--quiet-for", "1s"}
	for _, w := range wordsOfFlow {
		how := "--say"
		if w == "6" {
			how = "--dtmf"
		}
		args = append(args, how, w)
	}
	p := s.Dial(Number, args...)
	select {
	case got := <-asked:
		if !strings.Contains(got, `"people":6`) {
			t.Errorf("the action was sent %s", got)
		}
	case <-time.After(60 * time.Second):
		t.Error("the action was not sent")
	}
	finished := trunk(t, port, invited, rings, refuses("486 Busy Here"))
	if _, code := p.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	finished()
	c := s.lastCall()
	for _, turn := range turns(c) {
		t.Log(turn.(JSON)["who"], turn.(JSON)["text"], turn.(JSON)["nodes"])
	}
	to := c["transfers"].([]any)
	if c["ended_reason"] != "agent_hung_up" || len(to) != 1 || to[0].(JSON)["to"] != busyLine || to[0].(JSON)["outcome"] != "busy" {
		t.Errorf("ended by %v after transfers %v", c["ended_reason"], to)
	}
	if got := path(c); !slices.Equal(got, alongIt) {
		t.Errorf("the call went along %v", got)
	}
	words := strings.Split(strings.TrimSpace(said(c, "caller")), "\n")
	if got := simulated(t, words); !slices.Equal(got, path(c)) {
		t.Errorf("the simulation of %q went along %v", words, got)
	}
}
