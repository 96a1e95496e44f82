package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// zone is a DNS server for a file of records, at port 53 of loopback, where this process and its children ask from now on. It needs a
// mount namespace of its own.
func zone(t *testing.T, records string) {
	t.Helper()
	by := map[dns.Question][]dns.RR{}
	for p := dns.NewZoneParser(strings.NewReader(records), "", ""); ; {
		rr, ok := p.Next()
		if !ok {
			if err := p.Err(); err != nil {
				t.Fatal(err)
			}
			break
		}
		h := rr.Header()
		q := dns.Question{Name: h.Name, Qtype: h.Rrtype, Qclass: h.Class}
		by[q] = append(by[q], rr)
	}
	pc, err := net.ListenPacket("udp4", "127.0.0.1:53")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, ask *dns.Msg) {
		answer := new(dns.Msg).SetReply(ask)
		answer.Authoritative = true
		answer.Answer = by[ask.Question[0]]
		_ = w.WriteMsg(answer)
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown(); <-done })
	conf := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(conf, []byte("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "--bind", conf, "/etc/resolv.conf").CombinedOutput(); err != nil {
		t.Fatalf("mount: %v %s", err, out)
	}
}

// RFC 3263 §4.3: a call goes on to a trunk's next server when the first one has no socket, says nothing, or is overloaded; a silent one
// costs 8 s once, after which it comes last.
func TestTrunksFailOver(t *testing.T) {
	t.Parallel()
	NeedModels(t)
	Need(t, "sipp")
	if !inside(t) {
		return
	}
	zone(t, `
closed.test.           IN NAPTR 10 50 "s" "SIP+D2U" "" _sip._udp.closed.test.
_sip._udp.closed.test. IN SRV 10 0 5071 a.test.
_sip._udp.closed.test. IN SRV 20 0 5072 a.test.
_sip._udp.silent.test. IN SRV 20 0 5072 a.test.
_sip._udp.silent.test. IN SRV 10 0 5073 a.test.
_sip._udp.busy.test.   IN SRV 10 0 5074 a.test.
_sip._udp.busy.test.   IN SRV 20 0 5072 a.test.
a.test.                IN A `+insideAddr+"\n")
	silent, err := net.ListenPacket("udp4", insideAddr+":5073")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	s := Start(t, Args("--sip", insideAddr+":0"), Env("PARLEY_EGRESS_ALLOW=10.77.0.0/24", "PARLEY_SIP_TRUNK_CHECK=0s", "PARLEY_SIP_RING_TIMEOUT=20s"))
	const atOnce, afterSilence = 7 * time.Second, 16 * time.Second // a busy machine's, with the 8 s of silence
	answers := []string{invited, rings, picksUp, hangsUp}
	for _, c := range []struct {
		name, domain, number string
		overloaded           bool
		from, to             time.Duration // until the answer, at each call
		again                time.Duration // at most, the next time; 0 for no next time
	}{
		{"nobody listens at the first", "closed.test", "+12025550101", false, 0, afterSilence, atOnce},
		{"the first is silent", "silent.test", "+12025550102", false, 7 * time.Second, afterSilence, atOnce},
		{"the first is overloaded", "busy.test", "+12025550103", true, 0, atOnce, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.in(t)
			agent := s.dialling(c.domain, c.number)
			for i, most := range []time.Duration{c.to, c.again} {
				if most == 0 {
					continue
				}
				if c.overloaded {
					defer sippAt(t, insideAddr, 5074, invited, refuses("503 Service Unavailable"))()
				}
				ended := sippAt(t, insideAddr, 5072, answers...)
				begun := time.Now()
				call := s.order(agent, nil)
				s.Wait("it is answered", afterSilence, func() bool { return s.call(call)["answered_at"] != nil })
				took := time.Since(begun)
				t.Logf("call %d: answered after %v", i+1, took.Round(10*time.Millisecond))
				if took > most || i == 0 && took < c.from {
					t.Errorf("call %d: answered after %v, want %v to %v", i+1, took, c.from, most)
				}
				ended()
				s.final(call, "completed", "caller_hung_up")
			}
		})
	}
}

// dialling is an agent that calls through a trunk of a domain in the zone, which is verified at its second server.
func (s *Server) dialling(domain, number string) (agent string) {
	s.t.Helper()
	pc, err := net.ListenPacket("udp4", insideAddr+":5072")
	if err != nil {
		s.t.Fatal(err)
	}
	release := answersAll(pc)
	defer release()
	id := s.Trunk(domain, 5060, nil)
	if v := s.Must("POST", "/api/v1/sip-trunks/"+id+"/verify", nil); v["is_verified"] != true {
		s.t.Fatalf("verify: %v", v)
	}
	s.Must("PUT", "/api/v1/sip-trunks/"+id, JSON{"is_active": true})
	return s.Agent(JSON{"direction": "outbound"}, s.DID(id, number))
}
