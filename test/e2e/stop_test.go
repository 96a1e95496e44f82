package e2e

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestSIGTERMRefusesNewCallsAndLetsOthersEnd(t *testing.T) {
	NeedModels(t)
	t.Parallel()
	const patient = "+12025550188"
	s := Start(t, Env("PARLEY_CALLS_DRAIN=10s"))
	agent := s.Clinic(nil)
	polite := s.Dial(Number, "--say", "How much does a cleaning cost?")
	stays := s.Dial(Number, "--from", patient, "--play", silence(t, 40*time.Second), "--say", "Hello?")
	polite.Until(me, 500*time.Millisecond)
	stays.Until(they, 500*time.Millisecond)
	begun := time.Now()
	if err := syscall.Kill(s.PID(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.Wait("it is stopping", 5*time.Second, func() bool { return strings.Contains(s.Log(), "stopping") })
	if answer := s.Invite(Number); !strings.HasPrefix(answer, "SIP/2.0 503") || !strings.Contains(answer, "Retry-After:") {
		t.Errorf("a new call was answered with\n%s", answer)
	}
	if out, code := polite.Wait(); code != 0 || !told(out) {
		t.Errorf("the call that might end by itself: exit code %d", code)
	}
	_, code := stays.Wait()
	if err := s.Exited(); err != nil || code != 7 {
		t.Errorf("serve ended with %v; the phone that would not end with %d", err, code)
	}
	if took := time.Since(begun); took < 9*time.Second || took > 25*time.Second {
		t.Errorf("it took %s to stop, with 10 s for calls to end by themselves", took)
	}
	s.Boot()
	if c := s.lastCallOf(CallerNumber); c["status"] != "completed" || c["ended_reason"] != "caller_hung_up" || !told(said(c, "agent")) {
		t.Errorf("the call that ended by itself: %v", c)
	}
	if c := s.lastCallOf(patient); c["status"] != "completed" || c["ended_reason"] != "server_stopped" {
		t.Errorf("the call that was ended: %v", c)
	}
	s.erase(agent)
}

func TestMissingModelsRefuseCallsAndSayWhatToDo(t *testing.T) {
	t.Parallel()
	s := Start(t, Args("--models", t.TempDir()))
	s.Clinic(nil)
	const remedy = "parley models fetch"
	if !strings.Contains(s.Log(), remedy) {
		t.Errorf("the start does not name the remedy:\n%s", s.Log())
	}
	answer := s.Invite(Number)
	if !strings.HasPrefix(answer, "SIP/2.0 503") || !strings.Contains(answer, "Retry-After:") {
		t.Errorf("a call was answered with\n%s", answer)
	}
	s.Wait("the refusal is logged with its remedy", 5*time.Second, func() bool {
		_, after, refused := strings.Cut(s.Log(), "incoming call refused")
		return refused && strings.Contains(after, remedy)
	})
	if err := s.Stop(); err != nil {
		t.Errorf("serve ended with %v", err)
	}
}

// refusal runs a serve that must not start and returns what it says.
func (s *Server) refusal(env ...string) string {
	s.t.Helper()
	cmd := exec.Command(Binary(s.t), "serve", "--data", s.Data, "--http", "127.0.0.1:0", "--sip", "127.0.0.1:0", "--models", s.Data)
	cmd.Env = append(cmd.Environ(), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	started := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
	defer started.Stop()
	if err := cmd.Run(); err == nil || out.Len() > 0 {
		s.t.Errorf("serve ended with %v, and printed %q", err, &out)
	}
	return errs.String()
}

func TestServeIsRefusedOnDataInUseAndWithAnotherKey(t *testing.T) {
	t.Parallel()
	s := Start(t, Args("--models", t.TempDir()))
	trunk := s.Trunk("127.0.0.1", 5999, JSON{"password": "rosebud"})
	if said := s.refusal(); !strings.Contains(said, s.Data) || !strings.Contains(said, "in use") {
		t.Errorf("a second serve on the same data: %s", said)
	}
	if err := s.Stop(); err != nil {
		t.Errorf("serve ended with %v", err)
	}
	if said := s.refusal(fmt.Sprintf("PARLEY_MASTER_KEY=%064d", 1)); !strings.Contains(said, "master key") || !strings.Contains(said, "master.key") {
		t.Errorf("serve with another key: %s", said)
	}
	if said := s.refusal("PARLEY_MASTER_KEY=rosebud"); !strings.Contains(said, "PARLEY_MASTER_KEY") || strings.Contains(said, "rosebud") {
		t.Errorf("serve with what is no key: %s", said)
	}
	s.Boot()
	s.Must("GET", "/api/v1/sip-trunks/"+trunk, nil) // nothing was harmed
	if hits := s.holds("rosebud"); len(hits) > 0 {
		t.Errorf("the trunk's password lies open in %v", hits)
	}
}
