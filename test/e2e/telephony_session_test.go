package e2e

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

const (
	// isRefreshed waits for an INVITE of the agent's and keeps of it what an answer must repeat.
	isRefreshed = `
  <recv request="INVITE" timeout="60000">
    <action>
      <ereg regexp="[^ ].*" search_in="hdr" header="Via:" assign_to="via"/>
      <ereg regexp="[^ ].*" search_in="hdr" header="From:" assign_to="from"/>
      <ereg regexp="[^ ].*" search_in="hdr" header="To:" assign_to="to"/>
      <ereg regexp="[^ ].*" search_in="hdr" header="CSeq:" assign_to="cseq"/>
      <ereg regexp="90;refresher=uac" search_in="hdr" header="Session-Expires:" check_it="true" assign_to="checked"/>
    </action>
  </recv>`
	// meetsHalfWay answers that INVITE by saying that one of the caller's own is open.
	meetsHalfWay = `
  <send><![CDATA[
SIP/2.0 491 Request Pending
Via: [$via]
From: [$from]
To: [$to]
Call-ID: [call_id]
CSeq: [$cseq]
Content-Length: 0

]]></send>
  <recv request="ACK"></recv>`
	// agrees takes it as it is.
	agrees = `
  <send retrans="500"><![CDATA[
SIP/2.0 200 OK
Via: [$via]
From: [$from]
To: [$to]
Call-ID: [call_id]
CSeq: [$cseq]
Contact: <sip:caller@[local_ip]:[local_port]>
Require: timer
Session-Expires: 90;refresher=uac
Content-Type: application/sdp
Content-Length: [len]

` + spokenSDP + `

]]></send>
  <recv request="ACK"></recv>`
)

// offersNothing is an INVITE in the call without a description; the 200 must hold an offer, which the ACK answers (RFC 3261 §14.2, RFC 3264 §5).
func offersNothing(answer string) string {
	invite, _, _ := strings.Cut(reinvites(""), "Content-Type")
	ack, _, _ := strings.Cut(acknowledges, "Content-Length")
	return invite + "Content-Length: 0\n\n]]></send>" + strings.Replace(answered, `rrs="true"></recv>`, `rrs="true">
    <action><ereg regexp="m=audio [1-9][0-9]* RTP/AVP [0-9 ]*0 8 .*a=sendrecv" search_in="body" check_it="true" assign_to="checked"/></action>
  </recv>`, 1) + ack + "Content-Type: application/sdp\nContent-Length: [len]\n\n" + answer + "\n\n]]></send>"
}

// within acknowledges a refusal of a request in the dialog.
func within(refused string) string {
	return strings.Replace(refused, "ACK sip:[to]@[remote_ip]:[remote_port]", "ACK [next_url]", 1)
}

// TestSessionsWithSipp has callers for what sessions come to when both sides want something, or nobody does. They wait side by side.
func TestSessionsWithSipp(t *testing.T) {
	t.Parallel()
	NeedModels(t)
	Need(t, "sipp")
	s := Start(t, loopbackTrunks, Env("PARLEY_RTP_TIMEOUT=2m"))
	s.Clinic(JSON{"who_speaks_first": "user", "initial_user_inactivity_timeout_seconds": 180})
	begun := time.Now()
	// Our refresh crosses the caller's INVITE: both are put off, ours comes again (RFC 3261 §14.1, RFC 4028 §7.4).
	crossing := s.dials(t, Number, []string{
		invites(spokenSDP, shorter+"90;refresher=uas"), answered, acknowledges, isRefreshed,
		strings.Replace(reinvites(spokenSDP), "[last_To:]", "To: <sip:[to]@[remote_ip]:[remote_port]>[peer_tag_param]", 1),
		within(refused(491, "", "")), meetsHalfWay, isRefreshed, agrees, leaves,
	})
	// Nobody refreshes: BYE a third before the end (RFC 4028 §10).
	nobody := s.dials(t, Number, []string{invites(spokenSDP, shorter+"90;refresher=uac"), answered, acknowledges, isHungUp})
	// A second BYE finds no call (RFC 3261 §15.1.2).
	s.calls(t, Number, []string{
		invites(spokenSDP), answered, acknowledges, aWhile, saysBye, strings.Replace(saysBye, `response="200"`, `response="481"`, 1),
	})
	crossing()
	nobody()
	if took := time.Since(begun); took < 55*time.Second {
		t.Errorf("the BYE came within %s", took)
	}
}

var toTag = regexp.MustCompile(`(?m)^To:.*;tag=([^;\r\n]+)`)

// A second phone of the caller's takes his call over: the agent goes on with that, and the first is hung up (RFC 3891 §3).
func TestAPhoneTakesACallOver(t *testing.T) {
	t.Parallel()
	NeedModels(t)
	Need(t, "sipp")
	s := Start(t, loopbackTrunks)
	s.Clinic(nil)
	first := s.dials(t, Number, []string{invites(spokenSDP), answered, acknowledges, isHungUp}, "-cid_str", "first-phone")
	id := s.talking()
	_, v := s.Do("GET", "/api/v1/calls/"+id+"/sip", nil)
	var ours, theirs string
	for _, m := range v["data"].([]any) {
		raw := m.(JSON)["raw"].(string)
		if tag := toTag.FindStringSubmatch(raw); strings.HasPrefix(raw, "SIP/2.0 200") && tag != nil {
			ours = tag[1]
			theirs = regexp.MustCompile(`(?m)^From:.*;tag=([^;\r\n]+)`).FindStringSubmatch(raw)[1]
		}
	}
	if ours == "" {
		t.Fatalf("no 200 in %v", v)
	}
	names := func(local string) string { return "Replaces: first-phone;from-tag=" + theirs + ";to-tag=" + local }
	s.calls(t, Number, []string{invites(spokenSDP, names("guessed")), refused(481, "", "")})
	s.calls(t, Number, []string{invites(spokenSDP, names(ours)+";early-only"), refused(486, "", "")})
	s.calls(t, Number, []string{invites(spokenSDP, names(ours)), answered, acknowledges, aWhile, saysBye})
	first()
	if c := s.final(id, "completed", "caller_hung_up"); c["to"] != Number {
		t.Errorf("%v", c)
	}
	if _, v := s.Do("GET", "/api/v1/calls", nil); len(v["data"].([]any)) != 1 {
		t.Errorf("one call was taken over, there are %v", v["data"])
	}
}
