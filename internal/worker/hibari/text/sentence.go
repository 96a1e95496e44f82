package text

import (
	"regexp"
	"strings"
	"unicode"
)

var (
	reEnd  = regexp.MustCompile(`[.!?…](["”’)\]]*\s+)`)
	reLine = regexp.MustCompile(`\n\s*`)
)

// Sentences cuts a text at its lines and at the ends of sentences; each is read by itself.
func (e *English) Sentences(text string) (out []string) {
	for _, line := range reLine.Split(text, -1) {
		line = strings.TrimSpace(line)
		begin := 0
		for _, m := range reEnd.FindAllStringSubmatchIndex(line, -1) {
			if end := m[2]; e.ends(line[begin:end], line[m[3]:]) {
				out = append(out, line[begin:end])
				begin = m[3]
			}
		}
		if begin < len(line) {
			out = append(out, line[begin:])
		}
	}
	return out
}

// ends says that a sentence ends between before and after: not behind a title or an initial, nor in front of a small letter.
func (e *English) ends(before, after string) bool {
	if after == "" || unicode.IsLower(first(after)) {
		return false
	}
	rest, point := strings.CutSuffix(before, ".")
	if !point {
		return true
	}
	w := strings.TrimLeft(rest[strings.LastIndexByte(rest, ' ')+1:], "(\"“'‘")
	_, title := e.normalizer.Titles[w]
	return !title && !(len([]rune(w)) == 1 && unicode.IsUpper(first(w)))
}
