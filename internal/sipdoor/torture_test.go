package sipdoor

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
)

// tortures are messages in the manner of RFC 4475. A %a stands for the sender's address.
var tortures = []string{
	"INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\nTO :\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\n" +
		"from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\n  ;\n  tag = 98asjd8\nMaX-fOrWaRdS: 0068\nCall-ID: wsinv.ndaksdj@192.0.2.1\n" +
		"Content-Length   : 150\ncseq: 0009\n  INVITE\nVia  : SIP  /   2.0\n /UDP\n    %a;branch=390skdjuw\ns :\n" +
		"v:  SIP  / 2.0  / TCP     spindle.example.com   ;\n  branch  =   z9hG4bK9ikj8\n\n",
	"INVITE sip:user@example.com SIP/2.0\nContact: <sip:joe@[2001:db8::1]>\nContact: <sip:x@>\nVia: SIP/2.0/UDP %a;branch=z9hG4bKt1\n" +
		"To: <>\nFrom: <sip:>;tag=\nCall-ID: \nCSeq: 99999999999 INVITE\n\n",
	"OPTIONS sip:user@example.com SIP/2.0\nVia: SIP/2.0/UDP %a;branch=\nTo: sip:a@b\nFrom: sip:a@b;tag=1\n" +
		"Call-ID: 1\nCSeq: 1 OPTIONS\nContent-Length: -999\n\n",
	"OPTIONS sip:user@example.com SIP/2.0\nVia: ;;,;\nTo: \"unbalanced <sip:a@b>\nFrom: <sip:a@b\nCall-ID: 1\nCSeq: x\n\n",
	"ACK sip:user@example.com SIP/2.0\nVia: SIP/2.0/UDP %a;branch=z9hG4bKt2\nCSeq: 1 ACK\n\n",
	"ACK sip:user@example.com SIP/2.0\nVia: SIP/2.0/UDP %a;branch=z9hG4bKt2\nTo: <sip:a@b>;tag=1\nFrom: <sip:a@b>;tag=2\nCall-ID: a\nCSeq: 1 ACK\n\n",
	"CANCEL sip:user@example.com SIP/2.0\nVia: SIP/2.0/UDP %a;branch=z9hG4bKt3\nCSeq: 1 CANCEL\n\n",
	"CANCEL sip:u@e SIP/2.0\nVia: SIP/2.0/UDP %a\nTo: <sip:a@b>\nFrom: <sip:a@b>\nCall-ID: a\nCSeq: 1 CANCEL\n\n",
	"INVITE tel:+1;phone-context=x SIP/2.0\nVia: SIP/2.0/UDP %a;branch=z9hG4bKt4\nTo: <tel:+1>\nFrom: <tel:+2>\n" +
		"Call-ID: t4\nCSeq: 1 INVITE\nContact: *\n\n",
	"REGISTER sip:%a SIP/2.0\nVia: SIP/2.0/UDP %a;branch=z9hG4bKt5\nTo: <sip:a@b>\nFrom: <sip:a@b>;tag=1\n" +
		"Call-ID: t5\nCSeq: 1 REGISTER\nContact: *\nExpires: 0\nAuthorization: Digest\nAuthorization: NoOne x=\"\n\n",
	"SIP/2.0 200 OK\nVia: SIP/2.0/UDP %a;branch=z9hG4bKt6\nCSeq: 1 INVITE\n\n",
	"SIP/2.0 4294967301 better not break the receiver\nVia: SIP/2.0/UDP %a;branch=z9hG4bKt7\nCSeq: 1 INVITE\n\n",
	"SIP/2.0 100 \nCSeq: 1 INVITE\n\n",
	"cancel sip:x SIP/2.0\n\n", " SIP/2.0\n\n", "\n SIP/\n\n", "INVITE  SIP/2.0\n\n", "INVITE * SIP/2.0\nVia:\nv:\n\n",
	"INVITE sip:x SIP/2.0\n" + strings.Repeat("Via: SIP/2.0/UDP h;branch=z9hG4bKx\n", 300) + "\n",
	"INVITE sip:" + strings.Repeat("x", 9000) + " SIP/2.0\nVia: SIP/2.0/UDP %a;branch=z9hG4bKt8\nTo: <sip:a@b>\nFrom: <sip:a@b>\n" +
		"Call-ID: t8\nCSeq: 1 INVITE\nContact: <sip:a@b>\n\n",
	"UNKNOWN-METHOD!.%*_+`'~ sip:x SIP/2.0\nVia: SIP/2.0/UDP %a;branch=z9hG4bKt9\nTo: <sip:a@b>\nFrom: <sip:a@b>\n" +
		"Call-ID: t9\nCSeq: 1 UNKNOWN-METHOD!.%*_+`'~\n\n",
}

