package sipdoor

import (
	"net/url"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley"
)

// userOf is the user or number in a URI, without parameters and escapes.
func userOf(u *sip.Uri) string {
	s := u.User
	if u.Scheme == "tel" {
		s = u.Raw()
	}
	s, _, _ = strings.Cut(s, ";")
	if plain, err := url.PathUnescape(s); err == nil {
		s = plain
	}
	return s
}

// dialled are the candidates for the dialled number, most trusted first.
func dialled(m *sip.Request) []string {
	var out []string
	for _, s := range []string{userOf(&m.Recipient), userOf(&m.To().Address)} {
		if s != "" && (len(out) == 0 || out[0] != s) {
			out = append(out, s)
		}
	}
	return out
}

// callerOf is the caller's number: as asserted by a trunk that we know (RFC 3325), else as From says.
func callerOf(m *sip.Request, trusted bool) string {
	if trusted && withheld(m) {
		return parley.Anonymous
	}
	if trusted {
		for _, h := range m.GetHeaders("P-Asserted-Identity") {
			if s := asserted(h.Value()); s != "" {
				return s
			}
		}
	}
	if s := userOf(&m.From().Address); !nameless(s, m.From().Address.Host) && !withheld(m) {
		return s
	}
	return parley.Anonymous
}

// withheld says that the caller asked for privacy (RFC 3323 §4.2).
func withheld(m *sip.Request) bool {
	for _, h := range m.GetHeaders("Privacy") {
		for value := range strings.FieldsFuncSeq(strings.ToLower(h.Value()), func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
			switch value {
			case "id", "user", "header", "full":
				return true
			}
		}
	}
	return false
}

func nameless(user, host string) bool {
	switch strings.ToLower(user) {
	case "", parley.Anonymous, "unknown", "restricted", "unavailable", "private":
		return true
	}
	return strings.EqualFold(host, "anonymous.invalid")
}

// asserted is the number in a P-Asserted-Identity, of which one header may hold two: sip and tel.
func asserted(value string) string {
	for part := range strings.SplitSeq(value, ",") {
		if i, j := strings.IndexByte(part, '<'), strings.IndexByte(part, '>'); i >= 0 && j > i {
			part = part[i+1 : j]
		}
		var u sip.Uri
		if sip.ParseUri(strings.TrimSpace(part), &u) == nil {
			if s := userOf(&u); !nameless(s, u.Host) {
				return s
			}
		}
	}
	return ""
}
