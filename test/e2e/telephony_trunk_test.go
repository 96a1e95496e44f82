package e2e

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A trunk is a sipp scenario: it takes an INVITE, rings, and does one of the following. What it expects must come, or sipp fails.
const (
	trunkBegins = `<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="trunk">`

	// invited keeps what later messages need: from whom, for whom, which INVITE.
	invited = `
  <recv request="INVITE" rrs="true">
    <action>
      <ereg regexp=".*" search_in="hdr" header="From:" assign_to="from"/>
      <ereg regexp=".*" search_in="hdr" header="To:" assign_to="to"/>
      <ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="seq"/>
    </action>
  </recv>`
	rings = `
  <send><![CDATA[
SIP/2.0 180 Ringing
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:trunk@[local_ip]:[local_port]>
Content-Length: 0

]]></send>`
	// describes is the rest of a response that says where sound goes.
	describes = `[last_Via:]
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
m=audio [rtpstream_audio_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000

]]></send>`
	picksUp = `
  <pause milliseconds="200"/>
  <send retrans="500"><![CDATA[
SIP/2.0 200 OK
` + describes + `
  <recv request="ACK"></recv>
  <nop><action><exec rtp_stream="sound.ulaw,-1,0"/></action></nop>`
	hangsUp = `
  <pause milliseconds="2500"/>
  <send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From:[$to];tag=[call_number]
To:[$from]
[last_Call-ID:]
CSeq: 1 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
  <recv response="200"></recv>`
	isHungUp = `
  <recv request="BYE"></recv>
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>`
	// isCancelled never answers.
	isCancelled = `
  <recv request="CANCEL"></recv>
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
  <send retrans="500"><![CDATA[
SIP/2.0 487 Request Terminated
[last_Via:]
[last_From:]
To:[$to];tag=[call_number]
[last_Call-ID:]
CSeq: [$seq] INVITE
Content-Length: 0

]]></send>
  <recv request="ACK"></recv>`
)

// refuses answers the INVITE with a final status such as "486 Busy Here"; more are header lines.
func refuses(status string, more ...string) string {
	return fmt.Sprintf(`
  <pause milliseconds="200"/>
  <send retrans="500"><![CDATA[
SIP/2.0 %s
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
%s
Content-Length: 0

]]></send>
  <recv request="ACK"></recv>`, status, strings.Join(append(more, "Server: sipp"), "\n"))
}

// asksProxy challenges the INVITE as a proxy does and expects another with an answer for the user.
func asksProxy(user string) string {
	return refuses("407 Proxy Authentication Required", `Proxy-Authenticate: Digest realm="trunk.example", nonce="5fe1a9", algorithm=MD5, qop="auth"`) +
		strings.Replace(invited, "<action>", fmt.Sprintf(`<action>
      <ereg regexp="username=.%s.,.*response=.[0-9a-f]{32}." search_in="hdr" header="Proxy-Authorization:" check_it="true" assign_to="signed"/>`, user), 1)
}

// asksUser challenges the INVITE and takes another only with the credentials of the user; the wrong ones get 403.
func asksUser(user, password string) string {
	return refuses("401 Unauthorized", `WWW-Authenticate: Digest realm="trunk.example", nonce="5fe1a9", algorithm=MD5, qop="auth"`) +
		strings.Replace(invited, "<action>", fmt.Sprintf(`<action>
      <verifyauth assign_to="known" username="%s" password="%s"/>`, user, password), 1) + `
  <nop test="known" next="1"></nop>` + refuses("403 Forbidden") + `
  <nop next="2"></nop>
  <label id="1"/>` + rings + picksUp + hangsUp + `
  <label id="2"/>
  <nop></nop>`
}

// whole joins the steps of a scenario. sipp wants every variable to be used, if only by being named.
func whole(begins string, steps []string) string {
	text := begins + strings.Join(steps, "")
	var named []string
	for _, v := range []string{"from", "to", "seq", "via", "signed", "checked", "expires"} {
		if strings.Contains(text, `assign_to="`+v+`"`) {
			named = append(named, v)
		}
	}
	if len(named) > 0 {
		text += `
  <Reference variables="` + strings.Join(named, ",") + `"/>`
	}
	return text + "\n</scenario>\n"
}

// trunk starts sipp as a trunk on a port and returns what waits for its end, which must come as the scenario says.
func trunk(t *testing.T, port int, steps ...string) (finished func()) {
	t.Helper()
	return sippAt(t, "127.0.0.1", port, steps...)
}

// sippAt is trunk at another address.
func sippAt(t *testing.T, host string, port int, steps ...string) (finished func()) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "trunk.xml")
	if err := os.WriteFile(file, []byte(whole(trunkBegins, steps)), 0o600); err != nil {
		t.Fatal(err)
	}
	finished = sipp{scenario: file, sound: openLine(), args: []string{"-i", host, "-mi", host, "-p", strconv.Itoa(port), "-m", "1", "-timeout", "25s"}}.start(t)
	if !listens(host, port) {
		finished()
		t.Fatalf("sipp does not listen on port %d", port)
	}
	return finished
}

// listens waits until a program has bound a UDP port of an IPv4 address.
func listens(host string, port int) bool {
	a := netip.MustParseAddr(host).As4()
	want := fmt.Sprintf("%02X%02X%02X%02X:%04X ", a[3], a[2], a[1], a[0], port)
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if b, err := os.ReadFile("/proc/net/udp"); err == nil && strings.Contains(string(b), want) {
			return true
		}
	}
	return false
}

// optionsTrunk answers whatever it is asked with 200, as a trunk does that is verified; it listens until released.
func optionsTrunk(t *testing.T) (port int, release func()) {
	t.Helper()
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return pc.LocalAddr().(*net.UDPAddr).Port, answersAll(pc)
}

// answersAll answers all requests that come to a socket with 200, until released.
func answersAll(pc net.PacketConn) (release func()) {
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
	return func() { pc.Close(); <-done }
}
