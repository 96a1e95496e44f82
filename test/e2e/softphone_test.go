package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/icholy/digest"
)

// account makes a softphone by the command line and returns its password.
func (s *Server) account(environment, username string) string {
	s.t.Helper()
	out := s.Run("phone", "create", "--data", s.Data, "--environment", environment, "--username", username)
	m := regexp.MustCompile(`(?m)^password: (\S+)$`).FindStringSubmatch(out)
	if m == nil {
		s.t.Fatalf("phone create printed %q", out)
	}
	return m[1]
}

// registers sends a REGISTER over a socket, answers its challenge, and returns the last answer.
func (s *Server) registers(conn net.Conn, username, password string, extra ...string) (answer string) {
	s.t.Helper()
	uri, auth := "sip:"+s.SIP, ""
	for i := 1; i <= 2; i++ {
		lines := []string{
			"REGISTER " + uri + " SIP/2.0", fmt.Sprintf("Via: SIP/2.0/UDP %s;branch=z9hG4bK%d;rport", conn.LocalAddr(), time.Now().UnixNano()),
			"From: <sip:" + username + "@x>;tag=1", "To: <sip:" + username + "@x>", "Call-ID: " + conn.LocalAddr().String(),
			fmt.Sprintf("CSeq: %d REGISTER", time.Now().Unix()%1e9*2+int64(i)), fmt.Sprintf("Contact: <sip:%s@%s>;expires=60", username, conn.LocalAddr()),
			"Max-Forwards: 70", "Content-Length: 0",
		}
		if auth != "" {
			lines = append(lines, "Authorization: "+auth)
		}
		answer = s.exchange(conn, append(lines, extra...))
		m := regexp.MustCompile(`(?m)^WWW-Authenticate: (.*)\r$`).FindStringSubmatch(answer)
		if m == nil {
			return answer
		}
		chal, err := digest.ParseChallenge(m[1])
		if err != nil {
			s.t.Fatal(err)
		}
		cred, err := digest.Digest(chal, digest.Options{Method: "REGISTER", URI: uri, Username: username, Password: password, Count: 1})
		if err != nil {
			s.t.Fatal(err)
		}
		auth = cred.String()
	}
	return answer
}

func (s *Server) exchange(conn net.Conn, lines []string) string {
	s.t.Helper()
	buf := make([]byte, 8192)
	_ = conn.SetReadDeadline(time.Now().Add(15 * time.Second))
	_, err := conn.Write([]byte(strings.Join(append(lines, "", ""), "\r\n")))
	n := 0
	if err == nil {
		n, err = conn.Read(buf)
	}
	if err != nil {
		s.t.Fatalf("no answer to %s: %v", lines[0], err)
	}
	return string(buf[:n])
}

