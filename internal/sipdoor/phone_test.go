package sipdoor

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"go.uber.org/goleak"

	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/sipdoor/stream"
)

// The library's timers are package variables; the door's own are Config.
func TestMain(m *testing.M) {
	sip.SetTimers(25*time.Millisecond, 100*time.Millisecond, 100*time.Millisecond)
	sip.Timer_D = time.Second
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for what must come, fleeting how long for what must not.
const (
	patience = 10 * time.Second
	fleeting = 150 * time.Millisecond
)

func quick() Timers {
	return Timers{
		T1: 25 * time.Millisecond, T2: 100 * time.Millisecond, Ring: 5 * time.Second, Unreached: time.Second, CancelWait: 100 * time.Millisecond,
		Reply: 2 * time.Second, Close: 2 * time.Second, Trunks: 50 * time.Millisecond, Retry: 50 * time.Millisecond,
	}
}

type answers func(in media.Incoming)

func (f answers) Serve(_ context.Context, in media.Incoming) { f(in) }

// open starts a door on loopback and stops it with the test.
func open(t testing.TB, serve answers, change ...func(*Config, *Deps)) *Door {
	t.Helper()
	level := slog.LevelError
	if os.Getenv("SIP_LOG") != "" {
		level = slog.LevelDebug
	}
	cfg := Config{Addr: "127.0.0.1:0", Codecs: []stream.Codec{stream.PCMU, stream.PCMA}, Timers: quick(), Accept: Accept{Trunks: true, Loopback: true}}
	deps := Deps{Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: level}))}
	if serve != nil {
		deps.Answerer = serve
	}
	for _, f := range change {
		f(&cfg, &deps)
	}
	d, err := New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("the door does not close")
		}
		if n := d.dialogs.count(); n != 0 {
			t.Errorf("%d dialogs are left", n)
		}
	})
	<-d.started
	return d
}

// pickUp answers every call and hands out its leg.
func pickUp(legs chan media.Leg) answers {
	return func(in media.Incoming) {
		_ = in.Ring()
		leg, err := in.Answer(context.Background())
		if err != nil {
			return
		}
		legs <- leg
		<-leg.Done()
	}
}

// message is a SIP message as text.
type message struct {
	start  string
	header map[string][]string // by lower-case name
	body   string
	from   net.Addr
}

func parse(b []byte) *message {
	head, body, _ := bytes.Cut(b, []byte("\r\n\r\n"))
	lines := strings.Split(string(head), "\r\n")
	m := &message{start: lines[0], header: map[string][]string{}, body: string(body)}
	for _, l := range lines[1:] {
		name, value, _ := strings.Cut(l, ":")
		name = strings.ToLower(strings.TrimSpace(name))
		m.header[name] = append(m.header[name], strings.TrimSpace(value))
	}
	return m
}

