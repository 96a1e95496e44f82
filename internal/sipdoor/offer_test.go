package sipdoor

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/sipdoor/stream"
)

// every is every codec, whether or not this machine has libopus.
var every = []stream.Codec{stream.Opus, stream.G722, stream.PCMU, stream.PCMA}

const (
	head     = "v=0\r\nc=IN IP4 192.0.2.1\r\n"
	opusLine = "a=rtpmap:111 opus/48000/2\r\n"
)

func described(t *testing.T, body string) *description {
	t.Helper()
	d, err := readSDP([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestCodecIsTheFirstOfTheDescriberThatWeTake(t *testing.T) {
	for _, c := range []struct {
		name, media string
		codecs      []stream.Codec
		want        []stream.Format
	}{
		{"RFC 3264 §6.1: the describer's order, not ours", "m=audio 4 RTP/AVP 8 9 0 111\r\n" + opusLine, every,
			[]stream.Format{{Codec: stream.PCMA, PayloadType: 8}, {Codec: stream.G722, PayloadType: 9}, {Codec: stream.PCMU}, {Codec: stream.Opus, PayloadType: 111}}},
		{"RFC 3551 §4.5.2: G.722 with the clock of 8,000", "m=audio 4 RTP/AVP 97\r\na=rtpmap:97 G722/8000\r\n", every,
			[]stream.Format{{Codec: stream.G722, PayloadType: 97}}},
		{"G.722 with the clock that it should have had", "m=audio 4 RTP/AVP 97\r\na=rtpmap:97 G722/16000\r\n", every,
			[]stream.Format{{Codec: stream.G722, PayloadType: 97}}},
		{"RFC 7587 §7: Opus", "m=audio 4 RTP/AVP 111 0\r\n" + opusLine, every, []stream.Format{{Codec: stream.Opus, PayloadType: 111}, {Codec: stream.PCMU}}},
		{"Opus that is forbidden", "m=audio 4 RTP/AVP 111 0\r\n" + opusLine, both, []stream.Format{{Codec: stream.PCMU}}},
		{"Opus without a name", "m=audio 4 RTP/AVP 96 0\r\n", every, []stream.Format{{Codec: stream.PCMU}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := described(t, head+c.media).choose(c.codecs, secrecy{})
			got := append([]stream.Format{{Codec: a.codec, PayloadType: a.payload}}, a.others...)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

// RFC 8866 §6.4.
func TestPacketTimeIsSentAsAsked(t *testing.T) {
	for attributes, want := range map[string]int{
		"": 20, "a=ptime:10\r\n": 10, "a=ptime:30\r\n": 30, "a=ptime:60\r\n": 60, "a=ptime:120\r\n": 60, "a=ptime:5\r\n": 10, "a=ptime:x\r\n": 20,
		"a=maxptime:10\r\n": 10, "a=maxptime:150\r\n": 20, "a=ptime:40\r\na=maxptime:30\r\n": 30, "a=ptime:20.0\r\n": 20,
	} {
		d := described(t, head+"m=audio 4 RTP/AVP 0\r\n"+attributes)
		a, err := d.choose(both, secrecy{})
		if err != nil || a.ptime != time.Duration(want)*time.Millisecond {
			t.Errorf("%q: %v, %v", attributes, a.ptime, err)
		}
		s := newSession(netip.MustParseAddr("192.0.2.9"), 6000, both)
		if answer := string(s.answer(d, a)); !strings.Contains(answer, "a=ptime:"+a.ptime.String()[:2]+"\r\n") {
			t.Errorf("%q: %s", attributes, answer)
		}
	}
}

// RFC 4733 §2.1: events have the clock of the sound; some name 8,000 whatever it is.
func TestKeysTakeTheClockOfTheSound(t *testing.T) {
	at8, at48 := "a=rtpmap:101 telephone-event/8000\r\n", "a=rtpmap:102 telephone-event/48000\r\n"
	for _, c := range []struct {
		media string
		pt    uint8
		clock int
	}{
		{"m=audio 4 RTP/AVP 111 101 102\r\n" + opusLine + at8 + at48, 102, 48000},
		{"m=audio 4 RTP/AVP 111 101\r\n" + opusLine + at8, 101, 8000},
		{"m=audio 4 RTP/AVP 9 101 102\r\n" + at8 + at48, 101, 8000},
		{"m=audio 4 RTP/AVP 0 102\r\n" + at48, 0, 0},
	} {
		if a, err := described(t, head+c.media).choose(every, secrecy{}); err != nil || a.dtmf != c.pt || a.dtmfClock != c.clock {
			t.Errorf("%s: %d at %d, %v", c.media, a.dtmf, a.dtmfClock, err)
		}
	}
}

// RFC 3605 §2.1 and RFC 5761 §5.1.1.
func TestPortOfRTCP(t *testing.T) {
	for _, c := range []struct {
		name, attributes, at string
		mux                  bool
	}{
		{"not said", "", "invalid AddrPort", false},
		{"a port", "a=rtcp:5009\r\n", "192.0.2.1:5009", false},
		{"a port and an address", "a=rtcp:5009 IN IP4 192.0.2.7\r\n", "192.0.2.7:5009", false},
		{"the same as RTP", "a=rtcp-mux\r\n", "invalid AddrPort", true},
		{"no number", "a=rtcp:x\r\n", "invalid AddrPort", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := described(t, head+"m=audio 4 RTP/AVP 0\r\n"+c.attributes)
			a, err := d.choose(both, secrecy{})
			if err != nil || a.control.String() != c.at || a.mux != c.mux {
				t.Errorf("%v, mux %v, %v", a.control, a.mux, err)
			}
			s := newSession(netip.MustParseAddr("192.0.2.9"), 6000, both)
			if answer := string(s.answer(d, a)); strings.Contains(answer, "a=rtcp-mux") != c.mux {
				t.Error(answer)
			}
		})
	}
}

// RFC 7587 §6.1.
func TestOpusIsTunedAsAsked(t *testing.T) {
	d := described(t, head+"m=audio 4 RTP/AVP 111\r\n"+opusLine+"a=fmtp:111 minptime=10; useinbandfec=1;maxaveragebitrate=20000; cbr=1;maxplaybackrate=8000\r\n")
	a, err := d.choose(every, secrecy{})
	if want := (stream.Tuning{Bitrate: 20000, Playback: 8000, FEC: true, Constant: true}); err != nil || a.tuning != want {
		t.Errorf("%+v, %v", a.tuning, err)
	}
	s := newSession(netip.MustParseAddr("192.0.2.9"), 6000, every)
	if answer := string(s.answer(d, a)); !strings.Contains(answer, "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1") {
		t.Error(answer)
	}
}

// RFC 3264 §8: m-lines keep their places, payload types their meaning.
func TestOurOfferKeepsWhatTheirsHasSettled(t *testing.T) {
	s := newSession(netip.MustParseAddr("192.0.2.9"), 6000, every)
	first := string(s.offer())
	if !strings.Contains(first, "m=audio 6000 RTP/AVP 96 9 0 8 101 102\r\n") || !strings.Contains(first, "a=rtpmap:102 telephone-event/48000") {
		t.Error(first)
	}
	d := described(t, head+"m=video 5 RTP/AVP 99\r\nm=audio 4 RTP/AVP 107 96\r\n"+
		"a=rtpmap:107 opus/48000/2\r\na=rtpmap:96 telephone-event/48000\r\nm=image 6 udptl t38\r\n")
	a, err := d.choose(every, secrecy{})
	if err != nil {
		t.Fatal(err)
	}
	s.answer(d, a)
	want := "m=video 0 RTP/AVP 99\r\nm=audio 6000 RTP/AVP 107 9 0 8 101 96\r\na=rtpmap:107 opus/48000/2"
	if again := string(s.offer()); !strings.Contains(again, want) || !strings.HasSuffix(again, "m=image 0 udptl t38\r\n") {
		t.Error(again)
	}
}

// RFC 3264 §8.4 and RFC 6157: address 0.0.0.0, or ::, asks for silence.
func TestHold(t *testing.T) {
	for _, c := range []struct {
		name, body, answer string
		holding, sends     bool
	}{
		{"sendonly", head + "m=audio 4 RTP/AVP 0\r\na=sendonly\r\n", recvOnly, false, false},
		{"sendonly for the session", "v=0\r\na=sendonly\r\n" + head[5:] + "m=audio 4 RTP/AVP 0\r\n", recvOnly, false, false},
		{"the medium overrides the session", "v=0\r\na=inactive\r\n" + head[5:] + "m=audio 4 RTP/AVP 0\r\na=sendrecv\r\n", sendRecv, false, true},
		{"inactive", head + "m=audio 4 RTP/AVP 0\r\na=inactive\r\n", inactive, false, false},
		{"recvonly", head + "m=audio 4 RTP/AVP 0\r\na=recvonly\r\n", sendOnly, false, true},
		{"0.0.0.0", "v=0\r\nc=IN IP4 0.0.0.0\r\nm=audio 4 RTP/AVP 0\r\n", recvOnly, false, false},
		{":: of the medium", head + "m=audio 4 RTP/AVP 0\r\nc=IN IP6 ::\r\n", recvOnly, false, false},
		{"we hold them", head + "m=audio 4 RTP/AVP 0\r\n", sendOnly, true, true},
		{"both hold", head + "m=audio 4 RTP/AVP 0\r\na=sendonly\r\n", inactive, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := described(t, c.body)
			a, err := d.choose(both, secrecy{})
			if err != nil {
				t.Fatal(err)
			}
			a.turn(d.directionOf(&d.media[0]), d.unspecified(&d.media[0]), c.holding)
			if a.direction != c.answer || a.sendHold == c.sends {
				t.Errorf("answered %s, silent %v", a.direction, a.sendHold)
			}
		})
	}
}
