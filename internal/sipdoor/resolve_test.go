package sipdoor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
)

// zone is a DNS for tests.
type zone struct {
	hosts map[string][]string
	srv   map[string][]*net.SRV
	naptr map[string][]Service
}

func (z zone) Services(_ context.Context, domain string) ([]Service, error) {
	return z.naptr[domain], nil
}

func (z zone) LookupSRV(_ context.Context, _, _, name string) (string, []*net.SRV, error) {
	if s := z.srv[name]; s != nil {
		return name, s, nil
	}
	return "", nil, errors.New("no such record")
}

func (z zone) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, h := range z.hosts[host] {
		out = append(out, netip.MustParseAddr(h))
	}
	if out == nil {
		return nil, errors.New("no such host")
	}
	return out, nil
}

func TestResolve(t *testing.T) {
	z := zone{
		hosts: map[string][]string{"trunk.test": {"192.0.2.1", "192.0.2.2"}, "a.test": {"192.0.2.3"}, "b.test": {"192.0.2.4"}},
		srv: map[string][]*net.SRV{
			"_sip._udp.srv.test":  {{Target: "a.test.", Port: 5070}, {Target: "gone.test.", Port: 1}, {Target: "b.test.", Port: 5080}},
			"_sips._tcp.srv.test": {{Target: "b.test.", Port: 5061}},
			"_sip._udp.else.test": {{Target: "a.test.", Port: 5066}}, "tcp.else.test": {{Target: "b.test.", Port: 5067}},
		},
		naptr: map[string][]Service{"naptr.test": {
			{Order: 20, Preference: 5, Network: "udp", Name: "_sip._udp.else.test"}, {Order: 10, Preference: 50, Network: "tcp", Name: "tcp.else.test"},
			{Order: 10, Preference: 10, Network: "tls", Name: "gone.else.test"},
		}},
	}
	for _, c := range []struct {
		name, host, network string
		port                int
		want                string
	}{
		{"an address", "192.0.2.9", "udp", 0, "udp 192.0.2.9:5060 192.0.2.9"},
		{"an address with its port", "192.0.2.9:5099", "tcp", 0, "tcp 192.0.2.9:5099 192.0.2.9"},
		{"all addresses of a name", "trunk.test", "udp", 5099, "udp 192.0.2.1:5099 trunk.test, udp 192.0.2.2:5099 trunk.test"},
		{"service records in their order", "srv.test", "udp", 5060, "udp 192.0.2.3:5070 srv.test, udp 192.0.2.4:5080 srv.test"},
		{"service records of TLS, with the domain for the certificate", "srv.test", "tls", 0, "tls 192.0.2.4:5061 srv.test"},
		{"a URI", "sip:trunk.test:5090;transport=tcp;lr", "udp", 5060, "tcp 192.0.2.1:5090 trunk.test, tcp 192.0.2.2:5090 trunk.test"},
		{"the default port of TLS", "192.0.2.9", "tls", 0, "tls 192.0.2.9:5061 192.0.2.9"},
		{"an IPv6 address", "[2001:db8::1]:5066", "udp", 0, "udp [2001:db8::1]:5066 2001:db8::1"},
		{"§4.1: without a transport the NAPTR records order them", "naptr.test", "", 0, "tcp 192.0.2.4:5067 naptr.test, udp 192.0.2.3:5066 naptr.test"},
		{"§4.1: a transport picks its NAPTR record", "naptr.test", "udp", 5060, "udp 192.0.2.3:5066 naptr.test"},
		{"§4.1: without NAPTR and transport all services are asked for", "srv.test", "", 0,
			"udp 192.0.2.3:5070 srv.test, udp 192.0.2.4:5080 srv.test, tls 192.0.2.4:5061 srv.test"},
		{"§4.1: a port leaves only the addresses, over UDP", "naptr.test:5099", "", 0, ""},
		{"§4.1: and without any record it is UDP", "trunk.test", "", 0, "udp 192.0.2.1:5060 trunk.test, udp 192.0.2.2:5060 trunk.test"},
		{"no such name", "nowhere.test", "udp", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			hops, err := resolve(t.Context(), z, c.host, c.network, c.port)
			got := ""
			for i, h := range hops {
				if i > 0 {
					got += ", "
				}
				got += fmt.Sprint(h.network, " ", h.addr, " ", h.name)
			}
			if got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

// TestNextAddressIsTried has a trunk of two addresses: the first is silent, or overloaded.
func TestNextAddressIsTried(t *testing.T) {
	for _, c := range []struct{ name, status string }{{"when the first is silent", ""}, {"when the first has no capacity", "503 Service Unavailable"}} {
		t.Run(c.name, func(t *testing.T) {
			one, two := newPhone(t, nil), newPhone(t, nil)
			d := open(t, nil, func(_ *Config, deps *Deps) {
				deps.Resolver = zone{hosts: map[string][]string{"one.test": {"127.0.0.1"}, "two.test": {"127.0.0.1"}}, srv: map[string][]*net.SRV{
					"_sip._udp.trunk.test": {{Target: "one.test.", Port: one.addr().Port()}, {Target: "two.test.", Port: two.addr().Port()}},
				}}
			})
			call := place(t, d, media.Target{Trunk: parley.SIPTrunk{Domain: "trunk.test", Port: 5060, Transport: "udp"}, To: "+1", From: "+2"})
			if first := one.expect("INVITE sip:+1@trunk.test"); c.status != "" {
				one.reply(first, c.status, "x", "")
			}
			invite := two.expect("INVITE sip:+1@trunk.test")
			two.reply(invite, "200 OK", "a", plainSDP)
			two.expect("ACK")
			get(t, "the leg", call.done)
			if call.err != nil {
				t.Fatal(call.err)
			}
			two.hangUp(invite)
			two.expect("200 OK")
		})
	}
}

// RFC 3263 §4.3: a trunk whose first server is silent is there all the same, found out in the time that one server has.
func TestProbePassesSilentServersBy(t *testing.T) {
	silent, p := listenAt(t, "127.0.0.1"), newPhone(t, nil)
	d := open(t, nil, func(_ *Config, deps *Deps) {
		deps.Resolver = zone{
			hosts: map[string][]string{"a.test": {"127.0.0.1"}},
			srv: map[string][]*net.SRV{"_sip._udp.trunk.test": {
				{Target: "a.test.", Port: uint16(silent.pc.LocalAddr().(*net.UDPAddr).Port)}, {Target: "a.test.", Port: p.addr().Port()},
			}},
		}
	})
	target := trunkAt(p)
	target.Trunk.Domain, target.Trunk.Port = "trunk.test", 5060
	ctx, stop := context.WithTimeout(t.Context(), d.cfg.Timers.Reply)
	defer stop()
	result := make(chan error, 1)
	go func() { _, err := d.Probe(ctx, target); result <- err }()
	p.reply(p.expect("OPTIONS"), "200 OK", "a", "")
	if err := get(t, "the end of the probe", result); err != nil {
		t.Error(err)
	}
}

func TestTrunkMayNotLeadAnywhere(t *testing.T) {
	d := open(t, nil, func(_ *Config, deps *Deps) {
		deps.TrunkAllowed = func(netip.Addr) bool { return false }
	})
	p := newPhone(t, nil)
	call := place(t, d, trunkAt(p))
	if na := call.notAnswered(t); na.Reason != reasonUnreachable {
		t.Errorf("%+v", na)
	}
	if _, err := d.Probe(t.Context(), trunkAt(p)); err == nil {
		t.Error("it was probed")
	}
	p.silent("SIP/2.0")
}
