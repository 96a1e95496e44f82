package e2e

import (
	"strings"
	"testing"
	"time"
)

// shorter asks for less than may be, and then for as much (RFC 4028 §7.3).
const shorter = "Supported: timer\nSession-Expires: "

// updates refreshes the session by UPDATE (RFC 3311), which must bring it anew.
const updates = `
  <send retrans="500"><![CDATA[
UPDATE [next_url] SIP/2.0
` + callerHead + `
[last_To:]
[last_Call-ID:]
CSeq: [cseq] UPDATE
Contact: <sip:caller@[local_ip]:[local_port]>
Max-Forwards: 70
Supported: timer
Session-Expires: 90;refresher=uac
Content-Length: 0

]]></send>
  <recv response="200">
    <action><ereg regexp="90;refresher=uac" search_in="hdr" header="Session-Expires:" check_it="true" assign_to="checked"/></action>
  </recv>`

// TestDialogsWithSipp has a caller and a trunk for what only a foreign part shows of calls that go wrong.
func TestDialogsWithSipp(t *testing.T) {
	t.Parallel()
	NeedModels(t)
	Need(t, "sipp")
	server := Start(t, loopbackTrunks, Env("PARLEY_RTP_TIMEOUT=2m"))
	server.Clinic(nil)
	t.Run("an ACK that is lost: BYE after 32 s (RFC 3261 §13.3.1.4)", func(t *testing.T) {
		t.Parallel()
		begun := time.Now()
		server.in(t).calls(t, Number, []string{invites(spokenSDP), answered, isHungUp})
		if took := time.Since(begun); took < 32*time.Second {
			t.Errorf("the BYE came within %s", took)
		}
	})
	t.Run("a session that is too short, then one that the caller refreshes (RFC 4028 §6, §7.3, §10)", func(t *testing.T) {
		t.Parallel()
		server.in(t).calls(t, Number, []string{
			invites(spokenSDP, shorter+"60"), refused(422, "Min-SE", "90"), invites(spokenSDP, shorter+"90;refresher=uac", "Min-SE: 90"),
			`
  <recv response="100" optional="true"></recv>
  <recv response="180" optional="true"></recv>
  <recv response="200" rrs="true">
    <action><ereg regexp="90;refresher=uac" search_in="hdr" header="Session-Expires:" check_it="true" assign_to="checked"/></action>
  </recv>`, acknowledges, updates, saysBye,
		})
	})
	t.Run("a trunk that wants longer sessions (RFC 4028 §7.3)", func(t *testing.T) {
		t.Parallel()
		s := server.in(t)
		agent, port := s.outbound(nil)
		longer := strings.Replace(invited, "<action>", `<action>
      <ereg regexp="2400" search_in="hdr" header="Session-Expires:" check_it="true" assign_to="checked"/>
      <ereg regexp="2400" search_in="hdr" header="Min-SE:" check_it="true" assign_to="checked"/>`, 1)
		finished := trunk(t, port, invited, refuses("422 Session Interval Too Small", "Min-SE: 2400"), longer, rings, picksUp, hangsUp)
		s.final(s.order(agent, nil), "completed", "caller_hung_up")
		finished()
	})
}
