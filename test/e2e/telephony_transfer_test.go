package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Numbers that transfers of these tests go to.
const (
	colleague = "+12025550155"
	busyLine  = "+12025550486"
)

// A caller whose side knows REFER: the steps after the ACK.
const (
	isReferred = `
  <recv request="REFER"></recv>`
	// handedOver is isReferred to a call of ours: its tags are the target's and ours.
	handedOver = `
  <recv request="REFER">
    <action>
      <ereg regexp="sip:trunk@.*.Replaces=[A-Z0-9]+%3Bto-tag%3D1%3Bfrom-tag%3D[A-Z0-9]+" search_in="hdr" header="Refer-To:" check_it="true" assign_to="checked"/>
    </action>
  </recv>`
	takesIt = `
  <send><![CDATA[
SIP/2.0 202 Accepted
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:caller@[local_ip]:[local_port]>
Content-Length: 0

]]></send>`
	declinesIt = `
  <send><![CDATA[
SIP/2.0 603 Decline
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>`
	repeatsIt = `
  <recv request="REFER" optional="true"></recv>`
	aWhile = `
  <pause milliseconds="1200"/>`
	// leaves is saysBye for a caller who heard something else than a response last.
	leaves = `
  <send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
` + callerHead + `
To: <sip:[to]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: [cseq] BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
  <recv response="200"></recv>`
)

// tells sends a NOTIFY about the REFER and expects it to be taken.
func tells(status, state string) string {
	return fmt.Sprintf(`
  <send retrans="500"><![CDATA[
NOTIFY [next_url] SIP/2.0
`+callerHead+`
To: <sip:[to]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: [cseq] NOTIFY
Contact: <sip:caller@[local_ip]:[local_port]>
Max-Forwards: 70
Event: refer
Subscription-State: %s
Content-Type: message/sipfrag;version=2.0
Content-Length: [len]

SIP/2.0 %s

]]></send>
  <recv response="200"></recv>`, state, status)
}

const (
	stillActive = "active;expires=60"
	allTold     = "terminated;reason=noresource"
)

// desk is a server whose agent answers Number and may call through a trunk at a port where nobody listens yet.
func desk(t *testing.T, opts ...Option) (s *Server, port int) {
	t.Helper()
	s, did, port := emptyDesk(t, opts...)
	s.Agent(nil, did)
	return s, port
}

// emptyDesk is desk without an agent; did is the id of Number.
func emptyDesk(t *testing.T, opts ...Option) (s *Server, did string, port int) {
	t.Helper()
	NeedModels(t)
	Need(t, "sipp")
	s = Start(t, append(opts, loopbackTrunks)...)
	port, release := optionsTrunk(t)
	trunk := s.Trunk("127.0.0.1", port, nil)
	if v := s.Must("POST", "/api/v1/sip-trunks/"+trunk+"/verify", nil); v["is_verified"] != true {
		t.Fatalf("verify: %v", v)
	}
	release()
	s.Must("PUT", "/api/v1/sip-trunks/"+trunk, JSON{"is_active": true})
	return s, s.DID(trunk, Number), port
}

// talking waits for the one call that is answered, and for its greeting to have begun.
func (s *Server) talking() (id string) {
	s.t.Helper()
	s.Wait("a call is answered", 10*time.Second, func() bool {
		_, v := s.Do("GET", "/api/v1/calls?status=answered", nil)
		rows, _ := v["data"].([]any)
		if len(rows) == 1 {
			id = rows[0].(JSON)["id"].(string)
		}
		return len(rows) == 1
	})
	time.Sleep(300 * time.Millisecond)
	return id
}

// transferred orders a transfer, holds its outcome against what is expected and returns the call once it is final.
func (s *Server) transferred(order JSON, outcome, reason, ended string) JSON {
	s.t.Helper()
	id := s.talking()
	v := s.Must("POST", "/api/v1/calls/"+id+"/transfer", order)
	if v["outcome"] != outcome || v["reason"] != reason {
		s.t.Errorf("transfer came to %v (%v), want %s (%s)", v["outcome"], v["reason"], outcome, reason)
	}
	c := s.final(id, "completed", ended)
	kept, _ := c["transfers"].([]any)
	if len(kept) != 1 || kept[0].(JSON)["outcome"] != outcome || kept[0].(JSON)["ended_at"] == nil {
		s.t.Errorf("kept %v", kept)
	}
	return c
}

