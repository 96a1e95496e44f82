package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// proxy is a kamailio with an rtpengine that carries the sound, in front of a server.
type proxy struct {
	port, first, last int // of SIP; of sound
}

// kamailio starts both by bench/kamailio/kamailio.cfg; what the server calls goes to the port trunk.
func kamailio(s *Server, trunk int) proxy {
	s.t.Helper()
	p := proxy{port: freePort(s.t), first: 42000 + 2*(os.Getpid()%500), last: 0}
	p.last = p.first + 8000
	ng := freePort(s.t)
	_, own, _ := strings.Cut(s.SIP, ":")
	dir := s.t.TempDir()
	s.beside("rtpengine", "rtpengine", "-f", "-E", "-L", "3", "-i", "127.0.0.1", "-n", fmt.Sprintf("127.0.0.1:%d", ng), "-t", "-1", "--delete-delay=0",
		"-c", fmt.Sprintf("127.0.0.1:%d", freePort(s.t)), // its own is one for all rtpengines of a machine
		"-m", strconv.Itoa(p.first), "-M", strconv.Itoa(p.last), "--pidfile", dir+"/rtpengine.pid")
	s.waitPong(ng) // kamailio shuns an rtpengine that did not answer its first ping
	s.beside("kamailio", "kamailio", "-DD", "-E", "-f", "../../bench/kamailio/kamailio.cfg", "-l", fmt.Sprintf("udp:127.0.0.1:%d", p.port),
		"-P", dir+"/kamailio.pid", "-Y", dir, "-m", "256", "-A", fmt.Sprintf("PARLEY=%q", "sip:"+s.SIP), "-A", "PARLEYPORT="+own,
		"-A", fmt.Sprintf("TRUNK=%q", fmt.Sprintf("sip:127.0.0.1:%d", trunk)), "-A", fmt.Sprintf("RTPENGINE=%q", fmt.Sprintf("udp:127.0.0.1:%d", ng)))
	if !listens("127.0.0.1", p.port) {
		s.t.Fatal("kamailio does not listen")
	}
	return p
}

// waitPong waits until rtpengine answers a ping of its control protocol, "ng".
func (s *Server) waitPong(port int) {
	s.t.Helper()
	c, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	s.Wait("rtpengine answers", 20*time.Second, func() bool {
		_, _ = c.Write([]byte("1 d7:command4:pinge"))
		_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		answer := make([]byte, 100)
		n, err := c.Read(answer)
		return err == nil && strings.Contains(string(answer[:n]), "pong")
	})
}

// beside runs a program as long as the test, and shows what it wrote when the test has failed.
func (s *Server) beside(name string, argv ...string) {
	s.t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		ended := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		ended.Stop()
		if s.t.Failed() {
			s.t.Logf("%s:\n%s", name, out.Bytes()[max(0, out.Len()-4000):])
		}
	})
}

var soundPort = regexp.MustCompile(`m=audio (\d+)`)

// carried says whether the descriptions that came from the proxy name rtpengine's ports, and the first one a route to be kept.
func (p proxy) carried(t *testing.T, s *Server, call string) {
	t.Helper()
	_, v := s.Do("GET", "/api/v1/calls/"+call+"/sip", nil)
	described := 0
	for _, m := range v["data"].([]any) {
		m := m.(JSON)
		raw := m["raw"].(string)
		port := soundPort.FindStringSubmatch(raw)
		if m["direction"] != "received" || port == nil {
			continue
		}
		described++
		if n, _ := strconv.Atoi(port[1]); n < p.first || n > p.last {
			t.Errorf("sound at port %d is not rtpengine's", n)
		}
		if !strings.Contains(raw, "\r\nRecord-Route: <sip:127.0.0.1:"+strconv.Itoa(p.port)) {
			t.Errorf("no route of the proxy's in\n%s", raw)
		}
	}
	if described == 0 {
		t.Errorf("no description came by the proxy: %v", v)
	}
}

