package e2e

import (
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/sqlstore/pgtest"
)

const otherNumber = "+12025550144" // of the agent whose calls go on

// TestErasureUnderLoad deletes an agent with very many calls while calls of another go on, and says what these and new ones notice of it.
// bench/erasure/run runs it with 100,000 calls and 1,000 recordings, one case after the other.
func TestErasureUnderLoad(t *testing.T) {
	NeedModels(t)
	alone := os.Getenv("PARLEY_ERASE_CALLS") != ""
	for _, c := range []struct {
		name                   string
		postgres, force, bench bool // bench: runs only there
	}{
		{"SQLite", false, false, false}, {"SQLite by force", false, true, true},
		{"PostgreSQL", true, false, true}, {"PostgreSQL by force", true, true, false},
	} {
		if c.bench && !alone {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			if !alone {
				t.Parallel()
			}
			var opts []Option
			url := ""
			if c.postgres {
				url = pgtest.Start(t).Database(t)
				opts = append(opts, Env("PARLEY_DATABASE="+url))
			}
			eraseUnderLoad(t, Start(t, opts...), url, c.force)
		})
	}
}

func eraseUnderLoad(t *testing.T, s *Server, url string, force bool) {
	trunk := s.Trunk("127.0.0.1", 5999, nil)
	s.Agent(JSON{"who_speaks_first": "user", "idle_time_seconds": 300}, s.DID(trunk, otherNumber))
	agent := s.Agent(nil, s.DID(trunk, Number))
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	b := &bulk{
		t: t, data: s.Data, url: url, agent: agent, calls: setting(t, "PARLEY_ERASE_CALLS", 500), recordings: setting(t, "PARLEY_ERASE_RECORDINGS", 10),
	}
	rows := b.fill()
	t.Logf("rows: %v", rows)
	s.Boot()
	watch := s.watch(setting(t, "PARLEY_ERASE_LISTENERS", 3))
	watch.during("before", func() { time.Sleep(time.Duration(setting(t, "PARLEY_ERASE_BEFORE", 2)) * time.Second) })
	path := "/api/v1/agents/" + agent
	if force {
		path += "?force=true"
	} else {
		s.Must("POST", path+"/unpublish", nil)
	}
	var receipt JSON
	watch.during("erasure", func() {
		begun := time.Now()
		id := s.Must("DELETE", path, nil)["erasure_id"].(string)
		answer := time.Since(begun)
		s.Wait("the erasure is complete", 10*time.Minute, func() bool {
			receipt = s.Must("GET", "/api/v1/erasures/"+id, nil)
			return receipt["state"] == "complete"
		})
		t.Logf("answer of DELETE after %v, receipt complete after %v", answer.Round(time.Millisecond), time.Since(begun).Round(100*time.Millisecond))
	})
	watch.stop()
	counts := map[string]int{}
	for _, p := range receipt["places"].([]any) {
		counts[p.(JSON)["name"].(string)] = int(p.(JSON)["count"].(float64))
	}
	for place, want := range map[string]int{
		"calls": rows["calls"], "transcripts": rows["turns"], "sip_messages": rows["sip_messages"], "recordings": b.recordings,
		"webhook_deliveries": rows["deliveries"] + rows["delivery_lanes"], "webhook_logs": rows["delivery_logs"],
	} {
		if counts[place] != want {
			t.Errorf("%s: %d went, of %d", place, counts[place], want)
		}
	}
	if left := s.files(".wav"); slices.ContainsFunc(left, func(path string) bool { return strings.Contains(path, agent) }) {
		t.Errorf("recordings are left: %v", left)
	}
}

// watch keeps calls up, makes new ones, and writes through the API all the while.
type watch struct {
	s       *Server
	calls   []*listener
	other   string
	quit    chan struct{}
	working sync.WaitGroup

	mu    sync.Mutex
	waits map[string][]time.Duration // by what, since the last span began
}

// watch begins with n calls of somebody else's.
func (s *Server) watch(n int) *watch {
	s.t.Helper()
	w := &watch{s: s, quit: make(chan struct{}), waits: map[string][]time.Duration{}}
	w.other = s.Must("POST", "/api/v1/agents", AgentBody(nil))["id"].(string)
	for range n {
		l, err := s.listen(otherNumber)
		if err != nil {
			s.t.Fatal(err)
		}
		w.calls = append(w.calls, l)
	}
	w.every(300*time.Millisecond, w.call)
	w.every(50*time.Millisecond, w.write)
	return w
}

// every does something again and again until stop.
func (w *watch) every(d time.Duration, do func()) {
	w.working.Go(func() {
		for beat := time.NewTicker(d); ; {
			select {
			case <-w.quit:
				beat.Stop()
				return
			case <-beat.C:
				do()
			}
		}
	})
}

func (w *watch) note(what string, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waits[what] = append(w.waits[what], d)
}

// call is a new call that ends at once.
func (w *watch) call() {
	l, err := w.s.listen(otherNumber)
	if err != nil {
		w.s.t.Errorf("a new call: %v", err)
		return
	}
	w.note("a new call is answered", l.answerIn)
	if err := l.hangUp(); err != nil {
		w.s.t.Errorf("the end of a new call: %v", err)
	}
}

// write is a change through the API.
func (w *watch) write() {
	begun := time.Now()
	if status, v := w.s.Do("PUT", "/api/v1/agents/"+w.other+"/calling", JSON{"direction": "inbound", "phone_number_ids": []string{}}); status != 200 {
		w.s.t.Errorf("a change of another agent: %d %v", status, v)
	}
	w.note("a change through the API is answered", time.Since(begun))
}

// during says what was noticed while something was done.
func (w *watch) during(what string, do func()) {
	w.s.t.Helper()
	w.mu.Lock()
	clear(w.waits)
	w.mu.Unlock()
	from, used := time.Now(), cpuOf(w.s.PID())
	do()
	to := time.Now()
	late := lateness(w.calls, from, to)
	w.s.t.Logf("%s: %v, %.2f cores of the server; %d frames of %d calls: lateness p50 %v, p99 %v, p99.9 %v, most %v", what, to.Sub(from).Round(100*time.Millisecond),
		(cpuOf(w.s.PID())-used).Seconds()/to.Sub(from).Seconds(), len(late), len(w.calls), share(late, .5), share(late, .99), share(late, .999), share(late, 1))
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(w.waits)) {
		all := w.waits[name]
		slices.Sort(all)
		w.s.t.Logf("%s: %s (%d): p50 %v, p99 %v, most %v", what, name, len(all), share(all, .5), share(all, .99), share(all, 1))
	}
}

// stop ends what watches, and the calls, which must still be up.
func (w *watch) stop() {
	w.s.t.Helper()
	close(w.quit)
	w.working.Wait()
	for _, l := range w.calls {
		if err := l.hangUp(); err != nil {
			w.s.t.Errorf("the end of a call that went on: %v", err)
		}
	}
}
