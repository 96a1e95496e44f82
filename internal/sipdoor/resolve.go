package sipdoor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// most is how many addresses of a name are tried.
const most = 6

// resolve finds the hops behind a host, best first (RFC 3263 §4). A host may carry its port and, as a URI, its transport; an empty network
// leaves that to the DNS. Without a port of its own, or with the default one, NAPTR and SRV records go first; the addresses of a name with
// another port are looked up alone.
func resolve(ctx context.Context, r Resolver, host, network string, port int) ([]hop, error) {
	host, network, port = split(host, network, port)
	usual := network
	or(&usual, "udp")
	if a, err := netip.ParseAddr(host); err == nil {
		return []hop{{usual, netip.AddrPortFrom(a.Unmap(), portOr(port, usual)), host}}, nil
	}
	var hops []hop
	if port == 0 || port == sip.DefaultPort(usual) {
		for _, s := range servicesOf(ctx, r, host, network) {
			if hops = append(hops, bySRV(ctx, r, s, host)...); len(hops) >= most {
				break
			}
		}
	}
	if len(hops) == 0 {
		addrs, err := r.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return nil, fmt.Errorf("sipdoor: resolve: %w", err)
		}
		hops = append(hops, hopsOf(addrs, usual, portOr(port, usual), host)...)
	}
	if len(hops) == 0 {
		return nil, errors.New("sipdoor: the name has no address")
	}
	return hops[:min(len(hops), most)], nil
}

func portOr(port int, network string) uint16 {
	if port == 0 {
		port = sip.DefaultPort(network)
	}
	return uint16(port)
}

// servicesOf are the services of a domain, best first: as its NAPTR records say; without any, the usual names (RFC 3263 §4.1). A network
// leaves those of others out.
func servicesOf(ctx context.Context, r Resolver, domain, network string) []Service {
	var found []Service
	if s, ok := r.(services); ok {
		found, _ = s.Services(ctx, domain) // whose failure leaves the usual names
	}
	usual := []Service{
		{Network: "udp", Name: "_sip._udp." + domain}, {Network: "tcp", Name: "_sip._tcp." + domain}, {Network: "tls", Name: "_sips._tcp." + domain},
	}
	for _, all := range [][]Service{found, usual} {
		all = slices.DeleteFunc(all, func(s Service) bool { return network != "" && s.Network != network })
		slices.SortStableFunc(all, func(a, b Service) int {
			return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Preference, b.Preference))
		})
		if len(all) > 0 {
			return all
		}
	}
	return nil
}

// bySRV asks for a service's records, which come in the order to be tried in (RFC 2782). The certificate names the domain, not the
// target (RFC 5922 §4).
func bySRV(ctx context.Context, r Resolver, of Service, domain string) []hop {
	_, records, err := r.LookupSRV(ctx, "", "", of.Name)
	if err != nil {
		return nil
	}
	var hops []hop
	for _, s := range records {
		addrs, err := r.LookupNetIP(ctx, "ip", strings.TrimSuffix(s.Target, "."))
		if err == nil {
			hops = append(hops, hopsOf(addrs, of.Network, s.Port, domain)...)
		}
		if len(hops) >= most {
			break
		}
	}
	return hops
}

func hopsOf(addrs []netip.Addr, network string, port uint16, name string) []hop {
	var hops []hop
	for _, a := range addrs {
		hops = append(hops, hop{network, netip.AddrPortFrom(a.Unmap(), port), name})
	}
	return hops
}

// split reads "host", "host:port" or a URI. Without a transport the network is empty, without a usable port that is 0.
func split(host, network string, port int) (string, string, int) {
	var u sip.Uri
	if strings.HasPrefix(host, "sip") && sip.ParseUri(host, &u) == nil && u.Host != "" {
		host = u.Host
		if t, ok := u.UriParams.Get("transport"); ok {
			network = strings.ToLower(t)
		}
		port = u.Port
	} else if h, p, err := net.SplitHostPort(host); err == nil {
		host = h
		port, _ = strconv.Atoi(p)
	}
	if port < 0 || port > 65535 {
		port = 0
	}
	return strings.Trim(host, "[]"), network, port
}

// proxyOf is a trunk's outbound proxy, empty for none.
func proxyOf(t *Trunk) string {
	if t.OutboundProxy == nil {
		return ""
	}
	return *t.OutboundProxy
}

// hopsTo finds where requests to a trunk go, in the order to be tried, without addresses that a trunk may not lead to.
func (d *Door) hopsTo(ctx context.Context, t *Trunk) ([]hop, error) {
	host, port := t.Domain, t.Port
	if p := proxyOf(t); p != "" {
		host, port = p, 0
	}
	hops, err := resolve(ctx, d.deps.Resolver, host, t.Transport, port)
	if err != nil {
		return nil, err
	}
	d.health.downLast(hops)
	hops = slices.DeleteFunc(hops, func(h hop) bool { return !d.trunkMay(h.addr.Addr()) })
	if len(hops) == 0 {
		return nil, errors.New("sipdoor: the trunk leads to an address that is neither public nor in egress.allow")
	}
	return hops, nil
}

// trunkMay says that what users configure may lead to an address.
func (d *Door) trunkMay(a netip.Addr) bool {
	return d.deps.TrunkAllowed == nil || d.deps.TrunkAllowed(a)
}

// nextHop is where a request in a dialog goes: to its first route or target (RFC 3261 §12.2.1.1), unless that is an address behind
// somebody's NAT, or nowhere; then to where the peer speaks from. A connection that the peer holds open is used again.
func (d *Door) nextHop(p *peer) hop {
	next := p.next()
	network := "udp"
	if t, ok := next.UriParams.Get("transport"); ok {
		network = strings.ToLower(t)
	} else if p.source.network != "udp" {
		network = p.source.network
	}
	if next.IsEncrypted() {
		network = "tls"
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveWithin)
	defer cancel()
	hops, err := resolve(ctx, d.deps.Resolver, strings.Trim(next.Host, "[]"), network, next.Port)
	if err != nil || next.Host == "" {
		return p.source
	}
	to := hops[0]
	same := to.addr.Addr() == p.source.addr.Addr()
	switch {
	case !same && !reachable(to.addr.Addr()):
		return p.source
	case network != "udp" && network == p.source.network && (same || len(p.routes) == 0) && d.stack.connected(p.source):
		return p.source
	}
	return to
}

// reachable says that an address is one that everybody sees alike.
func reachable(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !netip.MustParsePrefix("100.64.0.0/10").Contains(a)
}
