package grounded

import (
	"regexp"
	"strings"
	"unicode"
)

// passage is a sentence as the agent's texts hold it, before it is known to be a fact or an order.
type passage struct {
	text    string
	heading string // of a list or a question that it answers
	asked   bool   // the heading is the question that this answers
}

var (
	reBullet   = regexp.MustCompile(`^\s*(?:[-*•–▪]|\d+[.)])\s+`)
	reMarkup   = regexp.MustCompile("[*_`]{1,3}([^*_`]+)[*_`]{1,3}")
	reHeading  = regexp.MustCompile(`^#+\s*`)
	reQuestion = regexp.MustCompile(`(?i)(?:^|\s)(?:Q|question)\s*[:.]\s*`)
	reAnswer   = regexp.MustCompile(`(?i)(?:^|\s)(?:A|answer)\s*[:.]\s*`)
	reYes      = regexp.MustCompile(`^(?i:yes)[,.!]\s+`)
)

// passages cuts a text into sentences. Bullets, markup and headings are taken off, and a Q/A pair becomes its answer under its question.
func passages(text string) []passage {
	var out []passage
	heading := ""
	for _, line := range joinLines(text) {
		bare := strings.TrimSpace(reMarkup.ReplaceAllString(reBullet.ReplaceAllString(line, ""), "$1"))
		if reHeading.MatchString(bare) || strings.HasSuffix(bare, ":") {
			heading = strings.TrimSuffix(reHeading.ReplaceAllString(bare, ""), ":")
			continue
		}
		if reQuestion.MatchString(bare) {
			pairs, open := questionPairs(bare)
			out = append(out, pairs...)
			heading = open
			continue
		}
		if loc := reAnswer.FindStringIndex(bare); loc != nil && loc[0] == 0 {
			bare = bare[loc[1]:]
		}
		under, open := answered(sentences(bare), heading)
		out = append(out, under...)
		if open != "" {
			heading = open
		}
	}
	return out
}

// answered sets sentences under their heading; a question among them is the heading of what follows it, on the next line if it is the last.
func answered(ss []string, heading string) (out []passage, open string) {
	for i, s := range ss {
		if asks := strings.HasSuffix(s, "?"); asks && i == len(ss)-1 {
			return out, s
		} else if asks {
			heading = s
			continue
		}
		asked := strings.HasSuffix(heading, "?")
		if asked {
			s = capital(reYes.ReplaceAllString(s, ""))
		}
		out = append(out, passage{text: s, heading: heading, asked: asked})
	}
	return out, ""
}

// joinLines undoes the wrapping of a paragraph: a line that ends without a stop goes on in the next one if that starts small.
func joinLines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if n := len(out); n > 0 && !strings.ContainsAny(out[n-1][len(out[n-1])-1:], ".!?:") && unicode.IsLower([]rune(line)[0]) {
			out[n-1] += " " + line
			continue
		}
		out = append(out, line)
	}
	return out
}

// questionPairs reads "Q: … A: … Q: … A: …"; a question without its answer on the same line is returned as the heading of what follows.
func questionPairs(line string) (out []passage, open string) {
	for _, part := range reQuestion.Split(line, -1) {
		loc := reAnswer.FindStringIndex(part)
		if loc == nil {
			open = strings.TrimSpace(part)
			continue
		}
		under, _ := answered(sentences(part[loc[1]:]), strings.TrimRight(strings.TrimSpace(part[:loc[0]]), "?")+"?")
		out = append(out, under...)
		open = ""
	}
	return out, open
}

// Words with a full stop that does not end a sentence.
var abbreviations = wordSet(`mr mrs ms dr st prof no e.g i.e a.m p.m approx incl tel vs ave rd etc inc ltd co`)

// sentences cuts at full stops, question and exclamation marks and semicolons, and gives each piece a capital and a stop.
func sentences(text string) []string {
	var out []string
	start := 0
	for i := 0; i < len(text); i++ {
		if !endsSentence(text, start, i) {
			continue
		}
		out = appendSentence(out, text[start:i+1])
		start = i + 1
	}
	return appendSentence(out, text[start:])
}

func endsSentence(text string, start, i int) bool {
	if !strings.ContainsRune(".!?;", rune(text[i])) {
		return false
	}
	rest := text[i+1:]
	if rest != "" && rest[0] != ' ' && rest[0] != '\n' && rest[0] != '"' {
		return false
	}
	if text[i] != '.' {
		return true
	}
	before := text[start:i]
	word := strings.ToLower(before[strings.LastIndexAny(before, " (")+1:])
	if word == "a.m" || word == "p.m" || word == "etc" {
		next := strings.TrimSpace(rest)
		return next != "" && unicode.IsUpper([]rune(next)[0])
	}
	return !abbreviations[word]
}

func appendSentence(out []string, s string) []string {
	s = strings.Trim(s, " \t\n;\"")
	if strings.Trim(s, ".!? ") == "" {
		return out
	}
	return append(out, capital(stopped(s)))
}

func stopped(s string) string {
	if s == "" || strings.ContainsRune(".!?", rune(s[len(s)-1])) {
		return s
	}
	return strings.TrimRight(s, ",: ") + "."
}

func capital(s string) string {
	r := []rune(s)
	if len(r) > 0 {
		r[0] = unicode.ToUpper(r[0])
	}
	return string(r)
}
