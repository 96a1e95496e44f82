package sipdoor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Service is a NAPTR record of SIP: where a domain's service with one transport is found (RFC 3263 §4.1).
type Service struct {
	Order, Preference uint16 // less comes first
	Network           string // udp, tcp, tls
	Name              string // of the SRV records
}

// DNS is the system's resolver, and asks its servers for NAPTR records too, which the standard library cannot.
type DNS struct {
	*net.Resolver
	Servers []string // host:port; empty takes /etc/resolv.conf's
}

// askWithin is how long a server may take.
const askWithin = time.Second

// Services returns the NAPTR records of a domain that name SIP and a transport that we speak.
func (d DNS) Services(ctx context.Context, domain string) ([]Service, error) {
	servers := d.Servers
	if len(servers) == 0 {
		conf, err := dns.ClientConfigFromFile("/etc/resolv.conf")
		if err != nil {
			return nil, fmt.Errorf("sipdoor: servers of the DNS: %w", err)
		}
		for _, s := range conf.Servers {
			servers = append(servers, net.JoinHostPort(s, conf.Port))
		}
	}
	ask := new(dns.Msg).SetQuestion(dns.Fqdn(domain), dns.TypeNAPTR)
	err := errors.New("sipdoor: no server of the DNS")
	for _, s := range servers {
		var answer *dns.Msg
		if answer, err = exchange(ctx, ask, s); err == nil {
			return servicesIn(answer), nil
		}
	}
	return nil, err
}

func exchange(ctx context.Context, ask *dns.Msg, server string) (*dns.Msg, error) {
	answer, _, err := (&dns.Client{Timeout: askWithin}).ExchangeContext(ctx, ask, server)
	if err == nil && answer.Truncated {
		answer, _, err = (&dns.Client{Net: "tcp", Timeout: askWithin}).ExchangeContext(ctx, ask, server)
	}
	if err != nil {
		return nil, fmt.Errorf("sipdoor: ask for NAPTR: %w", err)
	}
	return answer, nil
}

// servicesIn reads the records that lead to SRV records: those with the flag "s" (RFC 3263 §4.1).
func servicesIn(answer *dns.Msg) []Service {
	networks := map[string]string{"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}
	var out []Service
	for _, rr := range answer.Answer {
		n, ok := rr.(*dns.NAPTR)
		if !ok || !strings.EqualFold(n.Flags, "s") || n.Replacement == "." {
			continue
		}
		if network := networks[strings.ToUpper(n.Service)]; network != "" {
			out = append(out, Service{Order: n.Order, Preference: n.Preference, Network: network, Name: strings.TrimSuffix(n.Replacement, ".")})
		}
	}
	return out
}

// services is what a Resolver may know beside.
type services interface {
	Services(ctx context.Context, domain string) ([]Service, error)
}

// within is a resolver that finds only addresses which our sockets reach.
type within struct {
	Resolver
	family string // ip, ip4, ip6
}

// LookupNetIP implements Resolver.
func (w within) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	return w.Resolver.LookupNetIP(ctx, w.family, host)
}

// Services implements services; none where the resolver knows none.
func (w within) Services(ctx context.Context, domain string) ([]Service, error) {
	if s, ok := w.Resolver.(services); ok {
		return s.Services(ctx, domain)
	}
	return nil, nil
}
