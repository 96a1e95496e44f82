package sipdoor

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/parley-voice/parley/internal/sipdoor/stream"
)

// both are the codecs that everybody has.
var both = []stream.Codec{stream.PCMU, stream.PCMA}

func TestReadSDPTolerates(t *testing.T) {
	audio := "m=audio 4000 RTP/AVP 0\r\n"
	for _, c := range []struct{ name, body string }{
		{"no s= and no t=", "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.1\r\n" + audio},
		{"no last line end", "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0"},
		{"bare newlines", "v=0\nc=IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP 0\n"},
		{"b= before c=", "v=0\r\nb=AS:64\r\nc=IN IP4 192.0.2.1\r\n" + audio},
		{"unknown letters and lines without =", "v=0\r\nq=x\r\ngarbage\r\n=\r\nc=IN IP4 192.0.2.1\r\n" + audio},
		{"text for a session id", "v=0\r\no=phone call-7 version IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.1\r\n" + audio},
		{"an address for the stream", "v=0\r\nc=IN IP4 198.51.100.1\r\n" + audio + "c=IN IP4 192.0.2.1\r\n"},
		{"a time to live", "v=0\r\nc=IN IP4 192.0.2.1/127\r\n" + audio},
		{"a fax beside it", "v=0\r\nc=IN IP4 192.0.2.1\r\nm=image 5000 udptl t38\r\n" + audio},
		{"an m-line of nothing", "v=0\r\nc=IN IP4 192.0.2.1\r\nm=\r\n" + audio},
		{"a number of ports", "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000/2 RTP/AVP 0\r\n"},
		{"spaces at the end", "v=0\r\nc=IN IP4 192.0.2.1 \r\nm=audio 4000 RTP/AVP 0 \r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := readSDP([]byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			a, err := d.choose(both, secrecy{})
			if err != nil || a.remote != netip.MustParseAddrPort("192.0.2.1:4000") || a.codec != stream.PCMU {
				t.Errorf("%+v, %v", a, err)
			}
		})
	}
}

func TestChoose(t *testing.T) {
	head := "v=0\r\nc=IN IP4 192.0.2.1\r\n"
	for _, c := range []struct {
		name, media string
		err         error
		index       int
		codec       stream.Codec
		payload     uint8
		dtmf        uint8
	}{
		{"the first that both know", "m=audio 4 RTP/AVP 18 8 0\r\n", nil, 0, stream.PCMA, 8, 0},
		{"a number of its own by name", "m=audio 4 RTP/AVP 97 96\r\na=rtpmap:97 opus/48000/2\r\na=rtpmap:96 pcmu/8000\r\n", nil, 0, stream.PCMU, 96, 0},
		{"a static number that means something else", "m=audio 4 RTP/AVP 0 8\r\na=rtpmap:0 G729/8000\r\n", nil, 0, stream.PCMA, 8, 0},
		{"keys", "m=audio 4 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/8000\r\n", nil, 0, stream.PCMU, 0, 96},
		{"keys at another rate are left", "m=audio 4 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/16000\r\n", nil, 0, stream.PCMU, 0, 0},
		{"keys alone are no call", "m=audio 4 RTP/AVP 96\r\na=rtpmap:96 telephone-event/8000\r\n", errCodec, 0, 0, 0, 0},
		{"SRTP", "m=audio 4 RTP/SAVP 0\r\n", errSRTP, 0, 0, 0, 0},
		{"SRTP over DTLS", "m=audio 4 UDP/TLS/RTP/SAVPF 0\r\n", errSRTP, 0, 0, 0, 0},
		{"SRTP or plain, as some phones ask", "m=audio 4 RTP/SAVP 0\r\nm=audio 6 RTP/AVP 0\r\n", nil, 1, stream.PCMU, 0, 0},
		{"a stream that is off", "m=audio 0 RTP/AVP 0\r\n", errCodec, 0, 0, 0, 0},
		{"numbers beyond seven bits", "m=audio 4 RTP/AVP 300 x -1\r\n", errCodec, 0, 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := readSDP([]byte(head + c.media))
			if err != nil {
				t.Fatal(err)
			}
			a, err := d.choose(both, secrecy{})
			if err != c.err || err == nil && (a.index != c.index || a.codec != c.codec || a.payload != c.payload || a.dtmf != c.dtmf) {
				t.Errorf("%+v, %v", a, err)
			}
		})
	}
}

func TestAnswerRefusesOtherStreamsInTheirPlace(t *testing.T) {
	d, err := readSDP([]byte("v=0\r\nc=IN IP4 192.0.2.1\r\nm=image 5000 udptl t38\r\nm=audio 4000 RTP/AVP 0\r\nm=video 5002 RTP/AVP 99 100\r\nm=\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := d.choose(both, secrecy{})
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(netip.MustParseAddr("192.0.2.9"), 6000, both)
	var lines []string
	for l := range strings.Lines(string(s.answer(d, a))) {
		if strings.HasPrefix(l, "m=") {
			lines = append(lines, strings.TrimSpace(l))
		}
	}
	want := "m=image 0 udptl t38|m=audio 6000 RTP/AVP 0|m=video 0 RTP/AVP 99 100|m=application 0 RTP/AVP 0"
	if got := strings.Join(lines, "|"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestVersionGrowsWithEachChange(t *testing.T) {
	d, err := readSDP([]byte("v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	a, _ := d.choose(both, secrecy{})
	s := newSession(netip.MustParseAddr("2001:db8::1"), 6000, both)
	first := string(s.answer(d, a))
	same := string(s.answer(d, a))
	a.turn(sendOnly, false, false)
	other := string(s.answer(d, a))
	if first != same || first == other || s.version != s.id+1 || !strings.Contains(first, "c=IN IP6 2001:db8::1") {
		t.Errorf("%s\n%s\n%s", first, same, other)
	}
}

func FuzzReadSDP(f *testing.F) {
	f.Add([]byte(plainSDP))
	f.Add([]byte(savpSDP))
	f.Add([]byte("v=0\r\nm=\r\nm=audio\r\nc=\r\na=rtpmap:\r\na=rtpmap:0 \r\nm=audio 70000/2 RTP/AVP 0"))
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := readSDP(body)
		if err != nil {
			return
		}
		if len(d.media) > sdpMedia {
			t.Fatalf("%d streams", len(d.media))
		}
		a, err := d.choose(both, secrecy{})
		if err != nil {
			return
		}
		s := newSession(netip.MustParseAddr("192.0.2.9"), 6000, both)
		back, err := readSDP(s.answer(d, a))
		if err != nil || len(back.media) != len(d.media) {
			t.Fatalf("our answer to %q does not match: %v", body, err)
		}
		if b, err := back.choose(both, secrecy{}); err != nil || b.codec != a.codec || b.payload != a.payload || b.index != a.index {
			t.Fatalf("answer %+v to %+v: %v", b, a, err)
		}
	})
}
