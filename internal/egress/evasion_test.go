package egress

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// names are what the test's own DNS answers, addresses in turn: a name with two is one that changes between check and use.
var names = map[string][]string{
	"plain.example.":   {"127.0.0.1"},
	"rebind.example.":  {"127.0.0.2", "127.0.0.1"}, // the first is allowed, and nobody listens there
	"both.example.":    {"127.0.0.1", "127.0.0.1"},
	"meta.example.":    {"169.254.169.254"},
	"private.example.": {"10.0.0.1"},
	"mapped.example.":  {"::ffff:127.0.0.1"},
	"six.example.":     {"::1"},
	"nat64.example.":   {"64:ff9b::7f00:1"},
	"zero.example.":    {"0.0.0.0"},
	"local.example.":   {"fe80::1"},
	"unique.example.":  {"fd00::1"},
	"multi.example.":   {"224.0.0.1"},
	"cgn.example.":     {"100.64.0.1"},
	"localhost.":       {"127.0.0.1"},
	"metadata.":        {"169.254.169.254"},
	// what other resolvers read as numbers
	"2130706433.": {"127.0.0.1"}, "0x7f000001.": {"127.0.0.1"}, "017700000001.": {"127.0.0.1"}, "0x7f.1.": {"127.0.0.1"},
	"127.1.": {"127.0.0.1"}, "127.0.1.": {"127.0.0.1"}, "0177.0.0.1.": {"127.0.0.1"}, "0x7f.0.0.1.": {"127.0.0.1"},
	"127.0.0.01.": {"127.0.0.1"}, "0300.0250.1.1.": {"192.168.1.1"}, "3232235777.": {"192.168.1.1"}, "0xa9fea9fe.": {"169.254.169.254"},
	"2852039166.": {"169.254.169.254"}, "127.0.0.1.nip.example.": {"127.0.0.1"}, "127.0.0.1.": {"127.0.0.1"}, "0.": {"0.0.0.0"},
	"xn--localhost.": {"127.0.0.1"},
}

// evasions are URLs that lead, or seem to lead, to this machine or its neighbours; PORT is a listening server's.
var evasions = []string{
	// addresses as such
	"http://127.0.0.1:PORT/", "http://127.0.0.3:PORT/", "http://127.255.255.254:PORT/", "http://0.0.0.0:PORT/", "http://0.1.2.3:PORT/",
	"http://[::1]:PORT/", "http://[::]:PORT/", "http://[0:0:0:0:0:0:0:1]:PORT/", "http://[0000::1]:PORT/",
	"http://[::ffff:127.0.0.1]:PORT/", "http://[::ffff:7f00:1]:PORT/", "http://[0:0:0:0:0:ffff:127.0.0.1]:PORT/", "http://[::127.0.0.1]:PORT/",
	"http://[64:ff9b::127.0.0.1]:PORT/", "http://[64:ff9b:1::7f00:1]:PORT/", "http://[2002:7f00:1::]:PORT/",
	"http://[2001:0:53aa:64c::]:PORT/", "http://[fe80::1%25lo]:PORT/", "http://[::1%25lo]:PORT/", "http://[64:ff9b::7f00:1%25lo]:PORT/",
	"http://[fec0::1]:PORT/", "http://[fd00::1]:PORT/", "http://[fc00::1]:PORT/", "http://[ff02::1]:PORT/", "http://[2001:db8::1]:PORT/",
	"http://10.0.0.1:PORT/", "http://172.16.0.1:PORT/", "http://172.31.255.255:PORT/", "http://192.168.0.1:PORT/", "http://100.64.0.1:PORT/",
	"http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/latest/meta-data/", "http://192.0.0.192/", "http://100.100.100.200/",
	"http://198.18.0.1:PORT/", "http://192.0.2.1:PORT/", "http://203.0.113.1:PORT/", "http://224.0.0.1:PORT/", "http://255.255.255.255:PORT/",
	"http://240.0.0.1:PORT/",
	// other ways to write them
	"http://2130706433:PORT/", "http://0x7f000001:PORT/", "http://017700000001:PORT/", "http://0x7f.1:PORT/", "http://127.1:PORT/",
	"http://127.0.1:PORT/", "http://0177.0.0.1:PORT/", "http://0x7f.0.0.1:PORT/", "http://127.0.0.01:PORT/", "http://0300.0250.1.1:PORT/",
	"http://3232235777:PORT/", "http://0xa9fea9fe/", "http://2852039166/", "http://0:PORT/", "http://127.0.0.1.:PORT/",
	"http://%31%32%37%2e%30%2e%30%2e%31:PORT/", "http://１２７.0.0.1:PORT/", "http://127。0。0。1:PORT/", "http://ⓛocalhost:PORT/",
	// names
	"http://localhost:PORT/", "http://LOCALHOST:PORT/", "http://localhost.:PORT/", "http://metadata/", "http://plain.example:PORT/",
	"http://rebind.example:PORT/", "http://both.example:PORT/", "http://meta.example/", "http://private.example/", "http://mapped.example:PORT/",
	"http://six.example:PORT/", "http://nat64.example:PORT/", "http://zero.example:PORT/", "http://local.example/", "http://unique.example/",
	"http://multi.example/", "http://cgn.example/", "http://127.0.0.1.nip.example:PORT/", "http://xn--localhost:PORT/",
	// what parsers read differently
	"http://8.8.8.8@127.0.0.1:PORT/", "http://user:secret@localhost:PORT/", "http://8.8.8.8:80@127.0.0.1:PORT/", "http://127.0.0.1:PORT#@8.8.8.8/",
	"http://127.0.0.1:PORT?@8.8.8.8/", `http://8.8.8.8\@127.0.0.1:PORT/`, "http://127.0.0.1:PORT\t/", "http://\x00127.0.0.1:PORT/",
	"http:127.0.0.1:PORT/", "http:///127.0.0.1:PORT/", "//127.0.0.1:PORT/", "127.0.0.1:PORT",
	// other schemes
	"file:///etc/passwd", "gopher://127.0.0.1:PORT/_", "ftp://127.0.0.1:PORT/", "unix:///var/run/docker.sock", "dict://127.0.0.1:PORT/",
	"javascript:alert(1)", "data:text/plain,hello", "jar:http://127.0.0.1:PORT!/", "ws://127.0.0.1:PORT/", "HTTP+UNIX://127.0.0.1:PORT/", "",
}

