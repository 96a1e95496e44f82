package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// apologies counts what the agent says when it could not do something, in the stored turns.
func apologies(turns []any) (n int) {
	for _, t := range turns {
		text := t.(JSON)["text"].(string)
		if strings.Contains(text, "did not catch") || strings.Contains(text, "not working") {
			n++
		}
	}
	return n
}

// killWorkers ends all speech processes at once, the one that stands by too, and returns how long none was there to work.
func (s *Server) killWorkers() time.Duration {
	s.t.Helper()
	const ready = "speech worker ready"
	before, begun := strings.Count(s.Log(), ready), time.Now()
	pids := s.workers()
	if len(pids) != 2 {
		s.t.Errorf("%d workers", len(pids))
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			s.t.Error(err)
		}
	}
	s.Wait("a worker is ready", 20*time.Second, func() bool { return strings.Count(s.Log(), ready) > before })
	return time.Since(begun)
}

// One sentence that takes so long to say that its end is not rendered when its beginning is heard.
const parking = " Guests park in the yard behind the house, which you reach through the blue gate, or in the street along the lake, " +
	"or under the market hall, where every hour costs one dollar, payable in coins."

// backWithin bounds how long no worker may be there. On a quiet machine of two cores it is a second; the aim is two.
const backWithin = 5 * time.Second

func TestWorkersKilledInMidSentenceCostOneApologyAtMost(t *testing.T) {
	NeedModels(t)
	s := Start(t, Env("PARLEY_LOG_LEVEL=debug"))
	s.Clinic(JSON{"description": AgentBody(nil)["description"].(string) + parking})
	p := s.Dial(Number, "--say", "Where can I park?", "--say", "When are you open?", "--say", "How much does a cleaning cost?")
	p.Until(they, 500*time.Millisecond)
	p.Until(me, 500*time.Millisecond)
	p.Until(they, 100*time.Millisecond)
	speaking := s.killWorkers()
	p.Until(me, 300*time.Millisecond)
	hearing := s.killWorkers()
	t.Logf("killed while the agent spoke, no worker for %s; killed while the caller spoke, for %s", speaking, hearing)
	if max(speaking, hearing) > backWithin {
		t.Errorf("no worker was back within %s", backWithin)
	}
	out, code := p.Wait()
	p.wantWholeSound()
	c := s.lastCall()
	if code != 0 || c["status"] != "completed" {
		t.Errorf("exit code %d, the call is %v (%v)", code, c["status"], c["ended_reason"])
	}
	if !strings.Contains(strings.ToLower(out), "coins") {
		t.Error("the sentence in which the workers died was not said to its end")
	}
	if !told(out) {
		t.Error("the question after that was not answered")
	}
	if n := apologies(turns(c)); n > 1 {
		t.Errorf("%d apologies", n)
	}
}
