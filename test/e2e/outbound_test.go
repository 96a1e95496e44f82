package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// trunkScenario is a sipp scenario of a trunk that answers OPTIONS and then treats an INVITE as %s says.
const trunkScenario = `<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="trunk">
  <recv request="INVITE" crlf="true"></recv>
  <send><![CDATA[
SIP/2.0 100 Trying
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
  <send><![CDATA[
SIP/2.0 180 Ringing
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:trunk@[local_ip]:[local_port]>
Content-Length: 0

]]></send>
%s
</scenario>`

const finalAnswer = `  <pause milliseconds="300"/>
  <send retrans="500"><![CDATA[
SIP/2.0 %s
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
  <recv request="ACK"></recv>`

const pickUp = `  <pause milliseconds="300"/>
  <send retrans="500"><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:trunk@[local_ip]:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

v=0
o=trunk 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000

]]></send>
  <recv request="ACK" rtd="true" crlf="true"></recv>
  <pause milliseconds="3000"/>
  <send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[last_To:];tag=[call_number]
[last_From:]
Call-ID: [call_id]
CSeq: 1 BYE
Contact: <sip:trunk@[local_ip]:[local_port]>
Content-Length: 0

]]></send>
  <recv response="200"></recv>`

const neverAnswer = `  <recv request="CANCEL"></recv>
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>`

// optionsTrunk answers the probe of `verify`, which sipp's INVITE scenario cannot; it listens until closed.
func optionsTrunk(t *testing.T) (port int, release func()) {
	t.Helper()
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 4096)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = pc.WriteTo(okTo(buf[:n]), from)
		}
	}()
	return pc.LocalAddr().(*net.UDPAddr).Port, func() { pc.Close(); <-done }
}

// trunk starts sipp on port with a scenario and stops it with the test.
func trunk(t *testing.T, port int, behaviour string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "trunk.xml")
	if err := os.WriteFile(file, fmt.Appendf(nil, trunkScenario, behaviour), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sipp", "-sf", file, "-i", "127.0.0.1", "-p", fmt.Sprint(port), "-m", "1", "-nostdin", "-timeout", "60s")
	cmd.Dir = t.TempDir()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
}

func TestOutboundOutcomes(t *testing.T) {
	NeedModels(t)
	Need(t, "sipp")
	for _, c := range []struct {
		name, behaviour, status, reason string
		end                             bool
	}{
		{"a trunk that picks up and hangs up later", pickUp, "completed", "caller_hung_up", false},
		{"a busy line", fmt.Sprintf(finalAnswer, "486 Busy Here"), "busy", "busy", false},
		{"a line that does not answer", fmt.Sprintf(finalAnswer, "480 Temporarily Unavailable"), "no-answer", "no_answer", false},
		{"a trunk in trouble", fmt.Sprintf(finalAnswer, "500 Server Internal Error"), "failed", "", false},
		{"a call taken back while it rings", neverAnswer, "completed", "ended_by_api", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Start(t)
			port, release := optionsTrunk(t)
			id := s.Trunk("127.0.0.1", port, nil)
			if v := s.Must("POST", "/api/v1/sip-trunks/"+id+"/verify", nil); v["is_verified"] != true {
				t.Fatalf("verify: %v", v)
			}
			s.Must("PUT", "/api/v1/sip-trunks/"+id, JSON{"is_active": true})
			agent := s.Agent(JSON{"direction": "outbound"}, s.DID(id, Number))
			release()
			trunk(t, port, c.behaviour)
			time.Sleep(time.Second) // sipp says nowhere that it listens
			call := s.Must("POST", "/api/v1/agents/"+agent+"/call", JSON{"to": "+12025550177"})
			if c.end {
				s.Wait("it rings", 10*time.Second, func() bool {
					_, v := s.Do("GET", "/api/v1/calls?status=ringing", nil)
					return len(v["data"].([]any)) == 1
				})
				s.Must("POST", "/api/v1/agents/"+agent+"/end-call", JSON{"call_sid": call["id"]})
			}
			got := s.lastCall()
			if got["status"] != c.status || c.reason != "" && got["ended_reason"] != c.reason {
				t.Errorf("%v (%v), want %s (%s)", got["status"], got["ended_reason"], c.status, c.reason)
			}
		})
	}
}
