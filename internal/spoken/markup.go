package spoken

import (
	"regexp"
	"strings"
)

var (
	reLink     = regexp.MustCompile(`!?\[([^\]\n]+)\]\(([^)\n]*)\)`)
	reEmphasis = regexp.MustCompile("\\*{1,3}([^*\\n]+)\\*{1,3}|`+([^`\\n]+)`+")
	reBullet   = regexp.MustCompile(`^\s*(?:#{1,6}|[-*•>])\s+`)
)

// signs that are said as words, if something stands on both sides or behind.
var signs = map[string]string{"&": "and", "@": "at", "=": "equals", "→": "to", "~": "about", "≈": "about", "±": "plus or minus"}

// sign says signs that stand by themselves, and "#" in front of a number.
func sign(c cursor) (string, int) {
	if m := reHash.FindStringSubmatch(c.rest); m != nil && closed(c.rest[len(m[0]):]) {
		if len(m[1]) >= 4 {
			return "number " + grouped(m[1]), len(m[0])
		}
		return "number " + m[1], len(m[0])
	}
	for s, word := range signs {
		if rest, ok := strings.CutPrefix(c.rest, s); ok {
			if s == "~" && digit(rest) {
				return word + " ", len(s)
			}
			if strings.HasPrefix(rest, " ") && (c.before == "" || strings.HasSuffix(c.before, " ")) {
				return word, len(s)
			}
		}
	}
	return "", 0
}

var reHash = regexp.MustCompile(`^#(\d{1,12})`)

var (
	reEmail   = regexp.MustCompile(`^[A-Za-z0-9][\w.+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+`)
	reWebsite = regexp.MustCompile(`^(https?://)?(www\.)?((?:[A-Za-z0-9-]+\.)+([A-Za-z]{2,}))(/[^\s,;!?()"]*)?(?:\?[^\s,;!()"]*)?`)
	reParts   = regexp.MustCompile(`[A-Za-z]+|[0-9]+|[^A-Za-z0-9]`)
	topLevel  = set("com org net edu gov io co uk de fr info biz ca au ai app dev es nl pt br eu health clinic")
	partWords = map[string]string{".": "dot", "@": "at", "-": "dash", "_": "underscore", "+": "plus", "/": "slash"}
	asWords   = set("com org net edu gov info biz www app dev health clinic")
)

// email says "info@example.co.uk" as "info at example dot co dot U K".
func email(c cursor) (string, int) {
	m := reEmail.FindString(c.rest)
	return inParts(m), len(m)
}

// website says an address without its scheme, "www." and query.
func website(c cursor) (string, int) {
	m := reWebsite.FindStringSubmatch(c.rest)
	if m == nil || m[1] == "" && m[2] == "" && !topLevel[strings.ToLower(m[4])] {
		return "", 0
	}
	whole := strings.TrimRight(m[0], ".")
	return inParts(m[3] + strings.TrimRight(m[5], "/.")), len(whole)
}

// inParts names the signs of an address and spells what is no word.
func inParts(address string) string {
	var out []string
	for _, p := range reParts.FindAllString(address, -1) {
		switch {
		case partWords[p] != "":
			out = append(out, partWords[p])
		case digit(p) && len(p) < 3:
			out = append(out, Cardinal(p))
		case digit(p):
			out = append(out, Digits(p))
		case asWords[strings.ToLower(p)] || len(p) > 2 && strings.ContainsAny(strings.ToLower(p), "aeiouy") || p == "co":
			out = append(out, p)
		default:
			out = append(out, strings.Join(strings.Split(strings.ToUpper(p), ""), " "))
		}
	}
	return strings.Join(out, " ")
}
