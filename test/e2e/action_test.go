package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// diary is somebody's booking system: it takes visits that it is asked for as it should be, and gives each a reference.
type diary struct {
	*httptest.Server
	mu    sync.Mutex
	taken []JSON
	keys  []string
	wrong []string
}

func newDiary(t *testing.T) *diary {
	t.Helper()
	d := &diary{}
	d.Server = httptest.NewServer(d)
	t.Cleanup(d.Close)
	return d
}

// ServeHTTP implements http.Handler.
func (d *diary) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var visit JSON
	b, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err == nil {
		err = json.Unmarshal(b, &visit)
	}
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/visits" || r.Header.Get("X-Clinic") != "lakeside" ||
		r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Idempotency-Key") == "" || len(visit) == 0 {
		d.wrong = append(d.wrong, fmt.Sprintf("%s %s %v %s %v", r.Method, r.URL, r.Header, b, err))
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	d.taken, d.keys = append(d.taken, visit), append(d.keys, r.Header.Get("Idempotency-Key"))
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, `{"message":"Your reference is 4 1 7.","reference":"417"}`)
}

// action books a visit in the diary.
func (d *diary) action() JSON {
	return JSON{
		"node_id": "book", "name": "Book a visit", "type": "webhook", "url": d.URL + "/visits",
		"description": "Books a visit when a caller wants an appointment.", "custom_headers": []JSON{{"key": "X-Clinic", "value": "lakeside"}},
		"speak_on_send": "One second.",
		"inputs": []JSON{
			{"name": "date", "type": "date", "required": true, "description": "The day of the visit."},
			{"name": "time", "type": "time", "required": true, "description": "The time of the visit."},
		},
	}
}

func (d *diary) visits() []JSON {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]JSON(nil), d.taken...)
}

// equip gives an agent actions and publishes it again.
func (s *Server) equip(agent string, actions ...JSON) {
	s.t.Helper()
	for _, a := range actions {
		s.Must("POST", "/api/v1/agents/"+agent+"/actions", a)
	}
	s.Must("POST", "/api/v1/agents/"+agent+"/publish", nil)
}

func transferTo(name, description, number string) JSON {
	return JSON{"node_id": name, "name": name, "description": description, "type": "transfer", "transfer_to": number}
}

// A real phone books a visit by a webhook action, is put through to a busy line and then to one that answers, in one call.
func TestACallerBooksAndIsPutThrough(t *testing.T) {
	t.Parallel()
	s, port := desk(t)
	book := newDiary(t)
	s.equip(s.onlyAgent(), book.action(),
		transferTo("Billing", "For questions about invoices and payments.", busyLine), transferTo("Doctor", "For urgent pain.", colleague))
	p := s.Dial(Number, "--say", "I would like to book an appointment on Friday, at ten thirty.",
		"--say", "Yes, right.", "--say", "Please put me through to billing.", "--say", "Put me through to the doctor, please.")
	s.Wait("the visit is booked", 60*time.Second, func() bool { return len(book.visits()) > 0 })
	trunk(t, port, invited, rings, refuses("486 Busy Here"))()
	ended := trunk(t, port, invited, rings, picksUp, isHungUp)
	if _, code := p.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	ended()
	call := s.lastCall()
	for _, turn := range turns(call) {
		t.Logf("%s: %s", turn.(JSON)["who"], turn.(JSON)["text"])
	}
	book.check(t, JSON{"date": friday(t, call), "time": "10:30"})
	inOrder(t, said(call, "agent"), "read that back", "friday", "10:30", "one second", "your reference is 4 1 7", "the line is busy")
	for i, want := range []JSON{
		{"type": "webhook", "status": "succeeded", "name": "Book a visit"},
		{"type": "transfer", "status": "failed", "name": "Billing"}, {"type": "transfer", "status": "succeeded", "name": "Doctor"},
	} {
		did := call["actions"].([]any)
		if len(did) != 3 || did[i].(JSON)["input"] == nil || did[i].(JSON)["output"] == nil || did[i].(JSON)["settled_at"] == nil {
			t.Fatalf("actions %v", did)
		}
		for k, v := range want {
			if did[i].(JSON)[k] != v {
				t.Errorf("action %d: %s is %v, want %v", i, k, did[i].(JSON)[k], v)
			}
		}
	}
}

// onlyAgent is the id of the server's one agent.
func (s *Server) onlyAgent() string {
	s.t.Helper()
	_, v := s.Do("GET", "/api/v1/agents", nil)
	return v["data"].([]any)[0].(JSON)["id"].(string)
}

// check wants one visit, asked for once and as it should be.
func (d *diary) check(t *testing.T, want JSON) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.wrong) > 0 || len(d.taken) != 1 {
		t.Fatalf("visits %v, refused %q", d.taken, d.wrong)
	}
	for k, v := range want {
		if d.taken[0][k] != v {
			t.Errorf("%s is %v, want %v", k, d.taken[0][k], v)
		}
	}
}

// friday is the first one from the day of a call on.
func friday(t *testing.T, call JSON) string {
	t.Helper()
	day, err := time.Parse(time.RFC3339, call["created_at"].(string))
	if err != nil {
		t.Fatal(err)
	}
	for day.Weekday() != time.Friday {
		day = day.AddDate(0, 0, 1)
	}
	return day.Format(time.DateOnly)
}

// inOrder wants some texts in another one, one after the other.
func inOrder(t *testing.T, text string, want ...string) {
	t.Helper()
	rest := text
	for _, w := range want {
		_, after, ok := strings.Cut(rest, w)
		if !ok {
			t.Errorf("%q does not come, or too early, in %q", w, text)
			return
		}
		rest = after
	}
}