func (s *Server) udp() net.Conn {
	s.t.Helper()
	conn, err := net.Dial("udp4", s.SIP)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// bindings are those that the API shows of the environment's only softphone.
func (s *Server) bindings() []any {
	s.t.Helper()
	_, v := s.Do("GET", "/api/v1/sip/phones", nil)
	all, _ := v["data"].([]any)
	if len(all) != 1 {
		s.t.Fatalf("phones: %v", v)
	}
	return all[0].(JSON)["bindings"].([]any)
}

func TestRegistrationsOutliveTheProcess(t *testing.T) {
	t.Parallel()
	s := Start(t)
	password := s.account("test", "anna")
	if a := s.registers(s.udp(), "anna", password); !strings.HasPrefix(a, "SIP/2.0 200") {
		t.Fatal(a)
	}
	if b := s.bindings(); len(b) != 1 {
		t.Fatalf("bindings %v", b)
	}
	s.Kill()
	s.Boot()
	if b := s.bindings(); len(b) != 1 || b[0].(JSON)["behind_nat"] != false {
		t.Errorf("bindings after the restart: %v", b)
	}
}

// TestFail2banReadsTheLog runs the filter that is shipped on what a server has really logged.
func TestFail2banReadsTheLog(t *testing.T) {
	t.Parallel()
	Need(t, "fail2ban-regex")
	s := Start(t)
	password := s.account("test", "anna")
	for _, c := range []struct{ user, password string }{{"anna", "guess"}, {"nobody", "x"}, {"anna", password}} {
		s.registers(s.udp(), c.user, c.password)
	}
	scanner := s.udp()
	fmt.Fprintf(scanner, "OPTIONS sip:100@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"+
		"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nUser-Agent: friendly-scanner\r\nContent-Length: 0\r\n\r\n", s.SIP, scanner.LocalAddr())
	s.Wait("the scanner is logged", 5*time.Second, func() bool { return strings.Contains(s.Log(), "reason=scanner") })
	log := filepath.Join(t.TempDir(), "serve.log")
	if err := os.WriteFile(log, []byte(s.Log()), 0o600); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(s.Log(), "anna") || strings.Contains(s.Log(), "nobody") {
		t.Error("the log names who tried")
	}
	filter, err := filepath.Abs("../../deploy/fail2ban/filter.d/parley.conf")
	if err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[string]int{"normal": 2, "aggressive": 3} {
		out, err := exec.Command("fail2ban-regex", "--out", "ip", log, filter+"[mode="+mode+"]").CombinedOutput()
		if err != nil {
			t.Fatalf("fail2ban-regex: %v\n%s", err, out)
		}
		found := slices.DeleteFunc(strings.Fields(string(out)), func(ip string) bool { return ip != "127.0.0.1" })
		if len(found) != want {
			t.Errorf("mode %s finds %d addresses, want %d:\n%s\n%s", mode, len(found), want, out, s.Log())
		}
	}
}

// TestBaresipRegistersCallsAnAgentByNameAndIsPassedACaller is a person with a softphone.
func TestBaresipRegistersCallsAnAgentByNameAndIsPassedACaller(t *testing.T) {
	t.Parallel()
	NeedModels(t)
	Need(t, "baresip")
	if !inside(t) {
		return
	}
	s := Start(t, Args("--sip", insideAddr+":0"), Env("PARLEY_SIP_ACCEPT=10.77.0.0/24", "PARLEY_EGRESS_ALLOW=10.77.0.0/24"))
	id := s.demoAgent(s.DID(s.Trunk("192.0.2.1", 5060, nil), Number))
	password := s.account("test", "anna")
	phone := baresipAs(t, fmt.Sprintf("<sip:anna@%s;transport=udp>;auth_pass=%s;answermode=auto;regint=60", s.SIP, password),
		"sip:rose@"+s.SIP, silence(t, 60*time.Second))
	s.Wait("baresip has registered", 10*time.Second, func() bool { return len(s.bindings()) == 1 })
	s.Wait("the call by name is answered", 10*time.Second, func() bool { return s.count("answered") == 1 })
	time.Sleep(2 * time.Second)
	_, calls := s.Do("GET", "/api/v1/calls", nil)
	call := calls["data"].([]any)[0].(JSON)
	if call["from"] != "anna" || call["to"] != "rose" {
		t.Errorf("call from %v to %v", call["from"], call["to"])
	}
	s.Must("POST", "/api/v1/agents/"+id+"/end-call", JSON{"call_sid": call["id"]})
	s.Wait("the call is over", 10*time.Second, func() bool { return s.count("completed") == 1 })

	caller := s.Dial(Number, "--say", "I would like to speak to Anna.", "--say", "Hello Anna, can you hear me well?",
		"--say", "I am calling about my appointment.")
	s.Wait("the caller talks to the agent", 10*time.Second, func() bool { return s.count("answered") == 1 })
	caller.Until(me, 500*time.Millisecond)
	_, calls = s.Do("GET", "/api/v1/calls", nil)
	passed := s.Must("POST", "/api/v1/calls/"+calls["data"].([]any)[0].(JSON)["id"].(string)+"/transfer", JSON{"to": "phone:anna"})
	if passed["outcome"] != "answered" {
		t.Errorf("transfer %v", passed)
	}
	caller.Until(me, 1500*time.Millisecond)
	heard := phone.calls()
	caller.Wait()
	if len(heard) != 2 {
		t.Fatalf("baresip has recorded %d calls", len(heard))
	}
	for i, what := range []string{"the agent", "the caller"} {
		if d := loud(heard[i]); d < 500*time.Millisecond {
			t.Errorf("baresip has heard %v of %s", d, what)
		}
	}
	s.Wait("baresip has taken its registration back", 10*time.Second, func() bool { return len(s.bindings()) == 0 })
}
