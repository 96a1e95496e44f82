// Package egress is the one way out for whatever users configure: a dialer, an HTTP client and a test of addresses that refuse
// private, loopback, link-local and other special networks unless the operator allows them. A name is judged by the addresses that
// it resolves to at the moment of the connection, and redirects are not followed.
package egress

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// special are networks that are not the public internet (RFC 6890 and its registries), beyond what netip knows by name.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
}

// Guard judges addresses. The zero value allows public ones only.
type Guard struct {
	Allow []netip.Prefix
}

// Refused is the error of an address that is not allowed.
type Refused struct{ Addr netip.Addr }

func (e *Refused) Error() string {
	return fmt.Sprintf("%s is not a public address; the operator may add its network to egress.allow", e.Addr)
}

// Check is nil for an address that may be reached, else a *Refused.
func (g *Guard) Check(a netip.Addr) error {
	a = a.Unmap()
	for _, p := range g.Allow {
		if p.Contains(a) {
			return nil
		}
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return &Refused{a}
	}
	for _, p := range special {
		if p.Contains(a) {
			return &Refused{a}
		}
	}
	return nil
}

// Allowed is Check as a yes or no.
func (g *Guard) Allowed(a netip.Addr) bool { return g.Check(a) == nil }

// Dialer connects to allowed addresses only: the check runs on the resolved address, right before the connection.
func (g *Guard) Dialer() *net.Dialer {
	return &net.Dialer{Timeout: 5 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		return g.Check(ap.Addr())
	}}
}

// Client is an HTTP client over Dialer, without proxies and redirects.
func (g *Guard) Client(timeout time.Duration) *http.Client {
	d := g.Dialer()
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				return d.DialContext(ctx, network, addr)
			},
			TLSHandshakeTimeout: 5 * time.Second, MaxIdleConns: 20, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
