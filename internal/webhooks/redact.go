package webhooks

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/parley-voice/parley"
)

// Bounds of what a log keeps or shows, in bytes.
const (
	mostResponse = 16 << 10
	mostHeaders  = 8 << 10
	mostRequest  = 64 << 10
)

// hidden stands for what logs do not show.
const hidden = "[redacted]"

// beyond is how many bytes more than a log keeps are read of an answer, so that no secret is cut in two before it is taken out.
const beyond = 1 << 10

// leastSecret is the length from which a header's value is searched for in answers; a shorter one is no secret and may stand anywhere.
const leastSecret = 6

// redactor takes the secrets of a webhook out of what a receiver answered.
type redactor struct{ replace *strings.Replacer }

func newRedactor(secret []byte, headers []parley.Header) redactor {
	words := []string{string(secret)}
	for _, h := range headers {
		words = append(words, h.Value)
		if _, credential, ok := strings.Cut(h.Value, " "); ok { // Bearer …, Basic …
			words = append(words, credential)
		}
	}
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) }) // the longest first
	var pairs []string
	for _, s := range words {
		if len(s) >= leastSecret {
			pairs = append(pairs, s, hidden)
		}
	}
	return redactor{strings.NewReplacer(pairs...)}
}

// response is the beginning of an answer as text.
func (r redactor) response(b []byte) string {
	s := r.replace.Replace(strings.ReplaceAll(string(b), "\x00", ""))
	return strings.ToValidUTF8(s[:min(len(s), mostResponse)], "\uFFFD")
}

// secretHeader matches headers of an answer whose values let somebody in.
var secretHeader = regexp.MustCompile(`(?i)cookie|authenti|authori|token|secret|api-?key`)

// headers are those of an answer, as far as there is room.
func (r redactor) headers(h http.Header) map[string]string {
	out, left := map[string]string{}, mostHeaders
	for name, values := range h {
		v := r.response([]byte(strings.Join(values, ", ")))
		if secretHeader.MatchString(name) {
			v = hidden
		}
		if left -= len(name) + len(v); left < 0 {
			break
		}
		out[name] = v
	}
	return out
}

// secretKey matches fields of a body whose values logs do not show.
var secretKey = regexp.MustCompile(`(?i)passw|secret|token|authorization|api_?key|credential|card_?number|cvv|\bpin\b`)

// Redacted is a body as logs show it: an object without what looks like a secret. One that is too large only says so.
func Redacted(body []byte) map[string]any {
	var v map[string]any
	if len(body) > mostRequest {
		return map[string]any{"omitted": "The request is too large to be shown.", "bytes": len(body)}
	}
	if len(body) == 0 || decode(body, &v) != nil {
		return nil
	}
	return redact(v).(map[string]any)
}

func redact(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if secretKey.MatchString(k) && e != nil {
				v[k] = hidden
				continue
			}
			v[k] = redact(e)
		}
	case []any:
		for i, e := range v {
			v[i] = redact(e)
		}
	}
	return v
}