// Calls both ways through kamailio with rtpengine: in-dialog requests follow the recorded route (RFC 3261 §12.2.1.1, §16.12), and sound
// goes by rtpengine.
func TestCallsThroughKamailioAndRTPEngine(t *testing.T) {
	t.Parallel()
	NeedModels(t)
	Need(t, "kamailio", "rtpengine", "sipp")
	s := Start(t, loopbackTrunks)
	trunkPort := freePort(t)
	p := kamailio(s, trunkPort)
	id := s.Trunk("127.0.0.1", p.port, nil)
	if v := s.Must("POST", "/api/v1/sip-trunks/"+id+"/verify", nil); v["is_verified"] != true { // kamailio answers OPTIONS
		t.Fatalf("verify: %v", v)
	}
	s.Must("PUT", "/api/v1/sip-trunks/"+id, JSON{"is_active": true})
	s.Agent(nil, s.DID(id, Number))

	through := *s
	through.SIP = fmt.Sprintf("127.0.0.1:%d", p.port)
	phone := through.Dial(Number, "--dtmf", "5", "--timeout", "20s")
	phone.Until(they, 300*time.Millisecond)
	if _, code := phone.Wait(); code != 0 {
		t.Errorf("the call in ended with exit code %d", code)
	}
	in := s.lastCallOf(CallerNumber)
	if in["ended_reason"] != "caller_hung_up" || len(turns(in)) == 0 {
		t.Errorf("the call in: %v", in)
	}
	p.carried(t, s, in["id"].(string))

	out := s.Agent(JSON{"direction": "outbound"}, s.DID(id, "+12025550144"))
	recorded := strings.Replace(picksUp, "[last_CSeq:]", "[last_CSeq:]\n[last_Record-Route:]", 1)
	finished := trunk(t, trunkPort, invited, rings, recorded, isHungUp)
	order := s.order(out, nil)
	s.waitStatus(order, "answered")
	time.Sleep(time.Second) // some sound
	s.endCall(out, order)
	finished() // the BYE came through the proxy
	s.final(order, "completed", "ended_by_api")
	p.carried(t, s, order)
}

// TestLoadThroughKamailio is bench/kamailio/run: set-ups at a rate through both. The suite makes one call of it.
func TestLoadThroughKamailio(t *testing.T) {
	NeedModels(t)
	Need(t, "kamailio", "rtpengine", "sipp")
	calls, rate := setting(t, "PARLEY_KAMAILIO_CALLS", 1), setting(t, "PARLEY_KAMAILIO_RATE", 1)
	hold := setting(t, "PARLEY_KAMAILIO_MILLIS", 300)
	s := Start(t, Env("PARLEY_LOG_LEVEL=warn"))
	p := kamailio(s, 9)
	s.Agent(JSON{"who_speaks_first": "user", "enable_recording": false}, s.DID(s.Trunk("127.0.0.1", p.port, nil), Number))
	through := *s
	through.SIP = fmt.Sprintf("127.0.0.1:%d", p.port)
	before, begin := s.use(), time.Now()
	run := sipp{scenario: "../../bench/kamailio/caller.xml", screen: calls > 1, args: []string{
		"-m", strconv.Itoa(calls), "-r", strconv.Itoa(rate), "-l", "5000", "-d", strconv.Itoa(hold), "-mp", "20000",
	}}
	run.call(&through, Number)()
	took := time.Since(begin)
	s.Wait("no call is open", 60*time.Second, func() bool { return s.count("ringing")+s.count("answered") == 0 })
	after := s.use()
	t.Logf("%d calls of %d ms at %d a second, through kamailio and rtpengine: %d completed, in %v", calls, hold, rate, s.count("completed"), took.Round(time.Second))
	t.Logf("CPU of the server: %.1f ms a call, %.2f cores; before: %v; after: %v",
		1000*(after.cpu-before.cpu).Seconds()/float64(calls), float64(after.cpu-before.cpu)/float64(took), before, after)
	if done := s.count("completed"); done != calls {
		t.Errorf("%d of %d calls are completed, %d stored", done, calls, s.count(""))
	}
}
