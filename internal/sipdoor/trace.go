package sipdoor

import (
	"bytes"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley"
)

// traced is how much of a message is handed out, in bytes.
const traced = 4 << 10

// tracer hands out the messages that pass the door, without credentials and media keys. Datagrams and what is sent come from the sockets,
// as they are on the wire; what connections bring comes from the parser.
type tracer func(networkID string, m parley.SIPMessage)

// wire takes a message as bytes.
func (t tracer) wire(sent bool, network string, peer netip.AddrPort, msg []byte) {
	if t == nil || !startsSIP(msg) {
		return
	}
	id := callIDOf(msg)
	if id == "" {
		return
	}
	raw := redact(string(msg))
	m := parley.SIPMessage{At: time.Now(), Sent: sent, Transport: network, Peer: netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port()).String()}
	raw = strings.ReplaceAll(strings.ToValidUTF8(raw, "?"), "\x00", "?") // PostgreSQL takes nothing else
	if m.Cut = len(raw) > traced; m.Cut {
		raw = strings.ToValidUTF8(raw[:traced], "")
	}
	m.Raw = raw
	t(id, m)
}

// parsed takes a message that a connection brought.
func (t tracer) parsed(m sip.Message) {
	if h := from(m); t != nil && h.network != "udp" {
		t.wire(false, h.network, h.addr, []byte(m.String()))
	}
}

// callIDOf finds the Call-ID of a message without parsing it.
func callIDOf(msg []byte) string {
	for len(msg) > 0 {
		line, rest, _ := bytes.Cut(msg, []byte("\r\n"))
		if len(line) == 0 {
			return ""
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok {
			switch n := string(bytes.TrimSpace(name)); {
			case len(n) == 1 && (n[0] == 'i' || n[0] == 'I'), len(n) == 7 && strings.EqualFold(n, "call-id"):
				return string(bytes.TrimSpace(value))
			}
		}
		msg = rest
	}
	return ""
}

var (
	uriPassword = regexp.MustCompile(`(?i)(sips?:[^\s:@<>"]*):[^\s@<>"]*@`)
	bodySecret  = regexp.MustCompile(`(?i)(inline:|a=ice-pwd:|\nk=\w+:)[^\s|;]+`)
	secretIn    = map[string]bool{
		"authorization": true, "proxy-authorization": true, "authentication-info": true, "proxy-authentication-info": true,
	}
)

const redacted = "(redacted)"

// redact takes out what opens doors: digests (RFC 3261 §22), passwords in URIs, keys of media (RFC 4568), keys that were pressed.
func redact(raw string) string {
	head, body, whole := strings.Cut(raw, "\r\n\r\n")
	lines := strings.Split(head, "\n")
	keep, secret := lines[:0], false
	for _, l := range lines {
		if secret && strings.HasPrefix(l, " ") || secret && strings.HasPrefix(l, "\t") {
			continue // the header goes on (RFC 3261 §7.3.1)
		}
		name, value, ok := strings.Cut(l, ":")
		if secret = ok && secretIn[strings.ToLower(strings.TrimSpace(name))]; secret {
			scheme, _, _ := strings.Cut(strings.TrimSpace(value), " ")
			if strings.ContainsAny(scheme, "=,") {
				scheme = ""
			}
			l = strings.TrimRight(name+": "+scheme, " ") + " " + redacted + "\r"
		}
		keep = append(keep, l)
	}
	out := strings.TrimSuffix(strings.Join(keep, "\n"), "\r")
	if mayHoldPassword(out) {
		out = uriPassword.ReplaceAllString(out, "${1}:"+redacted+"@")
	}
	if !whole {
		return out
	}
	if strings.HasPrefix(raw, "INFO ") && body != "" {
		body = redacted
	}
	if low := strings.ToLower(body); strings.Contains(low, "inline:") || strings.Contains(low, "ice-pwd") || strings.Contains(low, "\nk=") {
		body = bodySecret.ReplaceAllString(body, "${1}"+redacted)
	}
	return out + "\r\n\r\n" + body
}

// mayHoldPassword spares most messages the search: before some @ stands a colon that is not a scheme's.
func mayHoldPassword(head string) bool {
	for i := strings.IndexByte(head, '@'); i >= 0; {
		before := head[:i]
		if colon := strings.LastIndexAny(before, ":<>\" \t\r\n"); colon > 0 && before[colon] == ':' {
			if scheme := strings.ToLower(before[max(0, colon-4):colon]); !strings.HasSuffix(scheme, "sip") && scheme != "sips" {
				return true
			}
		}
		next := strings.IndexByte(head[i+1:], '@')
		if next < 0 {
			return false
		}
		i += 1 + next
	}
	return false
}

// tracedConn hands out what is sent over a connection; the library writes one message at a time.
type tracedConn struct {
	net.Conn
	trace   tracer
	network string
}

// Write implements net.Conn.
func (c *tracedConn) Write(b []byte) (int, error) {
	if at, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		c.trace.wire(true, c.network, at.AddrPort(), b)
	}
	return c.Conn.Write(b)
}
