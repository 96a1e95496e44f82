package calls

import (
	"fmt"
	"strings"

	"github.com/parley-voice/parley"
)

// plain are the headers of SIP messages whose values hold nobody's number or address. All others are shown by their names.
var plain = map[string]bool{
	"accept": true, "allow": true, "allow-events": true, "content-length": true, "l": true, "content-type": true, "c": true, "cseq": true,
	"event": true, "o": true, "expires": true, "max-forwards": true, "min-expires": true, "min-se": true, "privacy": true, "rack": true,
	"require": true, "proxy-require": true, "retry-after": true, "rseq": true, "session-expires": true, "x": true, "supported": true, "k": true,
	"subscription-state": true, "unsupported": true,
}

// mask takes numbers, addresses and bodies out of messages. What stays is named; nothing is searched for.
func mask(ms []parley.SIPMessage) {
	peers := map[string]string{}
	for i := range ms {
		m := &ms[i]
		if peers[m.Peer] == "" {
			peers[m.Peer] = fmt.Sprintf("peer-%d", len(peers)+1)
		}
		m.Peer, m.Raw = peers[m.Peer], masked(m.Raw)
	}
}

func masked(raw string) string {
	head, body, whole := strings.Cut(raw, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	out := []string{maskedFirst(lines[0])}
	for _, l := range lines[1:] {
		name, value, ok := strings.Cut(l, ":")
		name = strings.TrimSpace(name)
		switch {
		case !ok || !token(name): // such as a header that goes on in the next line
			continue
		case plain[strings.ToLower(name)] && !strings.ContainsAny(value, "@:"):
			out = append(out, l)
		default:
			out = append(out, name+": …")
		}
	}
	text := strings.Join(out, "\r\n")
	if whole {
		text += "\r\n\r\n"
	}
	if body != "" {
		text += fmt.Sprintf("(%d bytes)", len(body))
	}
	return text
}

// maskedFirst keeps a status line's code, and the method of a request line.
func maskedFirst(line string) string {
	if rest, ok := strings.CutPrefix(line, "SIP/2.0 "); ok {
		code, reason, _ := strings.Cut(rest, " ")
		if len(code) != 3 || strings.ContainsAny(reason, "@:0123456789") {
			code, reason = code[:min(3, len(code))], "…"
		}
		return "SIP/2.0 " + code + " " + reason
	}
	method, _, _ := strings.Cut(line, " ")
	if !token(method) {
		return "…"
	}
	return method + " … SIP/2.0"
}

// token says whether a word is made of letters and what joins them, as methods and names of headers are.
func token(s string) bool {
	return s != "" && len(s) < 40 && strings.Trim(strings.ToUpper(s), "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") == ""
}
