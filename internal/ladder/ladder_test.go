package ladder

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
)

func messages(lines ...string) (all []parley.SIPMessage) {
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for i, l := range lines {
		peer, rest, _ := strings.Cut(l, " ")
		dir, raw, _ := strings.Cut(rest, " ")
		all = append(all, parley.SIPMessage{
			Seq: i + 1, At: at.Add(time.Duration(i) * 12 * time.Millisecond), Sent: dir == ">", Transport: "udp", Peer: peer,
			Raw: strings.ReplaceAll(raw, "|", "\r\n"),
		})
	}
	return all
}

func TestDraw(t *testing.T) {
	got := Draw("parley", messages(
		"192.0.2.7:5060 < INVITE sip:1@h SIP/2.0|CSeq: 1 INVITE|Content-Type: application/sdp||v=0",
		"192.0.2.7:5060 > SIP/2.0 100 Trying|CSeq: 1 INVITE||",
		"192.0.2.7:5060 > SIP/2.0 488 Not Acceptable Here and a very long reason of it|CSeq: 1 INVITE||",
		"198.51.100.1:5060 < ACK sip:1@h\x1b SIP/2.0|CSeq: 1 ACK||",
		"198.51.100.1:5060 > BYE sip:1@h SIP/2.0|CSeq: 2 BYE||",
	))
	want := `
UTC           parley                                 192.0.2.7:5060/udp                     198.51.100.1:5060/udp
12:00:00.000  |<---------------------- INVITE (SDP) -|                                      |
12:00:00.012  |- 100 Trying [INVITE] --------------->|                                      |
12:00:00.024  |- 488 Not Acceptable Here and a ve~-->|                                      |
12:00:00.036  |<---------------------------------------------------------------------- ACK -|
12:00:00.048  |- BYE ---------------------------------------------------------------------->|
`
	if got != want[1:] {
		t.Errorf("got\n%s\nwant\n%s", got, want[1:])
	}
}

func TestDrawTakesAnything(t *testing.T) {
	if Draw("us", nil) != "" {
		t.Error("a drawing of nothing")
	}
	var all []parley.SIPMessage
	for i := range 9 {
		all = append(all, parley.SIPMessage{Peer: strings.Repeat("p", i), Raw: strings.Repeat("é\n", i)})
	}
	if n := strings.Count(Draw("us", all), "\n"); n != 10 {
		t.Errorf("%d lines for 9 messages", n)
	}
}
