package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A call is read by its SIP messages, in full and as a ladder, without numbers by a token that may not trace, and not at all after the
// erasure of its agent.
func TestASIPTraceIsReadAndErased(t *testing.T) {
	t.Parallel()
	NeedModels(t)
	s := Start(t)
	agent := s.Clinic(nil)
	phone := s.Run("call", s.URI(Number), "--from", "+12025550199", "--trace", "--timeout", "20s", "--dtmf", "5")
	for _, want := range []string{"sent to " + s.SIP + "/udp\nINVITE sip:", "UTC           me ", "- INVITE (SDP) -", " 200 OK [INVITE] (SDP) -|", "- BYE -"} {
		if !strings.Contains(phone, want) {
			t.Errorf("parley call --trace does not show %q:\n%s", want, phone)
		}
	}
	id := s.lastCall()["id"].(string)
	path := "/api/v1/calls/" + id + "/sip"
	var drawn string
	s.Wait("the last message is written", 5*time.Second, func() bool {
		drawn = s.text(path, s.Token)
		return strings.Contains(drawn, "200 OK [BYE]")
	})
	t.Logf("\n%s", drawn)
	for _, want := range []string{"INVITE (SDP) -|", "|- 180 Ringing [INVITE] -", "|- 200 OK [INVITE] (SDP) -", " ACK -|"} {
		if !strings.Contains(drawn, want) {
			t.Errorf("the ladder does not show %q", want)
		}
	}
	_, full := s.Do("GET", path, nil)
	first := full["data"].([]any)[0].(JSON)
	if raw := first["raw"].(string); first["direction"] != "received" || !strings.Contains(raw, "12025550199") || !strings.Contains(raw, "m=audio") {
		t.Errorf("the first message: %v", first)
	}
	token := s.Token
	s.Token = s.Run("token", "create", "--data", s.Data, "--environment", "test", "--abilities", "calls:read")
	_, v := s.Do("GET", path, nil)
	if all := fmt.Sprint(v); len(v["data"].([]any)) != len(full["data"].([]any)) || strings.Contains(all, "2025550") || strings.Contains(all, "127.0.0.1") {
		t.Errorf("without calls:trace: %v", v)
	}
	s.Token = s.Run("token", "create", "--data", s.Data, "--environment", "other")
	if status, v := s.Do("GET", path, nil); status != 404 {
		t.Errorf("another environment reads: %d %v", status, v)
	}
	s.Token = token
	receipt := s.erase(agent)
	if n := countOf(receipt, "sip_messages"); n != len(full["data"].([]any)) {
		t.Errorf("%d SIP messages were erased of %d", n, len(full["data"].([]any)))
	}
}

func TestSIPMessagesAreNotKeptWhenTheOperatorSaysSo(t *testing.T) {
	t.Parallel()
	NeedModels(t)
	s := Start(t, Env("PARLEY_SIP_TRACE=false"))
	s.Clinic(nil)
	_ = s.Run("call", s.URI(Number), "--timeout", "20s", "--dtmf", "5")
	if _, v := s.Do("GET", "/api/v1/calls/"+s.lastCall()["id"].(string)+"/sip", nil); len(v["data"].([]any)) != 0 {
		t.Errorf("kept: %v", v)
	}
}

// text reads an answer in plain text.
func (s *Server) text(path, token string) string {
	s.t.Helper()
	req, err := http.NewRequest("GET", "http://"+s.HTTP+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "text/plain")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	if res.StatusCode != 200 {
		s.t.Fatalf("%s: %d %s", path, res.StatusCode, b)
	}
	return string(b)
}

// countOf is how many items of a place a receipt counts.
func countOf(receipt JSON, name string) int {
	for _, p := range receipt["places"].([]any) {
		if p := p.(JSON); p["name"] == name {
			return int(p["count"].(float64))
		}
	}
	return -1
}
