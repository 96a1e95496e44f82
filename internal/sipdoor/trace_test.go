package sipdoor

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
)

func TestRedactTakesOutWhatOpensDoors(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"a digest (RFC 3261 §22.4)", "REGISTER sip:h SIP/2.0|Authorization: Digest username=\"a\", response=\"secret\"|CSeq: 1 REGISTER||",
			"REGISTER sip:h SIP/2.0|Authorization: Digest (redacted)|CSeq: 1 REGISTER||"},
		{"a digest over several lines (§7.3.1)", "A|PROXY-authorization :  Digest username=\"a\",|  response=\"secret\",|\tqop=auth|To: b||",
			"A|PROXY-authorization : Digest (redacted)|To: b||"},
		{"a digest without a scheme", "A|Authorization: response=\"secret\"||", "A|Authorization: (redacted)||"},
		{"a password in a URI (§19.1.1)", "INVITE sip:bob:secret@h SIP/2.0|To: <sips:bob:secret@h:5061>||",
			"INVITE sip:bob:(redacted)@h SIP/2.0|To: <sips:bob:(redacted)@h:5061>||"},
		{"a URI with a port and none", "INVITE sip:h:5060 SIP/2.0|To: <sip:b@h:5060>||", "INVITE sip:h:5060 SIP/2.0|To: <sip:b@h:5060>||"},
		{"a key of SDES (RFC 4568 §9.1)", "A|B: c||v=0|a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:secretsecret|2^20|1:32|",
			"A|B: c||v=0|a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:(redacted)|2^20|1:32|"},
		{"a password of ICE (RFC 8839 §5.4)", "A|B: c||v=0|a=ice-pwd:secret|", "A|B: c||v=0|a=ice-pwd:(redacted)|"},
		{"a key of SDP (RFC 4566 §5.12)", "A|B: c||v=0|k=clear:secret|a=b|", "A|B: c||v=0|k=clear:(redacted)|a=b|"},
		{"keys that are pressed (RFC 6086)", "INFO sip:h SIP/2.0|C: d||Signal=5|", "INFO sip:h SIP/2.0|C: d||(redacted)"},
		{"half a message", "INVITE sip:h SIP/2.0|Authorization: Digest secret", "INVITE sip:h SIP/2.0|Authorization: Digest (redacted)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines := func(s string) string { return strings.ReplaceAll(s, "|", "\r\n") }
			in, want := lines(c.in), lines(c.want)
			if strings.Contains(c.name, "SDES") { // the bars are its own
				in = strings.ReplaceAll(in, "secret\r\n2^20\r\n", "secret|2^20|")
				want = strings.ReplaceAll(want, "(redacted)\r\n2^20\r\n", "(redacted)|2^20|")
			}
			if got := redact(in); got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

// record gathers what a door traces.
type record struct {
	mu  sync.Mutex
	all []parley.SIPMessage
}

func (r *record) add(_ string, m parley.SIPMessage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, m)
}

func (r *record) lines() (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.all {
		dir := "< "
		if m.Sent {
			dir = "> "
		}
		word, _, _ := strings.Cut(strings.TrimPrefix(m.FirstLine(), "SIP/2.0 "), " ")
		out = append(out, dir+word+" "+m.Transport)
	}
	return out
}

// into hears a door in which nothing is repeated for being slow.
func (r *record) into(c *Config, d *Deps) { d.Trace, c.Timers.T1 = r.add, time.Second }

func TestTraceOfACall(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			legs := make(chan media.Leg, 1)
			var theirs, ours record
			far := open(t, pickUp(legs), theirs.into)
			near := open(t, nil, ours.into)
			leg, _, err := near.DialURI(t.Context(), URITarget{URI: "sip:1@" + far.Addr().String(), Transport: network, From: "2"}, func(string) {})
			if err != nil {
				t.Fatal(err)
			}
			get(t, "leg", legs)
			if err := leg.Hangup(t.Context()); err != nil {
				t.Fatal(err)
			}
			want := "> INVITE X,< 100 X,< 180 X,< 200 X,> ACK X,> BYE X,< 200 X"
			if got := strings.Join(ours.lines(), ","); got != strings.ReplaceAll(want, "X", network) {
				t.Errorf("the caller's: %s", got)
			}
			swap := strings.NewReplacer("<", ">", ">", "<")
			if got := strings.Join(theirs.lines(), ","); got != swap.Replace(strings.ReplaceAll(want, "X", network)) {
				t.Errorf("the callee's: %s", got)
			}
		})
	}
}

func TestTraceIsBounded(t *testing.T) {
	var r record
	tr := tracer(r.add)
	tr.wire(true, "udp", open(t, nil).Addr(), []byte("INVITE sip:h SIP/2.0\r\ni : 7\r\n\r\n"+strings.Repeat("\xff\x00é", 4<<10)))
	if len(r.all) != 1 || !r.all[0].Cut || strings.Contains(r.all[0].Raw, "\x00") || len(r.all[0].Raw) != traced || !utf8.ValidString(r.all[0].Raw) {
		t.Errorf("%+v", r.all)
	}
	for _, m := range []string{"", "\r\n\r\n", "INVITE sip:h SIP/2.0\r\n\r\nCall-ID: 7", "x\r\nCall-ID: 7\r\n\r\n"} {
		tr.wire(true, "udp", (&net.UDPAddr{}).AddrPort(), []byte(m))
	}
	tracer(nil).wire(true, "udp", (&net.UDPAddr{}).AddrPort(), []byte("INVITE sip:h SIP/2.0\r\nCall-ID: 7\r\n\r\n"))
	if len(r.all) != 1 {
		t.Errorf("%d messages", len(r.all))
	}
}
