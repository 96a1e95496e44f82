package events

import (
	"bufio"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/sqlstore"
)

var (
	kills = flag.Int("kills", 3, "how often the process is killed")
	total = flag.Int("calls", 60, "calls whose events are counted")
)

// What the child is told.
const (
	childDir      = "PARLEY_EVENTS_DIR"
	childReceiver = "PARLEY_EVENTS_RECEIVER"
	childCalls    = "PARLEY_EVENTS_CALLS"
)

// callEvery paces the calls of the child, so that kills fall between and into them.
const callEvery = 40 * time.Millisecond

// TestChild is the process that is killed: it makes calls until there were enough, and ends when everything has arrived.
func TestChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		return // nobody's child
	}
	want, err := strconv.Atoi(os.Getenv(childCalls))
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, sqlstore.Options{DataDir: dir}, os.Getenv(childReceiver))
	h.run()
	fmt.Println("ready")
	var calls sync.WaitGroup
	for n := h.count("SELECT count(*) FROM calls"); n < want; n++ {
		calls.Go(h.call)
		time.Sleep(callEvery)
	}
	calls.Wait()
	for h.count("SELECT count(*) FROM calls WHERE ended_at IS NULL")+h.count("SELECT count(*) FROM deliveries WHERE status IN ('pending', 'retrying')") > 0 {
		time.Sleep(50 * time.Millisecond)
	}
	fmt.Println("done")
}

// rows reads what a query gives.
func (h *house) rows(query string, each func(scan func(...any) error) error) {
	h.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.dir, "parley.db")+"?_pragma=busy_timeout(5000)&_pragma=query_only(1)")
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(h.t.Context(), query)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			h.t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		h.t.Fatal(err)
	}
}

// counter is a receiver that keeps what arrived, and refuses some of it.
type counter struct {
	mu       sync.Mutex
	arrivals map[string][]int64 // sequences by call, each once, in order of the first attempt
	seen     map[string]int     // attempts by id
	requests int
}

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var p struct {
		CallID   string `json:"call_id"`
		Sequence int64  `json:"sequence"`
	}
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	id := r.Header.Get("webhook-id")
	if c.seen[id]++; c.seen[id] == 1 {
		c.arrivals[p.CallID] = append(c.arrivals[p.CallID], p.Sequence)
	}
	if c.requests++; c.requests%40 == 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// child starts the process and returns it once it is ready; done is closed when it has nothing left to do.
func child(t *testing.T, dir, receiver string) (cmd *exec.Cmd, done chan struct{}) {
	t.Helper()
	cmd = exec.Command(os.Args[0], "-test.run", "^TestChild$", "-test.v", "-test.timeout", "30m")
	cmd.Env = append(os.Environ(), childDir+"="+dir, childReceiver+"="+receiver, childCalls+"="+strconv.Itoa(*total))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready, done := make(chan struct{}), make(chan struct{})
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			switch {
			case strings.HasSuffix(lines.Text(), "ready"):
				close(ready)
			case strings.HasSuffix(lines.Text(), "done"):
				close(done)
			}
		}
	}()
	select {
	case <-ready:
	case <-time.After(time.Minute):
		t.Fatal("the child does not come up")
	}
	return cmd, done
}

func TestKillsLoseNoEvent(t *testing.T) {
	c := &counter{arrivals: map[string][]int64{}, seen: map[string]int{}}
	s := httptest.NewServer(c)
	defer s.Close()
	dir := t.TempDir()
	for range *kills {
		cmd, _ := child(t, dir, s.URL)
		time.Sleep(500*time.Millisecond + rand.N(2*time.Second))
		_ = cmd.Process.Kill() // SIGKILL
		_ = cmd.Wait()
	}
	cmd, done := child(t, dir, s.URL)
	select {
	case <-done:
	case <-time.After(20 * time.Minute):
		t.Error("not everything was delivered")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	h := open(t, sqlstore.Options{DataDir: dir}, s.URL)
	h.compare(c)
}

// compare holds what arrived against the database: the events of every call, each delivered, in order, and all that its state demands.
func (h *house) compare(c *counter) {
	h.t.Helper()
	events := map[string][]string{}
	delivered := 0
	h.rows("SELECT call_id, id, event, status FROM deliveries ORDER BY call_id, sequence", func(scan func(...any) error) error {
		var call, id, event, status string
		if err := scan(&call, &id, &event, &status); err != nil {
			return err
		}
		events[call] = append(events[call], event)
		if delivered++; c.seen[id] == 0 || status != "success" {
			h.t.Errorf("event %s of call %s is %s and arrived %d times", event, call, status, c.seen[id])
		}
		return nil
	})
	calls, lost := 0, 0
	h.rows("SELECT id, coalesce(answered_at, ''), ended_reason FROM calls", func(scan func(...any) error) error {
		var id, answered, reason string
		if err := scan(&id, &answered, &reason); err != nil {
			return err
		}
		calls++
		if reason == parley.EndedNodeLost {
			lost++
		}
		h.whole(id, answered != "", events[id], c.arrivals[id])
		return nil
	})
	repeated := c.requests - len(c.seen)
	h.t.Logf("%d kills, %d calls (%d of them lost their process), %d events, all arrived; %d requests were repetitions", *kills, calls, lost, delivered, repeated)
	if calls < *total || len(c.seen) != delivered {
		h.t.Errorf("%d calls; %d events written, %d arrived", calls, delivered, len(c.seen))
	}
}

// whole checks one call: its events are those of its state, and their first attempts came in order.
func (h *house) whole(id string, answered bool, events []string, arrivals []int64) {
	h.t.Helper()
	want := []parley.Event{parley.EventCallStarted, parley.EventCallEnded}
	if answered {
		want = append(want, parley.EventCallConnected, parley.EventConnectionEstablished, parley.EventUserConnected, parley.EventUserDisconnected,
			parley.EventConnectionClosed, parley.EventCallDisconnected)
	} else {
		want = append(want, parley.EventCallDidNotConnect)
	}
	for _, e := range want {
		n := 0
		for _, have := range events {
			if have == string(e) {
				n++
			}
		}
		if n != 1 {
			h.t.Errorf("call %s has %s %d times: %v", id, e, n, events)
		}
	}
	for i, seq := range arrivals {
		if seq != int64(i+1) {
			h.t.Errorf("call %s: first attempts came as %v", id, arrivals)
			return
		}
	}
	if len(arrivals) != len(events) {
		h.t.Errorf("call %s: %d events written, %d arrived", id, len(events), len(arrivals))
	}
}
