package sipdoor

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/media/mediatest"
)

var (
	key30 = base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcd"))
	key44 = base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef0123456789ab"))
)

func TestReadCrypto(t *testing.T) { // RFC 4568
	for _, c := range []struct {
		name, value string
		mki         string
		ok          bool
	}{
		{"as most phones write it (§6.1)", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key30, "", true},
		{"a tag of nine digits (§4.1)", "123456789 AES_CM_128_HMAC_SHA1_32 inline:" + key30, "", true},
		{"with a lifetime", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|2^31", "", true},
		{"with a lifetime and an MKI", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|2^20|1:4", "\x00\x00\x00\x01", true},
		{"with an MKI alone", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|66051:3", "\x01\x02\x03", true},
		{"AES-GCM of 256 bits (RFC 7714 §14.2)", "1 AEAD_AES_256_GCM inline:" + key44, "", true},
		{"the size of the replay window (§6.3.7)", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " WSH=128", "", true},
		{"a parameter that may be left (§6.3.8)", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " -FUTURE=1", "", true},
		{"an unknown suite", "1 F8_128_HMAC_SHA1_80 inline:" + key30, "", false},
		{"a parameter that turns encryption off (§6.3.2)", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " UNENCRYPTED_SRTP", "", false},
		{"an unknown parameter (§6.3.8)", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " FUTURE=1", "", false},
		{"several keys", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|1:1;inline:" + key30 + "|2:1", "", false},
		{"a key of another length", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key44, "", false},
		{"no base64", "1 AES_CM_128_HMAC_SHA1_80 inline:!!!", "", false},
		{"another key method", "1 AES_CM_128_HMAC_SHA1_80 uri:" + key30, "", false},
		{"an MKI longer than 128 bytes (§9.1)", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|1:129", "", false},
		{"an MKI too large for its length", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|256:1", "", false},
		{"a tag that is no number", "x AES_CM_128_HMAC_SHA1_80 inline:" + key30, "", false},
		{"nothing", "", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := readCrypto(c.value)
			if (err == nil) != c.ok || c.ok && string(got.mki) != c.mki {
				t.Errorf("MKI %q, %v", got.mki, err)
			}
		})
	}
}

func TestProtection(t *testing.T) {
	crypto := "a=crypto:1 F8_128_HMAC_SHA1_80 inline:" + key30 + "\r\na=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "\r\n"
	hash := "a=fingerprint:SHA-256 00:11:22\r\n"
	overTLS, bare := Encryption{}.over("tls"), Encryption{}.over("udp")
	for _, c := range []struct {
		name, proto, lines string
		rule               secrecy
		err                error
		tag                string
		dtls, active       bool
	}{
		{"nothing offered", "RTP/AVP", "", overTLS, nil, "", false, false},
		{"unknown suites are passed by (RFC 4568 §5.1.2)", "RTP/SAVP", crypto, overTLS, nil, "2", false, false},
		{"keys beside the plain profile (RFC 8643 §3.1)", "RTP/AVP", crypto, overTLS, nil, "2", false, false},
		{"keys that anybody could read are no keys (RFC 4568 §7)", "RTP/SAVP", crypto, bare, errKeys, "", false, false},
		{"the plain profile goes on without them", "RTP/AVP", crypto, bare, nil, "", false, false},
		{"unless the operator wants so", "RTP/SAVP", crypto, Encryption{KeysInClear: true}.over("udp"), nil, "2", false, false},
		{"the secure profile without keys", "RTP/SAVP", "", overTLS, errSRTP, "", false, false},
		{"a handshake needs no secret signalling (RFC 5763 §5)", "UDP/TLS/RTP/SAVPF", hash + "a=setup:actpass\r\n", bare, nil, "", true, false},
		{"who waits makes us begin (RFC 5763 §5)", "UDP/TLS/RTP/SAVP", hash + "a=setup:passive\r\n", bare, nil, "", true, true},
		{"who begins makes us wait", "RTP/SAVP", hash + "a=setup:active\r\n", bare, nil, "", true, false},
		{"a handshake goes before keys in SDP", "RTP/SAVP", crypto + hash + "a=setup:actpass\r\n", overTLS, nil, "", true, false},
		{"a handshake that is not to be", "UDP/TLS/RTP/SAVP", hash + "a=setup:holdconn\r\n", overTLS, errSRTP, "", false, false},
		{"MD5 is no fingerprint (RFC 8122 §5)", "UDP/TLS/RTP/SAVP", "a=fingerprint:md5 00:11\r\n", overTLS, errSRTP, "", false, false},
		{"off: the secure profile is refused", "RTP/SAVP", crypto, Encryption{Off: true}.over("tls"), errSRTP, "", false, false},
		{"off: keys are passed by", "RTP/AVP", crypto, Encryption{Off: true}.over("tls"), nil, "", false, false},
		{"required and not offered", "RTP/AVP", "", Encryption{Require: true}.over("tls"), errClear, "", false, false},
		{"required and offered", "RTP/AVP", crypto, Encryption{Require: true}.over("tls"), nil, "2", false, false},
		{"required, but readable for all", "RTP/AVP", crypto, Encryption{Require: true}.over("tcp"), errKeys, "", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := readSDP([]byte("v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4 " + c.proto + " 0\r\n" + c.lines))
			if err != nil {
				t.Fatal(err)
			}
			a, err := d.choose(both, c.rule)
			if !errors.Is(err, c.err) || a.crypto.tag != c.tag || len(a.prints) > 0 != c.dtls || a.active != c.active {
				t.Errorf("%+v, %v", a.shield, err)
			}
		})
	}
}

func TestOfSeveralStreamsTheOneThatTheRuleAllowsIsTaken(t *testing.T) {
	body := "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "\r\nm=audio 6 RTP/AVP 0\r\n"
	d, err := readSDP([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	for rule, index := range map[secrecy]int{Encryption{}.over("tls"): 0, Encryption{}.over("udp"): 1, Encryption{Require: true}.over("tls"): 0} {
		if a, err := d.choose(both, rule); err != nil || a.index != index {
			t.Errorf("%+v: stream %d, %v", rule, a.index, err)
		}
	}
}

// encrypted says what two doors protect a call with.
func encrypted(t *testing.T, near, far Encryption) string {
	t.Helper()
	legs := make(chan media.Leg, 1)
	callee := open(t, pickUp(legs), func(c *Config, _ *Deps) { c.Encryption = far })
	caller := open(t, nil, func(c *Config, _ *Deps) { c.Encryption = near })
	leg, _, err := caller.DialURI(t.Context(), URITarget{URI: "sip:agent@" + callee.Addr().String()}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	answered := <-legs
	pcm := mediatest.Loud(media.FrameTime)
	f := media.Frame(pcm)
	hears := func(from, to media.Leg) {
		t.Helper()
		ctx, stop := context.WithTimeout(t.Context(), patience)
		defer stop()
		var k media.Tick
		for {
			_ = from.Write(ctx, &f)
			if err := to.Read(ctx, &k); err != nil {
				t.Fatalf("no sound came through: %v, %+v", err, to.Stats())
			}
			if k.Heard[100] > 3000 || k.Heard[100] < -3000 {
				return
			}
		}
	}
	hears(leg, answered)
	hears(answered, leg)
	a, b := leg.Stats(), answered.Stats()
	if a.Quality.Encryption != b.Quality.Encryption || a.Forged+b.Forged > 0 {
		t.Errorf("%+v, %+v", a, b)
	}
	if err := leg.Hangup(t.Context()); err != nil {
		t.Error(err)
	}
	return a.Quality.Encryption
}

func TestBothSidesEncryptWhatTheyAgreedOn(t *testing.T) {
	for _, c := range []struct {
		name      string
		near, far Encryption
		want      string
	}{
		{"over UDP nothing is offered", Encryption{}, Encryption{}, "none"},
		{"keys where both sides want them so", Encryption{KeysInClear: true}, Encryption{KeysInClear: true}, "sdes"},
		{"the callee does not", Encryption{KeysInClear: true}, Encryption{}, "none"},
		{"the callee has it off", Encryption{KeysInClear: true}, Encryption{Off: true}, "none"},
		{"required with keys", Encryption{KeysInClear: true, Require: true}, Encryption{KeysInClear: true}, "sdes"},
		{"required without a way for keys: a handshake (RFC 5763)", Encryption{Require: true}, Encryption{}, "dtls"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := encrypted(t, c.near, c.far); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestRequiredSRTPThatIsNotOfferedGets488(t *testing.T) {
	callee := open(t, pickUp(make(chan media.Leg, 1)), func(c *Config, _ *Deps) { c.Encryption.Require = true })
	caller := open(t, nil)
	_, _, err := caller.DialURI(t.Context(), URITarget{URI: "sip:agent@" + callee.Addr().String()}, func(string) {})
	if na, ok := errors.AsType[*media.NotAnswered](err); !ok || na.Status != 488 {
		t.Error(err)
	}
}

func TestAnAnswerKeepsToTheOffer(t *testing.T) {
	sdes := func(tag, suite string) string { return fmt.Sprintf("a=crypto:%s %s inline:%s\r\n", tag, suite, key30) }
	for _, c := range []struct {
		name, proto, lines string
		rule               secrecy
		ok                 bool
	}{
		{"the suite and tag of a line of ours (RFC 4568 §5.1.3)", "RTP/AVP", sdes("2", "AES_CM_128_HMAC_SHA1_32"), secrecy{keys: true}, true},
		{"the tag of another", "RTP/AVP", sdes("1", "AES_CM_128_HMAC_SHA1_32"), secrecy{keys: true}, false},
		{"no keys where they were no must (RFC 8643)", "RTP/AVP", "", secrecy{keys: true}, true},
		{"no keys where they were", "RTP/AVP", "", secrecy{keys: true, require: true}, false},
		{"keys that we did not offer", "RTP/AVP", sdes("1", "AES_CM_128_HMAC_SHA1_80"), secrecy{}, true}, // passed by
		{"a handshake that we did not offer", "RTP/AVP", "a=fingerprint:sha-256 00:11\r\n", secrecy{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := locks{}
			l.propose(c.rule)
			l.identity = &identity{}
			l.offered(netip.MustParseAddr("127.0.0.1"), 4000)
			d, err := readSDP([]byte("v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4 " + c.proto + " 0\r\n" + c.lines))
			if err != nil {
				t.Fatal(err)
			}
			a, err := d.choose(both, c.rule)
			for range 2 { // an early answer, and the final one (RFC 3261 §13.2.1)
				if err == nil {
					err = l.matches(a)
				}
				l.keep(a)
			}
			if (err == nil) != c.ok {
				t.Errorf("%+v: %v", a.shield, err)
			}
		})
	}
}

func TestICEIsAnsweredAsLiteWhereOffered(t *testing.T) { // RFC 8839 §5.3, RFC 8445 §5.3
	offer := "v=0\r\nc=IN IP4 127.0.0.1\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\nm=audio 4000 RTP/AVP 0\r\n"
	for _, c := range []struct {
		name, offer string
		ice         bool
	}{
		{"offered", offer, true},
		{"not offered", strings.Replace(offer, "ice-ufrag", "x-ufrag", 1), false},
		{"too short a password", strings.Replace(offer, "0123456789012345678901", "short", 1), false},
		{"the offerer is lite as well (RFC 8445 §6.1.1)", strings.Replace(offer, "m=audio", "a=ice-lite\r\nm=audio", 1), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := readSDP([]byte(c.offer))
			if err != nil {
				t.Fatal(err)
			}
			a, err := d.choose(both, secrecy{})
			if err != nil {
				t.Fatal(err)
			}
			s := newSession(netip.MustParseAddr("127.0.0.1"), 4002, both)
			body := string(s.answer(d, a))
			head, media, _ := strings.Cut(body, "m=audio")
			has := strings.Contains(head, "a=ice-lite\r\n") && strings.Contains(media, "a=ice-ufrag:") &&
				strings.Contains(media, "a=candidate:1 1 UDP 2130706431 127.0.0.1 4002 typ host\r\n") &&
				strings.Contains(media, "a=candidate:1 2 UDP 2130706430 127.0.0.1 4003 typ host\r\n")
			if has != c.ice || strings.Contains(body, "ice") != c.ice {
				t.Errorf("%s", body)
			}
		})
	}
}