func TestTransfersByRefer(t *testing.T) {
	t.Parallel()
	server, _ := desk(t)
	for _, c := range []struct {
		name                   string
		steps                  []string
		outcome, reason, ended string
	}{
		{"answered, and the caller's side hangs up", []string{isReferred, takesIt, tells("100 Trying", stillActive), tells("180 Ringing", stillActive),
			tells("200 OK", allTold), leaves}, "answered", "sip_200", "transferred"},
		{"answered, and we hang up", []string{isReferred, takesIt, tells("200 OK", allTold), isHungUp}, "answered", "sip_200", "transferred"},
		{"a busy target: the agent has the caller again", []string{isReferred, takesIt, tells("100 Trying", stillActive), tells("486 Busy Here", allTold),
			aWhile, aWhile, leaves}, "busy", "sip_486", "caller_hung_up"},
		{"nobody answers", []string{isReferred, takesIt, tells("480 Temporarily Unavailable", allTold), aWhile, leaves}, "no-answer", "sip_480", "caller_hung_up"},
		{"the NOTIFY comes before the 202", []string{isReferred, strings.Replace(tells("486 Busy Here", allTold), `
  <recv response="200"></recv>`, "", 1), `
  <recv response="200"></recv>`, aWhile, leaves}, "busy", "sip_486", "caller_hung_up"},
		{"the 202 is lost", []string{isReferred, aWhile, tells("100 Trying", stillActive), tells("200 OK", allTold), repeatsIt, isHungUp},
			"answered", "sip_200", "transferred"},
		{"the NOTIFY comes after the BYE", []string{isReferred, takesIt, tells("100 Trying", stillActive), leaves, aWhile, tells("200 OK", allTold)},
			"answered", "sip_200", "transferred"},
		{"the NOTIFY is repeated", []string{isReferred, takesIt, tells("486 Busy Here", allTold), tells("486 Busy Here", allTold), aWhile, leaves},
			"busy", "sip_486", "caller_hung_up"},
		{"the REFER is declined", []string{isReferred, declinesIt, aWhile, leaves}, "refused", "refer_603", "caller_hung_up"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := server.in(t)
			finished := s.dials(t, Number, append([]string{invites(spokenSDP), answered, acknowledges}, c.steps...))
			call := s.transferred(JSON{"to": colleague, "mode": "refer"}, c.outcome, c.reason, c.ended)
			finished()
			if c.ended == "caller_hung_up" && !strings.Contains(said(call, "agent"), "\n") {
				t.Errorf("nothing was said: %v", turns(call))
			}
			if c.name == "a busy target: the agent has the caller again" && !strings.Contains(said(call, "agent"), "the line is busy") {
				t.Errorf("the caller was not told why: %q", said(call, "agent"))
			}
		})
	}
}

func TestTransfersThatAreJoined(t *testing.T) {
	t.Parallel()
	server, port := desk(t)
	stays := []string{invites(spokenSDP), answered, acknowledges, isHungUp}
	for _, c := range []struct {
		name                   string
		order                  JSON
		target, caller         []string
		outcome, reason, ended string
	}{
		{"the target hangs up", JSON{"mode": "bridged"}, []string{invited, rings, picksUp, hangsUp}, stays, "answered", "sip_200", "transferred"},
		{"the target was told who calls", JSON{"mode": "warm", "briefing": "A caller about a tooth."}, []string{invited, rings, picksUp, aWhile, hangsUp}, stays,
			"answered", "sip_200", "transferred"},
		{"the caller's side takes our call over (RFC 3891)", JSON{"mode": "attended"}, []string{invited, rings, picksUp, isHungUp},
			[]string{invites(spokenSDP), answered, acknowledges, handedOver, takesIt, tells("200 OK", allTold), isHungUp}, "answered", "sip_200", "transferred"},
		{"the caller's side does not: they stay joined here", JSON{"mode": "attended"}, []string{invited, rings, picksUp, hangsUp},
			[]string{invites(spokenSDP), answered, acknowledges, isReferred, declinesIt, isHungUp}, "answered", "sip_200", "transferred"},
		{"the target hangs up on the briefing", JSON{"mode": "warm", "briefing": "A caller who wants to tell you the whole long story of his tooth, from the very beginning."},
			[]string{invited, rings, picksUp, strings.Replace(hangsUp, "2500", "800", 1)}, []string{invites(spokenSDP), answered, acknowledges, aWhile, aWhile, aWhile, leaves},
			"refused", "hung_up_on_briefing", "caller_hung_up"},
		{"a busy target", JSON{"mode": "bridged"}, []string{invited, rings, refuses("486 Busy Here")}, []string{invites(spokenSDP), answered, acknowledges, aWhile, aWhile, leaves},
			"busy", "sip_486", "caller_hung_up"},
		{"a target that declines", JSON{"mode": "bridged"}, []string{invited, refuses("603 Decline")}, []string{invites(spokenSDP), answered, acknowledges, aWhile, aWhile, leaves},
			"refused", "sip_603", "caller_hung_up"},
		{"a target that rings for too long", JSON{"mode": "bridged"}, []string{invited, rings, isCancelled},
			[]string{invites(spokenSDP), answered, acknowledges, strings.Replace(aWhile, "1200", "6500", 1), leaves}, "no-answer", "ring_timeout", "caller_hung_up"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := server.in(t)
			ended := trunk(t, port, c.target...)
			finished := s.dials(t, Number, c.caller)
			c.order["to"] = colleague
			s.transferred(c.order, c.outcome, c.reason, c.ended)
			finished()
			ended()
		})
	}
}

