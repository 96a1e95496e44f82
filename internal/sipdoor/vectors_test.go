package sipdoor

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/media"
)

const apartEnv = "PARLEY_TEST_APART"

// apart runs the test again in a network namespace that has loopback alone, and reports whether this is that second run: messages of the
// vectors name addresses that are not ours to send to.
func apart(t *testing.T) bool {
	t.Helper()
	if os.Getenv(apartEnv) == "" {
		if os.Geteuid() != 0 {
			t.Skip("needs root, for a network namespace")
		}
		cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", "2m")
		cmd.Env = append(os.Environ(), apartEnv+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("in the namespace: %v\n%s", err, out)
		}
		return false
	}
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Fatalf("ip: %v %s", err, out)
	}
	return true
}

// vector is a published message and what it is to bring about.
type vector struct {
	section, name string
	want          []string // statuses, any of which is right; empty for silence
}

// accepted is what a request outside a call gets that is well-formed and that we have no use for.
var accepted = []string{"200", "401", "403", "404", "405"}

var rfc4475 = []vector{
	{"3.1.1.1", "wsinv", []string{"481"}}, // it is within a dialog that we do not know
	{"3.1.1.2", "intmeth", []string{"501"}},
	{"3.1.1.3", "esc01", []string{"200"}},
	{"3.1.1.4", "escnull", accepted},
	{"3.1.1.5", "esc02", []string{"501"}},
	{"3.1.1.6", "lwsdisp", []string{"200"}},
	{"3.1.1.7", "longreq", []string{"200"}},
	{"3.1.1.8", "dblreq", accepted},
	{"3.1.1.9", "semiuri", []string{"200"}},
	{"3.1.1.10", "transports", []string{"200"}},
	{"3.1.1.11", "mpart01", accepted},
	{"3.1.1.12", "unreason", nil},
	{"3.1.1.13", "noreason", nil},
	{"3.1.2.1", "badinv01", []string{"400"}},
	{"3.1.2.2", "clerr", []string{"400"}},
	{"3.1.2.3", "ncl", []string{"400"}},
	{"3.1.2.4", "scalar02", []string{"400"}},
	{"3.1.2.5", "scalarlg", nil},
	{"3.1.2.6", "quotbal", []string{"400"}},
	{"3.1.2.7", "ltgtruri", []string{"400"}},
	{"3.1.2.8", "lwsruri", []string{"400"}},
	{"3.1.2.9", "lwsstart", []string{"400"}},
	{"3.1.2.10", "trws", []string{"400", "200"}},
	{"3.1.2.11", "escruri", []string{"400", "200"}},
	{"3.1.2.12", "baddate", []string{"400", "200"}},
	{"3.1.2.13", "regbadct", []string{"400"}},
	{"3.1.2.14", "badaspec", []string{"400", "200"}},
	{"3.1.2.15", "baddn", []string{"400", "200"}},
	{"3.1.2.16", "badvers", []string{"505"}},
	{"3.1.2.17", "mismatch01", []string{"400"}},
	{"3.1.2.18", "mismatch02", []string{"400", "501"}},
	{"3.1.2.19", "bigcode", nil},
	{"3.2.1", "badbranch", []string{"200"}},
	{"3.3.1", "insuf", []string{"400"}},
	{"3.3.2", "unkscm", []string{"416"}},
	{"3.3.3", "novelsc", []string{"416"}},
	{"3.3.4", "unksm2", []string{"400", "403", "404", "405"}},
	{"3.3.5", "bext01", []string{"420"}},
	{"3.3.6", "invut", []string{"415"}},
	{"3.3.7", "regaut01", accepted},
	{"3.3.8", "multi01", []string{"400"}},
	{"3.3.9", "mcl01", []string{"400"}},
	{"3.3.10", "bcast", nil},
	{"3.3.11", "zeromf", []string{"200"}},
	{"3.3.12", "cparam01", accepted},
	{"3.3.13", "cparam02", accepted},
	{"3.3.14", "regescrt", append([]string{"400"}, accepted...)},
	{"3.3.15", "sdp01", []string{"406"}},
	{"3.4.1", "inv2543", []string{"200", "400"}}, // a legacy of RFC 2543: without Contact, which RFC 3261 §8.1.1.8 wants
}

