package e2e

import (
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	callerNumber = "+12025550199"
	secretWord   = "rhinoceros" // said by the caller only
)

// phone runs `parley call` against the server and returns its output and exit code.
func (s *Server) phone(number string, args ...string) (string, int) {
	s.t.Helper()
	cmd := exec.Command(Binary(s.t), append([]string{"call", s.URI(number), "--from", callerNumber, "--transcript"}, args...)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	s.t.Logf("parley call: %v\n%s%s", err, out, errs.String())
	return string(out), cmd.ProcessState.ExitCode()
}

// lastCall waits until the newest call is final and returns it with its turns.
func (s *Server) lastCall() JSON {
	s.t.Helper()
	var c JSON
	s.Wait("the call is final", 20*time.Second, func() bool {
		_, v := s.Do("GET", "/api/v1/calls", nil)
		rows, _ := v["data"].([]any)
		if len(rows) == 0 {
			return false
		}
		c = rows[0].(JSON)
		switch c["status"] {
		case "completed", "failed", "busy", "no-answer":
			return true
		}
		return false
	})
	return s.Must("GET", "/api/v1/calls/"+c["id"].(string), nil)
}

// holds lists the files below the data directory that hold one of the words, whatever their case.
func holds(t *testing.T, dir string, words ...string) (hits []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			return nil
		}
		b = bytes.ToLower(b)
		for _, w := range words {
			if bytes.Contains(b, bytes.ToLower([]byte(w))) {
				hits = append(hits, filepath.Base(path)+": "+w)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return hits
}

// erase unpublishes and deletes an agent and waits for the receipt to be complete.
func (s *Server) erase(agent string) JSON {
	s.t.Helper()
	s.Must("POST", "/api/v1/agents/"+agent+"/unpublish", nil)
	id := s.Must("DELETE", "/api/v1/agents/"+agent, nil)["erasure_id"].(string)
	var receipt JSON
	s.Wait("the erasure is complete", 30*time.Second, func() bool {
		receipt = s.Must("GET", "/api/v1/erasures/"+id, nil)
		return receipt["state"] == "complete"
	})
	return receipt
}

func TestACallIsAnsweredWrittenDownAndErased(t *testing.T) {
	NeedModels(t)
	s := Start(t)
	agent := s.Clinic(nil)
	out, code := s.phone(Number, "--say", "How much does a cleaning cost?", "--say", "My dog is called "+secretWord+". Goodbye.")
	if code != 0 && code != 7 {
		t.Fatalf("exit code %d", code)
	}
	if !strings.Contains(strings.ToLower(out), "sixty") && !strings.Contains(out, "60") {
		t.Errorf("the caller was not told the price:\n%s", out)
	}
	c := s.lastCall()
	if c["status"] != "completed" || c["from"] != callerNumber || c["to"] != Number {
		t.Errorf("call %v", c)
	}
	turns := c["turns"].([]any)
	if len(turns) < 4 || turns[0].(JSON)["who"] != "agent" {
		t.Errorf("turns %v", turns)
	}
	url := "http://" + s.HTTP + "/api/v1/calls/" + c["id"].(string) + "/recording"
	if wav := s.fetch(url, ""); len(wav) < 100_000 || string(wav[:4]) != "RIFF" {
		t.Errorf("recording of %d bytes", len(wav))
	}
	if part := s.fetch(url, "bytes=0-43"); len(part) != 44 {
		t.Errorf("a range of 44 bytes gave %d", len(part))
	}
	receipt := s.erase(agent)
	t.Logf("receipt %v", receipt)
	if hits := holds(t, s.Data, strings.TrimPrefix(callerNumber, "+"), secretWord, "Lakeside dental"); len(hits) > 0 {
		t.Errorf("left behind: %v", hits)
	}
	if status, _ := s.Do("GET", "/api/v1/calls/"+c["id"].(string), nil); status != 404 {
		t.Errorf("the call of a deleted agent answers %d", status)
	}
}

func (s *Server) fetch(url, byteRange string) []byte {
	s.t.Helper()
	req, err := http.NewRequest("GET", url, nil)
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

func TestNoRecordingTouchesTheDiskWhenSwitchedOff(t *testing.T) {
	NeedModels(t)
	s := Start(t)
	s.Clinic(JSON{"enable_recording": false})
	s.phone(Number, "--say", "What are your opening hours?")
	c := s.lastCall()
	if u := c["recording_url"]; u != nil {
		t.Errorf("recording_url %v", u)
	}
	_ = filepath.WalkDir(s.Data, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".wav") {
			t.Errorf("audio on disk: %s", path)
		}
		return nil
	})
}

func TestKilledServerClosesItsCallAndLosesNoDeletion(t *testing.T) {
	NeedModels(t)
	s := Start(t)
	agent := s.Clinic(nil)
	call := exec.Command(Binary(t), "call", s.URI(Number), "--from", callerNumber, "--say", "How much does a cleaning cost?", "--say", "And when are you open?")
	if err := call.Start(); err != nil {
		t.Fatal(err)
	}
	s.Wait("two turns are stored", 30*time.Second, func() bool {
		_, v := s.Do("GET", "/api/v1/calls", nil)
		rows := v["data"].([]any)
		return len(rows) == 1 && len(s.Must("GET", "/api/v1/calls/"+rows[0].(JSON)["id"].(string), nil)["turns"].([]any)) >= 2
	})
	s.Kill()
	_ = call.Process.Kill()
	_ = call.Wait()
	s.Boot()
	c := s.lastCall()
	if c["status"] != "failed" || c["ended_reason"] != "node_lost" || len(c["turns"].([]any)) < 2 {
		t.Errorf("after the restart the call is %v (%v) with %d turns", c["status"], c["ended_reason"], len(c["turns"].([]any)))
	}
	if wav := s.fetch("http://"+s.HTTP+"/api/v1/calls/"+c["id"].(string)+"/recording", ""); len(wav) < 30_000 || string(wav[:4]) != "RIFF" {
		t.Errorf("the partial recording has %d bytes", len(wav))
	}
	s.erase(agent)
}

func TestSecondServerOnTheSameDataIsRefused(t *testing.T) {
	s := Start(t)
	out, err := exec.Command(Binary(t), "serve", "--data", s.Data, "--http", "127.0.0.1:0", "--sip", "127.0.0.1:0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), s.Data) {
		t.Errorf("second serve: %v\n%s", err, out)
	}
}