// A real phone is sent on: it calls the target by itself and says what became of it.
func TestBaresipIsTransferred(t *testing.T) {
	t.Parallel()
	NeedModels(t)
	Need(t, "baresip", "sipp")
	if !inside(t) {
		return
	}
	s := Start(t, Args("--sip", insideAddr+":0"), Env("PARLEY_EGRESS_ALLOW=10.77.0.0/24"))
	port := freePort(t)
	s.Agent(nil, s.DID(s.Trunk(insideAddr, port, nil), Number))
	s.trunksKnown()
	for _, c := range []struct {
		name, outcome, reason, ended string
		target                       []string
	}{
		{"to a busy line", "busy", "sip_486", "ended_by_api", []string{invited, rings, refuses("486 Busy Here")}},
		{"to somebody who answers", "answered", "sip_200", "transferred", []string{invited, rings, picksUp, strings.Replace(hangsUp, "2500", "3500", 1)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.in(t)
			target := sippAt(t, insideAddr, port, c.target...)
			baresip(t, s.URI(Number), monologue(t, nil), "")
			id := s.talking()
			v := s.Must("POST", "/api/v1/calls/"+id+"/transfer", JSON{"to": colleague, "mode": "refer"})
			if v["outcome"] != c.outcome || v["reason"] != c.reason {
				t.Errorf("transfer came to %v (%v), want %s (%s)", v["outcome"], v["reason"], c.outcome, c.reason)
			}
			target()
			if c.outcome != "answered" {
				s.Wait("the agent has him again and says why", 10*time.Second, func() bool {
					return strings.Contains(said(s.call(id), "agent"), "the line is busy")
				})
				s.endCall(s.call(id)["agent_id"].(string), id)
			}
			s.final(id, "completed", c.ended)
		})
	}
}

// A REFER of the caller's side makes the agent go on with somebody else, where the operator allows it.
func TestTheCallersSideTransfersTheAgent(t *testing.T) {
	t.Parallel()
	server, port := desk(t, Env("PARLEY_SIP_REFER=accept"))
	asks := func(to string) string {
		const more = "Contact: <sip:caller@[local_ip]:[local_port]>\nMax-Forwards"
		return strings.Replace(strings.ReplaceAll(leaves, "BYE", "REFER"), "Max-Forwards", "Refer-To: <sip:"+to+"@pbx.example>\n"+more, 1)
	}
	isTold := func(status string) string {
		return fmt.Sprintf(`
  <recv request="NOTIFY">
    <action><ereg regexp="SIP/2.0 %s" search_in="msg" check_it="true" assign_to="checked"/></action>
  </recv>`, status) + strings.ReplaceAll(takesIt, "202 Accepted", "200 OK")
	}
	accepted := func(to string) string { return strings.Replace(asks(to), `response="200"`, `response="202"`, 1) }
	for _, c := range []struct {
		name, status, outcome string
		caller, target        []string
	}{
		{"to somebody who answers", "completed", "answered", []string{accepted(colleague), isTold("100"), isTold("180"), isTold("200"), isHungUp},
			[]string{invited, rings, picksUp, hangsUp}},
		{"to a busy line", "completed", "busy", []string{accepted(busyLine), isTold("100"), isTold("180"), isTold("486"), aWhile, leaves},
			[]string{invited, rings, refuses("486 Busy Here")}},
		{"to an emergency number", "completed", "", []string{accepted("911"), isTold("100"), isTold("603"), aWhile, leaves}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := server.in(t)
			ended := func() {}
			if c.target != nil {
				ended = trunk(t, port, c.target...)
			}
			finished := s.dials(t, Number, append([]string{invites(spokenSDP), answered, acknowledges, `<pause milliseconds="800"/>`}, c.caller...))
			id := s.talking()
			finished()
			ended()
			call := s.final(id, c.status, "caller_hung_up")
			kept, _ := call["transfers"].([]any)
			if c.outcome == "" && len(kept) != 0 || c.outcome != "" && (len(kept) != 1 || kept[0].(JSON)["outcome"] != c.outcome || kept[0].(JSON)["mode"] != "asked") {
				t.Errorf("kept %v", kept)
			}
		})
	}
}
