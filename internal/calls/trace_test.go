package calls

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
)

func sipMessage(raw string) parley.SIPMessage {
	return parley.SIPMessage{At: time.Unix(0, 0), Peer: "192.0.2.1:5060", Raw: raw}
}

const someInvite = "INVITE sip:1@h SIP/2.0\r\nCall-ID: x\r\n\r\n"

func gather() (*traces, *[]parley.SIPMessage) {
	var got []parley.SIPMessage
	return newTraces(func(m parley.SIPMessage) { got = append(got, m) }), &got
}

func TestTraceWaitsForTheCallsRow(t *testing.T) {
	tr, got := gather()
	tr.add("n", sipMessage("SIP/2.0 200 OK\r\n\r\n")) // of no call
	tr.add("n", sipMessage(someInvite))
	tr.add("n", sipMessage("SIP/2.0 100 Trying\r\n\r\n"))
	tr.add("other", sipMessage(someInvite))
	if len(*got) != 0 {
		t.Errorf("%d messages are out before their call is known", len(*got))
	}
	tr.attach("n", "call")
	tr.attach("n", "call")
	tr.attach("unknown", "call 2")
	tr.add("n", sipMessage("BYE sip:1@h SIP/2.0\r\n\r\n"))
	var lines []string
	for i, m := range *got {
		if m.CallID != "call" || m.Seq != i+1 || m.ID == "" {
			t.Errorf("message %d: %+v", i, m)
		}
		lines = append(lines, m.FirstLine())
	}
	if all := strings.Join(lines, ", "); all != "INVITE sip:1@h SIP/2.0, SIP/2.0 100 Trying, BYE sip:1@h SIP/2.0" {
		t.Error(all)
	}
}

func TestTraceIsBounded(t *testing.T) {
	tr, got := gather()
	for range 3 * traceMost {
		tr.add("n", sipMessage(someInvite))
	}
	tr.attach("n", "call")
	if len(*got) != traceLoose {
		t.Errorf("%d messages waited for a row", len(*got))
	}
	for range 3 * traceMost {
		tr.add("n", sipMessage(someInvite))
	}
	if len(*got) != traceMost {
		t.Errorf("%d messages of a call were kept", len(*got))
	}
	big := "INVITE " + strings.Repeat("x", 4000)
	for i := range 10 * traceWaiting / len(big) {
		tr.add(fmt.Sprint(i), sipMessage(big))
		if tr.waiting > traceWaiting {
			t.Fatalf("%d bytes wait", tr.waiting)
		}
	}
	*got = nil
	last := fmt.Sprint(10*traceWaiting/len(big) - 1)
	tr.attach("0", "the oldest")
	tr.attach(last, "the newest")
	if len(*got) != 1 || (*got)[0].CallID != "the newest" {
		t.Errorf("%d messages of the oldest and the newest call", len(*got))
	}
	tr.prune(time.Unix(0, 0).Add(traceAfter+1), func(id string) bool { return id == "call" })
	if len(tr.by) != 1 || len(tr.order) != 1 || tr.waiting != 0 {
		t.Errorf("%d traces in an order of %d are left, %d bytes", len(tr.by), len(tr.order), tr.waiting)
	}
}

func TestMaskLeavesNobodysNumberOrAddress(t *testing.T) {
	secret := []string{"5550199", "example.com", "192.0.2.1", "Bob", "2001:db8", "secret"}
	ms := []parley.SIPMessage{
		sipMessage("INVITE sip:+15550199@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1\r\n ;received=192.0.2.1\r\n" +
			"From: \"Bob\" <sip:5550199@example.com>\r\nCall-ID: a@192.0.2.1\r\nCSeq: 1 INVITE\r\nX-Bob: secret\r\nContent-Type: application/sdp\r\n" +
			"Min-SE: 90;x=sip:bob@example.com\r\n\r\nv=0\r\nc=IN IP4 192.0.2.1"),
		sipMessage("SIP/2.0 488 Bob 5550199\r\nCSeq: 1 INVITE\r\nWarning: 304 192.0.2.1 \"secret\"\r\nRetry-After: 30\r\n\r\n"),
		sipMessage("sip:5550199@example.com"),
		{Peer: "[2001:db8::1]:5060", Raw: "SIP/2.0 200 OK\r\n\r\n"},
	}
	mask(ms)
	for _, m := range ms {
		for _, s := range secret {
			if strings.Contains(m.Raw+m.Peer, s) && !(s == "Bob" && strings.Contains(m.Raw, "X-Bob: …")) {
				t.Errorf("%q is left in %q", s, m.Raw)
			}
		}
	}
	want := "INVITE … SIP/2.0\r\nVia: …\r\nFrom: …\r\nCall-ID: …\r\nCSeq: 1 INVITE\r\nX-Bob: …\r\n" +
		"Content-Type: application/sdp\r\nMin-SE: …\r\n\r\n(23 bytes)"
	if ms[0].Raw != want {
		t.Errorf("got\n%s\nwant\n%s", ms[0].Raw, want)
	}
	if ms[0].Peer != "peer-1" || ms[1].Peer != "peer-1" || ms[3].Peer != "peer-2" {
		t.Errorf("peers %s, %s, %s", ms[0].Peer, ms[1].Peer, ms[3].Peer)
	}
}
