package e2e

import (
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// lastCall waits until the newest call is final and returns it with its turns.
func (s *Server) lastCall() JSON {
	s.t.Helper()
	return s.lastCallOf("")
}

// lastCallOf is lastCall among those of a caller.
func (s *Server) lastCallOf(from string) JSON {
	s.t.Helper()
	var c JSON
	s.Wait("the call is final", 20*time.Second, func() bool {
		_, v := s.Do("GET", "/api/v1/calls", nil)
		rows, _ := v["data"].([]any)
		i := slices.IndexFunc(rows, func(r any) bool { return from == "" || r.(JSON)["from"] == from })
		if i < 0 {
			return false
		}
		c = rows[i].(JSON)
		return slices.Contains([]any{"completed", "failed", "busy", "no-answer"}, c["status"])
	})
	return s.call(c["id"].(string))
}

func (s *Server) call(id string) JSON {
	s.t.Helper()
	return s.Must("GET", "/api/v1/calls/"+id, nil)
}

func turns(call JSON) []any { return call["turns"].([]any) }

// said is all that one side said in a call, in lower case.
func said(call JSON, who string) string {
	var b strings.Builder
	for _, t := range turns(call) {
		if t := t.(JSON); t["who"] == who {
			b.WriteString(strings.ToLower(t["text"].(string)) + "\n")
		}
	}
	return b.String()
}

// told says whether a transcript holds the price of a cleaning, as the recognizer may write it.
func told(transcript string) bool {
	return strings.Contains(strings.ToLower(transcript), "sixty") || strings.Contains(transcript, "60")
}

// erase unpublishes and deletes an agent and waits for the receipt to be complete.
func (s *Server) erase(agent string) JSON {
	s.t.Helper()
	s.Must("POST", "/api/v1/agents/"+agent+"/unpublish", nil)
	return s.erased(s.Must("DELETE", "/api/v1/agents/"+agent, nil)["erasure_id"].(string))
}

// erased waits until an erasure is complete.
func (s *Server) erased(id string) (receipt JSON) {
	s.t.Helper()
	s.Wait("the erasure is complete", 30*time.Second, func() bool {
		receipt = s.Must("GET", "/api/v1/erasures/"+id, nil)
		return receipt["state"] == "complete"
	})
	return receipt
}

// recording fetches a call's recording, or the part of it that a Range header names.
func (s *Server) recording(call JSON, byteRange string) []byte {
	s.t.Helper()
	req, err := http.NewRequest("GET", "http://"+s.HTTP+"/api/v1/calls/"+call["id"].(string)+"/recording", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Token)
	if byteRange != "" {
		req.Header.Set("Range", byteRange)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func TestCallsAreWrittenDownRecordedAndErased(t *testing.T) {
	NeedModels(t)
	t.Parallel()
	const second, guest = "+12025550144", "+12025550188"
	s := Start(t, Env("PARLEY_LOG_LEVEL=debug"), logPII)
	trunk := s.Trunk("127.0.0.1", 5999, nil)
	agent := s.Agent(nil, s.DID(trunk, Number))
	discreet := s.Agent(JSON{"enable_recording": false, "initial_message": "Oak street bakery, hello!", "description": "A loaf costs 3 dollars."},
		s.DID(trunk, second))
	a := s.Dial(Number, "--say", "How much does a cleaning cost?", "--say", "My rhinoceros lost an umbrella in Amsterdam.")
	b := s.Dial(second, "--from", guest, "--say", "How much is a loaf?")
	b.Until(me, 500*time.Millisecond)
	s.onlyTheDatabaseIsWritten(discreet)
	if _, code := b.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	out, code := a.Wait()
	if code != 0 || !told(out) {
		t.Errorf("exit code %d; the caller was not told the price", code)
	}
	c, other := s.lastCallOf(CallerNumber), s.lastCallOf(guest)
	s.checkCall(c)
	if other["recording_url"] != nil || other["status"] != "completed" || len(turns(other)) < 3 {
		t.Errorf("the call without a recording: %v", other)
	}
	s.checkErasure(agent, c)
	s.call(other["id"].(string)) // is untouched
}

// checkCall wants the call that the caller's side of this test made.
func (s *Server) checkCall(c JSON) {
	s.t.Helper()
	if c["status"] != "completed" || c["ended_reason"] != "caller_hung_up" || c["from"] != CallerNumber || c["to"] != Number {
		s.t.Errorf("call %v", c)
	}
	if n := len(turns(c)); n < 5 || turns(c)[0].(JSON)["who"] != "agent" || !told(said(c, "agent")) {
		s.t.Errorf("turns %v", turns(c))
	}
	wav := s.recording(c, "")
	seconds := time.Duration(c["duration"].(float64)) * time.Second
	if d := length(s.wav(wav)); d < seconds-2*time.Second || d > seconds+2*time.Second {
		s.t.Errorf("a recording of %s for a call of %s", d, seconds)
	}
	if part := s.recording(c, "bytes=1000-1099"); string(part) != string(wav[1000:1100]) {
		s.t.Errorf("a range of 100 bytes gave %d others", len(part))
	}
}

// What must go with an agent: who called it and what it is, which stand in the database in the clear, and what only its caller said, which
// is sealed wherever it is kept.
var (
	open    = []string{strings.TrimPrefix(CallerNumber, "+"), "Lakeside dental"}
	spoken  = []string{"rhinoceros", "umbrella", "amsterdam"}
	secrets = slices.Concat(open, spoken)
)

// transcribed wants the API to show what only the caller said: else looking for it afterwards shows nothing.
func (s *Server) transcribed(c JSON) {
	s.t.Helper()
	for _, word := range spoken {
		if !strings.Contains(strings.ToLower(said(c, "caller")), word) {
			s.t.Errorf("%q is not in the transcript before the deletion: looking for it afterwards shows nothing", word)
		}
	}
}

// logPII makes a server log what is said and dialled to a file in its data directory, which is one more place to be emptied.
func logPII(s *Server) { s.env = append(s.env, "PARLEY_LOG_PII="+filepath.Join(s.Data, "pii.log")) }

func (s *Server) checkErasure(agent string, c JSON) {
	s.t.Helper()
	found := strings.Join(s.holds(secrets...), "\n")
	inDatabase := func(word string) bool {
		return strings.Contains(found, "parley.db: "+word) || strings.Contains(found, "parley.db-wal: "+word)
	}
	for _, word := range open {
		if !inDatabase(word) {
			s.t.Errorf("%q is not in the database before the deletion: looking for it afterwards shows nothing", word)
		}
	}
	for _, word := range spoken {
		if inDatabase(word) {
			s.t.Errorf("%q stands in the database in the clear", word)
		}
	}
	s.transcribed(c)
	if keys := s.files(agent + ".key"); len(keys) != 1 {
		s.t.Errorf("keys of the agent: %v", keys)
	}
	if !strings.Contains(found, "pii.log: rhinoceros") {
		s.t.Error("the log of personal data holds none")
	}
	receipt := s.erase(agent)
	s.t.Logf("receipt %v", receipt)
	if hits := s.holds(secrets...); len(hits) > 0 {
		s.t.Errorf("left behind: %v", hits)
	}
	if left := append(s.files(".wav"), s.files(agent+".key")...); len(left) > 0 {
		s.t.Errorf("recordings and keys left: %v", left)
	}
	for _, word := range secrets {
		if strings.Contains(strings.ToLower(s.Log()), strings.ToLower(word)) {
			s.t.Errorf("the server's log holds %q", word)
		}
	}
	for _, path := range []string{"", "/recording"} {
		if status, _ := s.Do("GET", "/api/v1/calls/"+c["id"].(string)+path, nil); status != http.StatusNotFound {
			s.t.Errorf("the deleted agent's call%s answers %d", path, status)
		}
	}
}

func TestKilledServerClosesItsCallAndLosesNoDeletion(t *testing.T) {
	NeedModels(t)
	t.Parallel()
	s := Start(t)
	trunk := s.Trunk("127.0.0.1", 5999, nil)
	agent := s.Agent(nil, s.DID(trunk, Number))
	doomed := s.Must("POST", "/api/v1/agents", AgentBody(nil))["id"].(string)
	p := s.Dial(Number, "--say", "How much does a cleaning cost?", "--say", "And when are you open?")
	p.Until(they, 500*time.Millisecond)
	p.Until(me, 500*time.Millisecond)
	p.Until(they, 500*time.Millisecond)
	erasure := s.Must("DELETE", "/api/v1/agents/"+doomed, nil)["erasure_id"].(string)
	orphans := s.workers()
	s.Kill()
	p.HangUp()
	s.Wait("the workers have gone with their server", 5*time.Second, func() bool { return !slices.ContainsFunc(orphans, running) })
	s.Boot()
	c := s.lastCall()
	if c["status"] != "failed" || c["ended_reason"] != "node_lost" || len(turns(c)) < 2 || !strings.Contains(said(c, "caller"), "cleaning") {
		t.Errorf("after the restart the call is %v (%v) with turns %v", c["status"], c["ended_reason"], turns(c))
	}
	if d := length(s.wav(s.recording(c, ""))); d < 3*time.Second {
		t.Errorf("the partial recording has %s", d)
	}
	s.erased(erasure)
	s.erase(agent)
}
