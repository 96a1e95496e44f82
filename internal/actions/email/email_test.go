package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"

	"github.com/parley-voice/parley/internal/actions/actionstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// post is a mail server.
type post struct {
	mails []string // recipient, then what was sent
	port  int
	roots *x509.CertPool
}

// session of a client.
type session struct {
	p  *post
	to string
}

func (*session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (*session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, name, password string) error {
		if name != "ann" || password != "hunter2" {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (*session) Mail(string, *smtp.MailOptions) error { return nil }
func (*session) Reset()                               {}
func (*session) Logout() error                        { return nil }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	switch name, _, _ := strings.Cut(to, "@"); name {
	case "nobody":
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	case "full":
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "mailbox full"}
	}
	s.to = to
	return nil
}

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	s.p.mails = append(s.p.mails, s.to+"\n"+string(b))
	return err
}

// open starts a mail server on loopback that is encrypted as said.
func open(t *testing.T, security string) *post {
	t.Helper()
	web := httptest.NewTLSServer(nil) // for its certificate, of 127.0.0.1
	t.Cleanup(web.Close)
	p := &post{roots: x509.NewCertPool()}
	p.roots.AddCert(web.Certificate())
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{p: p}, nil }))
	server.ErrorLog = log.New(io.Discard, "", 0)
	secure := &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12}
	if security == byStartTLS {
		server.TLSConfig = secure
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.port = l.Addr().(*net.TCPAddr).Port
	if security == byTLS {
		l = tls.NewListener(l, secure)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	t.Cleanup(func() { _ = l.Close(); _ = server.Close(); <-ended }) // Close does not reach a listener that is not served yet
	return p
}

func (p *post) config(change map[string]any) map[string]any {
	c := map[string]any{
		"host": "127.0.0.1", "port": float64(p.port), "username": "ann", "password": "hunter2", "from": "desk@parley.example",
		"to": "{{email}}", "subject": "Visit of {{name}}", "body": "Dear {{name}},\nsee you on {{day}}.",
	}
	for k, v := range change {
		c[k] = v
	}
	return c
}

func TestAnEmailIsSent(t *testing.T) {
	for _, name := range []string{byTLS, byStartTLS, byNone} {
		p, change := open(t, name), map[string]any{"security": name}
		if name == byNone {
			change["username"], change["password"] = "", ""
		}
		bench := actionstest.New(New(&net.Dialer{}, p.roots))
		got, ok := bench.Run(t, p.config(change), `{"email":"bob@parley.example","name":"Ann","day":"Monday"}`)
		if !ok || len(p.mails) != 1 || !strings.HasPrefix(p.mails[0], "bob@parley.example\n") || !strings.Contains(p.mails[0], "Subject: Visit of Ann\r\n") ||
			!strings.Contains(p.mails[0], "see you on Monday.") {
			t.Errorf("%s: told %s, sent %q; %s", name, got, p.mails, bench.Log)
		}
	}
}

func TestWhatACallerSaysAddsNoHeaderAndNoAddress(t *testing.T) {
	p := open(t, byStartTLS)
	bench := actionstest.New(New(&net.Dialer{}, p.roots))
	_, ok := bench.Run(t, p.config(nil), `{"email":"bob@parley.example","name":"Ann\r\nBcc: eve@parley.example\r\n\r\nhello"}`)
	if !ok || len(p.mails) != 1 {
		t.Fatalf("sent %q", p.mails)
	}
	head, _, _ := strings.Cut(p.mails[0], "\r\n\r\n")
	if strings.Contains(head, "\nBcc") || !strings.Contains(head, "Subject: Visit of Ann Bcc: eve@parley.example hello\r\n") {
		t.Errorf("sent %q", head)
	}
	for _, to := range []string{
		`bob@parley.example, eve@parley.example`, `\"bob eve\"@parley.example`,
		`bob@parley.example\r\nRCPT TO:<eve@parley.example>`, `Bob <bob@parley.example>`, ``,
	} {
		if got, ok := bench.Run(t, p.config(nil), `{"email":"`+to+`"}`); ok || !strings.Contains(got, "no valid e-mail address") {
			t.Errorf("%q: told %s", to, got)
		}
	}
	if len(p.mails) != 1 {
		t.Errorf("sent %q", p.mails)
	}
}

func TestAnEmailIsBoundedAndNamedByItsRunning(t *testing.T) {
	p := open(t, byStartTLS)
	b := actionstest.New(New(&net.Dialer{}, p.roots))
	a := b.Action(t, p.config(map[string]any{"from": "Front Desk <desk@parley.example>"}))
	got, ok := b.Actions.Request(t.Context(), "r1", a, []byte(`{"email":"bob@parley.example","name":"`+strings.Repeat("é", 30000)+`"}`))
	if !ok || len(p.mails) != 1 {
		t.Fatalf("told %s, sent %d; %s", got, len(p.mails), b.Log)
	}
	head, body, _ := strings.Cut(p.mails[0], "\r\n\r\n")
	if n := strings.Count(strings.ReplaceAll(body, "=\r\n", ""), "=C3=A9"); n != mostBody-len("Dear ") || len(head) > 3000 {
		t.Errorf("%d letters of text, a head of %d bytes", n, len(head))
	}
	if !strings.Contains(head, "Message-ID: <r1@parley.example>\r\n") || !strings.Contains(head, `From: "Front Desk" <desk@parley.example>`) ||
		strings.Contains(head, "go-mail") {
		t.Error(head)
	}
}

func TestWhyAnEmailIsNotSent(t *testing.T) {
	p, unable := open(t, byStartTLS), open(t, byNone)
	for rule, c := range map[string]struct {
		change map[string]any
		roots  *x509.CertPool
		want   string
	}{
		"a wrong password":             {map[string]any{"password": "wrong"}, p.roots, "does not let us in"},
		"nobody of that name":          {map[string]any{"to": "nobody@parley.example"}, p.roots, "not accepted"},
		"a mailbox that is full":       {map[string]any{"to": "full@parley.example"}, p.roots, "cannot be reached"},
		"a server nobody vouches for":  {nil, x509.NewCertPool(), "cannot be reached"},
		"nobody there":                 {map[string]any{"port": 1.0}, p.roots, "cannot be reached"},
		"a server that has no TLS yet": {map[string]any{"security": "tls"}, p.roots, "cannot be reached"},
		"a server without TLS":         {map[string]any{"port": float64(unable.port)}, p.roots, "does not take it encrypted"},
	} {
		got, ok := actionstest.New(New(&net.Dialer{}, c.roots)).Run(t, p.config(c.change), `{"email":"bob@parley.example"}`)
		if ok || len(p.mails)+len(unable.mails) != 0 || !strings.Contains(got, c.want) || strings.Contains(got, "hunter2") {
			t.Errorf("%s: told %s, sent %q", rule, got, p.mails)
		}
	}
}

func TestHostileServers(t *testing.T) {
	for rule, talk := range map[string]func(net.Conn){
		"silence": func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"a line without an end": func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, "220 welcome to "); err != nil {
					return
				}
			}
		},
		"another protocol":    func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") },
		"an end at the start": func(net.Conn) {},
		"silence after hello": func(c net.Conn) { _, _ = io.WriteString(c, "220 hi\r\n"); _, _ = io.Copy(io.Discard, c) },
	} {
		t.Run(rule, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				if c, err := l.Accept(); err == nil {
					talk(c)
					_ = c.Close()
				}
			}()
			defer func() { _ = l.Close(); <-ended }()
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			p := &post{port: l.Addr().(*net.TCPAddr).Port}
			got, ok := actionstest.New(New(&net.Dialer{}, nil)).RunIn(ctx, t, p.config(nil), `{"email":"bob@parley.example"}`)
			if ok || !strings.Contains(got, "cannot be reached") {
				t.Errorf("told %s", got)
			}
		})
	}
}

// shut refuses every address, as the guard does private ones.
type shut struct{}

func (shut) DialContext(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("refused")
}

func TestItConnectsByItsDialerAlone(t *testing.T) {
	for _, security := range []string{byStartTLS, byTLS, byNone} {
		p := open(t, security)
		change := map[string]any{"security": security, "username": "", "password": ""}
		if got, ok := actionstest.New(New(shut{}, p.roots)).Run(t, p.config(change), `{"email":"bob@parley.example"}`); ok || len(p.mails) != 0 {
			t.Errorf("%s: told %s", security, got)
		}
	}
}

func TestEntry(t *testing.T) {
	actionstest.Entry(t, New(&net.Dialer{}, nil))
	p := &post{port: 25}
	bench := actionstest.New(New(&net.Dialer{}, nil))
	for field, change := range map[string]map[string]any{
		"config.password": {"password": ""}, "config.security": {"security": "none"}, "config.to": {"to": "bob"}, "config.subject": {"subject": "a\nb"},
		"config.port": {"port": 0.0}, "config.from": {"from": "desk"}, "config.host": {"host": "a/b"},
	} {
		if f := bench.Faults(p.config(change)); len(f[field]) == 0 {
			t.Errorf("%s: %v", field, f)
		}
	}
}
