// Package egress is the one way out for whatever users configure: a dialer, an HTTP client and a test of addresses that refuse
// private, loopback, link-local and other special networks unless the operator allows them. A name is judged by the addresses that
// it resolves to at the moment of the connection, and redirects are not followed.
package egress

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// special are networks that are not the public internet (RFC 6890 and its registries), beyond what netip knows by name.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("3fff::/20"), netip.MustParsePrefix("5f00::/16"),
	netip.MustParsePrefix("fec0::/10"),
}

// Guard judges addresses. The zero value allows public ones only.
type Guard struct {
	Allow    []netip.Prefix
	Resolver *net.Resolver // nil is the system's
}

// Refused is the error of an address that is not allowed.
type Refused struct{ Addr netip.Addr }

func (e *Refused) Error() string {
	return fmt.Sprintf("%s is not a public address; the operator may add its network to egress.allow", e.Addr)
}

// Forbidden tells this error from others to those who do not know the package.
func (*Refused) Forbidden() bool { return true }

// Check is nil for an address that may be reached, else a *Refused.
func (g *Guard) Check(a netip.Addr) error {
	a = a.Unmap().WithZone("") // a prefix holds no address with a zone
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

// CheckURL says why a URL that a user configures can never be requested: it is no http or https URL, names no host, holds credentials,
// which would end up in logs, or names an address that is refused. A name is judged only when it is connected to.
func (g *Guard) CheckURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return errors.New("not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("neither http nor https")
	case u.Hostname() == "":
		return errors.New("no host")
	case u.User != nil:
		return errors.New("credentials belong into a header, not into the URL")
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		return g.Check(a)
	}
	return nil
}

// Dialer connects to allowed addresses only: the check runs on the resolved address, right before the connection.
func (g *Guard) Dialer() *net.Dialer {
	return &net.Dialer{Timeout: 5 * time.Second, Resolver: g.Resolver, Control: func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		return g.Check(ap.Addr())
	}}
}

// connections is how many connections one host gets at a time.
const connections = 16

// Client is an HTTP client over Dialer, without proxies and redirects. Reading more than most bytes of an answer fails with ErrTooLarge.
func (g *Guard) Client(timeout time.Duration, most int64) *http.Client {
	t := &http.Transport{
		DialContext: g.Dialer().DialContext, TLSHandshakeTimeout: 5 * time.Second, MaxIdleConns: 20, MaxConnsPerHost: connections,
		IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10,
	}
	return &http.Client{
		Timeout: timeout, Transport: &door{t, g, most},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// door is the round trip that judges the URL before and bounds the answer after.
type door struct {
	*http.Transport
	guard *Guard
	most  int64
}

// RoundTrip implements http.RoundTripper.
func (d *door) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := d.guard.CheckURL(r.URL.String()); err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	res, err := d.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = &bounded{res.Body, d.most}
	return res, nil
}

// ErrTooLarge says that an answer is longer than the client takes.
var ErrTooLarge = errors.New("egress: the answer is too large")

type bounded struct {
	io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		var one [1]byte
		n, err := b.ReadCloser.Read(one[:])
		if n > 0 {
			return 0, ErrTooLarge
		}
		return 0, err
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
