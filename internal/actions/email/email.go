// Package email sends an e-mail over SMTP (RFC 5321), encrypted by STARTTLS (RFC 3207) or from the first byte (RFC 8314). What callers said
// can end no header's line and add no address. No exchange outlives its context. It opens no socket but by the dialer that it is given.
package email

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/mail"
	"net/textproto"
	"strings"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/actions"
)

// mostSubject and mostBody bound an e-mail, in runes.
const mostSubject, mostBody = 200, 20000

// How the exchange with the server is encrypted.
const (
	byStartTLS = "starttls"
	byTLS      = "tls"
	byNone     = "none"
)

// dialer connects to where users may reach.
type dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Email is the integration. Make it with New.
type Email struct {
	dialer dialer
	roots  *x509.CertPool
}

var _ actions.Integration = (*Email)(nil)

// New makes it over a dialer that guards where connections go. roots are who vouch for servers; nil are the system's.
func New(d dialer, roots *x509.CertPool) *Email { return &Email{d, roots} }

// Entry implements actions.Integration.
func (*Email) Entry() parley.Integration {
	const inputs = "With the inputs of the action in it, such as {{name}}."
	return parley.Integration{
		ID: "5b0c5c1e-6f0a-4f44-9d3e-6f1d0b7f0a04", Identifier: parley.IntegrationSMTP, DisplayName: "E-mail", Category: "communication",
		Description: "Sends an e-mail over an SMTP server.",
		Settings: []parley.Setting{
			{Name: "host", Type: parley.SettingHost, Label: "Server", Required: true},
			{Name: "port", Type: parley.SettingInteger, Label: "Port", Min: 1, Max: 65535, Default: 587},
			{Name: "security", Type: parley.SettingSelect, Label: "Encryption", Options: []string{byStartTLS, byTLS, byNone}, Default: byStartTLS,
				Description: "Without any, no credentials are sent."},
			{Name: "username", Type: parley.SettingText, Label: "User name"},
			{Name: "password", Type: parley.SettingText, Label: "Password", Secret: true},
			{Name: "from", Type: parley.SettingEmail, Label: "From", Required: true},
			{Name: "to", Type: parley.SettingLine, Label: "To", Required: true, Description: "One address. " + inputs},
			{Name: "subject", Type: parley.SettingLine, Label: "Subject", Required: true, Description: inputs},
			{Name: "body", Type: parley.SettingTemplate, Label: "Text", Required: true, Description: inputs},
		},
	}
}

// Check implements actions.Integration.
func (*Email) Check(c parley.Config, faults *parley.Faults) {
	name, password := c.Text("username") != "", c.Text("password") != ""
	if name != password {
		faults.Add("config.password", "The config.password field is required with the user name, and only with it.")
	}
	if name && c.Text("security") == byNone {
		faults.Add("config.security", "The config.security must be starttls or tls where credentials are sent.")
	}
	if to := c.Text("to"); !strings.Contains(to, "{{") && !address(to) {
		faults.Add("config.to", "The selected config.to is invalid.")
	}
}

// address says whether a text is one address, as it is written without quotes or a name, and nothing else.
func address(text string) bool {
	a, err := mail.ParseAddress(text)
	return err == nil && a.Address == text && !strings.ContainsFunc(text, func(r rune) bool { return r == '"' || unicode.IsSpace(r) || unicode.IsControl(r) })
}

// Run implements actions.Integration.
func (e *Email) Run(ctx context.Context, o *actions.Order) ([]byte, error) {
	l, err := write(o)
	if err != nil {
		return nil, err
	}
	return told(e.send(ctx, o.Config, l))
}

// letter is an e-mail with what stands on its envelope.
type letter struct {
	from, to string
	message  *gomail.Msg
}

// write makes the e-mail. Its id is that of the action's running, so that one that is sent twice can be told from two.
func write(o *actions.Order) (*letter, error) {
	fill := func(name string) string { return parley.FillPlaceholders(o.Config.Text(name), o.Arguments, nil) }
	to := strings.TrimSpace(fill("to"))
	if !address(to) {
		return nil, &actions.Refusal{Message: "That is no valid e-mail address."}
	}
	from, err := mail.ParseAddress(o.Config.Text("from"))
	if err != nil {
		return nil, err
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := errors.Join(m.From(from.String()), m.To(to)); err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	m.Subject(clip(line(fill("subject")), mostSubject))
	m.SetDate()
	m.SetMessageIDWithValue(o.Run + "@" + domain)
	m.SetBodyString(gomail.TypeTextPlain, clip(fill("body"), mostBody))
	return &letter{from.Address, to, m}, nil
}

// line makes one line of any text, so that it can end no header's.
func line(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }), " ")
}

func clip(text string, most int) string {
	r := []rune(strings.ToValidUTF8(text, ""))
	return string(r[:min(len(r), most)])
}

// told says what became of an e-mail. What a server answered stands in no sentence of it: callers are not to hear of accounts.
func told(err error) ([]byte, error) {
	var answered *textproto.Error
	switch {
	case err == nil:
		return []byte(`{"ok":true,"message":"The e-mail was sent."}`), nil
	case errors.Is(err, errPlain):
		return nil, &actions.Refusal{Message: "The mail server does not take it encrypted."}
	case errors.Is(err, errLogin):
		return nil, &actions.Refusal{Message: "The mail server does not let us in."}
	case errors.As(err, &answered) && answered.Code/100 == 5: // for good (RFC 5321 §4.2.1)
		return nil, &actions.Refusal{Message: "The e-mail was not accepted by the mail server."}
	}
	return nil, err
}
