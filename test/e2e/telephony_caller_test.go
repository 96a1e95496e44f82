package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A caller is a sipp scenario that begins with an INVITE of ours. What it expects must come, or sipp fails.
const (
	callerHead = `Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
From: <sip:+12025550199@[local_ip]:[local_port]>;tag=[pid]-[call_number]`
	// spokenSDP offers µ-law and keys, with sound on [media_port].
	spokenSDP = `v=0
o=caller 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000`
	// acknowledges comes straight after the 200 of an INVITE.
	acknowledges = `
  <send><![CDATA[
ACK [next_url] SIP/2.0
` + callerHead + `
[last_To:]
[last_Call-ID:]
CSeq: [cseq] ACK
Max-Forwards: 70
Content-Length: 0

]]></send>`
	saysBye = `
  <send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
` + callerHead + `
[last_To:]
[last_Call-ID:]
CSeq: [cseq] BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
  <recv response="200"></recv>`
	answered = `
  <recv response="100" optional="true"></recv>
  <recv response="180" optional="true"></recv>
  <recv response="200" rrs="true"></recv>`
)

// invites sends an INVITE with a body of SDP; more are header lines.
func invites(sdp string, more ...string) string {
	return `
  <send retrans="500"><![CDATA[
` + strings.Join(append([]string{`INVITE sip:[to]@[remote_ip]:[remote_port] SIP/2.0`, callerHead, `To: <sip:[to]@[remote_ip]:[remote_port]>`,
		`Call-ID: [call_id]`, `CSeq: [cseq] INVITE`, `Contact: <sip:caller@[local_ip]:[local_port];transport=[transport]>`, `Max-Forwards: 70`}, more...), "\n") + `
Content-Type: application/sdp
Content-Length: [len]

` + sdp + `

]]></send>`
}

// reinvites sends another INVITE in the call.
func reinvites(sdp string) string {
	s := strings.ReplaceAll(invites(sdp), "sip:[to]@[remote_ip]:[remote_port] SIP", "[next_url] SIP")
	return strings.ReplaceAll(s, "To: <sip:[to]@[remote_ip]:[remote_port]>", "[last_To:]")
}

// refused expects a final status for the INVITE and acknowledges it; with is a regular expression that a header of it must match.
func refused(status int, header, with string) string {
	check := ""
	if header != "" {
		check = fmt.Sprintf(`
    <action><ereg regexp="%s" search_in="hdr" header="%s:" check_it="true" assign_to="checked"/></action>`, with, header)
	}
	return fmt.Sprintf(`
  <recv response="100" optional="true"></recv>
  <recv response="%d" auth="%t">%s</recv>
  <send><![CDATA[
ACK sip:[to]@[remote_ip]:[remote_port] SIP/2.0
`+strings.Replace(callerHead, "[branch]", "[branch-3]", 1)+`
[last_To:]
[last_Call-ID:]
CSeq: [cseq] ACK
Max-Forwards: 70
Content-Length: 0

]]></send>`, status, status == 401, check)
}

// calls runs a caller's steps as one call to a number; args are for sipp.
func (s *Server) calls(t *testing.T, number string, steps []string, args ...string) {
	t.Helper()
	s.dials(t, number, steps, args...)()
}

// dials is calls that goes on by itself.
func (s *Server) dials(t *testing.T, number string, steps []string, args ...string) (finished func()) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "caller.xml")
	text := whole(`<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="caller">`, steps)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return sipp{scenario: file, sound: openLine(), args: append([]string{"-m", "1"}, args...)}.call(s.in(t), number)
}

// trunksKnown waits until the SIP door looks again for the trunk of a source that it does not know: it does so once a second.
func (s *Server) trunksKnown() { time.Sleep(1100 * time.Millisecond) }