func TestEveryEvasionIsRefused(t *testing.T) {
	var hits atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	g := &Guard{Resolver: ownDNS(t), Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}}
	c := g.Client(3*time.Second, 1<<10)
	defer c.CloseIdleConnections()
	if len(evasions) < 60 {
		t.Fatalf("only %d evasions", len(evasions))
	}
	for _, raw := range evasions {
		raw = strings.ReplaceAll(raw, "PORT", port)
		for range 2 { // a name that is rebound leads here the second time
			res, err := c.Get(raw)
			if err == nil {
				_ = res.Body.Close()
				t.Errorf("%q was reached", raw)
			}
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

// An address that is allowed is reached by its name: the suite above fails for the right reason.
func TestAllowedNameIsReached(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	g := &Guard{Resolver: ownDNS(t), Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	c := g.Client(3*time.Second, 1<<10)
	defer c.CloseIdleConnections()
	for _, host := range []string{"plain.example", "both.example", "localhost"} {
		res, err := c.Get("http://" + net.JoinHostPort(host, port))
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		_ = res.Body.Close()
	}
}

// A redirect to a forbidden place is not followed, whatever its form, and an answer that is too long ends in an error.
func TestAnswersAreBounded(t *testing.T) {
	var asked atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if status, err := strconv.Atoi(r.URL.Query().Get("status")); err == nil {
			w.Header().Set("Location", "http://169.254.169.254/")
			w.WriteHeader(status)
			return
		}
		_, _ = w.Write(bytes.Repeat([]byte("x"), 2000))
	}))
	defer srv.Close()
	g := &Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	for size, want := range map[int64]error{1000: ErrTooLarge, 1999: ErrTooLarge, 2000: nil, 5000: nil} {
		c := g.Client(3*time.Second, size)
		res, err := c.Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = io.ReadAll(res.Body); !errors.Is(err, want) {
			t.Errorf("limit %d: %v, want %v", size, err, want)
		}
		_ = res.Body.Close()
		c.CloseIdleConnections()
	}
	before := asked.Load()
	c := g.Client(3*time.Second, 1000)
	defer c.CloseIdleConnections()
	for _, status := range []string{"301", "302", "303", "307", "308"} {
		res, err := c.Post(srv.URL+"?status="+status, "text/plain", strings.NewReader("x"))
		if err != nil || res.Header.Get("Location") == "" {
			t.Fatalf("%s: %v", status, err)
		}
		_ = res.Body.Close()
	}
	if n := asked.Load() - before; n != 5 {
		t.Errorf("%d requests for five redirects", n)
	}
}

// ownDNS is a resolver that asks a DNS server of the test.
func ownDNS(t *testing.T) *net.Resolver {
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = pc.Close(); <-done })
	go func() {
		defer close(done)
		asked, buf := map[string]int{}, make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply, err := answer(buf[:n], asked); err == nil {
				_, _ = pc.WriteTo(reply, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp4", pc.LocalAddr().String())
	}}
}

func answer(query []byte, asked map[string]int) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || len(m.Questions) != 1 {
		return nil, errors.New("not a question")
	}
	q := m.Questions[0]
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	all := names[strings.ToLower(q.Name.String())]
	if len(all) == 0 {
		m.RCode = dnsmessage.RCodeNameError
		return m.Pack()
	}
	h := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
	a := netip.MustParseAddr(all[min(asked[q.Name.String()]/2, len(all)-1)]) // A and AAAA are asked for together
	asked[q.Name.String()]++
	switch {
	case q.Type == dnsmessage.TypeA && a.Is4():
		m.Answers = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.AResource{A: a.As4()}}}
	case q.Type == dnsmessage.TypeAAAA && a.Is6():
		m.Answers = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}}}
	}
	return m.Pack()
}