// TestTortureDoesNotHurt sends garbage, whole and damaged, and finds the door in good order afterwards.
func TestTortureDoesNotHurt(t *testing.T) {
	d := open(t, func(in media.Incoming) { _ = in.Reject(media.RefuseBusy) })
	p := newPhone(t, d)
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 20 {
		for _, m := range tortures {
			b := []byte(strings.ReplaceAll(m, "%a", p.addr().String()))
			for range round {
				b[r.IntN(len(b))] = "\x00\xff :;<>\"@=,\n9"[r.IntN(13)]
			}
			p.write(string(b))
		}
		p.drain(2 * time.Millisecond)
	}
	p.request("OPTIONS", req{branch: "z9hG4bKafter"})
	p.expectOf("SIP/2.0", "via", "z9hG4bKafter")
}

func TestCallerAndDialled(t *testing.T) {
	for _, c := range []struct {
		name    string
		uri     string
		from    string
		extra   []string
		trusted bool
		want    string
	}{
		{"From", "sip:+1555@h", "+15550199", nil, false, "+1555,+15550100 from +15550199"},
		{"a stranger's assertion is not believed", "sip:+1555@h", "+15550199",
			[]string{"P-Asserted-Identity: <sip:+19@x>"}, false, "+1555,+15550100 from +15550199"},
		{"a trunk's assertion", "sip:+1555@h", "+15550199", []string{`P-Asserted-Identity: "N" <sip:+19@x>, <tel:+18>`}, true, "+1555,+15550100 from +19"},
		{"a trunk's assertion as tel", "sip:+1555@h", "+15550199", []string{"P-Asserted-Identity: tel:+18;cpc=x"}, true, "+1555,+15550100 from +18"},
		{"an assertion of nobody", "sip:+1555@h", "+15550199",
			[]string{"P-Asserted-Identity: <sip:anonymous@anonymous.invalid>"}, true, "+1555,+15550100 from +15550199"},
		{"a number withheld by the trunk", "sip:+1555@h", "+15550199",
			[]string{"P-Asserted-Identity: <sip:+19@x>", "Privacy: id;critical"}, true, "+1555,+15550100 from anonymous"},
		{"privacy none", "sip:+1555@h", "+15550199", []string{"Privacy: none"}, true, "+1555,+15550100 from +15550199"},
		{"an anonymous caller", "sip:+1555@h", "Anonymous", nil, false, "+1555,+15550100 from " + parley.Anonymous},
		{"escapes and parameters", "sip:%2B1555;phone-context=+1@h;user=phone", "%2b15550199", nil, false, "+1555,+15550100 from +15550199"},
		{"tel", "tel:+1555;phone-context=x", "+15550199", nil, false, "+1555,+15550100 from +15550199"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := invite(t, c.uri, c.from, c.extra...)
			if got := fmt.Sprintf("%s from %s", strings.Join(dialled(m), ","), callerOf(m, c.trusted)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func invite(t *testing.T, uri, from string, extra ...string) *sip.Request {
	t.Helper()
	text := "INVITE " + uri + " SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\nTo: <sip:+15550100@h>\nFrom: <sip:" + from + "@h>;tag=1\n" +
		"Call-ID: x\nCSeq: 1 INVITE\n" +
		strings.Join(append(extra, "", ""), "\n")
	m, err := sip.ParseMessage([]byte(strings.ReplaceAll(text, "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	return m.(*sip.Request)
}
