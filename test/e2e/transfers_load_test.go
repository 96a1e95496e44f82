package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// judged is what became of the transfers of one kind.
type judged struct {
	mu    sync.Mutex
	right map[string]int // by mode and outcome
	wrong []string
	took  []time.Duration // from the order to the outcome
	seen  map[string]bool // calls
}

// transferAll orders one transfer for each call to a number as soon as it talks, every second one to a busy line, and holds each outcome
// against what it must be.
func (s *Server) transferAll(j *judged, to, mode string, n int) {
	var running sync.WaitGroup
	defer running.Wait()
	for ordered, idle := 0, 0; ordered < n; {
		fresh := s.freshCalls(j, to)
		if idle++; len(fresh) > 0 {
			idle = 0
		}
		if idle > 600 {
			j.fail(fmt.Sprintf("only %d of %d calls of %s came", ordered, n, mode))
			return
		}
		for _, id := range fresh {
			target, want := colleague, "answered"
			if ordered%2 == 1 {
				target, want = busyLine, "busy"
			}
			ordered++
			running.Go(func() { s.transferOne(j, id, JSON{"to": target, "mode": mode}, want) })
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (j *judged) fail(what string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.wrong = append(j.wrong, what)
}

// freshCalls are answered calls to a number that were not seen before.
func (s *Server) freshCalls(j *judged, to string) (ids []string) {
	_, v := s.Do("GET", "/api/v1/calls?status=answered&per_page=100&to=%2B"+to[1:], nil)
	rows, _ := v["data"].([]any)
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range rows {
		if id := r.(JSON)["id"].(string); !j.seen[id] {
			j.seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

func (s *Server) transferOne(j *judged, id string, order JSON, want string) {
	time.Sleep(300 * time.Millisecond) // sipp says that it has acknowledged before it is ready for what comes next
	begin := time.Now()
	status, v := s.Do("POST", "/api/v1/calls/"+id+"/transfer", order)
	took := time.Since(begin)
	data, _ := v["data"].(JSON)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.took = append(j.took, took)
	if status != 200 || data["outcome"] != want {
		j.wrong = append(j.wrong, fmt.Sprintf("call %s by %s: %d %v, want %s", id, order["mode"], status, v, want))
		return
	}
	j.right[order["mode"].(string)+" "+want]++
}

// TestManyTransfers transfers calls of sipp's, half by REFER and half joined, half of each to a busy line, and wants every outcome reported
// right, by the answer and by the call. bench/transfers/run runs it with 1,000.
func TestManyTransfers(t *testing.T) {
	t.Parallel()
	s, port := desk(t)
	const second = "+12025550144"
	_, v := s.Do("GET", "/api/v1/sip-trunks", nil)
	s.Agent(nil, s.DID(v["data"].([]any)[0].(JSON)["id"].(string), second))
	n, rate := setting(t, "PARLEY_TRANSFERS", 40), setting(t, "PARLEY_TRANSFER_RATE", 4)
	half := strconv.Itoa(n / 2)
	begin := time.Now()
	target := sipp{scenario: "../../bench/transfers/target.xml", sound: openLine(), args: []string{"-p", strconv.Itoa(port), "-m", half, "-timeout", "1500s"}}.start(t)
	if !listens("127.0.0.1", port) {
		t.Fatal("no target")
	}
	each := []string{"-m", half, "-r", strconv.Itoa(max(1, rate/2)), "-l", "100", "-timeout", "1500s"}
	referred := sipp{scenario: "../../bench/transfers/transferee.xml", sound: openLine(), args: each}.call(s, Number)
	joined := sipp{scenario: "../../bench/transfers/stayer.xml", sound: openLine(), args: each}.call(s, second)
	j := &judged{right: map[string]int{}, seen: map[string]bool{}}
	var both sync.WaitGroup
	both.Go(func() { s.transferAll(j, Number, "refer", n/2) })
	both.Go(func() { s.transferAll(j, second, "bridged", n/2) })
	both.Wait()
	referred()
	joined()
	target()
	s.Wait("no call is open", 30*time.Second, func() bool { return s.count("ringing")+s.count("answered") == 0 })
	slices.Sort(j.took)
	t.Logf("%d transfers in %v: %v; from the order to the outcome p50 %v, p95 %v, most %v", n, time.Since(begin).Round(time.Second), j.right,
		j.took[len(j.took)/2].Round(time.Millisecond), j.took[len(j.took)*95/100].Round(time.Millisecond), j.took[len(j.took)-1].Round(time.Millisecond))
	for _, w := range j.wrong {
		t.Error(w)
	}
	for _, kind := range []string{"refer answered", "refer busy", "bridged answered", "bridged busy"} {
		if j.right[kind] != n/4 {
			t.Errorf("%s: %d of %d", kind, j.right[kind], n/4)
		}
	}
	s.kept(j)
}

// kept holds the calls as stored against the outcomes that were reported.
func (s *Server) kept(j *judged) {
	s.t.Helper()
	ended := map[string]int{}
	for id := range j.seen {
		c := s.call(id)
		all, _ := c["transfers"].([]any)
		if len(all) != 1 || all[0].(JSON)["ended_at"] == nil {
			s.t.Errorf("call %s kept %v", id, all)
			continue
		}
		outcome := all[0].(JSON)["outcome"].(string)
		ended[outcome+" "+c["status"].(string)+" "+c["ended_reason"].(string)]++
	}
	s.t.Logf("calls as stored: %v", ended)
	half := len(j.seen) / 2
	if ended["answered completed transferred"] != half || ended["busy completed caller_hung_up"] != half {
		s.t.Errorf("calls as stored: %v, want %d of each", ended, half)
	}
}