var rfc5118 = []vector{
	{"4.1", "ipv6-good", accepted},
	{"4.2", "ipv6-bad", []string{"400"}},
	{"4.3", "port-ambiguous", accepted},
	{"4.4", "port-unambiguous", accepted},
	{"4.5", "via-received-param-with-delim", []string{"481"}},
	{"4.5", "via-received-param-no-delim", []string{"200"}},
	{"4.6", "ipv6-in-sdp", []string{"488"}}, // a codec that we lack
	{"4.7", "mult-ip-in-header", []string{"481"}},
	{"4.8", "mult-ip-in-sdp", []string{"200"}},
	{"4.9", "ipv4-mapped-ipv6", []string{"488"}},
	{"4.10", "ipv6-reference-bug", []string{"400", "200"}},
}

// TestVectors sends the messages of RFC 4475 and RFC 5118 while a call runs, and finds each answered as the RFC says, the door in good
// order after each, and the call undisturbed at the end.
func TestVectors(t *testing.T) {
	if !apart(t) {
		return
	}
	for _, c := range []struct {
		rfc, host string
		all       []vector
	}{{"4475", "127.0.0.1", rfc4475}, {"5118", "::1", rfc5118}} {
		t.Run("RFC "+c.rfc, func(t *testing.T) {
			files, _ := filepath.Glob("testdata/rfc" + c.rfc + "/*.dat")
			if len(files) != len(c.all) {
				t.Errorf("%d files, %d in the table", len(files), len(c.all))
			}
			legs := make(chan media.Leg, 1000)
			door := open(t, pickUp(legs), func(cfg *Config, _ *Deps) { cfg.Addr = fmt.Sprintf("[%s]:7060", c.host) })
			running, p := newPhoneAt(t, door, c.host, 0), newPhoneAt(t, door, c.host, 5060) // answers go to Via's port, 5060 without one
			running.dial()
			leg := get(t, "leg of the running call", legs)
			for _, v := range c.all {
				t.Run(v.section+" "+v.name, func(t *testing.T) { v.try(t, p, c.rfc) })
			}
			select {
			case <-leg.Done():
				t.Error("the running call has ended")
			default:
			}
			if s := leg.Stats(); s.Refused != 0 {
				t.Errorf("the running call: %+v", s)
			}
		})
	}
}

// try sends the message, then OPTIONS, and judges what came before the answer to that.
func (v vector) try(t *testing.T, p *phone, rfc string) {
	b, err := os.ReadFile("testdata/rfc" + rfc + "/" + v.name + ".dat")
	if err != nil {
		t.Fatal(err)
	}
	p.t = t
	// Transactions of their own, and answers to where we listen.
	b = regexp.MustCompile(`(z9hG4bK(?:kdjuw|as3-111|k343))\b`).ReplaceAll(b, []byte("${1}-"+v.name))
	b = regexp.MustCompile(`(Via: *SIP/2.0/UDP [^ ;]*[^:;]):(?:5050|6050|19823)`).ReplaceAll(b, []byte("${1}"))
	p.drain(0)
	if _, err := p.pc.WriteTo(b, p.to); err != nil {
		t.Fatal(err)
	}
	var got []string
	for end := time.Now().Add(fleeting); ; {
		m := p.next(time.Until(end))
		if m == nil {
			break
		}
		code, _, _ := strings.Cut(strings.TrimPrefix(m.start, "SIP/2.0 "), " ")
		answers := cmp.Or(m.get("call-id"), m.get("cseq"), "nothing")
		if code[0] != '1' && strings.Contains(string(b), answers) {
			got = append(got, code)
			break
		}
	}
	after := p.request("OPTIONS", req{})
	p.expectOf("SIP/2.0 200", "via", after)
	if len(v.want) == 0 && len(got) == 0 {
		return
	}
	for _, w := range v.want {
		if len(got) > 0 && got[0] == w {
			return
		}
	}
	t.Errorf("answered %q, want any of %q", got, v.want)
}
