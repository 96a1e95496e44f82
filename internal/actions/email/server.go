package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail/smtp"

	"github.com/parley-voice/parley"
)

// mostHeard bounds what a server says in all, in bytes.
const mostHeard = 256 << 10

var (
	errPlain  = errors.New("email: the server offers no STARTTLS")
	errLogin  = errors.New("email: the server does not take the credentials")
	errWindy  = errors.New("email: the server says too much")
	errNoAuth = errors.New("email: the server offers neither PLAIN nor LOGIN")
)

// send hands a letter to the server of a config.
func (e *Email) send(ctx context.Context, c parley.Config, l *letter) error {
	host := c.Text("host")
	plain, err := e.dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(c.Int("port"))))
	if err != nil {
		return err
	}
	var conn net.Conn = &bounded{plain, mostHeard}
	stop := context.AfterFunc(ctx, func() { _ = plain.Close() }) // ends every step
	defer func() { stop(); _ = plain.Close() }()                 // what was to be sent is sent
	secure := &tls.Config{ServerName: host, RootCAs: e.roots, MinVersion: tls.VersionTLS12}
	if c.Text("security") == byTLS {
		conn = tls.Client(conn, secure)
	}
	client, err := smtp.NewClient(conn, host)
	if err != nil {
		return fmt.Errorf("email: no greeting: %w", err)
	}
	if err := greet(client, plain.LocalAddr(), c, secure); err != nil {
		return err
	}
	if err := hand(client, l); err != nil {
		return err
	}
	_ = client.Quit() // it has the letter
	return nil
}

// greet says who we are, encrypts, and shows the credentials.
func greet(client *smtp.Client, local net.Addr, c parley.Config, secure *tls.Config) error {
	if err := client.Hello(literal(local)); err != nil {
		return fmt.Errorf("email: hello: %w", err)
	}
	if c.Text("security") == byStartTLS {
		if offered, _ := client.Extension("STARTTLS"); !offered {
			return errPlain
		}
		if err := client.StartTLS(secure); err != nil {
			return fmt.Errorf("email: TLS: %w", err)
		}
	}
	name, password := c.Text("username"), c.Text("password")
	if name == "" {
		return nil
	}
	_, offered := client.Extension("AUTH")
	ways := strings.Fields(strings.ToUpper(offered))
	var by smtp.Auth
	switch {
	case slices.Contains(ways, "PLAIN"):
		by = smtp.PlainAuth("", name, password, secure.ServerName, false)
	case slices.Contains(ways, "LOGIN"):
		by = smtp.LoginAuth(name, password, secure.ServerName, false)
	default:
		return errNoAuth
	}
	err := client.Auth(by)
	var answered *textproto.Error
	if errors.As(err, &answered) && answered.Code/100 == 5 {
		return errLogin
	}
	return err
}

// literal is how a client without a name of its own calls itself (RFC 5321 §4.1.3).
func literal(local net.Addr) string {
	at, ok := local.(*net.TCPAddr)
	switch {
	case !ok:
		return "[127.0.0.1]"
	case at.IP.To4() == nil:
		return "[IPv6:" + at.IP.String() + "]"
	}
	return "[" + at.IP.String() + "]"
}

// hand gives the letter away.
func hand(client *smtp.Client, l *letter) error {
	client.SkipSMTPUTF8(ascii(l.from) && ascii(l.to)) // not every server behind this one takes it
	if err := client.Mail("<" + l.from + ">"); err != nil {
		return fmt.Errorf("email: sender: %w", err)
	}
	if err := client.Rcpt("<" + l.to + ">"); err != nil {
		return fmt.Errorf("email: recipient: %w", err)
	}
	data, err := client.Data()
	if err != nil {
		return fmt.Errorf("email: data: %w", err)
	}
	_, err = l.message.WriteTo(data)
	if err == nil {
		err = data.Close()
	}
	if err != nil {
		return fmt.Errorf("email: text: %w", err)
	}
	return nil
}

func ascii(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > 126 })
}

// bounded is a connection over which only so much is heard.
type bounded struct {
	net.Conn
	left int
}

// Read implements net.Conn.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errWindy
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