func (m *message) get(name string) string {
	if v := m.header[strings.ToLower(name)]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func (m *message) tag(name string) string {
	_, tag, _ := strings.Cut(m.get(name), ";tag=")
	tag, _, _ = strings.Cut(tag, ";")
	return tag
}

// uri is what stands in a header's angle brackets.
func (m *message) uri(name string) string {
	_, v, _ := strings.Cut(m.get(name), "<")
	v, _, _ = strings.Cut(v, ">")
	return v
}

// phone is the other side of a door: a socket and a script.
type phone struct {
	t    testing.TB
	pc   net.PacketConn
	to   net.Addr
	in   chan *message
	call string
	tag  string
	seq  int

	behind string // what it takes for its address; empty for its own
}

// newPhone makes a phone that calls the door d; nil makes one that waits to be called.
func newPhone(t testing.TB, d *Door) *phone {
	t.Helper()
	return newPhoneAt(t, d, "127.0.0.1", 0)
}

func newPhoneAt(t testing.TB, d *Door, host string, port int) *phone {
	t.Helper()
	pc, err := net.ListenPacket("udp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	p := &phone{t: t, pc: pc, in: make(chan *message, 100), call: fmt.Sprintf("c%d@test", time.Now().UnixNano()), tag: "their-tag"}
	if d != nil {
		p.to = net.UDPAddrFromAddrPort(d.Addr())
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 65536)
		for {
			n, from, err := pc.ReadFrom(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				m := parse(buf[:n])
				m.from = from
				p.in <- m
			}
		}
	}()
	t.Cleanup(func() { _ = pc.Close(); <-done })
	return p
}

func (p *phone) addr() netip.AddrPort { return p.pc.LocalAddr().(*net.UDPAddr).AddrPort() }

func (p *phone) write(text string) {
	p.t.Helper()
	if _, err := p.pc.WriteTo([]byte(strings.ReplaceAll(text, "\n", "\r\n")), p.to); err != nil {
		p.t.Fatal(err)
	}
}

const plainSDP = "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 40000 RTP/AVP 8 0 101\na=rtpmap:101 telephone-event/8000\n"

// request writes a request; extra are whole header lines. It returns the branch.
func (p *phone) request(method string, opt req) string {
	p.t.Helper()
	if opt.seq == 0 {
		p.seq++
		opt.seq = p.seq
	}
	or(&opt.branch, "z9hG4bK"+rand.Text())
	or(&opt.uri, "sip:+15550100@"+p.to.String())
	to := "<sip:+15550100@" + p.to.String() + ">"
	if opt.toTag != "" {
		to += ";tag=" + opt.toTag
	}
	lines := []string{
		method + " " + opt.uri + " SIP/2.0", "Via: SIP/2.0/UDP " + p.addr().String() + ";branch=" + opt.branch + ";rport",
		"From: <sip:+15550199@" + p.addr().String() + ">;tag=" + p.tag, "To: " + to, "Call-ID: " + p.call,
		fmt.Sprintf("CSeq: %d %s", opt.seq, method), "Max-Forwards: 70", "Contact: <sip:phone@" + p.addr().String() + ">",
	}
	lines = append(lines, opt.extra...)
	body := strings.ReplaceAll(opt.body, "\n", "\r\n")
	if body != "" && !strings.Contains(strings.Join(opt.extra, "\n"), "Content-Type") {
		lines = append(lines, "Content-Type: application/sdp")
	}
	lines = append(lines, fmt.Sprintf("Content-Length: %d", len(body)), "", opt.body)
	p.write(strings.Join(lines, "\n"))
	return opt.branch
}

type req struct {
	branch, uri, toTag, body string
	seq                      int
	extra                    []string
}

func (p *phone) next(within time.Duration) *message {
	select {
	case m := <-p.in:
		return m
	case <-time.After(within):
		return nil
	}
}

// expect waits for a message whose first line holds what, and drops others.
func (p *phone) expect(what string) *message {
	p.t.Helper()
	end := time.Now().Add(patience)
	var seen []string
	for time.Now().Before(end) {
		m := p.next(time.Until(end))
		if m == nil {
			break
		}
		if strings.Contains(m.start, what) {
			return m
		}
		seen = append(seen, m.start)
	}
	p.t.Fatalf("no %q came, only %q", what, seen)
	return nil
}

// expectOf waits for a message with a value in a header.
func (p *phone) expectOf(what, header, value string) *message {
	p.t.Helper()
	for {
		if m := p.expect(what); strings.Contains(m.get(header), value) {
			return m
		}
	}
}

// drain drops what comes until nothing has come for a time.
func (p *phone) drain(quiet time.Duration) {
	m := p.next(quiet)
	for m != nil {
		m = p.next(quiet)
	}
}

// silent fails when a message whose first line holds what comes.
func (p *phone) silent(what string) {
	p.t.Helper()
	for end := time.Now().Add(fleeting); ; {
		m := p.next(time.Until(end))
		if m == nil {
			return
		}
		if strings.Contains(m.start, what) {
			p.t.Fatalf("unexpected %q", m.start)
		}
	}
}

// reply answers a request of the door's.
func (p *phone) reply(m *message, status string, toTag, body string, extra ...string) {
	p.t.Helper()
	p.to = m.from
	to := m.get("to")
	if toTag != "" && !strings.Contains(to, ";tag=") {
		to += ";tag=" + toTag
	}
	lines := []string{"SIP/2.0 " + status}
	for _, v := range m.header["via"] {
		lines = append(lines, "Via: "+v)
	}
	lines = append(lines, "From: "+m.get("from"), "To: "+to, "Call-ID: "+m.get("call-id"), "CSeq: "+m.get("cseq"))
	if !strings.HasSuffix(m.get("cseq"), "REGISTER") {
		lines = append(lines, "Contact: <sip:trunk@"+p.addr().String()+">")
	}
	lines = append(lines, extra...)
	crlf := strings.ReplaceAll(body, "\n", "\r\n")
	if body != "" {
		lines = append(lines, "Content-Type: application/sdp")
	}
	lines = append(lines, fmt.Sprintf("Content-Length: %d", len(crlf)), "", body)
	p.write(strings.Join(lines, "\n"))
}

// dial sets up a call to the door and returns its 200.
func (p *phone) dial() *message {
	p.t.Helper()
	p.request("INVITE", req{body: plainSDP})
	ok := p.expect("200 OK")
	p.ack(ok)
	return ok
}

// answer waits for the 200 to the last request; one that is repeated for an earlier one is not it.
func (p *phone) answer() *message {
	p.t.Helper()
	return p.expectOf("200 OK", "cseq", fmt.Sprint(p.seq, " "))
}

func (p *phone) ack(ok *message) {
	p.t.Helper()
	var seq int
	_, _ = fmt.Sscanf(ok.get("cseq"), "%d", &seq)
	p.request("ACK", req{seq: seq, uri: ok.uri("contact"), toTag: ok.tag("to")})
}

func get[T any](t testing.TB, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func udpAddr(t *testing.T, at string) net.Addr {
	t.Helper()
	a, err := netip.ParseAddrPort(at)
	if err != nil {
		t.Fatal(err)
	}
	return net.UDPAddrFromAddrPort(a)
}
