package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// office is somebody's system that hears of actions by events, and answers those that wait for it.
type office struct {
	s   *Server
	mu  sync.Mutex
	all []JSON // events of actions, each once
	ids map[string]bool
}

// ServeHTTP implements http.Handler.
func (o *office) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var e JSON
	_ = json.NewDecoder(r.Body).Decode(&e) // what is no event has no data
	o.mu.Lock()
	again := o.ids[r.Header.Get("webhook-id")]
	o.ids[r.Header.Get("webhook-id")] = true
	if !again {
		o.all = append(o.all, e)
	}
	o.mu.Unlock()
	data, _ := e["data"].(JSON)
	if path, waits := data["answer_url"].(string); waits && !again {
		input := data["action"].(JSON)["input"].(JSON)
		o.answers(path, JSON{"output": JSON{"message": "Order " + strings.Join(strings.Split(input["order_number"].(string), ""), " ") + " is on its way."}})
	}
}

func (o *office) answers(path string, body JSON) {
	b, _ := json.Marshal(body) // texts cannot fail
	req, err := http.NewRequest("POST", "http://"+o.s.HTTP+path, bytes.NewReader(b))
	if err != nil {
		return
	}
	req.Header.Set("Authorization", "Bearer "+o.s.Token)
	req.Header.Set("Content-Type", "application/json")
	if res, err := http.DefaultClient.Do(req); err == nil { // the test sees by the call what came of it
		_ = res.Body.Close()
	}
}

// of are the events of an action.
func (o *office) of(name string) (all []JSON) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.all {
		if data := e["data"].(JSON); data["action"].(JSON)["name"] == name {
			all = append(all, data)
		}
	}
	return all
}

// An outside system answers an action in a running call, whose exact input was typed; another action runs after the call, whose server was
// killed at its end.
func TestAnOutsideSystemIsAskedInTheCallAndToldAfterIt(t *testing.T) {
	NeedModels(t)
	t.Parallel()
	s := Start(t, Env("PARLEY_EGRESS_ALLOW=127.0.0.0/8"))
	agent := s.Clinic(nil)
	o := &office{s: s, ids: map[string]bool{}}
	at := httptest.NewServer(o)
	t.Cleanup(at.Close)
	s.Must("POST", "/api/v1/agents/"+agent+"/webhooks", JSON{
		"name": "office", "webhook_url": at.URL, "enabled": true, "events": []string{"event_action", "event_action_failed"},
	})
	s.equip(agent, JSON{
		"node_id": "order", "name": "Check an order", "type": "external", "description": "Tells a caller where his order is.",
		"inputs": []JSON{{"name": "order_number", "type": "digits", "required": true, "description": "The number of the order."}},
	}, JSON{
		"node_id": "report", "name": "Report", "type": "external", "execution_mode": "post_call", "description": "Reports the call.",
		"inputs": []JSON{{"name": "shop", "type": "integer", "value": 7}, {"name": "order_number", "type": "digits", "required": true}},
	})
	out, code := s.Call(Number, "--say", "I would like to check an order.", "--dtmf", "8652#", "--say", "Yes, that's right.")
	s.Kill()
	s.Boot()
	call := s.lastCall()
	inOrder(t, said(call, "agent"), "read that back", "8 6 5 2", "order 8 6 5 2 is on its way")
	if code != 0 || !strings.Contains(strings.ToLower(out), "on its way") {
		t.Errorf("exit code %d: %s", code, out)
	}
	s.Wait("the call is reported", 20*time.Second, func() bool { return len(o.of("Report")) > 0 })
	report := o.of("Report")[0]
	if input := report["action"].(JSON)["input"].(JSON); input["shop"] != 7.0 || input["order_number"] != "8652" || len(report["transcript"].([]any)) < 4 {
		t.Errorf("reported %v", report)
	}
	did := s.call(call["id"].(string))["actions"].([]any)
	if len(o.of("Check an order")) != 1 || len(o.of("Report")) != 1 || len(did) != 2 ||
		did[0].(JSON)["status"] != "succeeded" || did[1].(JSON)["status"] != "succeeded" {
		t.Errorf("told %v, kept %v", o.all, did)
	}
}
