package e2e

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/sqlstore/pgtest"
)

// refusesWhileAway wants what the API owes its users while the database cannot be reached: no answer that is not so, and no change.
func (s *Server) refusesWhileAway(agent string) {
	s.t.Helper()
	for _, r := range [][2]string{{"DELETE", "/api/v1/agents/" + agent}, {"GET", "/api/v1/agents/" + agent}, {"GET", "/api/v1/calls"}, {"GET", "/api/v1/agents"}} {
		if status, v := s.Do(r[0], r[1], nil); status != http.StatusInternalServerError || v["code"] != "SERVER_ERROR" {
			s.t.Errorf("%s %s while the database is away: %d %v", r[0], r[1], status, v)
		}
	}
	if _, code := s.Call(Number); code != 3 {
		s.t.Errorf("a call while the database is away: exit code %d", code)
	}
}

func TestPostgresStoppedInMidCallCostsNothing(t *testing.T) {
	NeedModels(t)
	Need(t, "pg_dump")
	t.Parallel()
	postgres := pgtest.Start(t)
	url := postgres.Database(t)
	s := Start(t, Env("PARLEY_DATABASE="+url))
	agent := s.Clinic(nil)
	idle := s.Must("POST", "/api/v1/agents", AgentBody(nil))["id"].(string)
	p := s.Dial(Number, "--say", "My rhinoceros lost an umbrella in Amsterdam.", "--say", "How much does a cleaning cost?", "--say", "When are you open?")
	p.Until(they, 500*time.Millisecond)
	p.Until(me, 500*time.Millisecond)
	p.Until(they, 500*time.Millisecond)
	postgres.Stop(t)
	s.refusesWhileAway(idle)
	out, code := p.Wait()
	p.wantWholeSound()
	if code != 0 || !told(out) || !strings.Contains(strings.ToLower(out), "monday") {
		t.Errorf("exit code %d, and not all answers were heard", code)
	}
	s.Wait("the call has ended", 10*time.Second, func() bool { return strings.Contains(s.Log(), "call ended") })
	postgres.Up(t)
	c := s.lastCall()
	if c["status"] != "completed" || c["ended_reason"] != "caller_hung_up" || len(turns(c)) < 7 || !told(said(c, "agent")) {
		t.Errorf("after the return: %v", c)
	}
	if heard, kept := length(p.Played()), length(s.wav(s.recording(c, ""))); kept < heard-time.Second {
		t.Errorf("of a call of %s %s were recorded", heard, kept)
	}
	s.Wait("the log says once that the database was away, and once that it is back", 5*time.Second, func() bool {
		return strings.Count(s.Log(), "turns wait in memory") == 1 && strings.Count(s.Log(), "database is back") == 1
	})
	s.Must("GET", "/api/v1/agents/"+idle, nil) // the deletion that was refused has changed nothing
	s.erasedFromPostgres(url, agent, idle)
}

// erasedFromPostgres deletes agents and looks for what must be gone in a dump of the database.
func (s *Server) erasedFromPostgres(url string, agents ...string) {
	s.t.Helper()
	before := s.dump(url)
	for _, word := range open {
		if !strings.Contains(before, strings.ToLower(word)) {
			s.t.Errorf("%q is not in the database before the deletion: looking for it afterwards shows nothing", word)
		}
	}
	for _, word := range spoken {
		if strings.Contains(before, word) {
			s.t.Errorf("%q stands in the database in the clear", word)
		}
	}
	s.transcribed(s.lastCall())
	for _, agent := range agents {
		receipt := s.erase(agent)
		s.t.Logf("receipt %v", receipt)
		if note := noteOf(receipt, "database_files"); !strings.Contains(note, "write-ahead log") || !strings.Contains(note, "backups") {
			s.t.Errorf("the receipt does not say what PostgreSQL keeps: %q", note)
		}
	}
	after := s.dump(url)
	for _, word := range secrets {
		if strings.Contains(after, strings.ToLower(word)) {
			s.t.Errorf("left behind in the database: %q", word)
		}
	}
	if hits := s.holds(secrets...); len(hits) > 0 {
		s.t.Errorf("left behind in the data directory: %v", hits)
	}
}

// noteOf is a place's note in an erasure's receipt.
func noteOf(receipt JSON, place string) string {
	for _, p := range receipt["places"].([]any) {
		if p := p.(JSON); p["name"] == place {
			note, _ := p["note"].(string)
			return note
		}
	}
	return ""
}

// dump is the whole database as SQL, in lower case.
func (s *Server) dump(url string) string {
	s.t.Helper()
	out, err := exec.Command("pg_dump", "--dbname", url).Output()
	if err != nil {
		s.t.Fatalf("pg_dump: %v", err)
	}
	return strings.ToLower(string(out))
}
