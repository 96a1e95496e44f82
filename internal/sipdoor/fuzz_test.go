package sipdoor

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/sipdoor/stream"
)

// panics is a log handler that remembers the panics that the door has recovered from.
type panics struct {
	mu  sync.Mutex
	all []string
}

func (p *panics) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }
func (p *panics) WithAttrs([]slog.Attr) slog.Handler           { return p }
func (p *panics) WithGroup(string) slog.Handler                { return p }

func (p *panics) Handle(_ context.Context, r slog.Record) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := r.Message
	r.Attrs(func(a slog.Attr) bool { text += "\n" + a.String(); return true })
	p.all = append(p.all, text)
	return nil
}

func (p *panics) check(t *testing.T) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.all) > 0 {
		t.Fatal(strings.Join(p.all, "\n"))
	}
}

// datagramEnd parts the datagrams of an input.
const datagramEnd = "\n~~~~\n"

// sipSeeds are whole calls as datagrams, and the published messages. tag is the door's in a call that is named "fuzz".
func sipSeeds(f *testing.F, tag string) {
	head := func(method, to, branch string, seq string) string {
		return method + " sip:1@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK" + branch + ";rport\r\nMax-Forwards: 70\r\n" +
			"From: <sip:2@127.0.0.1>;tag=f\r\nTo: <sip:1@127.0.0.1>" + to + "\r\nCall-ID: fuzz\r\nCSeq: " + seq + " " + method +
			"\r\nContact: <sip:2@127.0.0.1:9>\r\n"
	}
	offer := strings.ReplaceAll(plainSDP, "\n", "\r\n")
	body := func(kind, text string) string { return "Content-Type: " + kind + "\r\n\r\n" + text }
	invite := head("INVITE", "", "a", "1") + body("application/sdp", offer)
	ack := head("ACK", ";tag="+tag, "b", "1") + "\r\n"
	in := func(method, rest string) string {
		return strings.Join([]string{invite, ack, head(method, ";tag="+tag, "c", "2") + rest}, datagramEnd)
	}
	for _, s := range []string{
		invite, in("BYE", "\r\n"), in("INVITE", body("application/sdp", offer)), in("INVITE", "\r\n"), in("OPTIONS", "\r\n"),
		in("UPDATE", body("application/sdp", offer)), in("INFO", body("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n")),
		in("PRACK", "RAck: 1 1 INVITE\r\n\r\n"), in("REFER", "Refer-To: <sip:3@127.0.0.1?Replaces=x%3Bto-tag%3Da%3Bfrom-tag%3Db>\r\n\r\n"),
		in("NOTIFY", "Event: refer;id=1\r\nSubscription-State: terminated;reason=noresource\r\n"+body("message/sipfrag", "SIP/2.0 200 OK\r\n")),
		invite + datagramEnd + head("CANCEL", "", "a", "1") + "\r\n",
		head("INVITE", "", "d", "1") + "Require: 100rel\r\nSupported: timer\r\nSession-Expires: 90;refresher=uac\r\nReplaces: x;to-tag=a;from-tag=b\r\n" +
			body("application/sdp", offer),
		head("REGISTER", "", "e", "1") + "Expires: 60\r\nAuthorization: Digest username=\"a\",realm=\"b\",nonce=\"c\",uri=\"sip:d\",response=\"e\"\r\n\r\n",
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKx\r\nFrom: <sip:1@h>;tag=a\r\nTo: <sip:2@h>;tag=b\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	for _, pattern := range []string{"testdata/rfc4475/*.dat", "testdata/rfc5118/*.dat"} {
		files, _ := filepath.Glob(pattern)
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
}

// FuzzSIP sends datagrams to a door over loopback while a call runs: no panic, OPTIONS answered after each, the call undisturbed. No call
// that the input begins outlives it, and none is hung up by BYE, so that nothing is sent to where the input says.
func FuzzSIP(f *testing.F) {
	var log panics
	legs := make(chan media.Leg, 10000)
	door := open(f, pickUp(legs), func(c *Config, d *Deps) {
		c.Limits.Transactions, c.Accept.Any, c.MediaTimeout = 1<<30, true, 24*time.Hour
		d.Log = slog.New(&log)
		d.Trace = func(string, parley.SIPMessage) {}
	})
	clear(door.secret) // tags must be the same in each process
	running, p := newPhone(f, door), newPhone(f, door)
	running.dial()
	leg := get(f, "leg of the running call", legs)
	var first *dialog
	for _, d := range door.dialogs.list() {
		first = d
	}
	sipSeeds(f, tagOf(f, door))
	f.Fuzz(func(t *testing.T, b []byte) {
		p.t = t
		for i, datagram := range bytes.Split(b, []byte(datagramEnd)) {
			if i == 8 || len(datagram) > 16<<10 {
				break
			}
			if _, err := p.pc.WriteTo(datagram, p.to); err != nil {
				t.Fatal(err)
			}
		}
		branch := p.request("OPTIONS", req{})
		p.expectOf("SIP/2.0", "via", branch)
		for _, d := range door.dialogs.list() {
			if d != first {
				d.box.put(func() { d.phase = finished })
				<-d.over
			}
		}
		p.drain(0)
		log.check(t)
		select {
		case <-leg.Done():
			t.Fatal("the running call has ended")
		default:
		}
	})
}

// tagOf is the door's tag in the calls of the seeds.
func tagOf(f *testing.F, d *Door) string {
	m, err := sip.ParseMessage([]byte("INVITE sip:1@h SIP/2.0\r\nFrom: <sip:2@h>;tag=f\r\nCall-ID: fuzz\r\nCSeq: 1 INVITE\r\n\r\n"))
	if err != nil {
		f.Fatal(err)
	}
	return d.tagFor(m.(*sip.Request))
}

// FuzzSDP reads descriptions, and answers them: an answer has as many m-lines as its offer, can be read, and refuses what was not chosen.
func FuzzSDP(f *testing.F) {
	f.Add([]byte(strings.ReplaceAll(plainSDP, "\n", "\r\n")))
	for _, name := range []string{"rfc4475/wsinv", "rfc4475/sdp01", "rfc5118/mult-ip-in-sdp", "rfc5118/ipv6-in-sdp"} {
		b, err := os.ReadFile("testdata/" + name + ".dat")
		if err != nil {
			f.Fatal(err)
		}
		_, body, _ := bytes.Cut(b, []byte("\r\n\r\n"))
		f.Add(body)
	}
	const opus = "v=0\r\nc=IN IP6 2001:db8::1\r\nm=video 5 RTP/AVP 99\r\nm=audio 4 RTP/AVP 107 9 0 8 101 96\r\na=rtpmap:107 opus/48000/2\r\n" +
		"a=fmtp:107 useinbandfec=1; cbr=1\r\na=rtpmap:96 telephone-event/48000\r\na=rtcp:5 IN IP4 192.0.2.1\r\na=rtcp-mux\r\na=ptime:20\r\n" +
		"a=maxptime:40\r\na=sendonly\r\n"
	f.Add([]byte(opus))
	const keyed = "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4 UDP/TLS/RTP/SAVPF 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 " +
		"inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4\r\na=fingerprint:sha-256 AB:CD\r\na=setup:actpass\r\na=ice-ufrag:abcd\r\n" +
		"a=ice-pwd:abcdefghijklmnopqrstuv\r\na=candidate:1 1 UDP 1 192.0.2.1 9 typ host\r\na=group:BUNDLE 0\r\na=mid:0\r\n"
	f.Add([]byte(keyed))
	codecs := []stream.Codec{stream.Opus, stream.G722, stream.PCMU, stream.PCMA}
	f.Fuzz(func(t *testing.T, body []byte) {
		offer, err := readSDP(body)
		if err != nil {
			return
		}
		for _, rule := range []secrecy{{keys: true}, {keys: true, require: true}, {}} {
			_, _ = offer.choose(codecs, rule)
		}
		inClear := secrecy{off: true}
		a, err := offer.choose(codecs, inClear)
		if err != nil {
			return
		}
		ours := newSession(netip.MustParseAddr("192.0.2.1"), 4000, codecs)
		text := ours.answer(offer, a)
		answer, err := readSDP(text)
		if err != nil || len(answer.media) != len(offer.media) {
			t.Fatalf("%d m-lines in the answer to %d (%v):\n%s", len(answer.media), len(offer.media), err, text)
		}
		for i := range answer.media {
			if on := !answer.media[i].off(); on != (i == a.index) {
				t.Fatalf("m-line %d is on: %v, chosen is %d:\n%s", i, on, a.index, text)
			}
		}
		if b, err := answer.choose(codecs, inClear); err != nil || b.codec != a.codec || b.payload != a.payload {
			t.Fatalf("our answer reads as %+v (%v), not %+v:\n%s", b, err, a, text)
		}
	})
}

// FuzzSipfrag reads the bodies and headers of a NOTIFY.
func FuzzSipfrag(f *testing.F) {
	for _, s := range [][3]string{
		{"refer;id=93809823", "active;expires=60", "SIP/2.0 100 Trying"}, {"refer", "terminated;reason=noresource", "SIP/2.0 503 Service Unavailable\r\n"},
		{"presence", "", "\r\n \tsip/2.0 200"}, {"refer", "terminated ; reason=\"timeout\"", "SIP/2.0 -200 x"},
	} {
		f.Add(s[0], s[1], []byte(s[2]))
	}
	f.Fuzz(func(t *testing.T, event, state string, body []byte) {
		req := sip.NewRequest(sip.NOTIFY, sip.Uri{Scheme: "sip", Host: "h"})
		req.AppendHeader(sip.NewHeader("Event", event))
		req.AppendHeader(sip.NewHeader("Subscription-State", state))
		req.SetBody(body)
		n, wrong := readNotify(req)
		if wrong == nil && n.status != 0 && (n.status < 100 || n.status > 699) {
			t.Errorf("status %d", n.status)
		}
		redact(string(body))
	})
}
